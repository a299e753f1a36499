// SPDX-License-Identifier: GPL-2.0-only
/*
 * Everything at once, and a look at every byte
 *
 * stress [-m MINUTES] [-s SEED] [-e EVENTS] DRIVER...
 *
 * A worker process for each DRIVER (vivid's instances one after the other, tw68, nvmecap)
 * calls the V4L2 buffer API and the address space API from several threads, without any
 * order, on its video node. It has pieces of pageless memory: of RAM that the kernel was
 * not told of, and of the BARs of two displays. A piece, or a part of it, is taken away in
 * one of many ways, and from then on it is filled with a pattern that no camera captures,
 * and looked at until it is given back. Memory between the pieces has the pattern all the
 * time. A byte that has changed is a stray write: it is reported with what was done to the
 * piece before, and the run ends.
 *
 * Meanwhile the main process kills workers (k), unbinds and binds their drivers (u), pulls
 * and plugs a display (p), sends for the OOM killer (o), or uses up the machine's memory
 * (e): one of these every few seconds, picked from EVENTS. All that a worker had is looked
 * at afterwards. The sequence of each thread's calls depends on SEED alone; how they meet
 * does not.
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
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <linux/userfaultfd.h>

#include "vb2_pfn_target.h"
#include "vb2test.h"

#define PAGE		4096UL
#define MAX_WORKERS	8
/* Of each worker: hidden RAM, the BAR of one display, and that of one that is pulled */
#define PIECES		6
#define FIRST_IN_BAR	3
#define FIRST_PULLED	5
#define HISTORY		16
#define BUFFERS		8
#define BAR_SIZE	(4UL << 20)
#define ARRAY_LEN(a)	(sizeof(a) / sizeof((a)[0]))
/* Below everything that mmap() chooses: nobody else's memory gets into a hole here. */
#define AREA		0x10000000UL
#define AREA_EACH	0x1000000UL

/* What was done to a piece, the newest last */
struct history {
	const char *what;
	unsigned int first, end;	/* pages */
	unsigned int ms;
};

/**
 * struct piece - memory to capture into
 * @region: where it is
 * @fd: the owner's descriptor: maps it, takes it away
 * @map_fd: what is mapped, @fd or the BAR as sysfs has it
 * @offset: where it begins in the region
 * @owner_maps: @map_fd is @fd
 * @size: in bytes
 * @addr: where it is mapped
 * @lock: held by whoever takes it away and gives it back
 * @key: makes the pattern another one each time
 * @history: what was done to it, a ring
 * @events: number of entries ever made in @history
 */
struct piece {
	struct region *region;
	int fd;
	int map_fd;
	size_t offset;
	bool owner_maps;
	size_t size;
	unsigned char *addr;
	pthread_mutex_t lock;
	uint32_t key;
	struct history history[HISTORY];
	unsigned int events;
};

/**
 * struct region - memory that nobody but the tests uses
 * @name: for messages
 * @dir: sysfs directory of the display, "" if it is RAM
 * @map: all of it, for patterns
 * @phys: physical address
 * @size: in bytes
 * @pieces: number of pieces, which are at its beginning
 * @key: of the pattern in all that is no piece
 * @gone: the display is being pulled, or has been
 */
struct region {
	const char *name;
	char dir[128];
	volatile uint32_t *map;
	uint64_t phys;
	size_t size;
	unsigned int pieces;
	uint32_t key;
	atomic_bool gone;
};

enum { HIDDEN, BAR, PULLED, REGIONS };

/**
 * struct worker - what a worker process and the main one share
 * @driver: of its video node
 * @device: what the driver's "unbind" takes
 * @instance: which of the driver's nodes
 * @frame: size of a frame
 * @frame_us: time between two frames
 * @pid: of the process
 * @begun: it has opened and mapped all that it needs: now that may be taken from it
 * @pieces: its memory
 * @calls: calls made
 * @failed: calls that failed, which many have to
 * @frames: buffers that came back with a picture
 * @lost: buffers that came back without one
 * @taken: how often memory was taken away
 * @injected: how often an allocation failed on purpose
 * @stray: a stray byte was found; the text is in @report
 */
struct worker {
	const char *driver;
	char device[sizeof(((struct v4l2_capability *)0)->bus_info)];
	unsigned int instance;
	size_t frame;
	unsigned int frame_us;
	pid_t pid;
	struct piece pieces[PIECES];
	atomic_ulong calls, failed, frames, lost, taken, injected;
	atomic_bool begun, stray;
	char report[2048];
};

/* Both are shared by all processes. */
static struct worker *workers;
static struct region *regions;
static unsigned int nr_workers;
static uint64_t seed;
/* From the beginning of one piece to the next; what is between has the pattern. */
static size_t stride;
static struct timespec began;
static bool can_fail;

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

/* No camera's: the value depends on the place and on a key that changes. */
static uint32_t pattern(uint32_t key, size_t word)
{
	return (uint32_t)(word * 2654435761U) ^ key;
}

static void put_pattern(struct region *r, size_t offset, size_t size, uint32_t key)
{
	size_t i;

	for (i = offset / 4; i < (offset + size) / 4; i++)
		r->map[i] = pattern(key, i);
}

