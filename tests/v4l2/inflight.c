// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory that is taken away while a device transfers to it
 *
 * inflight [-d DRIVER] [-s WIDTHxHEIGHT] [-p FOURCC] [-f FPS] [-r ROUNDS]
 *	[-m MIB] [-n NAME]
 *
 * A capture device streams a numbered video of MIB (tests/v4l2/video), or zeros if
 * that is 0, into user memory. NAME is said before the names of the tests.
 * Each round takes the memory of the buffer that is first in the queue, at a random
 * moment, and looks at it in the instant in which that has happened, through a
 * mapping that is not affected: a word of each sector first, which takes
 * microseconds, then all bytes. Not one of them may have changed when the device
 * has completed another round of frames. Buffers start out with a pattern that the
 * video does not have, so that it shows if a transfer goes on. All frames that
 * arrive meanwhile have to be right, byte by byte and in their order.
 *
 * An I/O MMU may report what the device does while the entries are changed. Nothing
 * may be reported once that has happened, except on a packaged kernel (VT_STOCK).
 *
 * Prints KTAP, a line for each way of losing the memory.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "vb2test.h"

#define PAGE		4096UL
#define SECTOR		512UL
#define ARRAY_LEN(a)	(sizeof(a) / sizeof((a)[0]))

static struct options {
	const char *driver;
	unsigned int width, height, fps;
	__u32 fourcc;
	unsigned int rounds;
	unsigned int mib;
	const char *name;
} options = {
	.driver = "nvmecap",
	.width = 1920,
	.height = 1080,
	.fps = 60,
	.fourcc = V4L2_PIX_FMT_RGB24,
	.rounds = 100,
	.mib = 64,
	.name = "",
};

/**
 * struct capture - a stream
 * @node: the device
 * @target: memory of the buffers, a slot for each
 * @frame: size of a frame
 * @slot: size of a slot: @room, and a page that is not mapped. A mapping of which
 *	a part is lost is split, and that invalidates the 2 MiB around the place, as
 *	there might be a huge entry: each buffer has a mapping of its own.
 * @room: the frame and at least a page more
 * @queue: the buffers that are queued, in their order
 * @queued: number of elements in @queue
 * @frames: number of frames that were right
 * @faults: faults that the I/O MMU reported while memory was taken away
 * @taken: when that was last done, by the kernel's clock in microseconds
 * @words: where the quick look is written down
 * @bytes: where the thorough look is written down
 */
struct capture {
	struct vt_node node;
	struct vt_target target;
	size_t frame;
	size_t slot;
	size_t room;
	unsigned int queue[VT_BUFS];
	unsigned int queued;
	unsigned long frames;
	unsigned long faults;
	unsigned long long taken;
	uint64_t *words;
	unsigned char *bytes;
};

/**
 * struct round - one revocation
 * @victim: the buffer
 * @moved: where its mapping has gone
 */
struct round {
	unsigned int victim;
	unsigned char *moved;
};

/* Says what is wrong, and returns -1. */
__attribute__((format(printf, 1, 2)))
static int wrong(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	printf("# ");
	vprintf(format, args);
	printf("\n");
	va_end(args);
	return -1;
}

static unsigned char *buffer_addr(const struct capture *c, unsigned int index)
{
	return c->target.map + index * c->slot;
}

/*
 * Streaming
 */

static void poison(struct capture *c, unsigned int index)
{
	memset(buffer_addr(c, index), VT_POISON, c->room);
}

static int queue_poisoned(struct capture *c, unsigned int index)
{
	int ret = vt_qbuf(&c->node, index, buffer_addr(c, index));

	if (ret)
		return wrong("VIDIOC_QBUF: %s", strerror(-ret));
	c->queue[c->queued++] = index;
	return 0;
}

static int queue(struct capture *c, unsigned int index)
{
	poison(c, index);
	return queue_poisoned(c, index);
}

