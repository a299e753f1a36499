// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which format: the user's wishes, and what a display needs
 */
#include <stdio.h>
#include <string.h>

#include "session.h"

static bool shows(const struct target *t, uint32_t fourcc)
{
	const uint32_t *format;

	for (format = t->formats; *format; format++)
		if (*format == fourcc)
			return true;
	return false;
}

static const char *list_formats(const struct target *t, char *text, size_t size)
{
	const uint32_t *format;
	size_t len = 0;

	for (format = t->formats; *format && len < size; format++)
		len += snprintf(text + len, size - len, "%s%s", len ? ", " : "",
				fourcc_text(*format).s);
	return text;
}

static int choose_format(struct session *s, uint32_t *fourcc)
{
	const struct target *t = &s->target;
	const uint32_t *format;
	char text[64];

	if (*fourcc) {
		if (shows(t, *fourcc))
			return 0;
		fail(&s->failure, STATUS_FAILURE, "the %s does not show %s", t->name,
		     fourcc_text(*fourcc).s);
		fail_help(&s->failure, "it shows %s", list_formats(t, text, sizeof(text)));
		return -1;
	}
	for (format = t->formats; *format; format++) {
		if (node_has_format(&s->node, *format)) {
			*fourcc = *format;
			return 0;
		}
	}
	fail(&s->failure, STATUS_FAILURE, "%s gives no format that the %s shows: %s",
	     s->node.path, t->name, list_formats(t, text, sizeof(text)));
	fail_help(&s->failure, "a target that is no display takes any format");
	return -1;
}

/* What the driver made of the wishes must be what was asked for. */
static int check_format(struct session *s, uint32_t fourcc)
{
	const struct options *o = &s->options;
	const struct picture *p = &s->node.picture;

	if (o->width && (p->width != o->width || p->height != o->height)) {
		fail(&s->failure, STATUS_FAILURE, "%s does not give %ux%u, but %ux%u",
		     s->node.path, o->width, o->height, p->width, p->height);
		fail_help(&s->failure, "v4l2-ctl -d %s --list-formats-ext shows what it gives",
			  s->node.path);
		return -1;
	}
	if (fourcc && p->fourcc != fourcc) {
		fail(&s->failure, STATUS_FAILURE, "%s does not give %s, but %s", s->node.path,
		     fourcc_text(fourcc).s, fourcc_text(p->fourcc).s);
		fail_help(&s->failure, "v4l2-ctl -d %s --list-formats shows what it gives",
			  s->node.path);
		return -1;
	}
	return 0;
}

/*
 * Lines of the display and of the driver must be equally far apart: the driver may
 * take the display's distance, or the display have lines of the driver's.
 */
static int match_lines(struct session *s, const struct picture *want)
{
	struct picture wider = *want;
	struct target *t = &s->target;
	struct node *n = &s->node;

	if (t->ops->fit(t, &n->picture, &s->failure))
		return -1;
	if (n->picture.bytesperline[0] == t->pitch)
		return 0;
	wider.width = n->picture.width;
	wider.height = n->picture.height;
	wider.bytesperline[0] = t->pitch;
	if (node_set_format(n, &wider, &s->failure))
		return -1;
	if (n->picture.width == wider.width && n->picture.height == wider.height &&
	    (n->picture.bytesperline[0] == t->pitch ||
	     t->ops->adopt(t, n->picture.bytesperline[0])))
		return 0;
	fail(&s->failure, STATUS_FAILURE, "lines are %zu bytes apart on the %s, and %zu bytes in "
	     "%s's pictures; the driver %s takes no other distance", t->pitch, t->name,
	     n->picture.bytesperline[0], n->path, n->cap.driver);
	fail_help(&s->failure, "--size %ux%u, if the camera has that: a picture that is as wide "
		  "as the display", t->max_width, t->max_height);
	return -1;
}

static int set_rate(struct session *s)
{
	unsigned int fps = s->options.fps;
	struct v4l2_fract *i = &s->node.interval;

	if (!fps)
		return 0;
	if (node_set_rate(&s->node, fps))
		session_note(s, "%s has no rate that can be set", s->node.path);
	else if ((uint64_t)i->numerator * fps != i->denominator)
		session_note(s, "%s does not give %u frames/s, but %.2f", s->node.path, fps,
			     i->numerator ? (double)i->denominator / i->numerator : 0);
	return 0;
}

int negotiate(struct session *s)
{
	const struct options *o = &s->options;
	struct picture want = s->node.picture;
	struct target *t = &s->target;
	bool display = target_is_display(t);
	uint32_t fourcc = o->format;

	want.bytesperline[0] = 0;
	if (o->width) {
		want.width = o->width;
		want.height = o->height;
	}
	if (display) {
		if (choose_format(s, &fourcc))
			return -1;
		if (!o->width && (want.width > t->max_width || want.height > t->max_height)) {
			want.width = t->max_width;
			want.height = t->max_height;
		}
	}
	if (fourcc)
		want.fourcc = fourcc;
	if (o->width || fourcc) {
		if (node_set_format(&s->node, &want, &s->failure) || check_format(s, fourcc))
			return -1;
	}
	if (display && match_lines(s, &want))
		return -1;
	return set_rate(s);
}
