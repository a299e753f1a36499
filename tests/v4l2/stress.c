// SPDX-License-Identifier: GPL-2.0-only
/*
 * Everything at once, and a look at every byte
 *
 * stress [-m MINUTES] [-s SEED] [-w WORKERS]
 *
 * Worker processes call the V4L2 buffer API and the address space API from several
 * threads, without any order, on a video node each. Each has pieces of pageless memory:
 * of RAM that the kernel was not told of, and of the BAR of a display. A piece, or a
 * part of it, is taken away in one of many ways, and from then on it is filled with a
 * pattern that no camera captures, and looked at until it is given back. Memory between
 * the pieces has the pattern all the time. A byte that has changed is a stray write: it
 * is reported with what was done to the piece before, and the run ends.
 *
 * Workers are killed at random moments, and all that they had is looked at. The
 * sequence of each thread's calls depends on SEED alone; how they meet does not.
 *
 * Prints KTAP: that there was no stray byte, nothing is left, and capture works.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "vb2_pfn_target.h"
#include "vb2test.h"

#define PAGE		4096UL
#define MAX_WORKERS	8
#define PIECES		6	/* of a worker: the last third is in a BAR */
#define HISTORY		16
#define ARRAY_LEN(a)	(sizeof(a) / sizeof((a)[0]))
/* Below everything that mmap() chooses: nobody else's memory gets into a hole here. */
#define AREA		0x10000000UL

/* What was done to a piece, the newest last */
struct history {
	const char *what;
	unsigned int first, end;	/* pages */
	unsigned int ms;
};

/**
 * struct piece - memory to capture into
 * @fd: the owner's descriptor: maps it, takes it away, looks at it
 * @map_fd: what is mapped, @fd or the BAR as sysfs has it
 * @map_offset: and where
 * @phys: physical address
 * @size: in bytes
 * @addr: where it is mapped
 * @lock: held by whoever takes it away and gives it back
 * @key: makes the pattern another one each time
 * @history: what was done to it, a ring
 * @events: number of entries ever made in @history
 */
struct piece {
	int fd;
	int map_fd;
	off_t map_offset;
	uint64_t phys;
	size_t size;
	unsigned char *addr;
	pthread_mutex_t lock;
	uint32_t key;
	struct history history[HISTORY];
	unsigned int events;
};

/**
 * struct worker - what a worker process and the main one share
 * @node: number of its vivid instance
 * @pieces: its memory
 * @calls: calls made
 * @failed: calls that failed, which many have to
 * @frames: buffers that came back with a picture
 * @lost: buffers that came back without one
 * @taken: how often memory was taken away
 * @stray: a stray byte was found; the text is in @report
 * @ready: the worker has begun
 */
struct worker {
	unsigned int node;
	struct piece pieces[PIECES];
	atomic_ulong calls, failed, frames, lost, taken;
	atomic_bool stray, ready;
	char report[2048];
};

static struct worker *workers;	/* shared */
static unsigned int nr_workers = 3, minutes = 10;
static uint64_t seed;
static struct timespec began;

static unsigned int now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec - began.tv_sec) * 1000 +
	       (now.tv_nsec - began.tv_nsec) / 1000000;
}

/* splitmix64, see https://prng.di.unimi.it/splitmix64.c */
static uint64_t next_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static unsigned int pick(uint64_t *state, unsigned int n)
{
	return next_random(state) % n;
}

static void pause_us(unsigned int us)
{
	struct timespec t = { us / 1000000, us % 1000000 * 1000L };

	nanosleep(&t, NULL);
}

/*
 * The pattern
 */

/* No camera's: the value depends on the address and on a key that changes. */
static uint32_t pattern(uint32_t key, uint64_t word)
{
	return (uint32_t)(word * 2654435761U) ^ key;
}

static void fill_pattern(uint32_t *buf, size_t size, uint32_t key, uint64_t phys)
{
	size_t i;

	for (i = 0; i < size / 4; i++)
		buf[i] = pattern(key, phys / 4 + i);
}

