// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "verify.h"

/* A driver may need some frames until the picture is as it is to stay. */
#define SKIPPED		2

/*
 * The reference
 */

static void keep(struct verify *v, const struct node *n, const struct frame *frame,
		 unsigned char *slot)
{
	const struct layout *l = v->layout;
	unsigned int p;

	for (p = 0; p < l->planes; p++)
		memcpy(slot + l->plane_offset[p], n->map[frame->index][p], l->plane_size[p]);
}

static uint64_t count_different(const struct verify *v, const size_t *used)
{
	struct area areas[MAX_PLANES];
	unsigned int n = picture_areas(v->picture, used, areas), i, y;
	uint64_t count = 0;
	size_t x;

	for (i = 0; i < n; i++) {
		const struct area *a = &areas[i];
		size_t at = v->layout->plane_offset[a->plane] + a->offset;

		for (y = 0; y < a->lines; y++, at += a->stride) {
			if (!memcmp(v->have + at, v->reference + at, a->bytes))
				continue;
			for (x = 0; x < a->bytes; x++)
				count += v->have[at + x] != v->reference[at + x];
		}
	}
	return count;
}

/* The last but one frame goes to @reference, the last one to @have. */
static int capture_two(struct verify *v, struct node *n, unsigned int timeout_ms,
		       struct frame *frame, struct failure *f)
{
	unsigned int taken = 0;
	int ret;

	while (taken < SKIPPED + 2) {
		ret = node_dequeue(n, timeout_ms, frame);
		if (ret == -EAGAIN)
			continue;
		if (ret)
			return fail_call(f, ret == -EINTR ? STATUS_FAILURE : STATUS_UNVERIFIED,
					 "VIDIOC_DQBUF", ret,
					 "%s gives no frame by MMAP to compare with", n->path);
		if (!(frame->flags & V4L2_BUF_FLAG_ERROR)) {
			if (taken >= SKIPPED)
				keep(v, n, frame,
				     taken == SKIPPED ? v->reference : v->have);
			taken++;
		}
		ret = node_queue(n, frame->index, NULL);
		if (ret)
			return fail_call(f, STATUS_UNVERIFIED, "VIDIOC_QBUF", ret, "%s",
					 n->path);
	}
	return 0;
}

static int capture_reference(struct verify *v, struct node *n, unsigned int timeout_ms,
			     struct failure *f)
{
	struct frame frame;
	unsigned int i;
	int ret;

	if (node_request(n, V4L2_MEMORY_MMAP, DEFAULT_BUFFERS, f)) {
		f->status = STATUS_UNVERIFIED;
		return -1;
	}
	for (i = 0, ret = 0; i < n->buffers && !ret; i++)
		ret = node_queue(n, i, NULL);
	if (!ret)
		ret = node_stream(n, true);
	if (ret)
		fail_call(f, STATUS_UNVERIFIED, "VIDIOC_STREAMON", ret,
			  "%s does not capture by MMAP", n->path);
	else
		ret = capture_two(v, n, timeout_ms, &frame, f);
	if (!ret)
		v->moves = count_different(v, frame.used);
	node_stream(n, false);
	node_release(n);
	return ret ? -1 : 0;
}

void verify_make_pattern(struct verify *v)
{
	uint64_t i, word;

	for (i = 0; i < v->layout->used / sizeof(word); i++) {
		/* splitmix64: any two words differ, and look like nothing */
		word = (i + 1) * 0x9e3779b97f4a7c15;
		word = (word ^ word >> 30) * 0xbf58476d1ce4e5b9;
		word ^= word >> 27;
		memcpy(v->pattern + i * sizeof(word), &word, sizeof(word));
	}
}

int verify_start(struct verify *v, struct node *n, const struct layout *l,
		 unsigned int timeout_ms, struct failure *f)
{
	memset(v, 0, sizeof(*v));
	v->picture = &n->picture;
	v->layout = l;
	v->pattern = calloc(1, l->used);
	v->reference = calloc(1, l->used);
	v->have = calloc(1, l->used);
	if (!v->pattern || !v->reference || !v->have)
		return fail_call(f, STATUS_FAILURE, "malloc", ENOMEM, "out of memory");
	verify_make_pattern(v);
	return capture_reference(v, n, timeout_ms, f);
}

void verify_end(struct verify *v)
{
	free(v->pattern);
	free(v->reference);
	free(v->have);
	v->pattern = NULL;
	v->reference = NULL;
	v->have = NULL;
}

/*
 * Frames
 */

/* The place of the first byte that is wrong */
struct place {
	bool found;
	unsigned int plane;
	size_t offset;
};