/* Offset in @r of the first stray word, -1 if there is none */
static ssize_t look(const struct region *r, size_t offset, size_t size, uint32_t key)
{
	size_t i;

	for (i = offset / 4; i < (offset + size) / 4; i++)
		if (r->map[i] != pattern(key, i))
			return i * 4;
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
		      "%u ms: %s %u, piece %td: byte %#zx of its frame, in the %s, was written to after",
		      now_ms(), w->driver, w->instance, p - w->pieces, offset - p->offset,
		      p->region->name);
	for (i = p->events > HISTORY ? p->events - HISTORY : 0; i < p->events; i++) {
		const struct history *h = &p->history[i % HISTORY];

		if (n < sizeof(w->report))
			n += snprintf(w->report + n, sizeof(w->report) - n,
				      "\n# %u ms: %s, pages %u to %u", h->ms, h->what,
				      h->first, h->end);
	}
}

/* All of it is there, whatever happened to it. */
static bool use_piece(struct piece *p)
{
	ioctl(p->fd, VPT_RESTORE);
	return mmap(p->addr, p->size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
		    p->map_fd, p->owner_maps ? 0 : p->offset) != MAP_FAILED;
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
		elsewhere = p->addr + MAX_WORKERS * PIECES * AREA_EACH;
		if (mremap(addr, size, size, MREMAP_MAYMOVE | MREMAP_FIXED,
			   elsewhere) == MAP_FAILED)
			return NULL;
		keep_place(addr, size);
		munmap(elsewhere, size);
		return "mremap";
	default:
		/* the owner takes all of it, from the page tables of all */
		if (!p->owner_maps)
			return mprotect(addr, size, PROT_READ) ? NULL : "mprotect, read";
		*first = 0;
		*end = p->size / PAGE;
		return ioctl(p->fd, VPT_ZAP) ? NULL : "zap";
	}
}

static void take_and_give(struct worker *w, struct piece *p, uint64_t *state)
{
	unsigned int pages = p->size / PAGE, first = 0, end = pages, looks;
	ssize_t stray = -1;
	const char *how;

	if (p->region->gone || pthread_mutex_trylock(&p->lock))
		return;
	if (pick(state, 2)) {
		first = pick(state, pages);
		end = first + 1 + pick(state, pages - first);
	}
	how = take(p, &first, &end, state);
	w->calls += 2;
	if (how) {
		p->key = next_random(state);
		put_pattern(p->region, p->offset + first * PAGE, (end - first) * PAGE, p->key);
		remember(p, how, first, end);
		w->taken++;
		for (looks = pick(state, 3) + 1; stray == -1 && looks; looks--) {
			pause_us(pick(state, 20000));
			stray = look(p->region, p->offset + first * PAGE,
				     (end - first) * PAGE, p->key);
		}
		if (stray != -1 && !p->region->gone)
			report_stray(w, p, stray);
	}
	if (!use_piece(p))
		w->failed++;
	remember(p, "given back", 0, pages);
	pthread_mutex_unlock(&p->lock);
}

/*
 * What a worker's threads do
 */

/* Ordinary memory of a worker; of some the process itself makes the pages. */
#define ORDINARY_SIZE	(128 * PAGE)

/**
 * struct job - a thread of a worker
 * @w: the worker
 * @node: its video node
 * @anonymous: ordinary memory
 * @watched: the same, whose page faults are answered by call_answer()
 * @uffd: where they are told
 * @dmabuf: ordinary memory as a dma-buf, or -1
 * @fail_nth: /proc/thread-self/fail-nth, or -1
 * @state: of the random numbers
 * @call: what the thread does
 * @pause_us: how long it rests in between, at most
 */
struct job {
	struct worker *w;
	struct vt_node *node;
	unsigned char *anonymous;
	unsigned char *watched;
	int uffd;
	int dmabuf;
	int fail_nth;
	uint64_t state;
	void (*call)(struct job *job);
	unsigned int pause_us;
};

static void result(struct job *job, int ret)
{
	job->w->calls++;
	if (ret < 0)
		job->w->failed++;
}

/* One of the next few things that can fail does. */
static void fail_something(struct job *job)
{
	if (job->fail_nth >= 0 && vt_fail_nth(job->fail_nth, 1 + pick(&job->state, 40)))
		job->fail_nth = -1;
}

static void fail_nothing(struct job *job)
{
	if (job->fail_nth >= 0 && vt_has_failed(job->fail_nth))
		job->w->injected++;
}

static unsigned char *somewhere(struct job *job)
{
	unsigned int n = pick(&job->state, PIECES + 2);

	if (n == PIECES)
		return job->anonymous;
	return n < PIECES ? job->w->pieces[n].addr : job->watched;
}

static void call_queue(struct job *job)
{
	unsigned char *addr = somewhere(job);
	bool fail = !pick(&job->state, 32);
	int ret;

	/* a page further, it reaches into what is never mapped */
	if (!pick(&job->state, 16))
		addr += PAGE;
	if (fail)
		fail_something(job);
	ret = vt_qbuf(job->node, pick(&job->state, BUFFERS + 1), addr);
	if (fail)
		fail_nothing(job);
	result(job, ret);
}