/* The video starts with the stream, and starts again when it ends. */
static int check_picture(const unsigned char *frame, size_t size, __u32 sequence)
{
	unsigned long frames = ((size_t)options.mib << 20) / size;
	long number;

	if (!frames)
		return vt_find_other(frame, size, 0) < 0 ? 0 :
		       wrong("sequence number %u: wrong picture", sequence);

	number = vt_numbered_frame(frame, size);
	if (number < 0)
		return wrong("sequence number %u: wrong picture", sequence);
	return (unsigned long)number == sequence % frames ? 0 :
	       wrong("sequence number %u is frame %ld", sequence, number);
}

static int check_frame(struct capture *c, unsigned int index, __u32 sequence)
{
	const unsigned char *frame = buffer_addr(c, index);

	if (check_picture(frame, c->frame, sequence))
		return wrong("in buffer %u", index);
	if (vt_find_other(frame + c->frame, c->room - c->frame, VT_POISON) >= 0)
		return wrong("buffer %u: bytes behind the frame were written to",
			     index);
	c->frames++;
	return 0;
}

/* Returns the next buffer that is done, or -1. A frame in it is right. */
static int dequeue(struct capture *c, __u32 *flags)
{
	__u32 sequence;
	int index;

	index = vt_dqbuf_sequence(&c->node, flags, &sequence);
	if (index < 0)
		return wrong("VIDIOC_DQBUF: %s", strerror(-index));
	if (!c->queued || c->queue[0] != (unsigned int)index)
		return wrong("buffer %d comes before %u", index, c->queue[0]);
	memmove(c->queue, c->queue + 1, --c->queued * sizeof(c->queue[0]));
	if (!(*flags & V4L2_BUF_FLAG_ERROR) &&
	    check_frame(c, index, sequence))
		return -1;
	return index;
}

/* Let @count frames come. */
static int go_on(struct capture *c, unsigned int count)
{
	while (count--) {
		__u32 flags;
		int index = dequeue(c, &flags);

		if (index < 0)
			return -1;
		if (flags & V4L2_BUF_FLAG_ERROR)
			return wrong("buffer %d has an error", index);
		if (queue(c, index))
			return -1;
	}
	return 0;
}

/*
 * Bring the device to a random moment of the transfer to the first buffer in the
 * queue, or of what is before and after it: let all buffers come back, and queue them
 * at once, so that the first one's transfer begins with the next frame.
 */
static int bring_into_transfer(struct capture *c)
{
	unsigned int first = rand() % VT_BUFS;
	unsigned int i;

	while (c->queued) {
		__u32 flags;
		int index = dequeue(c, &flags);

		if (index < 0)
			return -1;
		if (flags & V4L2_BUF_FLAG_ERROR)
			return wrong("buffer %d has an error", index);
	}
	for (i = 0; i < VT_BUFS; i++)
		poison(c, i);
	for (i = 0; i < VT_BUFS; i++)
		if (queue_poisoned(c, (first + i) % VT_BUFS))
			return -1;
	usleep(rand() % (2 * c->node.frame_us));
	return 0;
}

/* Let frames come until it is @victim's turn, which must have lost its memory. */
static int until_lost(struct capture *c, unsigned int victim)
{
	for (;;) {
		__u32 flags;
		int index = dequeue(c, &flags);

		if (index < 0)
			return -1;
		if ((unsigned int)index == victim)
			return flags & V4L2_BUF_FLAG_ERROR ? 0 :
			       wrong("buffer %u has lost its memory, and no error",
				     victim);
		if (flags & V4L2_BUF_FLAG_ERROR)
			return wrong("buffer %d has an error", index);
		if (queue(c, index))
			return -1;
	}
}

static int start(struct capture *c)
{
	unsigned int i;
	int ret;

	ret = vt_reqbufs(&c->node, V4L2_MEMORY_USERPTR, VT_BUFS);
	if (ret)
		return wrong("VIDIOC_REQBUFS: %s", strerror(-ret));
	c->queued = 0;
	for (i = 0; i < VT_BUFS; i++)
		if (queue(c, i))
			return -1;
	ret = vt_streamon(&c->node);
	return ret ? wrong("VIDIOC_STREAMON: %s", strerror(-ret)) : 0;
}

