/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The state machine of one dma-pfn buffer against the MMU notifier
 *
 * What drivers/media/common/videobuf2/{user_pfn_range,videobuf2-dma-pfn}.c, vb2 and a
 * driver do with one buffer whose memory has no struct page, while two owners take
 * that memory away: one that holds mmap_lock (munmap(), mprotect()), and one that does
 * not (a driver that zaps its mappings), which may be one that must not sleep (the OOM
 * reaper). Spin runs through all interleavings. The steps are those between which
 * another CPU can get in: what the kernel does under a spinlock is one step.
 *
 * Properties:
 *  - after the notifier has returned and the memory has changed hands, nothing writes
 *    to it, see write();
 *  - a picture of which something was lost is not handed out as complete, see dqbuf();
 *  - what the revocation works on is there, see iommu_revoke();
 *  - nobody waits for ever: no end state but those that are marked.
 *
 * -DWRITER=CPU, DEVICE, IOMMU or BOTH says who writes: the CPU in sections of
 * vb2_buffer_begin_cpu_access(); a device that the driver stops; a device behind an
 * I/O MMU whose driver has no buf_revoke(); such a device and the CPU.
 *
 * -DDEFECT=... takes one thing out that is there for a reason, to see the properties
 * violated. The names are those below.
 */
#define CPU	1
#define DEVICE	2
#define IOMMU	3
#define BOTH	4

#define NO_REVOKE		1	/* the notifier calls nobody */
#define COMMIT_ANYWAY		2	/* commit() does not look at the sequence */
#define MARK_LATE		3	/* the range is revoked after the writer was stopped */
#define FIRST_ONLY		4	/* who comes second does not wait for the writer */
#define NO_SECTION		5	/* the CPU does not take access_sem */
#define NO_CHECK		6	/* the writer does not ask vb2_buffer_revoked() */
#define UNMAP_FIRST		7	/* put: the mapping goes before the notifier */
#define LOCK_IN_SECTION		8	/* the CPU takes the queue lock in the section */
#define LOCK_IN_REVOKE		9	/* buf_revoke() takes the queue lock */
#define IGNORE_EAGAIN		10	/* who must not sleep goes on nevertheless */
#define NO_WAIT			11	/* read_begin() does not wait for the end */
#define DONE_ANYWAY		12	/* vb2 does not turn "done" into "error" */
#define FORGET_CPU		13	/* the I/O MMU is enough, whoever has an address */
#define UNLOCKED_START		14	/* the driver starts the device without its lock */

#ifndef DEFECT
#define DEFECT 0
#endif

#define USES_CPU	(WRITER == CPU || WRITER == BOTH)
#define USES_DMA	(WRITER != CPU)

/* How often each owner takes the memory away, and what the application does */
#ifndef ROUNDS
#define ROUNDS 2
#endif
#ifndef CALLS
#define CALLS 6
#endif
#define PIECES	(2 * ROUNDS + 1)

/*
 * Memory. The page table entry leads to a piece of it, or to none (0). A piece that was
 * taken away belongs to somebody else for ever; there is another one afterwards.
 */
byte pte = 1;
byte newest = 1;
bool foreign[PIECES + 1];

/* mmap_lock */
byte mmap_readers;
bool mmap_writer;

/* struct mmu_notifier_subscriptions, as in mm/mmu_notifier.c */
byte seq = 2;
byte active_ranges;
bool in_tree, insert_deferred, remove_deferred;

/* struct user_pfn_range, and the sequence of its notifier */
byte notifier_seq;
bool watched, committed, stale, revoked, stopped;
byte found;

/* The buffer, its DMA mapping and its kernel mapping (pieces; 0: none, or scratch) */
mtype = { DEQUEUED, QUEUED, ACTIVE, DONE, ERROR };
mtype state = DEQUEUED;
bool streaming, mapped, lost;
byte dma, vaddr;

/* Locks: of the queue, vb2_buffer.access_sem, of the driver */
bool queue_lock, driver_lock;
byte sections, section_waiters;
bool section_writer;

/* The device is writing; it has finished; its handler runs */
bool running, interrupt, handling;

#define LOCK(lock)	atomic { !lock -> lock = true }
#define UNLOCK(lock)	lock = false

inline write(piece)
{
	assert(piece != 0 && !foreign[piece])
}

/* vb2_buffer_done() */
inline done()
{
	atomic {
		if
		:: revoked && DEFECT != DONE_ANYWAY -> state = ERROR
		:: else -> state = DONE
		fi
	}
}

/*
 * The notifier
 */

inline notifier_insert()
{
	atomic {
		if
		:: active_ranges && (seq & 1) ->
			insert_deferred = true;
			notifier_seq = seq
		:: active_ranges && !(seq & 1) ->
			seq = seq | 1;
			in_tree = true;
			notifier_seq = seq
		:: else ->
			in_tree = true;
			notifier_seq = seq - 1
		fi
	}
}