/* Offset of the first byte that differs, or -1 */
static ssize_t find_stray(const uint32_t *buf, size_t size, uint32_t key, uint64_t phys)
{
	size_t i;

	for (i = 0; i < size / 4; i++)
		if (buf[i] != pattern(key, phys / 4 + i))
			return i * 4;
	return -1;
}

/* Through the owner's kernel mapping, which nothing that happens here affects */
static int put_pattern(int fd, uint64_t phys, off_t offset, size_t size, uint32_t key)
{
	static __thread uint32_t buf[16 * PAGE / 4];

	while (size) {
		size_t n = size < sizeof(buf) ? size : sizeof(buf);

		fill_pattern(buf, n, key, phys + offset);
		if (pwrite(fd, buf, n, offset) != (ssize_t)n)
			return -EIO;
		offset += n;
		size -= n;
	}
	return 0;
}

/* Offset of the first stray byte, -1 if there is none, or another negative errno */
static ssize_t look(int fd, uint64_t phys, off_t offset, size_t size, uint32_t key)
{
	static __thread uint32_t buf[16 * PAGE / 4];
	ssize_t stray;

	while (size) {
		size_t n = size < sizeof(buf) ? size : sizeof(buf);

		if (pread(fd, buf, n, offset) != (ssize_t)n)
			return -EIO;
		stray = find_stray(buf, n, key, phys + offset);
		if (stray >= 0)
			return offset + stray;
		offset += n;
		size -= n;
	}
	return -1;
}

/*
 * Pieces
 */

static void remember(struct piece *p, const char *what, unsigned int first,
		     unsigned int end)
{
	p->history[p->events++ % HISTORY] = (struct history) {
		what, first, end, now_ms(),
	};
}

static void report_stray(struct worker *w, struct piece *p, size_t offset)
{
	size_t n = 0;
	unsigned int i;

	if (atomic_exchange(&w->stray, true))
		return;
	n += snprintf(w->report, sizeof(w->report),
		      "%u ms: worker %td, piece %td (%#" PRIx64 "): byte %#zx was written to after",
		      now_ms(), w - workers, p - w->pieces, p->phys, offset);
	for (i = p->events > HISTORY ? p->events - HISTORY : 0; i < p->events; i++) {
		const struct history *h = &p->history[i % HISTORY];

		if (n < sizeof(w->report))
			n += snprintf(w->report + n, sizeof(w->report) - n,
				      "\n# %u ms: %s, pages %u to %u", h->ms, h->what,
				      h->first, h->end);
	}
}

static bool map_piece(struct piece *p, unsigned int first, unsigned int end)
{
	return mmap(p->addr + first * PAGE, (end - first) * PAGE,
		    PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, p->map_fd,
		    p->map_offset + first * PAGE) != MAP_FAILED;
}

/* Nothing of the process gets in there. */
static bool keep_place(unsigned char *addr, size_t size)
{
	return mmap(addr, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED |
		    MAP_NORESERVE, -1, 0) != MAP_FAILED;
}

/* Takes pages from @first to @end away. Returns how, or NULL if the kernel refused. */
static const char *take(struct piece *p, unsigned int *first, unsigned int *end,
			uint64_t *state)
{
	unsigned char *addr = p->addr + *first * PAGE, *elsewhere;
	size_t size = (*end - *first) * PAGE;

	switch (pick(state, 7)) {
	case 0:
		return keep_place(addr, size) ? "mmap over it" : NULL;
	case 1:
		if (munmap(addr, size))
			return NULL;
		keep_place(addr, size);
		return "munmap";
	case 2:
		return mprotect(addr, size, PROT_READ) ? NULL : "mprotect, read";
	case 3:
		return mprotect(addr, size, PROT_NONE) ? NULL : "mprotect, none";
	case 4:
		/* the mapping lives on where no buffer is */
		elsewhere = p->addr + MAX_WORKERS * PIECES * 0x1000000UL;
		if (mremap(addr, size, size, MREMAP_MAYMOVE | MREMAP_FIXED,
			   elsewhere) == MAP_FAILED)
			return NULL;
		keep_place(addr, size);
		munmap(elsewhere, size);
		return "mremap";
	default:
		/* the owner takes all of it, from the page tables of all */
		if (p->map_fd != p->fd)
			return mprotect(addr, size, PROT_READ) ? NULL : "mprotect, read";
		*first = 0;
		*end = p->size / PAGE;
		return ioctl(p->fd, VPT_ZAP) ? NULL : "zap";
	}
}