static int stop(struct capture *c)
{
	int ret = vt_streamoff(&c->node);

	if (!ret)
		ret = vt_reqbufs(&c->node, V4L2_MEMORY_USERPTR, 0);
	return ret ? wrong("can't stop: %s", strerror(-ret)) : 0;
}

/*
 * The I/O MMU
 */

/* How long a fault may take to its line in the log */
#define FAULT_MS	10

/* When the last fault was logged, by the kernel's clock in microseconds */
static unsigned long long last_fault;

static unsigned long long now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000ULL + now.tv_nsec / 1000;
}

static long new_faults(void)
{
	long faults = vt_iommu_faults(&last_fault);

	return faults < 0 ? wrong("/dev/kmsg: %s", strerror(-faults)) : faults;
}

/* The memory has just been taken away: what was reported until now is all. */
static int count_faults(struct capture *c)
{
	long faults;

	c->taken = now_us();
	usleep(FAULT_MS * 1000);
	faults = new_faults();
	if (faults < 0)
		return -1;
	c->faults += faults;
	return 0;
}

static int no_new_fault(struct capture *c)
{
	long faults = new_faults();

	/* without that the device goes on for a frame */
	if (faults > 0 && vt_kernel_lacks(VT_SCRATCH_PAGE)) {
		c->faults += faults;
		return 0;
	}
	if (faults > 0)
		return wrong("%ld faults after the memory was taken away, the last %lld us later",
			     faults, (long long)(last_fault - c->taken));
	return faults;
}

/*
 * The old memory
 */

static void look(struct capture *c, size_t offset, size_t size)
{
	size_t i;

	/* a transfer that goes on would not wait for a copy of everything */
	if (c->target.alias)
		for (i = 0; i < size / SECTOR; i++)
			memcpy(&c->words[i], c->target.alias + offset +
					     (i + 1) * SECTOR - sizeof(*c->words),
			       sizeof(*c->words));
	vt_target_read(&c->target, offset, c->bytes, size);
}

/* 0 if nothing has changed since look() */
static int compare(struct capture *c, size_t offset, size_t size)
{
	unsigned char *now = malloc(size);
	ssize_t at;
	size_t i;

	if (!now)
		return wrong("out of memory");
	vt_target_read(&c->target, offset, now, size);

	at = vt_find_difference(now, c->bytes, size);
	for (i = 0; at < 0 && c->target.alias && i < size / SECTOR; i++)
		if (memcmp(&c->words[i], now + (i + 1) * SECTOR -
					 sizeof(*c->words), sizeof(*c->words)))
			at = i * SECTOR;
	free(now);
	return at < 0 ? 0 : wrong("memory that was lost was written to, at %#zx of %#zx",
				  at, size);
}

/* Was the buffer partly filled when look() was called? */
static bool half_filled(const struct capture *c)
{
	size_t i, filled = 0, sectors = c->frame / SECTOR;

	for (i = 0; i < sectors; i++)
		filled += vt_find_other(c->bytes + i * SECTOR, SECTOR,
					VT_POISON) >= 0;
	return filled && filled < sectors;
}

/*
 * Ways to lose memory
 */

/**
 * struct way - a way to take the memory of a buffer away
 * @name: of the way
 * @kinds: memory that can be lost like this
 * @take: does it
 * @again: what VIDIOC_QBUF then answers
 * @give: makes the memory accessible again at the same address
 * @round: instead of the three: a round that is unlike the others, whose results
 *	are those of run_round()
 */
struct way {
	const char *name;
	const enum vt_kind *kinds;
	int (*take)(struct capture *c, struct round *r);
	int again;
	int (*give)(struct capture *c, struct round *r);
	int (*round)(struct capture *c);
};

static int take_munmap(struct capture *c, struct round *r)
{
	return munmap(buffer_addr(c, r->victim), c->room);
}