static void call_dequeue(struct job *job)
{
	__u32 flags;
	/* no poll(): where there is no queue that begins to read() */
	int ret = vt_dqbuf(job->node, &flags);

	result(job, ret);
	if (ret < 0)
		pause_us(2000);
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

static int remove_buffers(struct job *job)
{
	struct v4l2_remove_buffers r = {
		.index = pick(&job->state, BUFFERS),
		.count = 1 + pick(&job->state, 2),
		.type = job->node->type,
	};

	return ioctl(job->node->fd, VIDIOC_REMOVE_BUFS, &r) ? -errno : 0;
}

static int export_buffer(struct job *job)
{
	int fd = vt_export(job->node, 0);
	unsigned char *map;

	if (fd < 0)
		return fd;
	map = mmap(NULL, job->node->size[0], PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map != MAP_FAILED)
		munmap(map, job->node->size[0]);
	close(fd);
	return 0;
}

/* Whoever reads owns the queue until he closes the file. */
static int read_frame(struct job *job)
{
	char path[32], byte;
	int fd, ret;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", job->node->fd);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ret = read(fd, &byte, 1) < 0 ? -errno : 0;
	close(fd);
	return ret;
}

/* The queue becomes one for other memory now and then, and one for ours again. */
static int other_memory(struct job *job)
{
	int ret;

	vt_streamoff(job->node);
	switch (pick(&job->state, 3)) {
	case 0:
		ret = vt_reqbufs(job->node, V4L2_MEMORY_MMAP, BUFFERS);
		if (!ret)
			ret = vt_qbuf_mmap(job->node, 0);
		break;
	case 1:
		ret = vt_reqbufs(job->node, V4L2_MEMORY_DMABUF, BUFFERS);
		if (!ret && job->dmabuf >= 0)
			ret = vt_qbuf_dmabuf(job->node, 0, job->dmabuf);
		break;
	default:
		vt_reqbufs(job->node, V4L2_MEMORY_USERPTR, 0);
		ret = read_frame(job);
	}
	if (!ret)
		ret = vt_streamon(job->node);
	pause_us(pick(&job->state, 30000));
	vt_streamoff(job->node);
	vt_reqbufs(job->node, V4L2_MEMORY_USERPTR, BUFFERS);
	return ret;
}

static void call_control(struct job *job)
{
	bool fail = !pick(&job->state, 16);
	int ret;

	if (fail)
		fail_something(job);
	switch (pick(&job->state, 40)) {
	case 0:
		ret = vt_streamoff(job->node);
		break;
	case 1:
		vt_streamoff(job->node);
		ret = vt_reqbufs(job->node, V4L2_MEMORY_USERPTR,
				 pick(&job->state, 4) ? BUFFERS : 0);
		break;
	case 2:
		ret = create_buffers(job);
		break;
	case 3:
		ret = export_buffer(job);
		break;
	case 4:
		ret = remove_buffers(job);
		break;
	case 5:
		/* mapping for the CPU what nobody has memory for: mainline warns of it */
		if (fail)
			fail_nothing(job);
		fail = false;
		ret = other_memory(job);
		break;
	case 6:
	case 7:
	case 8:
		ret = vt_prepare(job->node, pick(&job->state, BUFFERS), somewhere(job));
		break;
	case 9:
	case 10:
		ret = vt_reqbufs(job->node, V4L2_MEMORY_USERPTR, BUFFERS);
		break;
	default:
		ret = vt_streamon(job->node);
	}
	if (fail)
		fail_nothing(job);
	result(job, ret);
}

static void call_take(struct job *job)
{
	take_and_give(job->w, &job->w->pieces[pick(&job->state, PIECES)], &job->state);
}

/* Ordinary memory has its own ways of moving. */
static void call_advise(struct job *job)
{
	static const int advice[] = {
		MADV_DONTNEED, MADV_PAGEOUT, MADV_COLD, MADV_HUGEPAGE, MADV_NOHUGEPAGE,
		MADV_WILLNEED, MADV_MERGEABLE, MADV_UNMERGEABLE, MADV_DONTFORK,
		MADV_DOFORK, MADV_FREE, MADV_COLLAPSE, MADV_POPULATE_WRITE,
	};
	unsigned char *addr = somewhere(job);

	result(job, madvise(addr + pick(&job->state, 4) * PAGE,
			    (1 + pick(&job->state, 16)) * PAGE,
			    advice[pick(&job->state, ARRAY_LEN(advice))]));
}

/* Whoever pins @watched waits in the kernel, with its locks, until a fault is answered. */
static void call_answer(struct job *job)
{
	struct pollfd p = { .fd = job->uffd, .events = POLLIN };
	struct uffdio_zeropage zero = { .range.len = PAGE };
	struct uffd_msg msg;

	if (job->uffd < 0) {
		pause_us(100000);
		return;
	}
	if (poll(&p, 1, 100) <= 0 || read(job->uffd, &msg, sizeof(msg)) != sizeof(msg) ||
	    msg.event != UFFD_EVENT_PAGEFAULT)
		return;
	pause_us(pick(&job->state, 3000));
	zero.range.start = msg.arg.pagefault.address & -PAGE;
	result(job, ioctl(job->uffd, UFFDIO_ZEROPAGE, &zero));
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

	/* of this thread */
	if (can_fail)
		job->fail_nth = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	while (!job->w->stray) {
		job->call(job);
		if (job->pause_us)
			pause_us(pick(&job->state, job->pause_us));
	}
	return NULL;
}

static int open_uffd(unsigned char *map)
{
	struct uffdio_register reg = {
		.range = { .start = (unsigned long)map, .len = ORDINARY_SIZE },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	struct uffdio_api api = { .api = UFFD_API };
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);

	if (fd >= 0 && (ioctl(fd, UFFDIO_API, &api) || ioctl(fd, UFFDIO_REGISTER, &reg))) {
		close(fd);
		return -1;
	}
	return fd;
}

static int open_node(const struct worker *w, struct vt_node *node)
{
	struct v4l2_streamparm parm = {
		.parm.capture.timeperframe = { 1, 25 },
	};
	int ret;

	if (!strcmp(w->driver, "vivid")) {
		ret = vt_open_vivid(node, w->instance, 320, 180, V4L2_PIX_FMT_GREY);
		if (ret)
			return ret;
		/* it draws them in the time that there is for all */
		parm.type = node->type;
		node->frame_us = 40000;
		return ioctl(node->fd, VIDIOC_S_PARM, &parm) ? -errno : 0;
	}
	return vt_open_capture(node, w->driver, 320, 180, V4L2_PIX_FMT_RGB24, 60);
}

static unsigned char *map_anonymous(void)
{
	return mmap(NULL, ORDINARY_SIZE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

/* Does not return. */
static void work(struct worker *w, uint64_t state)
{
	static const struct {
		void (*call)(struct job *job);
		unsigned int pause_us;
	} kinds[] = {
		{ call_queue, 1000 },
		{ call_queue, 1000 },
		{ call_dequeue, 0 },
		{ call_control, 20000 },
		{ call_take, 2000 },
		{ call_take, 5000 },
		{ call_take, 20000 },
		{ call_advise, 5000 },
		{ call_answer, 0 },
		{ call_fork, 100000 },
	};
	struct job jobs[ARRAY_LEN(kinds)];
	pthread_t threads[ARRAY_LEN(kinds)];
	struct vt_node node;
	unsigned int i;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setpgid(0, 0);
	/* children have no use for it */
	for (i = 0; i < REGIONS; i++)
		madvise((void *)regions[i].map, regions[i].size, MADV_DONTFORK);
	vt_write_file("/proc/self", "oom_score_adj", "1000");
	if (open_node(w, &node) || fcntl(node.fd, F_SETFL, O_NONBLOCK))
		_exit(2);
	node.timeout_ms = 0;
	for (i = 0; i < PIECES; i++) {
		struct piece *p = &w->pieces[i];

		pthread_mutex_init(&p->lock, NULL);
		/* a page behind it that never is there */
		if (!keep_place(p->addr, p->size + PAGE) || !use_piece(p))
			_exit(3);
		remember(p, "mapped by a new process", 0, p->size / PAGE);
	}
	jobs[0] = (struct job) {
		.w = w,
		.node = &node,
		.anonymous = map_anonymous(),
		.watched = map_anonymous(),
		.dmabuf = vt_udmabuf(ORDINARY_SIZE, false),
		.fail_nth = -1,
	};
	jobs[0].uffd = open_uffd(jobs[0].watched);
	for (i = 0; i < ARRAY_LEN(kinds); i++) {
		jobs[i] = jobs[0];
		jobs[i].state = next_random(&state);
		jobs[i].call = kinds[i].call;
		jobs[i].pause_us = kinds[i].pause_us;
	}
	for (i = 0; i < ARRAY_LEN(kinds); i++)
		if (pthread_create(&threads[i], NULL, run_job, &jobs[i]))
			_exit(4);
	w->begun = true;
	for (i = 0; i < ARRAY_LEN(kinds); i++)
		pthread_join(threads[i], NULL);
	_exit(0);
}

/*
 * The main process: all memory, and the life of the workers
 */

static int bail_out(const char *what, int ret)
{
	printf("Bail out! %s: %s\n", what, strerror(-ret));
	return 1;
}

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

/* A piece has a page more than it needs. */
static size_t room(size_t frame)
{
	return (frame + 2 * PAGE - 1) & -PAGE;
}

/* Memory that is no piece: fill it, or look at it. Returns whether it is as it was. */
static bool visit_gap(struct region *r, size_t offset, size_t size, bool fill)
{
	ssize_t stray;

	if (fill) {
		put_pattern(r, offset, size, r->key);
		return true;
	}
	stray = look(r, offset, size, r->key);
	if (stray == -1)
		return true;
	printf("# %u ms: %s: byte %#zx, which is no target, was written to\n", now_ms(),
	       r->name, stray);
	return false;
}

static bool visit_gaps(struct region *r, bool fill)
{
	unsigned int i, j, n = 0;

	for (i = 0; i < nr_workers; i++) {
		for (j = 0; j < PIECES; j++) {
			struct piece *p = &workers[i].pieces[j];

			if (p->region == r &&
			    !visit_gap(r, n++ * stride + p->size, stride - p->size, fill))
				return false;
		}
	}
	return visit_gap(r, n * stride, r->size - n * stride, fill);
}

static bool gaps_are_whole(void)
{
	unsigned int i;

	for (i = 0; i < REGIONS; i++)
		if (!visit_gaps(&regions[i], false))
			return false;
	return true;
}

static int open_resource(const struct region *r)
{
	char path[160];
	int fd;

	snprintf(path, sizeof(path), "%s/resource0", r->dir);
	fd = open(path, O_RDWR | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* As nobody else's mapping is affected by what happens here, this one is not either. */
static int map_region(struct region *r)
{
	int fd = open_memory(r->phys, r->size, VPT_HUGE,
			     r == &regions[HIDDEN] ? VPT_WB : VPT_UC);
	void *map;

	if (fd < 0)
		return fd;
	map = mmap((void *)r->map, r->size, PROT_READ | PROT_WRITE,
		   MAP_SHARED | (r->map ? MAP_FIXED : 0), fd, 0);
	close(fd);
	if (map == MAP_FAILED)
		return -errno;
	r->map = map;
	return 0;
}

static int make_regions(void)
{
	static const char * const names[] = { "hidden RAM", "BAR", "BAR that is pulled" };
	const char *hidden = getenv("VT_HIDDEN");
	unsigned int i;
	int ret;

	if (!hidden || sscanf(hidden, "%" SCNi64 ",%zi", &regions[HIDDEN].phys,
			      &regions[HIDDEN].size) != 2)
		return -ENODEV;
	for (i = 0; i < REGIONS; i++) {
		struct region *r = &regions[i];

		r->name = names[i];
		if (i != HIDDEN) {
			ret = vt_find_display(NULL, i - BAR, r->dir, sizeof(r->dir));
			if (!ret)
				ret = vt_enable_bar(r->dir, &r->phys);
			if (ret)
				return ret;
			r->size = BAR_SIZE;
		}
		ret = map_region(r);
		if (ret)
			return ret;
		r->key = seed + i;
	}
	return 0;
}

/* As applications map a BAR, and as a driver does it */
static int open_piece(struct piece *p)
{
	struct region *r = p->region;
	bool even = !(p->offset / stride % 2);

	p->fd = open_memory(r->phys + p->offset, p->size, even ? VPT_LAZY : VPT_EAGER,
			    r == &regions[HIDDEN] ? VPT_WB : VPT_UC);
	p->owner_maps = r == &regions[HIDDEN] || (r == &regions[BAR] && even);
	p->map_fd = p->owner_maps ? p->fd : open_resource(r);
	return p->fd < 0 ? p->fd : p->map_fd < 0 ? p->map_fd : 0;
}

static int make_piece(struct piece *p, unsigned int n, size_t frame)
{
	struct region *r = &regions[n % PIECES < FIRST_IN_BAR ? HIDDEN :
				    n % PIECES < FIRST_PULLED ? BAR : PULLED];

	p->region = r;
	p->offset = r->pieces++ * stride;
	p->size = room(frame);
	p->addr = (unsigned char *)AREA + n * AREA_EACH;
	if (p->offset + stride > r->size)
		return -ENOSPC;
	return open_piece(p);
}

static int make_pieces(void)
{
	unsigned int i;
	int ret;

	for (i = 0; i < nr_workers; i++)
		if (stride < 2 * room(workers[i].frame))
			stride = 2 * room(workers[i].frame);
	for (i = 0; i < nr_workers * PIECES; i++) {
		struct worker *w = &workers[i / PIECES];

		ret = make_piece(&w->pieces[i % PIECES], i, w->frame);
		if (ret)
			return ret;
	}
	for (i = 0; i < REGIONS; i++)
		visit_gaps(&regions[i], true);
	return 0;
}

static int make_worker(struct worker *w, const char *driver)
{
	struct v4l2_capability cap;
	struct vt_node node;
	struct worker *other;
	int ret;

	w->driver = driver;
	for (other = workers; other < w; other++)
		w->instance += !strcmp(other->driver, driver);
	ret = open_node(w, &node);
	if (ret)
		return ret;
	if (ioctl(node.fd, VIDIOC_QUERYCAP, &cap))
		return -errno;
	/* the instances of vivid are one device */
	strcpy(w->device, strcmp(driver, "vivid") ? (char *)cap.bus_info + strlen("PCI:") :
						    "vivid.0");
	w->frame = vt_frame_size(&node);
	w->frame_us = node.frame_us;
	vt_close(&node);
	return 0;
}

static void start_worker(struct worker *w, uint64_t *state)
{
	uint64_t its = next_random(state);
	pid_t pid;

	fflush(stdout);
	w->begun = false;
	pid = fork();
	if (!pid)
		work(w, its);
	if (pid < 0)
		exit(bail_out("fork", -errno));
	/* whoever is first: it may be killed before it has begun */
	setpgid(pid, pid);
	w->pid = pid;
}

/*
 * Nothing is left of it, so nothing of what it had may be written to. Returns whether it
 * lived until then, and did not end by itself.
 */
static bool bury_worker(struct worker *w)
{
	unsigned int i;
	ssize_t stray;
	int status;

	kill(w->pid, SIGKILL);
	waitpid(w->pid, &status, 0);
	for (i = 0; i < PIECES; i++) {
		struct piece *p = &w->pieces[i];

		remember(p, "its process is dead", 0, p->size / PAGE);
		put_pattern(p->region, p->offset, p->size, ++p->key);
	}
	pause_us(3 * w->frame_us);
	for (i = 0; i < PIECES; i++) {
		struct piece *p = &w->pieces[i];

		stray = look(p->region, p->offset, p->size, p->key);
		if (stray != -1)
			report_stray(w, p, stray);
	}
	/* its children had the file open still: now they have not */
	kill(-w->pid, SIGKILL);
	while (waitpid(-w->pid, NULL, 0) > 0)
		;
	if (w->stray || WIFSIGNALED(status))
		return true;
	printf("# %u ms: %s %u ended by itself with %d\n", now_ms(), w->driver, w->instance,
	       WEXITSTATUS(status));
	return false;
}

/*
 * Events
 */

static unsigned int events[5];

static bool renew_worker(struct worker *w, uint64_t *state)
{
	if (!bury_worker(w))
		return false;
	start_worker(w, state);
	return true;
}

static bool kill_worker(uint64_t *state)
{
	return renew_worker(&workers[pick(state, nr_workers)], state);
}

/*
 * The driver of a worker's device is unbound, in the middle of everything. tw68 frees
 * what its open files use then, in mainline: there the process has to go before.
 */
static bool unbind_driver(uint64_t *state)
{
	struct worker *victim = &workers[pick(state, nr_workers)], *w;
	bool is_vivid = !strcmp(victim->driver, "vivid"), ok = true;
	bool before = !strcmp(victim->driver, "tw68");
	char dir[64];
	int ret;

	snprintf(dir, sizeof(dir), "/sys/bus/%s/drivers/%s", is_vivid ? "platform" : "pci",
		 victim->driver);
	if (before)
		ok = bury_worker(victim);
	ret = vt_write_file(dir, "unbind", victim->device);
	pause_us(pick(state, 200000));
	for (w = workers; w < workers + nr_workers; w++)
		if (!strcmp(w->device, victim->device) && !before)
			ok &= bury_worker(w);
	if (!ret)
		ret = vt_write_file(dir, "bind", victim->device);
	if (ret)
		printf("# %u ms: %s can't be bound anew: %s\n", now_ms(), victim->device,
		       strerror(-ret));
	for (w = workers; w < workers + nr_workers; w++)
		if (!strcmp(w->device, victim->device))
			start_worker(w, state);
	return ok && !ret;
}

/*
 * A display is pulled, and all that is mapped of it goes. Then it is plugged again, and
 * the memory has another owner.
 */
static bool pull_display(uint64_t *state)
{
	struct region *r = &regions[PULLED];
	struct worker *w;
	unsigned int i;
	int ret;

	r->gone = true;
	/* until nobody looks at it any more */
	pause_us(300000);
	ret = vt_write_file(r->dir, "remove", "1");
	pause_us(pick(state, 200000));
	if (!ret)
		ret = vt_write_file("/sys/bus/pci", "rescan", "1");
	if (!ret)
		ret = vt_enable_bar(r->dir, &r->phys);
	if (!ret)
		ret = map_region(r);
	if (ret) {
		printf("# %u ms: the display does not come back: %s\n", now_ms(),
		       strerror(-ret));
		return false;
	}
	for (w = workers; w < workers + nr_workers; w++) {
		for (i = FIRST_PULLED; i < PIECES; i++) {
			struct piece *p = &w->pieces[i];
			ssize_t stray;

			close(p->fd);
			close(p->map_fd);
			if (open_piece(p))
				return false;
			remember(p, "pulled and plugged", 0, p->size / PAGE);
			put_pattern(r, p->offset, p->size, ++p->key);
			pause_us(3 * w->frame_us);
			stray = look(r, p->offset, p->size, p->key);
			if (stray != -1)
				report_stray(w, p, stray);
		}
		if (!renew_worker(w, state))
			return false;
	}
	r->gone = false;
	return true;
}

static bool renew_workers(uint64_t *state)
{
	struct worker *w;

	for (w = workers; w < workers + nr_workers; w++)
		if (!renew_worker(w, state))
			return false;
	return true;
}

static bool somebody_died(void)
{
	struct worker *w;

	for (w = workers; w < workers + nr_workers; w++) {
		siginfo_t info = {};

		/* it is buried later */
		if (!waitid(P_PID, w->pid, &info, WEXITED | WNOHANG | WNOWAIT) &&
		    info.si_pid)
			return true;
	}
	return false;
}

/* The OOM killer is sent for, and its reaper does not wait for anybody. */
static bool kill_for_memory(uint64_t *state)
{
	unsigned int tries = 0;

	/* before that, all memory that can be moved is */
	vt_write_file("/proc/sys/vm", "compact_memory", "1");
	vt_write_file("/proc", "sysrq-trigger", "f");
	/* it may take a child of theirs */
	while (!somebody_died() && tries++ < 50)
		pause_us(20000);
	return renew_workers(state);
}

#define MUCH	(32UL << 20)

/*
 * Somebody takes all memory that there is. The workers have to die for that, and then
 * he himself. The machine is at a standstill for a while.
 */
static bool use_all_memory(uint64_t *state)
{
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		vt_write_file("/proc/self", "oom_score_adj", "0");
		for (;;)
			mmap(NULL, MUCH, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	}
	waitpid(pid, NULL, 0);
	if (somebody_died())
		return renew_workers(state);
	printf("# %u ms: the OOM killer found nobody\n", now_ms());
	return false;
}

static const struct {
	char letter;
	bool (*happen)(uint64_t *state);
	const char *what;
} event_kinds[] = {
	{ 'k', kill_worker, "processes killed" },
	{ 'u', unbind_driver, "drivers unbound" },
	{ 'p', pull_display, "displays pulled" },
	{ 'o', kill_for_memory, "OOM kills" },
	{ 'e', use_all_memory, "times out of memory" },
};

/* What goes while a worker is opening it ends the worker, rightly: that is no finding. */
static bool all_have_begun(void)
{
	struct worker *w;

	for (w = workers; w < workers + nr_workers; w++)
		if (!w->begun)
			return false;
	return true;
}

static bool some_event(const char *letters, uint64_t *state)
{
	char letter = letters[pick(state, strlen(letters))];
	unsigned int i;

	for (i = 0; event_kinds[i].letter != letter; i++)
		;
	events[i]++;
	return event_kinds[i].happen(state);
}

/*
 * The report
 */

static unsigned int tests;
static bool all_ok = true;

static void say(bool ok, const char *what)
{
	printf("%sok %u - %s\n", ok ? "" : "not ", ++tests, what);
	all_ok &= ok;
}

/* How often the allocator was told that memory goes, or -1 */
static long revocations(void)
{
	FILE *f = fopen("/sys/kernel/tracing/kprobe_profile", "r");
	char name[64];
	long n, hits = -1;

	while (f && fscanf(f, "%63s %ld %*d", name, &n) == 2)
		if (!strcmp(name, "revoked"))
			hits = n;
	if (f)
		fclose(f);
	return hits;
}

static void count_revocations(void)
{
	static const char tracing[] = "/sys/kernel/tracing";

	/* counted, not recorded */
	vt_write_file(tracing, "tracing_on", "0");
	if (!vt_write_file(tracing, "kprobe_events",
			   "p:stress/revoked videobuf2_dma_pfn:vb2_dma_pfn_revoke_range"))
		vt_write_file(tracing, "events/stress/revoked/enable", "1");
}

static void count_no_more(void)
{
	vt_write_file("/sys/kernel/tracing", "events/stress/revoked/enable", "0");
	vt_write_file("/sys/kernel/tracing", "kprobe_events", "-:stress/revoked");
}

static void progress(void)
{
	unsigned long calls = 0, failed = 0, frames = 0, lost = 0, taken = 0, injected = 0;
	unsigned int i;

	for (i = 0; i < nr_workers; i++) {
		calls += workers[i].calls;
		failed += workers[i].failed;
		frames += workers[i].frames;
		lost += workers[i].lost;
		taken += workers[i].taken;
		injected += workers[i].injected;
	}
	printf("# %u s: calls=%lu failed=%lu injected=%lu frames=%lu lost=%lu taken=%lu",
	       now_ms() / 1000, calls, failed, injected, frames, lost, taken);
	printf(" revocations=%ld", revocations());
	for (i = 0; i < ARRAY_LEN(event_kinds); i++)
		printf("%s%u %s", i ? ", " : " events: ", events[i], event_kinds[i].what);
	printf("\n");
	fflush(stdout);
}

/* Frames come, and the one in the BAR is the picture if that stands still. */
static bool captures(struct worker *w)
{
	unsigned char *bar = w->pieces[FIRST_IN_BAR].addr, *reference = NULL;
	struct vt_node node;
	unsigned int i;
	__u32 flags = 0;
	int ret;

	ret = open_node(w, &node);
	if (ret)
		goto out;
	if (strcmp(w->driver, "nvmecap"))
		reference = vt_reference(&node);
	ret = vt_reqbufs(&node, V4L2_MEMORY_USERPTR, VT_BUFS);
	for (i = 0; i < VT_BUFS && !ret; i++)
		ret = use_piece(&w->pieces[i]) ? vt_qbuf(&node, i, w->pieces[i].addr) : -errno;
	if (!ret)
		ret = vt_streamon(&node);
	for (i = 0; i <= FIRST_IN_BAR && ret >= 0 && !(flags & V4L2_BUF_FLAG_ERROR); i++) {
		ret = vt_dqbuf(&node, &flags);
		if (ret >= 0 && ret < FIRST_IN_BAR)
			vt_qbuf(&node, ret, w->pieces[ret].addr);
	}
	if (ret >= 0)
		ret = flags & V4L2_BUF_FLAG_ERROR ? -EIO : 0;
	if (!ret && reference && vt_find_difference(bar, reference, w->frame) >= 0)
		ret = -EBADMSG;
	vt_close(&node);
	free(reference);
out:
	if (ret)
		printf("# %s %u: %s\n", w->driver, w->instance, strerror(-ret));
	return !ret;
}

/* Whatever kmemleak finds is printed. */
static void test_leaks(void)
{
	static const char file[] = "/sys/kernel/debug/kmemleak";
	char line[256];
	bool ok = true;
	FILE *f;

	if (vt_write_file("/sys/kernel/debug", "kmemleak", "scan")) {
		printf("ok %u - no memory leaks # SKIP no kmemleak\n", ++tests);
		return;
	}
	/* what is referenced by a register only is found by the first scan */
	pause_us(6000000);
	vt_write_file("/sys/kernel/debug", "kmemleak", "scan");
	f = fopen(file, "r");
	while (f && fgets(line, sizeof(line), f)) {
		ok = false;
		printf("# %s", line);
	}
	if (f)
		fclose(f);
	say(f && ok, "no memory leaks");
}

static int usage(void)
{
	fprintf(stderr, "usage: stress [-m MINUTES] [-s SEED] [-e EVENTS] DRIVER...\n"
		"EVENTS: of k (kill), u (unbind), p (pull a display), o (OOM killer),\n"
		"\te (exhaust all memory)\n");
	return 2;
}

static void *shared(size_t size)
{
	void *map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			 -1, 0);

	if (map == MAP_FAILED)
		exit(1);
	return map;
}

int main(int argc, char *argv[])
{
	unsigned int i, end_ms = 600000, next_event, next_look = 0;
	bool whole = true, stray = false, ok = true;
	const char *letters = "kkkkuupoo";
	int option, mappings, ret = 0;
	long faults = 0, pinned, n;
	uint64_t state;

	seed = time(NULL);
	while ((option = getopt(argc, argv, "m:s:e:")) != -1) {
		switch (option) {
		case 'm':
			end_ms = atof(optarg) * 60000;
			break;
		case 's':
			seed = strtoull(optarg, NULL, 0);
			break;
		case 'e':
			letters = optarg;
			break;
		default:
			return usage();
		}
	}
	nr_workers = argc - optind;
	if (!nr_workers || nr_workers > MAX_WORKERS || !end_ms ||
	    strspn(letters, "kupoe") != strlen(letters) || !*letters)
		return usage();
	state = seed;
	clock_gettime(CLOCK_MONOTONIC, &began);
	printf("KTAP version 1\n1..8\n# SEED=%" PRIu64 "\n", seed);

	workers = shared(nr_workers * sizeof(*workers));
	regions = shared(REGIONS * sizeof(*regions));
	for (i = 0; i < nr_workers; i++) {
		ret = make_worker(&workers[i], argv[optind + i]);
		if (ret)
			return bail_out(argv[optind + i], ret);
	}
	ret = make_regions();
	if (ret)
		return bail_out("RAM from VT_HIDDEN, two displays", ret);
	ret = make_pieces();
	if (ret)
		return bail_out("pieces of them", ret);
	/* children of those who are killed are waited for here */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	/* an OOM killer's last choice */
	vt_write_file("/proc/self", "oom_score_adj", "-1000");
	mappings = vt_kernel_mappings();
	vt_iommu_faults(NULL);
	count_revocations();
	can_fail = !vt_allow_failing();

	for (i = 0; i < nr_workers; i++)
		start_worker(&workers[i], &state);
	next_event = now_ms() + 5000;
	while (now_ms() < end_ms && ok && whole && !stray && !faults) {
		pause_us(100000);
		for (i = 0; i < nr_workers; i++)
			stray |= workers[i].stray;
		n = vt_iommu_faults(NULL);
		faults = n < 0 ? faults : n;
		if (now_ms() >= next_event && all_have_begun()) {
			ok = some_event(letters, &state);
			next_event = now_ms() + 2000 + pick(&state, 6000);
		}
		if (now_ms() >= next_look) {
			whole = gaps_are_whole();
			progress();
			next_look = now_ms() + 10000;
		}
	}
	for (i = 0; i < nr_workers; i++)
		ok &= bury_worker(&workers[i]);
	progress();
	whole &= gaps_are_whole();
	for (i = 0; i < nr_workers; i++)
		if (workers[i].stray) {
			stray = true;
			printf("# %s\n", workers[i].report);
		}
	say(!stray, "no byte of what was taken away was written to");
	say(whole, "no byte that never was a target was written to");
	say(!faults, "no I/O MMU reported a fault");
	say(ok, "processes, drivers and displays came back");
	pinned = vt_still_pinned();
	if (pinned)
		printf("# %ld pages are pinned\n", pinned);
	say(!pinned, "no page stays pinned");
	say(vt_kernel_mappings() == mappings, "no kernel mapping is left");
	for (i = 0, ok = true; i < nr_workers; i++)
		ok &= captures(&workers[i]);
	say(ok, "capture works afterwards");
	count_no_more();
	test_leaks();
	return all_ok ? 0 : 1;
}
