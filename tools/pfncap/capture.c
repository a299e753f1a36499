// SPDX-License-Identifier: GPL-2.0-only
/*
 * The capture itself
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "advice.h"
#include "memory.h"
#include "session.h"

/* So many frames with an error in a row, and there is nothing to wait for. */
#define MAX_ERRORS	100

static volatile sig_atomic_t interrupts;

static void on_interrupt(int signal)
{
	(void)signal;
	interrupts++;
}

void capture_catch_signals(void)
{
	struct sigaction action = { .sa_handler = on_interrupt };

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

/*
 * What there is to know between two frames
 */

/**
 * struct loop - the state of a capture
 * @held: buffer that is on show, and is queued when the next one is; -1 if none
 * @sequence: of the last frame, if there was one
 * @errors: frames with an error in a row
 * @told: when progress was told
 */
struct loop {
	int held;
	bool any;
	uint32_t sequence;
	unsigned int errors;
	double first;
	double told;
	uint64_t told_frames;
};

static void progress(struct session *s, struct loop *l, double at)
{
	bool terminal = isatty(STDERR_FILENO);
	const struct stats *st = &s->stats;

	if (s->options.quiet || at - l->told < (terminal ? 0.5 : 5))
		return;
	fprintf(stderr, "%s%llu frames, %.1f frames/s, %llu lost, %llu with errors%s",
		terminal ? "\r" : "", (unsigned long long)st->frames,
		(st->frames - l->told_frames) / (at - l->told), (unsigned long long)st->lost,
		(unsigned long long)st->errors, terminal ? " \033[K" : "\n");
	l->told = at;
	l->told_frames = st->frames;
}

static void progress_ends(const struct session *s)
{
	if (!s->options.quiet && isatty(STDERR_FILENO))
		fputs("\r\033[K", stderr);
}

static int vanished(struct session *s)
{
	fail_call(&s->failure, STATUS_REFUSED, "access", EFAULT, "%s has vanished (SIGBUS)",
		  s->target.name);
	fail_meaning(&s->failure, "its device was removed or disabled, or the file cut off, "
		     "while pfncap had it mapped");
	return -1;
}

/*
 * Buffers
 */

/* What the node answers to memory that every driver with USERPTR should take */
static int ask_with_anonymous(struct session *s)
{
	struct node *n = &s->node;
	unsigned char *addr[MAX_PLANES];
	struct failure ignored;
	unsigned char *map;
	unsigned int p;
	int ret;

	node_release(n);
	if (node_request(n, V4L2_MEMORY_USERPTR, 1, &ignored))
		return 1;
	map = mmap(NULL, s->layout.used, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		   -1, 0);
	if (map == MAP_FAILED)
		return 1;
	for (p = 0; p < s->layout.planes; p++)
		addr[p] = map + s->layout.plane_offset[p];
	ret = node_queue(n, 0, addr);
	node_release(n);
	munmap(map, s->layout.used);
	return ret;
}

static int refused(struct session *s, unsigned int index, int error, bool again)
{
	const struct target *t = &s->target;
	int anonymous = 1;

	fail_call(&s->failure, STATUS_REFUSED, "VIDIOC_QBUF", error, "%s %s %s (buffer %u)",
		  s->node.path, again ? "does not take back" : "refuses", t->name, index);
	if (!again && error == -EFAULT)
		anonymous = t->kind == KIND_ANON ? error : ask_with_anonymous(s);
	advise(&s->failure, &s->node, t, again, anonymous);
	return -1;
}

/* Before a frame gets there, for verification */
static int mark(struct session *s, unsigned int slot)
{
	double before = cpu_time();
	bool there;

	if (!s->options.verify)
		return 0;
	there = verify_prepare(&s->verify, s->target.slot[slot], s->target.strict);
	s->stats.checking += cpu_time() - before;
	return there ? 0 : vanished(s);
}

static int check(struct session *s, const struct frame *frame, unsigned int slot)
{
	double before = cpu_time();
	bool there;

	if (!s->options.verify)
		return 0;
	there = verify_frame(&s->verify, s->target.slot[slot], s->target.strict, frame,
			     s->stats.frames);
	s->stats.checking += cpu_time() - before;
	return there ? 0 : vanished(s);
}

static int queue(struct session *s, unsigned int index, bool again)
{
	unsigned char *addr[MAX_PLANES];
	int ret;

	if (s->options.copy) {
		ret = node_queue(&s->node, index, NULL);
		if (ret)
			return fail_call(&s->failure, STATUS_FAILURE, "VIDIOC_QBUF", ret,
					 "%s", s->node.path);
		return 0;
	}
	if (mark(s, index))
		return -1;
	target_planes(&s->target, &s->layout, index, addr);
	ret = node_queue(&s->node, index, addr);
	return ret ? refused(s, index, ret, again) : 0;
}

static int queue_all(struct session *s)
{
	unsigned int count = s->options.copy ? s->node.buffers : s->buffers, i;

	for (i = 0; i < count; i++)
		if (queue(s, i, false))
			return -1;
	return 0;
}

/* By MMAP: from the driver's memory to the target's. */
static int copy_frame(struct session *s, const struct frame *frame, unsigned int slot)
{
	const struct layout *l = &s->layout;
	unsigned int p;

	for (p = 0; p < l->planes; p++) {
		if (!memory_copy(s->target.slot[slot] + l->plane_offset[p],
				 s->node.map[frame->index][p], frame->used[p],
				 s->target.strict))
			return vanished(s);
		s->stats.copied += frame->used[p];
	}
	return 0;
}

/*
 * Frames
 */

static void count(struct session *s, struct loop *l, const struct frame *frame)
{
	struct stats *st = &s->stats;
	double at = now();

	/* a field each has the sequence number of the frame that it is part of */
	if (l->any && frame->sequence > l->sequence)
		st->lost += frame->sequence - l->sequence - 1;
	l->any = true;
	l->sequence = frame->sequence;
	if (frame->flags & V4L2_BUF_FLAG_ERROR) {
		st->errors++;
		l->errors++;
		return;
	}
	l->errors = 0;
	if (!st->frames++)
		l->first = at;
	st->seconds = at - l->first;
	progress(s, l, at);
}

static int flawed(struct session *s, const struct loop *l, const struct frame *frame)
{
	if (s->stats.errors == 1)
		session_note(s, "buffer %u came back with V4L2_BUF_FLAG_ERROR (sequence %u): "
			     "the driver lost data, or the memory was taken away", frame->index,
			     frame->sequence);
	if (l->errors < MAX_ERRORS)
		return 0;
	return fail(&s->failure, STATUS_FAILURE, "%u frames in a row with an error", l->errors);
}

/* What to do with a frame that arrived: slot @slot has it afterwards */
static int take(struct session *s, const struct frame *frame, unsigned int slot)
{
	if (s->options.copy && (mark(s, slot) || copy_frame(s, frame, slot)))
		return -1;
	if (check(s, frame, slot))
		return -1;
	if (s->target.ops->show)
		s->target.ops->show(&s->target, slot);
	s->last = slot;
	return 0;
}

/* Give the driver back what it may write to. */
static int give_back(struct session *s, struct loop *l, unsigned int index)
{
	int before = l->held;

	if (s->options.copy || !s->target.flips || s->buffers == 1)
		return queue(s, index, true);
	l->held = index;
	return before < 0 ? 0 : queue(s, before, true);
}

static int no_frame(struct session *s, int error)
{
	struct failure *f = &s->failure;

	if (error == -ETIMEDOUT) {
		fail_call(f, STATUS_FAILURE, "poll", ETIMEDOUT, "%s gave no frame for %u s",
			  s->node.path, s->options.timeout);
		fail_help(f, "is there a signal? Some drivers start with more buffers only "
			  "(--buffers; there were %u); --timeout", s->buffers);
		return -1;
	}
	fail_call(f, STATUS_FAILURE, "VIDIOC_DQBUF", error, "%s gives no frame", s->node.path);
	if (error == -ENODEV || error == -EIO)
		fail_meaning(f, "the device was removed, or has failed");
	return -1;
}

/*
 * 1 if that was the last frame. Whoever wants it saved gets one after the interrupt
 * that is not written to again.
 */
static int step(struct session *s, struct loop *l)
{
	const struct options *o = &s->options;
	unsigned int slot;
	struct frame frame;
	int ret;

	if (interrupts > 1 || (interrupts && !o->save))
		return 1;
	ret = node_dequeue(&s->node, o->timeout * 1000, &frame);
	if (ret == -EINTR || ret == -EAGAIN)
		return 0;
	if (ret)
		return no_frame(s, ret);
	count(s, l, &frame);
	if (frame.flags & V4L2_BUF_FLAG_ERROR) {
		ret = flawed(s, l, &frame);
		return ret ? ret : queue(s, frame.index, true);
	}
	slot = o->copy ? (s->stats.frames - 1) % s->buffers : frame.index;
	if (take(s, &frame, slot))
		return -1;
	if (interrupts || s->stats.frames == o->frames)
		return 1;
	return give_back(s, l, frame.index);
}

int capture(struct session *s)
{
	struct loop l = { .held = -1, .told = now() };
	double cpu;
	int ret;

	if (queue_all(s))
		return -1;
	s->stats.checking = 0;
	cpu = cpu_time();
	ret = node_stream(&s->node, true);
	if (ret)
		return fail_call(&s->failure, STATUS_FAILURE, "VIDIOC_STREAMON", ret,
				 "%s does not start", s->node.path);
	s->capturing = true;
	do {
		ret = step(s, &l);
	} while (!ret);
	s->stats.cpu = cpu_time() - cpu - s->stats.checking;
	progress_ends(s);
	node_stream(&s->node, false);
	return ret < 0 ? -1 : 0;
}