static void take_and_give(struct worker *w, struct piece *p, uint64_t *state)
{
	unsigned int pages = p->size / PAGE, first = 0, end = pages, looks;
	const char *how;
	ssize_t stray;

	if (pthread_mutex_trylock(&p->lock))
		return;
	if (pick(state, 2)) {
		first = pick(state, pages);
		end = first + 1 + pick(state, pages - first);
	}
	how = take(p, &first, &end, state);
	if (how) {
		p->key = next_random(state);
		stray = put_pattern(p->fd, p->phys, first * PAGE, (end - first) * PAGE,
				    p->key) ? -EIO : -1;
		remember(p, how, first, end);
		w->taken++;
		for (looks = pick(state, 3) + 1; stray == -1 && looks; looks--) {
			pause_us(pick(state, 40000));
			stray = look(p->fd, p->phys, first * PAGE,
				     (end - first) * PAGE, p->key);
		}
		if (stray != -1)
			report_stray(w, p, stray);
		ioctl(p->fd, VPT_RESTORE);
	}
	if (!map_piece(p, 0, pages))
		w->failed++;
	remember(p, "given back", 0, pages);
	pthread_mutex_unlock(&p->lock);
}

/*
 * What a worker's threads do
 */

struct job {
	struct worker *w;
	struct vt_node *node;
	unsigned char *anonymous;
	uint64_t state;
	void (*call)(struct job *job);
	unsigned int pause_us;
};

static bool ended(const struct worker *w)
{
	return w->stray;
}

static void result(struct job *job, int ret)
{
	job->w->calls++;
	if (ret < 0)
		job->w->failed++;
}

static unsigned char *somewhere(struct job *job)
{
	unsigned int n = pick(&job->state, PIECES + 1);

	return n == PIECES ? job->anonymous : job->w->pieces[n].addr;
}

static void call_queue(struct job *job)
{
	unsigned char *addr = somewhere(job);

	/* a page further, it reaches into what is never mapped */
	if (!pick(&job->state, 16))
		addr += PAGE;
	result(job, vt_qbuf(job->node, pick(&job->state, VT_BUFS + 1), addr));
}

static void call_dequeue(struct job *job)
{
	struct pollfd p = { .fd = job->node->fd, .events = POLLIN };
	__u32 flags;
	int ret;

	poll(&p, 1, 20);
	ret = vt_dqbuf(job->node, &flags);
	result(job, ret);
	if (ret >= 0 && flags & V4L2_BUF_FLAG_ERROR)
		job->w->lost++;
	else if (ret >= 0)
		job->w->frames++;
}

static int create_buffers(struct job *job)
{
	struct v4l2_create_buffers c = {
		.count = 1,
		.memory = pick(&job->state, 2) ? V4L2_MEMORY_USERPTR : V4L2_MEMORY_MMAP,
		.format.type = job->node->type,
	};

	if (ioctl(job->node->fd, VIDIOC_G_FMT, &c.format) ||
	    ioctl(job->node->fd, VIDIOC_CREATE_BUFS, &c))
		return -errno;
	return 0;
}

static int export_buffer(struct job *job)
{
	struct v4l2_exportbuffer e = { .type = job->node->type };

	if (ioctl(job->node->fd, VIDIOC_EXPBUF, &e))
		return -errno;
	close(e.fd);
	return 0;
}