/* user_pfn_range_unwatch(): waits for invalidations that are under way */
inline notifier_remove(wait)
{
	atomic {
		wait = 0;
		if
		:: !(seq & 1) -> in_tree = false
		:: (seq & 1) && insert_deferred -> insert_deferred = false
		:: (seq & 1) && !insert_deferred ->
			remove_deferred = true;
			wait = seq
		fi
	}
	!wait || seq != wait
}

inline invalidate_end()
{
	atomic {
		active_ranges--;
		if
		:: !active_ranges && (seq & 1) ->
			seq++;
			in_tree = (in_tree || insert_deferred) && !remove_deferred;
			insert_deferred = false;
			remove_deferred = false
		:: else
		fi
	}
}

/*
 * Revocation
 */

/* dma_revoke_sgtable() */
inline iommu_revoke()
{
	assert(mapped);
	dma = 0
}

/* vb2_ops_cpu_revoke() */
inline cpu_revoke(may_block, refused)
{
	if
	:: may_block ->
		section_waiters++;
		atomic { !sections && !section_writer -> section_writer = true };
		atomic { section_waiters--; section_writer = false }
	:: else ->
		atomic {
			refused = (sections > 0 || section_writer) && DEFECT != IGNORE_EAGAIN
		}
	fi
}

/* The buf_revoke() of a driver: it stops the device, under the lock that it starts it */
inline device_revoke()
{
	LOCK(driver_lock);
	if
	:: running ->
		running = false;
		state = ERROR
	:: else
	fi;
	UNLOCK(driver_lock)
}

inline revoke(may_block, refused)
{
#if DEFECT == LOCK_IN_REVOKE
	LOCK(queue_lock);
	UNLOCK(queue_lock);
#endif
#if DEFECT != NO_REVOKE
#if WRITER == DEVICE
	device_revoke();
#endif
#if WRITER == IOMMU || WRITER == BOTH
	iommu_revoke();
#endif
#if WRITER == CPU
	cpu_revoke(may_block, refused);
#endif
#if WRITER == BOTH && DEFECT != FORGET_CPU
	if
	:: vaddr -> cpu_revoke(may_block, refused)
	:: else
	fi;
#endif
#endif
	skip
}

/* user_pfn_range_invalidate() */
inline invalidate(may_block, current, call, refused)
{
	atomic {
		call = false;
		notifier_seq = current;
		if
		:: committed ->
			call = !stopped;
			if
			:: DEFECT == FIRST_ONLY && revoked -> call = false
			:: else
			fi;
			stale = true;
			revoked = revoked || DEFECT != MARK_LATE
		:: else
		fi
	}
	if
	:: call ->
		revoke(may_block, refused);
		if
		:: !refused ->
			atomic {
				revoked = true;
				stopped = true
			}
		:: else
		fi
	:: else
	fi
}

/* Takes the memory away, and gives the process other memory instead. */
proctype owner(bool has_mmap_lock; bool may_block)
{
	byte round, current, gone;
	bool hit, call, refused;

	for (round : 1 .. ROUNDS) {
		if
		:: has_mmap_lock ->
			atomic { !mmap_readers && !mmap_writer -> mmap_writer = true }
		:: else
		fi;

		atomic {
			refused = false;
			active_ranges++;
			hit = in_tree;
			if
			:: hit -> seq = seq | 1
			:: !hit
			/* the range of another buffer of the process */
			:: !hit -> seq = seq | 1
			fi;
			current = seq
		}
		if
		:: hit -> invalidate(may_block, current, call, refused)
		:: else
		fi;

		/* who was refused gives up, and has changed nothing */
		if
		:: !refused ->
			atomic {
				gone = pte;
				pte = 0;
				foreign[gone] = gone != 0;
				gone = 0
			}
		:: else
		fi;
		invalidate_end();

		if
		:: has_mmap_lock -> mmap_writer = false
		:: else
		fi;

		/* a page fault, at any later time */
		atomic {
			if
			:: !pte && newest < PIECES ->
				newest++;
				pte = newest
			:: else
			fi
		}
	}
}

/*
 * The application's calls, with the queue lock held
 */

/* user_pfn_range_lookup() and its commit, and the DMA mapping in between */
inline get_userptr(snapshot, wait, again)
{
	atomic {
		committed = false;
		stale = false;
		revoked = false;
		stopped = false
	}
	notifier_insert();
	again = true;
	do
	:: again ->
		/* mmu_interval_read_begin() */
		atomic {
			snapshot = notifier_seq;
			wait = (snapshot == seq && DEFECT != NO_WAIT -> seq : 0)
		}
		!wait || seq != wait;

		atomic { !mmap_writer -> mmap_readers++ };
		found = pte;
		mmap_readers--;

		if
		:: notifier_seq != snapshot		/* look again */
		:: else ->
			if
			:: !found -> again = false	/* EFAULT */
			:: else ->
				atomic { dma = found; mapped = true };
				/* user_pfn_range_commit() */
				atomic {
					committed = notifier_seq == snapshot ||
						    DEFECT == COMMIT_ANYWAY
				}
				if
				:: committed -> again = false
				:: else -> atomic { mapped = false; dma = 0 }
				fi
			fi
		fi
	:: else -> break
	od;
	if
	:: committed -> watched = true
	:: else -> notifier_remove(wait)
	fi;
	found = (committed -> found : 0)
}