static void note_place(struct place *place, unsigned int plane, size_t offset)
{
	if (place->found)
		return;
	place->found = true;
	place->plane = plane;
	place->offset = offset;
}

/*
 * Bytes of whole words that still are what was there before. That a picture has such a
 * word by chance happens once in 2^64.
 */
static size_t count_unwritten(const struct verify *v, size_t from, size_t to, size_t plane_at,
			      unsigned int plane, struct place *place)
{
	size_t word = sizeof(uint64_t), at, count = 0;

	for (at = round_up_to(from, word); at + word <= to; at += word) {
		if (!memcmp(v->have + at, v->pattern + at, word)) {
			note_place(place, plane, at - plane_at);
			count += word;
		}
	}
	return count;
}

static size_t count_wrong(const struct verify *v, size_t from, size_t to, size_t plane_at,
			  unsigned int plane, struct place *place)
{
	size_t at, count = 0;

	if (!memcmp(v->have + from, v->reference + from, to - from))
		return 0;
	for (at = from; at < to; at++) {
		if (v->have[at] != v->reference[at]) {
			note_place(place, plane, at - plane_at);
			count++;
		}
	}
	return count;
}

/* What is between the planes and behind the last one is nobody's. */
static size_t count_beside(const struct verify *v, struct place *place)
{
	const struct layout *l = v->layout;
	size_t at = 0, end, count = 0;
	unsigned int p;

	for (p = 0; p <= l->planes; p++) {
		end = p < l->planes ? l->plane_offset[p] : l->used;
		for (; at < end; at++) {
			if (v->have[at] == v->pattern[at])
				continue;
			note_place(place, p, at);
			count++;
		}
		if (p < l->planes)
			at = end + l->plane_size[p];
	}
	return count;
}

static void say(struct verify *v, uint64_t number, size_t count, const char *what,
		unsigned int plane, size_t offset)
{
	if (!*v->first)
		snprintf(v->first, sizeof(v->first),
			 "frame %" PRIu64 ": %zu bytes %s, the first one at byte %zu of plane %u",
			 number, count, what, offset, plane);
}

/* Beside the frame: before the plane that comes next, or behind the last one */
static void say_beside(struct verify *v, uint64_t number, size_t count,
		       const struct place *place)
{
	const struct layout *l = v->layout;
	unsigned int last = l->planes - 1;
	bool behind = place->plane == l->planes;
	size_t edge = behind ? l->plane_offset[last] + l->plane_size[last] :
			       l->plane_offset[place->plane];

	if (*v->first)
		return;
	snprintf(v->first, sizeof(v->first),
		 "frame %" PRIu64 ": %zu bytes beside the frame were written, the first one "
		 "%zu bytes %s plane %u", number, count,
		 behind ? place->offset - edge + 1 : edge - place->offset,
		 behind ? "behind the end of" : "before", behind ? last : place->plane);
}

void verify_look(struct verify *v, const size_t *used, uint64_t number)
{
	struct place unwritten = {}, wrong = {}, beside = {};
	size_t n_unwritten = 0, n_wrong = 0, n_beside, x;
	struct area areas[MAX_PLANES];
	unsigned int n = picture_areas(v->picture, used, areas), i, y;

	for (i = 0; i < n; i++) {
		const struct area *a = &areas[i];
		size_t plane_at = v->layout->plane_offset[a->plane];

		for (y = 0; y < a->lines; y++) {
			x = plane_at + a->offset + y * a->stride;
			n_unwritten += count_unwritten(v, x, x + a->bytes, plane_at, a->plane,
						       &unwritten);
			if (!v->moves)
				n_wrong += count_wrong(v, x, x + a->bytes, plane_at, a->plane,
						       &wrong);
		}
	}
	n_beside = count_beside(v, &beside);

	if (n_unwritten)
		say(v, number, n_unwritten, "were not written", unwritten.plane,
		    unwritten.offset);
	if (n_wrong)
		say(v, number, n_wrong, "are not as MMAP captures them", wrong.plane,
		    wrong.offset);
	if (n_beside)
		say_beside(v, number, n_beside, &beside);
	v->unwritten += n_unwritten;
	v->different += n_wrong;
	v->beside += n_beside;
	v->bad += n_unwritten || n_wrong || n_beside;
	v->frames++;
}

bool verify_prepare(const struct verify *v, unsigned char *slot, bool strict)
{
	return memory_copy(slot, v->pattern, v->layout->used, strict);
}

bool verify_frame(struct verify *v, const unsigned char *slot, bool strict,
		  const struct frame *frame, uint64_t number)
{
	if (!memory_copy(v->have, slot, v->layout->used, strict))
		return false;
	verify_look(v, frame->used, number);
	return true;
}