static int prepare_buffer(struct job *job)
{
	struct v4l2_buffer b = {
		.type = job->node->type,
		.memory = V4L2_MEMORY_USERPTR,
		.index = pick(&job->state, VT_BUFS),
		.m.userptr = (unsigned long)somewhere(job),
		.length = job->node->size[0],
	};

	return ioctl(job->node->fd, VIDIOC_PREPARE_BUF, &b) ? -errno : 0;
}

static void call_queue_control(struct job *job)
{
	unsigned int memory = pick(&job->state, 8) ? V4L2_MEMORY_USERPTR :
						     V4L2_MEMORY_MMAP;
	int ret;

	switch (pick(&job->state, 16)) {
	case 0:
		ret = vt_streamoff(job->node);
		break;
	case 1:
		vt_streamoff(job->node);
		ret = vt_reqbufs(job->node, memory, pick(&job->state, VT_BUFS + 1));
		break;
	case 2:
		ret = create_buffers(job);
		break;
	case 3:
		ret = export_buffer(job);
		break;
	case 4:
	case 5:
	case 6:
		ret = prepare_buffer(job);
		break;
	case 7:
	case 8:
		ret = vt_reqbufs(job->node, V4L2_MEMORY_USERPTR, VT_BUFS);
		break;
	default:
		ret = vt_streamon(job->node);
	}
	result(job, ret);
}

static void call_take(struct job *job)
{
	take_and_give(job->w, &job->w->pieces[pick(&job->state, PIECES)], &job->state);
	result(job, 0);
}

/* Ordinary memory has its own ways of moving. */
static void call_advise(struct job *job)
{
	static const int advice[] = {
		MADV_DONTNEED, MADV_PAGEOUT, MADV_COLD, MADV_HUGEPAGE, MADV_NOHUGEPAGE,
		MADV_WILLNEED, MADV_MERGEABLE, MADV_UNMERGEABLE, MADV_DONTFORK,
		MADV_DOFORK, MADV_FREE, MADV_COLLAPSE,
	};
	unsigned char *addr = somewhere(job);

	result(job, madvise(addr + pick(&job->state, 4) * PAGE,
			    (1 + pick(&job->state, 8)) * PAGE,
			    advice[pick(&job->state, ARRAY_LEN(advice))]));
}

/* A child inherits the mappings, and the buffers that are queued are not for it. */
static void call_fork(struct job *job)
{
	static char * const argv[] = { "true", NULL };
	unsigned int what = pick(&job->state, 4);
	pid_t pid = fork();

	if (!pid) {
		if (what == 0)
			execv("/bin/true", argv);
		/* its own copy; the pieces are not its to capture into */
		if (what == 1)
			vt_qbuf(job->node, 0, job->anonymous);
		if (what == 2)
			pause_us(20000);
		_exit(0);
	}
	if (pid > 0 && what == 2)
		kill(pid, SIGKILL);
	if (pid > 0)
		waitpid(pid, NULL, 0);
	result(job, pid < 0 ? -errno : 0);
}

static void *run_job(void *arg)
{
	struct job *job = arg;

	while (!ended(job->w)) {
		job->call(job);
		if (job->pause_us)
			pause_us(pick(&job->state, job->pause_us));
	}
	return NULL;
}