inline put_userptr(wait)
{
	assert(!running && state != ACTIVE);
#if DEFECT == UNMAP_FIRST
	atomic { mapped = false; dma = 0 };
#endif
	notifier_remove(wait);
	atomic {
		vaddr = 0;
		mapped = false;
		dma = 0;
		watched = false
	}
}

inline qbuf(snapshot, wait, again)
{
	if
	:: watched && stale -> put_userptr(wait)
	:: else
	fi;
	if
	:: !watched -> get_userptr(snapshot, wait, again)
	:: else
	fi;
	if
	:: watched ->
#if USES_CPU
		/* buf_prepare(), under range->lock */
		vaddr = found;
#endif
		lost = false;
		state = QUEUED
	:: else
	fi
}

/* vb2_core_dqbuf(); the assertion and the look at the mark are one step, as the memory
 * may go right after it */
inline dqbuf()
{
	atomic {
		assert(state == ERROR || !lost || (revoked && DEFECT != DONE_ANYWAY));
		state = DEQUEUED
	}
}

/* vb2_core_streamoff(): stop_streaming() stops the writer, and waits for it */
inline streamoff()
{
	streaming = false;
#if USES_DMA
	LOCK(driver_lock);
	running = false;
	interrupt = false;
	UNLOCK(driver_lock);
	!handling;
#else
	state != ACTIVE;
#endif
	state = DEQUEUED
}

proctype application()
{
	byte call, snapshot, wait;
	bool again;

	for (call : 1 .. CALLS) {
		LOCK(queue_lock);
		if
		:: state == DEQUEUED -> qbuf(snapshot, wait, again)
		:: state == DONE || state == ERROR -> dqbuf()
		:: !streaming -> streaming = true
		:: streaming -> streamoff()
		/* VIDIOC_REQBUFS with a count of 0 */
		:: !streaming && watched && state == DEQUEUED -> put_userptr(wait)
		:: skip
		fi;
		UNLOCK(queue_lock)
	}
	/* close() */
	LOCK(queue_lock);
	streamoff();
	if
	:: watched -> put_userptr(wait)
	:: else
	fi;
	UNLOCK(queue_lock)
}

/*
 * Writers
 */

#if USES_CPU
inline cpu_section(written)
{
	written = false;
#if DEFECT != NO_SECTION
	atomic { !section_waiters && !section_writer -> sections++ };
#endif
	if
	:: revoked && DEFECT != NO_CHECK
	:: else ->
#if DEFECT == LOCK_IN_SECTION
		LOCK(queue_lock);
		UNLOCK(queue_lock);
#endif
		write(vaddr);
		write(vaddr);
		written = true
	fi;
#if DEFECT != NO_SECTION
	sections--
#endif
}
#endif

#if WRITER == CPU
/* The thread of a driver whose buffers the CPU fills */
proctype writer()
{
	bool written;

end:	do
	:: atomic { streaming && state == QUEUED -> state = ACTIVE };
		cpu_section(written);
		if
		:: written -> done()
		:: else -> state = ERROR
		fi
	od
}
#else
/* The driver: starts the device, and hears of its end */
proctype writer()
{
#if WRITER == BOTH
	bool written;

#endif
end:	do
#if DEFECT == UNLOCKED_START
	:: atomic { streaming && state == QUEUED };
#else
	:: atomic { streaming && state == QUEUED && !driver_lock -> driver_lock = true };
#endif
		if
#if WRITER == DEVICE
		/* one that an I/O MMU cuts off may go on */
		:: revoked && DEFECT != NO_CHECK -> state = ERROR
#endif
		:: else -> atomic {
				if
				:: streaming && state == QUEUED ->
					state = ACTIVE;
					running = true
				:: else
				fi
			}
		fi;
#if DEFECT != UNLOCKED_START
		UNLOCK(driver_lock)
#endif
	:: atomic { interrupt -> interrupt = false; handling = true };
#if WRITER == BOTH
		/* the CPU adds what the device can't do */
		cpu_section(written);
		if
		:: written -> done()
		:: else -> state = ERROR
		fi;
#else
		LOCK(driver_lock);
		if
		:: state == ACTIVE -> done()
		:: else
		fi;
		UNLOCK(driver_lock);
#endif
		handling = false
	od
}

/* Writes whenever it likes, until it has finished or is stopped */
proctype device()
{
end:	do
	:: atomic { running ->
			if
			:: !dma && mapped -> lost = true	/* the scratch page */
			:: else -> write(dma)
			fi
		}
	:: atomic { running -> running = false; interrupt = true }
	od
}
#endif

init
{
	atomic {
		run application();
		run writer();
#if USES_DMA
		run device();
#endif
		run owner(true, true);
		run owner(false, MAY_BLOCK)
	}
}
