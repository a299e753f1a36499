// SPDX-License-Identifier: GPL-2.0-only
/*
 * pfncap: capture video into memory of a device, by V4L2_MEMORY_USERPTR
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "list.h"
#include "session.h"
#include "version.h"

/* Tell before the capture, not after it, that its picture can't be written. */
static int check_save(struct session *s)
{
	const char *name = s->options.save;
	struct failure *f = &s->failure;
	bool new;
	int fd;

	if (!name)
		return 0;
	if (!picture_known(&s->node.picture)) {
		fail(f, STATUS_FAILURE, "--save: pfncap makes no PNG of %s",
		     fourcc_text(s->node.picture.fourcc).s);
		fail_help(f, "--format with an RGB, YUV 4:2:2 or 4:2:0, or grey format that the "
			  "node has");
		return -1;
	}
	new = access(name, F_OK);
	fd = open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
	if (fd < 0)
		return fail_call(f, STATUS_FAILURE, "open", errno, "--save: %s can't be written",
				 name);
	close(fd);
	if (new)
		unlink(name);
	return 0;
}

static int too_small(struct session *s, unsigned int wanted, unsigned int fit)
{
	const struct picture *p = &s->node.picture;
	const struct target *t = &s->target;
	const struct layout *l = &s->layout;
	struct failure *f = &s->failure;
	uint64_t room = t->offset < t->size ? t->size - t->offset : 0;

	fail(f, STATUS_FAILURE, "the %s is too small: from offset %llu on it has %llu bytes; %u "
	     "buffers of %ux%u %s need %zu each and %zu together; %u would fit", t->name,
	     (unsigned long long)t->offset, (unsigned long long)room, wanted, p->width,
	     p->height, fourcc_text(p->fourcc).s, l->used, (wanted - 1) * l->size + l->used,
	     fit);
	if (fit)
		fail_help(f, "--buffers %u, a smaller --size, or another --offset", fit);
	else
		fail_help(f, "a smaller --size, another --offset, or a larger target");
	return -1;
}

/* As many buffers as were asked for; if nobody asked, as many as fit */
static int choose_buffers(struct session *s)
{
	unsigned int fit = target_capacity(&s->target, &s->layout);
	unsigned int wanted = s->options.buffers ?: DEFAULT_BUFFERS;

	if (!s->options.buffers && fit && fit < wanted)
		wanted = fit;
	if (fit < wanted)
		return too_small(s, wanted, fit);
	s->buffers = wanted;
	return 0;
}

static int request_buffers(struct session *s)
{
	struct failure *f = &s->failure;
	unsigned int fit;

	if (s->options.copy)
		return node_request(&s->node, V4L2_MEMORY_MMAP, DEFAULT_BUFFERS, f);
	if (node_request(&s->node, V4L2_MEMORY_USERPTR, s->buffers, f))
		return -1;
	if (s->node.buffers == s->buffers)
		return 0;
	fit = target_capacity(&s->target, &s->layout);
	if (fit < s->node.buffers) {
		too_small(s, s->node.buffers, fit);
		fail_help(f, "the driver %s does not work with fewer buffers: a smaller --size, "
			  "another --offset, --overlap, or a larger target", s->node.cap.driver);
		return -1;
	}
	if (s->options.buffers)
		session_note(s, "the driver %s wants %u buffers", s->node.cap.driver,
			     s->node.buffers);
	s->buffers = s->node.buffers;
	return 0;
}

static int prepare(struct session *s)
{
	struct options *o = &s->options;
	struct failure *f = &s->failure;

	if (target_open(&s->target, o, f))
		return -1;
	s->has_target = true;
	if (node_open(&s->node, o->device, o->copy ? V4L2_MEMORY_MMAP : V4L2_MEMORY_USERPTR, f))
		return -1;
	s->has_node = true;
	if (negotiate(s) || check_save(s))
		return -1;
	layout_make(&s->layout, &s->node.picture, &s->target, o->verify, o->overlap);
	s->has_layout = true;
	if (choose_buffers(s))
		return -1;
	if (o->verify && verify_start(&s->verify, &s->node, &s->layout, o->timeout * 1000, f))
		return -1;
	if (request_buffers(s))
		return -1;
	return target_map(&s->target, &s->layout, s->buffers, f);
}

static void run(struct session *s)
{
	int ret;

	/* whatever was switched on is switched off again */
	capture_catch_signals();
	ret = prepare(s);
	if (s->has_target && *s->target.note)
		session_note(s, "%s", s->target.note);
	if (ret)
		return;
	if (!capture(s) && s->options.save)
		save_frame(s);
}

static void finish(struct session *s)
{
	if (s->has_node) {
		node_release(&s->node);
		node_close(&s->node);
	}
	verify_end(&s->verify);
	report(s);
	if (s->has_target)
		target_close(&s->target);
}

int main(int argc, char *argv[])
{
	static struct session s;

	if (options_parse(&s.options, argc, argv, &s.failure)) {
		report(&s);
		return s.failure.status;
	}
	switch (s.options.action) {
	case ACTION_HELP:
		options_help();
		break;
	case ACTION_VERSION:
		printf("pfncap %s\n", VERSION);
		break;
	case ACTION_LIST:
		list(s.options.json);
		break;
	case ACTION_CAPTURE:
		run(&s);
		finish(&s);
		break;
	}
	if (fflush(stdout))
		return STATUS_FAILURE;
	return session_status(&s);
}