static int take_page(struct capture *c, struct round *r)
{
	return munmap(buffer_addr(c, r->victim) +
		      rand() % (c->frame / PAGE) * PAGE, PAGE);
}

static int give_remap(struct capture *c, struct round *r)
{
	return vt_target_remap(&c->target, r->victim * c->slot, c->room);
}

static int take_mremap(struct capture *c, struct round *r)
{
	r->moved = mmap(NULL, c->room, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
			-1, 0);
	return mremap(buffer_addr(c, r->victim), c->room, c->room,
		      MREMAP_MAYMOVE | MREMAP_FIXED, r->moved) == MAP_FAILED;
}

static int give_mremap(struct capture *c, struct round *r)
{
	return mremap(r->moved, c->room, c->room,
		      MREMAP_MAYMOVE | MREMAP_FIXED,
		      buffer_addr(c, r->victim)) == MAP_FAILED;
}

static int take_access(struct capture *c, struct round *r)
{
	return mprotect(buffer_addr(c, r->victim), c->room, PROT_NONE);
}

static int take_write(struct capture *c, struct round *r)
{
	return mprotect(buffer_addr(c, r->victim), c->room, PROT_READ);
}

static int give_access(struct capture *c, struct round *r)
{
	return mprotect(buffer_addr(c, r->victim), c->room,
			PROT_READ | PROT_WRITE);
}

/* Memory that nobody may write to, so that it can't serve either */
static int take_cover(struct capture *c, struct round *r)
{
	return mmap(buffer_addr(c, r->victim), c->room, PROT_READ,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) ==
	       MAP_FAILED;
}

/* The driver of the memory takes all of it, from all of the buffers. */
static int round_zap(struct capture *c)
{
	unsigned int i;
	bool half;
	int ret;

	if (start(c) || bring_into_transfer(c))
		return -1;
	ret = vt_target_zap(&c->target);
	if (ret)
		return wrong("VPT_ZAP: %s", strerror(-ret));
	look(c, 0, c->target.size);
	half = half_filled(c);
	if (count_faults(c))
		return -1;
	usleep((VT_BUFS + 1) * c->node.frame_us);
	if (compare(c, 0, c->target.size) || no_new_fault(c))
		return -1;

	while (c->queued) {
		__u32 flags;
		int index = vt_dqbuf(&c->node, &flags);

		if (index < 0)
			return wrong("VIDIOC_DQBUF: %s", strerror(-index));
		if (!(flags & V4L2_BUF_FLAG_ERROR))
			return wrong("buffer %d has lost its memory, and no error",
				     index);
		c->queued--;
	}
	ret = vt_qbuf(&c->node, 0, buffer_addr(c, 0));
	if (ret != -EFAULT)
		return wrong("VIDIOC_QBUF: %s", strerror(-ret));

	ret = vt_target_restore(&c->target);
	if (ret)
		return wrong("VPT_RESTORE: %s", strerror(-ret));
	for (i = 0; i < VT_BUFS; i++)
		if (queue(c, i))
			return -1;
	/* the stream never stopped */
	if (go_on(c, VT_BUFS) || stop(c))
		return -1;
	return half;
}

/*
 * A process that queues the buffers, while its parent has the file open. It goes on with
 * them, or, where it is @reaped, has private memory among them. Returns it when it
 * captures, or -1.
 */
static pid_t start_child(struct capture *c, bool reaped)
{
	unsigned int i;
	int ready[2];
	ssize_t got;
	pid_t pid;
	char byte;

	if (pipe(ready))
		return wrong("pipe: %s", strerror(errno));
	fflush(stdout);
	pid = fork();
	if (!pid) {
		for (i = 0; reaped && i < VT_BUFS; i++)
			if (vt_make_private(buffer_addr(c, i), c->frame))
				_exit(1);
		if (start(c) || (!reaped && go_on(c, 1)) || write(ready[1], "", 1) != 1)
			_exit(1);
		while (reaped)
			pause();
		while (!go_on(c, 1))
			;
		fflush(stdout);
		_exit(1);
	}
	close(ready[1]);
	got = pid < 0 ? -1 : read(ready[0], &byte, 1);
	close(ready[0]);
	return got == 1 ? pid : wrong("the process that was to be killed does not capture");
}