/* Does not return. */
static void work(struct worker *w, uint64_t state)
{
	static const struct {
		void (*call)(struct job *job);
		unsigned int pause_us;
	} kinds[] = {
		{ call_queue, 0 },
		{ call_queue, 1000 },
		{ call_dequeue, 0 },
		{ call_queue_control, 20000 },
		{ call_take, 5000 },
		{ call_take, 20000 },
		{ call_advise, 5000 },
		{ call_fork, 100000 },
	};
	struct job jobs[ARRAY_LEN(kinds)];
	pthread_t threads[ARRAY_LEN(kinds)];
	struct vt_node node;
	unsigned int i;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (vt_open_vivid(&node, w->node, 160, 120, V4L2_PIX_FMT_RGB24) ||
	    fcntl(node.fd, F_SETFL, O_NONBLOCK))
		_exit(2);
	node.timeout_ms = 0;
	for (i = 0; i < PIECES; i++) {
		struct piece *p = &w->pieces[i];
		pthread_mutexattr_t attr;

		pthread_mutexattr_init(&attr);
		pthread_mutex_init(&p->lock, &attr);
		ioctl(p->fd, VPT_RESTORE);
		/* a page behind it that never is there */
		if (!keep_place(p->addr, p->size + PAGE) ||
		    !map_piece(p, 0, p->size / PAGE))
			_exit(3);
		remember(p, "mapped by a new process", 0, p->size / PAGE);
	}
	for (i = 0; i < ARRAY_LEN(kinds); i++) {
		jobs[i] = (struct job) {
			.w = w,
			.node = &node,
			.state = next_random(&state),
			.call = kinds[i].call,
			.pause_us = kinds[i].pause_us,
		};
		jobs[i].anonymous = mmap(NULL, 64 * PAGE, PROT_READ | PROT_WRITE,
					 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	}
	w->ready = true;
	for (i = 0; i < ARRAY_LEN(kinds); i++)
		if (pthread_create(&threads[i], NULL, run_job, &jobs[i]))
			_exit(4);
	for (i = 0; i < ARRAY_LEN(kinds); i++)
		pthread_join(threads[i], NULL);
	_exit(0);
}

/*
 * The main process: all memory, and the life of the workers
 */

/* From the beginning of one piece to the next; what is between has the pattern. */
#define STRIDE	(32 * PAGE)

/**
 * struct region - memory that nobody but the tests uses
 * @name: for messages
 * @fd: the whole of it
 * @phys: physical address
 * @size: in bytes
 * @pieces: number of pieces, which are at its beginning
 * @piece: size of each
 * @key: of the pattern
 */
struct region {
	const char *name;
	int fd;
	uint64_t phys;
	size_t size;
	unsigned int pieces;
	size_t piece;
	uint32_t key;
};

static struct region regions[2];

static int open_memory(uint64_t phys, size_t size, unsigned int mapping,
		       unsigned int cache)
{
	struct vpt_setup setup = {
		.backing = VPT_PHYS,
		.mapping = mapping,
		.cache = cache,
		.phys = phys,
		.size = size,
	};
	int fd = open("/dev/vb2_pfn_target", O_RDWR | O_CLOEXEC);

	if (fd >= 0 && ioctl(fd, VPT_SETUP, &setup)) {
		close(fd);
		return -errno;
	}
	return fd < 0 ? -errno : fd;
}

/* Calls @on for all that is not a piece: 0, or what it returned. */
static ssize_t for_each_gap(struct region *r,
			    ssize_t (*on)(struct region *r, size_t offset, size_t size))
{
	unsigned int i;
	ssize_t ret = 0;

	for (i = 0; i < r->pieces && !ret; i++)
		ret = on(r, i * STRIDE + r->piece, STRIDE - r->piece);
	return ret ? ret : on(r, r->pieces * STRIDE, r->size - r->pieces * STRIDE);
}

static ssize_t fill_gap(struct region *r, size_t offset, size_t size)
{
	return put_pattern(r->fd, r->phys, offset, size, r->key);
}

static ssize_t check_gap(struct region *r, size_t offset, size_t size)
{
	ssize_t stray = look(r->fd, r->phys, offset, size, r->key);

	if (stray == -1)
		return 0;
	printf("# %u ms: %s: byte %#zx, which is no target, was written to\n", now_ms(),
	       r->name, stray);
	return 1;
}

static bool gaps_are_whole(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_LEN(regions); i++)
		if (for_each_gap(&regions[i], check_gap))
			return false;
	return true;
}

