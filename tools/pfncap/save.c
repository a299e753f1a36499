// SPDX-License-Identifier: GPL-2.0-only
/*
 * The last frame as a picture
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "memory.h"
#include "png.h"
#include "session.h"

static int write_png(struct session *s, const unsigned char *rgb)
{
	const struct picture *p = &s->node.picture;
	const char *name = s->options.save;
	FILE *file = fopen(name, "wbe");
	int ret;

	if (!file)
		return fail_call(&s->failure, STATUS_FAILURE, "open", errno,
				 "%s can't be written", name);
	ret = png_write(file, rgb, p->width, p->height);
	if (fclose(file) && !ret)
		ret = -errno;
	if (ret) {
		unlink(name);
		return fail_call(&s->failure, STATUS_FAILURE, "write", ret,
				 "%s can't be written", name);
	}
	s->saved = true;
	return 0;
}

int save_frame(struct session *s)
{
	const struct picture *p = &s->node.picture;
	const unsigned char *plane[MAX_PLANES];
	unsigned char *slot, *rgb;
	unsigned int i;
	int ret = -1;

	if (!s->stats.frames)
		return fail(&s->failure, STATUS_FAILURE, "--save: there is no frame");
	slot = malloc(s->layout.used);
	rgb = malloc((size_t)p->width * p->height * 3);
	for (i = 0; i < s->layout.planes; i++)
		plane[i] = slot + s->layout.plane_offset[i];
	if (!slot || !rgb) {
		fail_call(&s->failure, STATUS_FAILURE, "malloc", ENOMEM, "out of memory");
	} else if (!memory_copy(slot, s->target.slot[s->last], s->layout.used,
				s->target.strict)) {
		fail_call(&s->failure, STATUS_REFUSED, "access", EFAULT,
			  "--save: %s has vanished (SIGBUS)", s->target.name);
	} else {
		picture_to_rgb(p, plane, rgb);
		ret = write_png(s, rgb);
	}
	free(slot);
	free(rgb);
	return ret;
}