/* No byte of any buffer changes after look(). */
static int check_left_alone(struct capture *c)
{
	if (count_faults(c))
		return -1;
	usleep((VT_BUFS + 1) * c->node.frame_us);
	return compare(c, 0, c->target.size) || no_new_fault(c) ? -1 : 0;
}

/* The same in this process */
static int capture_here(struct capture *c)
{
	return start(c) || go_on(c, VT_BUFS) || stop(c) ? -1 : 0;
}

/*
 * The process that queues the buffers is killed: nothing but the end of its address space
 * stops the capture.
 */
static int round_kill(struct capture *c)
{
	pid_t pid = start_child(c, false);
	bool half;
	int status;

	if (pid < 0)
		return -1;
	usleep(rand() % (3 * c->node.frame_us));
	kill(pid, SIGKILL);
	if (waitpid(pid, &status, 0) != pid || !WIFSIGNALED(status))
		return wrong("the process died by itself");

	look(c, 0, c->target.size);
	half = half_filled(c);
	if (check_left_alone(c) || stop(c) || capture_here(c))
		return -1;
	return half;
}

/*
 * It is killed, and before it gets to its end the OOM killer takes what is private, with
 * all of the buffers. The device may have to be given time.
 */
static int round_reap(struct capture *c)
{
	pid_t pid = start_child(c, true);
	int told, ret;

	if (pid < 0)
		return -1;
	usleep(rand() % (2 * c->node.frame_us));
	told = vt_reap(pid, 100);
	if (told < 0)
		return wrong("the process is not reaped: %s", strerror(-told));

	look(c, 0, c->target.size);
	if (check_left_alone(c))
		return -1;
	ret = vt_bury(pid);
	if (ret)
		return wrong("the process does not die: %s", strerror(-ret));
	if (stop(c) || capture_here(c))
		return -1;
	return told > 0;
}

/*
 * A private mapping, and fork(): memory that is not pinned is shared from then on
 * until somebody writes, and the device must not; pinned memory stays the parent's.
 * Whatever happened to the buffers, the child's memory is the child's.
 */
static int round_fork(struct capture *c)
{
	unsigned char *map = c->target.map;
	unsigned int i;
	int status;
	pid_t pid;

	if (mmap(map, c->target.size, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_FIXED, c->target.memory[0].fd,
		 c->target.memory[0].base) == MAP_FAILED)
		return wrong("mmap: %s", strerror(errno));
	if (start(c) || bring_into_transfer(c))
		return -1;
	fflush(stdout);
	pid = fork();
	if (!pid) {
		memcpy(c->bytes, map, c->target.size);
		usleep(3 * (VT_BUFS + 1) * c->node.frame_us);
		_exit(vt_find_difference(map, c->bytes, c->target.size) >= 0);
	}
	if (pid < 0)
		return wrong("fork: %s", strerror(errno));

	for (i = 0; i < 3 * VT_BUFS; i++) {
		__u32 flags;
		int index = dequeue(c, &flags);

		if (index < 0 || queue(c, index))
			return -1;
	}
	if (waitpid(pid, &status, 0) != pid || status)
		return wrong("the child's memory was written to");
	if (go_on(c, VT_BUFS) || stop(c))
		return -1;
	return vt_target_remap(&c->target, 0, c->target.size) ?
	       wrong("can't map it again") : 0;
}

/*
 * The stream runs. Returns 1 if the memory was lost in the middle of the frame, 0
 * if before or after it, or -1.
 */