static int make_regions(size_t piece, struct vt_bar *bar)
{
	const char *hidden = getenv("VT_HIDDEN");
	unsigned int i;

	regions[0].name = "hidden RAM";
	if (!hidden || sscanf(hidden, "%" SCNx64 ",%zx", &regions[0].phys,
			      &regions[0].size) != 2)
		return -ENODEV;
	regions[1] = (struct region) {
		.name = "BAR", .phys = bar->phys, .size = bar->size,
	};
	for (i = 0; i < ARRAY_LEN(regions); i++) {
		struct region *r = &regions[i];

		r->fd = open_memory(r->phys, r->size, VPT_LAZY, i ? VPT_UC : VPT_WB);
		if (r->fd < 0)
			return r->fd;
		r->piece = piece;
		r->key = seed + i;
	}
	return 0;
}

static int make_pieces(const char *resource)
{
	unsigned int i, n;

	for (i = 0; i < nr_workers * PIECES; i++) {
		struct piece *p = &workers[i / PIECES].pieces[i % PIECES];
		bool in_bar = i % PIECES >= PIECES * 2 / 3;
		struct region *r = &regions[in_bar];

		n = r->pieces++;
		p->phys = r->phys + n * STRIDE;
		p->size = r->piece;
		p->addr = (unsigned char *)AREA + i * 0x1000000UL;
		p->fd = open_memory(p->phys, p->size, i % 2 ? VPT_LAZY : VPT_EAGER,
				    in_bar ? VPT_UC : VPT_WB);
		if (p->fd < 0)
			return p->fd;
		p->map_fd = p->fd;
		/* as applications map it */
		if (in_bar && i % 2) {
			p->map_fd = open(resource, O_RDWR | O_CLOEXEC);
			p->map_offset = n * STRIDE;
		}
		if (p->map_fd < 0)
			return -errno;
	}
	for (i = 0; i < ARRAY_LEN(regions); i++)
		if (for_each_gap(&regions[i], fill_gap))
			return -EIO;
	return 0;
}

static pid_t start_worker(struct worker *w, uint64_t *state)
{
	uint64_t its = next_random(state);
	pid_t pid;

	w->ready = false;
	fflush(stdout);
	pid = fork();
	if (!pid)
		work(w, its);
	return pid;
}

/* Nothing is left of it, so nothing of what it had may be written to. */
static void bury_worker(struct worker *w, pid_t pid, unsigned int frame_us)
{
	unsigned int i;
	ssize_t stray;

	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	for (i = 0; i < PIECES; i++) {
		struct piece *p = &w->pieces[i];

		remember(p, "its process is dead", 0, p->size / PAGE);
		put_pattern(p->fd, p->phys, 0, p->size, ++p->key);
	}
	pause_us(3 * frame_us);
	for (i = 0; i < PIECES; i++) {
		struct piece *p = &w->pieces[i];

		stray = look(p->fd, p->phys, 0, p->size, p->key);
		if (stray != -1)
			report_stray(w, p, stray);
	}
}

static unsigned int tests;
static bool all_ok = true;

static void say(bool ok, const char *what)
{
	printf("%sok %u - %s\n", ok ? "" : "not ", ++tests, what);
	all_ok &= ok;
}

static void progress(unsigned int deaths)
{
	unsigned long calls = 0, failed = 0, frames = 0, lost = 0, taken = 0;
	unsigned int i;

	for (i = 0; i < nr_workers; i++) {
		calls += workers[i].calls;
		failed += workers[i].failed;
		frames += workers[i].frames;
		lost += workers[i].lost;
		taken += workers[i].taken;
	}
	printf("# %u s: %lu calls, %lu of them failed, %lu frames, %lu without memory, taken away %lu times, %u processes killed\n",
	       now_ms() / 1000, calls, failed, frames, lost, taken, deaths);
	fflush(stdout);
}