static int run_round(struct capture *c, const struct way *way)
{
	struct round r = {};
	size_t offset;
	bool half;
	int ret;

	if (bring_into_transfer(c))
		return -1;
	r.victim = c->queue[0];
	offset = r.victim * c->slot;
	if (way->take(c, &r))
		return wrong("%s: %s", way->name, strerror(errno));
	look(c, offset, c->room);
	half = half_filled(c);
	if (count_faults(c))
		return -1;

	/* the device has seen the end of all that it had when they have come */
	if (until_lost(c, r.victim) || go_on(c, VT_BUFS - 1))
		return -1;
	ret = vt_qbuf(&c->node, r.victim, buffer_addr(c, r.victim));
	if (ret != way->again)
		return wrong("VIDIOC_QBUF: %s", strerror(-ret));
	if (compare(c, offset, c->room) || no_new_fault(c))
		return -1;

	if (way->give(c, &r))
		return wrong("%s can't be undone: %s", way->name,
			     strerror(errno));
	return queue(c, r.victim) ? -1 : half;
}

/*
 * All of them
 */

#define KINDS(...) ((const enum vt_kind[]) { __VA_ARGS__, -1 })

static const struct way ways[] = {
	{ "munmap", KINDS(VT_BAR, VT_HIDDEN, VT_PAGES),
	  take_munmap, -EFAULT, give_remap, NULL },
	{ "munmap of one page", KINDS(VT_BAR, VT_HIDDEN),
	  take_page, -EFAULT, give_remap, NULL },
	{ "mremap", KINDS(VT_BAR, VT_HIDDEN),
	  take_mremap, -EFAULT, give_mremap, NULL },
	{ "mprotect, no access", KINDS(VT_BAR, VT_HIDDEN),
	  take_access, -EFAULT, give_access, NULL },
	{ "mprotect, read only", KINDS(VT_BAR, VT_HIDDEN),
	  take_write, -EFAULT, give_access, NULL },
	{ "mmap on top", KINDS(VT_BAR, VT_HIDDEN),
	  take_cover, -EFAULT, give_remap, NULL },
	{ "taken back by its owner",
	  KINDS(VT_BAR_LAZY, VT_BAR_HUGE, VT_HIDDEN_LAZY, VT_PAGES),
	  NULL, 0, NULL, round_zap },
	{ "process killed", KINDS(VT_BAR, VT_HIDDEN),
	  NULL, 0, NULL, round_kill },
	{ "taken by the OOM killer", KINDS(VT_BAR, VT_HIDDEN),
	  NULL, 0, NULL, round_reap },
	{ "fork of a private mapping", KINDS(VT_HIDDEN),
	  NULL, 0, NULL, round_fork },
};

static unsigned int count_tests(void)
{
	const enum vt_kind *kind;
	unsigned int i, n = 0;

	for (i = 0; i < ARRAY_LEN(ways); i++)
		for (kind = ways[i].kinds; (int)*kind >= 0; kind++)
			n++;
	return n;
}

/* Returns the number of rounds that caught a frame in the middle, or -1. */
static long run_rounds(struct capture *c, const struct way *way,
		       unsigned int rounds)
{
	unsigned int i;
	long halves = 0;
	int ret;

	if (!way->round && start(c))
		return -1;
	for (i = 0; i < rounds; i++) {
		ret = way->round ? way->round(c) : run_round(c, way);
		if (ret < 0)
			return wrong("round %u of %u", i + 1, rounds);
		halves += ret;
	}
	return !way->round && stop(c) ? -1 : halves;
}