static bool captures(void)
{
	struct vt_target target = {};
	unsigned char *reference;
	struct vt_node node;
	__u32 flags = 0;
	bool ok;

	if (vt_open_vivid(&node, 0, 160, 120, V4L2_PIX_FMT_RGB24))
		return false;
	reference = vt_reference(&node);
	ok = reference && !vt_target_map(&target, VT_BAR, STRIDE, 1) &&
	     !vt_reqbufs(&node, V4L2_MEMORY_USERPTR, 1) &&
	     !vt_qbuf(&node, 0, target.map) && !vt_streamon(&node) &&
	     !vt_dqbuf(&node, &flags) && !(flags & V4L2_BUF_FLAG_ERROR) &&
	     vt_find_difference(target.map, reference, vt_frame_size(&node)) < 0;
	vt_close(&node);
	vt_target_unmap(&target);
	free(reference);
	return ok;
}

int main(int argc, char *argv[])
{
	pid_t pids[MAX_WORKERS];
	struct vt_bar bar;
	struct vt_node node;
	char resource[160];
	unsigned int i, deaths = 0, next_kill, next_look = 10000, frame_us;
	uint64_t state;
	bool whole = true, stray = false;
	size_t piece;
	int option, mappings;

	seed = time(NULL);
	while ((option = getopt(argc, argv, "m:s:w:")) != -1) {
		switch (option) {
		case 'm':
			minutes = atoi(optarg);
			break;
		case 's':
			seed = strtoull(optarg, NULL, 0);
			break;
		case 'w':
			nr_workers = atoi(optarg);
			break;
		default:
			return 2;
		}
	}
	if (!nr_workers || nr_workers > MAX_WORKERS)
		return 2;
	state = seed;
	clock_gettime(CLOCK_MONOTONIC, &began);
	printf("KTAP version 1\n1..5\n# SEED=%" PRIu64 "\n", seed);

	workers = mmap(NULL, nr_workers * sizeof(*workers), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (workers == MAP_FAILED ||
	    vt_open_vivid(&node, 0, 160, 120, V4L2_PIX_FMT_RGB24) ||
	    vt_bar_map(&bar, 0, 8 << 20)) {
		printf("Bail out! no vivid or no display\n");
		return 1;
	}
	piece = (vt_frame_size(&node) + PAGE - 1) & -PAGE;
	frame_us = node.frame_us;
	vt_close(&node);
	snprintf(resource, sizeof(resource), "%s/resource0", bar.dir);
	if (make_regions(piece, &bar) || make_pieces(resource)) {
		printf("Bail out! no memory to capture into\n");
		return 1;
	}
	mappings = vt_kernel_mappings();

	for (i = 0; i < nr_workers; i++) {
		workers[i].node = i;
		pids[i] = start_worker(&workers[i], &state);
	}
	next_kill = now_ms() + 5000;
	while (now_ms() < minutes * 60000 && !stray && whole) {
		pause_us(100000);
		for (i = 0; i < nr_workers; i++)
			stray |= workers[i].stray;
		if (now_ms() >= next_kill) {
			i = pick(&state, nr_workers);
			bury_worker(&workers[i], pids[i], frame_us);
			pids[i] = start_worker(&workers[i], &state);
			deaths++;
			next_kill = now_ms() + 1000 + pick(&state, 8000);
		}
		if (now_ms() >= next_look) {
			whole = gaps_are_whole();
			progress(deaths);
			next_look = now_ms() + 10000;
		}
	}
	for (i = 0; i < nr_workers; i++)
		bury_worker(&workers[i], pids[i], frame_us);
	progress(deaths);
	whole &= gaps_are_whole();
	for (i = 0; i < nr_workers; i++)
		if (workers[i].stray) {
			stray = true;
			printf("# %s\n", workers[i].report);
		}
	say(!stray, "no byte of what was taken away was written to");
	say(whole, "no byte that never was a target was written to");
	say(!vt_still_pinned(), "no page stays pinned");
	say(vt_kernel_mappings() == mappings, "no kernel mapping is left");
	for (i = 0; i < ARRAY_LEN(regions); i++)
		close(regions[i].fd);
	say(captures(), "capture works afterwards");
	return all_ok ? 0 : 1;
}