static int open_capture(struct capture *c, enum vt_kind kind)
{
	unsigned int i;
	int ret;

	memset(c, 0, sizeof(*c));
	ret = vt_open_capture(&c->node, options.driver, options.width,
			      options.height, options.fourcc, options.fps);
	if (ret) {
		wrong("%s: %s", options.driver, strerror(-ret));
		return ret;
	}
	c->frame = vt_frame_size(&c->node);
	c->room = (c->frame + 2 * PAGE - 1) & -PAGE;
	c->slot = c->room + PAGE;
	ret = vt_target_map(&c->target, kind, c->slot, VT_BUFS);
	if (ret) {
		if (ret != -ENODEV)
			wrong("%s: %s", vt_kind_name(kind), strerror(-ret));
		vt_close(&c->node);
		return ret;
	}
	for (i = 0; i < VT_BUFS; i++)
		munmap(c->target.map + i * c->slot + c->room, PAGE);
	c->words = calloc(c->target.size / SECTOR, sizeof(*c->words));
	c->bytes = malloc(c->target.size);
	if (!c->words || !c->bytes)
		exit(wrong("out of memory"));
	return 0;
}

static void close_capture(struct capture *c)
{
	vt_close(&c->node);
	vt_target_unmap(&c->target);
	free(c->words);
	free(c->bytes);
}

static const char *prefix(void)
{
	static char text[64];

	if (options.name[0])
		snprintf(text, sizeof(text), "%s: ", options.name);
	return text;
}

static bool run_test(const struct way *way, enum vt_kind kind,
		     unsigned int number, unsigned int rounds)
{
	const char *lacking = vt_kind_lacks(kind, true);
	struct capture c;
	long halves;
	int ret;

	if (!lacking && strstr(way->name, "fork"))
		lacking = vt_kernel_lacks(VT_FORK_COPIED);
	if (lacking) {
		printf("ok %u %s%s, %s # SKIP %s\n", number, prefix(),
		       vt_kind_name(kind), way->name, lacking);
		return true;
	}
	ret = open_capture(&c, kind);
	if (ret == -ENODEV && c.target.why[0]) {
		printf("ok %u %s%s, %s # SKIP %s\n", number, prefix(),
		       vt_kind_name(kind), way->name, c.target.why);
		return true;
	}
	halves = ret || new_faults() < 0 ? -1 : run_rounds(&c, way, rounds);
	printf("%sok %u %s%s, %s", halves < 0 ? "not " : "", number,
	       prefix(), vt_kind_name(kind), way->name);
	if (halves >= 0) {
		printf(": %u revocations, %ld in the middle of a frame", rounds, halves);
		printf(", %lu faults meanwhile, %lu frames", c.faults, c.frames);
	}
	printf("\n");
	fflush(stdout);
	if (!ret)
		close_capture(&c);
	return halves >= 0;
}

static void parse(int argc, char **argv)
{
	int option;

	while ((option = getopt(argc, argv, "d:s:p:f:r:m:n:")) != -1) {
		switch (option) {
		case 'd':
			options.driver = optarg;
			break;
		case 's':
			if (sscanf(optarg, "%ux%u", &options.width,
				   &options.height) != 2)
				exit(2);
			break;
		case 'p':
			if (strlen(optarg) != 4)
				exit(2);
			options.fourcc = v4l2_fourcc(optarg[0], optarg[1],
						     optarg[2], optarg[3]);
			break;
		case 'f':
			options.fps = atoi(optarg);
			break;
		case 'r':
			options.rounds = atoi(optarg);
			break;
		case 'm':
			options.mib = atoi(optarg);
			break;
		case 'n':
			options.name = optarg;
			break;
		default:
			fprintf(stderr, "usage: %s [-d DRIVER] [-s WxH] [-p FOURCC] [-f FPS]\n"
				"\t[-r ROUNDS] [-m MIB] [-n NAME]\n", argv[0]);
			exit(2);
		}
	}
}

int main(int argc, char **argv)
{
	unsigned int i, tests, number = 0, seed = getpid();
	const enum vt_kind *kind;
	bool good = true;

	parse(argc, argv);
	tests = count_tests();
	srand(seed);
	printf("KTAP version 1\n1..%u\n# seed %u\n", tests, seed);
	for (i = 0; i < ARRAY_LEN(ways); i++)
		for (kind = ways[i].kinds; (int)*kind >= 0; kind++)
			good &= run_test(&ways[i], *kind, ++number,
					 (options.rounds + tests - 1) / tests);
	return !good;
}
