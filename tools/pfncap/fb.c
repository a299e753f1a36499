// SPDX-License-Identifier: GPL-2.0-only
/*
 * Framebuffers: what is visible is the beginning, or where the display is panned to
 */
#include <endian.h>
#include <errno.h>
#include <linux/fb.h>
#include <linux/videodev2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "target.h"

/**
 * struct fb - a framebuffer
 * @var: as it is set, and is set again at the end
 * @line: bytes of a line
 * @first_line: where the first buffer begins
 * @slot_lines: lines from one buffer to the next
 * @can_pan: it can be moved to every buffer
 * @panned: it was moved
 */
struct fb {
	struct fb_var_screeninfo var;
	unsigned int line;
	unsigned int first_line;
	unsigned int slot_lines;
	bool can_pan;
	bool panned;
};

/* red, green and blue at these bits of a pixel, which is a number of the CPU's */
static const struct {
	unsigned int bits, red, green, blue, green_length;
	uint32_t formats[4];
} layouts[] = {
#if __BYTE_ORDER == __LITTLE_ENDIAN
	{ 32, 16, 8, 0, 8,
	  { V4L2_PIX_FMT_XBGR32, V4L2_PIX_FMT_ABGR32, V4L2_PIX_FMT_BGR32 } },
	{ 32, 0, 8, 16, 8, { V4L2_PIX_FMT_RGBX32, V4L2_PIX_FMT_RGBA32 } },
	{ 24, 16, 8, 0, 8, { V4L2_PIX_FMT_BGR24 } },
	{ 24, 0, 8, 16, 8, { V4L2_PIX_FMT_RGB24 } },
	{ 16, 11, 5, 0, 6, { V4L2_PIX_FMT_RGB565 } },
#else
	{ 32, 16, 8, 0, 8,
	  { V4L2_PIX_FMT_XRGB32, V4L2_PIX_FMT_ARGB32, V4L2_PIX_FMT_RGB32 } },
	{ 32, 0, 8, 16, 8, { V4L2_PIX_FMT_BGRX32, V4L2_PIX_FMT_BGRA32 } },
	{ 16, 11, 5, 0, 6, { V4L2_PIX_FMT_RGB565X } },
#endif
};

static const uint32_t *find_formats(const struct fb_var_screeninfo *v)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(layouts); i++)
		if (v->bits_per_pixel == layouts[i].bits && v->red.offset == layouts[i].red &&
		    v->green.offset == layouts[i].green && v->blue.offset == layouts[i].blue &&
		    v->green.length == layouts[i].green_length)
			return layouts[i].formats;
	return NULL;
}

static int describe(struct target *t, struct fb *fb, const struct fb_fix_screeninfo *fix,
		    struct failure *f)
{
	const struct fb_var_screeninfo *v = &fb->var;

	t->formats = find_formats(v);
	if (!t->formats || fix->type != FB_TYPE_PACKED_PIXELS ||
	    (fix->visual != FB_VISUAL_TRUECOLOR && fix->visual != FB_VISUAL_DIRECTCOLOR))
		return fail(f, STATUS_FAILURE,
			    "%s: %u bits per pixel with red at bit %u and blue at bit %u "
			    "are no format of V4L2 that pfncap knows", t->path,
			    v->bits_per_pixel, v->red.offset, v->blue.offset);
	t->size = fix->smem_len;
	t->pitch = fix->line_length;
	t->max_width = v->xres;
	t->max_height = v->yres;
	fb->line = fix->line_length;
	fb->can_pan = v->yres_virtual > v->yres && fix->ypanstep;
	snprintf(t->name, sizeof(t->name), "framebuffer %s (%.16s, %ux%u)", t->path, fix->id,
		 v->xres, v->yres);
	return 0;
}

static int fb_open(struct target *t, const struct options *o, struct failure *f)
{
	struct fb *fb = calloc(1, sizeof(*fb));
	struct fb_fix_screeninfo fix;
	int ret;

	(void)o;
	t->private = fb;
	if (target_open_file(t, 0, f))
		return -1;
	ret = xioctl(t->fd, FBIOGET_FSCREENINFO, &fix);
	if (!ret)
		ret = xioctl(t->fd, FBIOGET_VSCREENINFO, &fb->var);
	if (ret)
		return fail_call(f, STATUS_FAILURE, "FBIOGET_VSCREENINFO", ret,
				 "%s is no framebuffer", t->path);
	/* what is mapped begins there, in a page */
	t->start = fix.smem_start % sysconf(_SC_PAGESIZE);
	return describe(t, fb, &fix, f);
}

/* Its mode stays as it is. */
static int fb_fit(struct target *t, const struct picture *p, struct failure *f)
{
	if (p->width <= t->max_width && p->height <= t->max_height)
		return 0;
	fail(f, STATUS_FAILURE, "%s shows %ux%u; %ux%u is too large", t->path, t->max_width,
	     t->max_height, p->width, p->height);
	fail_help(f, "--size");
	return -1;
}

static bool fb_adopt(struct target *t, size_t pitch)
{
	return t->pitch == pitch;
}

static int fb_map(struct target *t, const struct layout *l, unsigned int buffers,
		  struct failure *f)
{
	struct fb *fb = t->private;
	unsigned int i;

	t->map_size = round_up_to(t->start + t->size, t->align);
	t->map = mmap(NULL, t->map_size, PROT_READ | PROT_WRITE, MAP_SHARED, t->fd, 0);
	if (t->map == MAP_FAILED) {
		t->map = NULL;
		return fail_call(f, STATUS_FAILURE, "mmap", errno, "%s can't be mapped",
				 t->name);
	}
	for (i = 0; i < buffers; i++)
		t->slot[i] = (unsigned char *)t->map + t->start + t->offset + i * l->size;

	fb->first_line = t->offset / fb->line;
	fb->slot_lines = l->size / fb->line;
	fb->can_pan = fb->can_pan && l->size && !(t->offset % fb->line) &&
		      fb->first_line + (buffers - 1) * fb->slot_lines + fb->var.yres <=
		      fb->var.yres_virtual;
	t->flips = fb->can_pan;
	if (!fb->can_pan && l->size && buffers > 1)
		snprintf(t->note, sizeof(t->note), "%s can't be panned: it shows what is at its "
			 "beginning, not every frame (--overlap puts all of them there)",
			 t->path);
	return 0;
}

static void pan(struct target *t, unsigned int line)
{
	struct fb *fb = t->private;
	struct fb_var_screeninfo var = fb->var;

	var.yoffset = line;
	if (!xioctl(t->fd, FBIOPAN_DISPLAY, &var))
		fb->panned = true;
}

static void fb_show(struct target *t, unsigned int buffer)
{
	struct fb *fb = t->private;

	if (fb->can_pan)
		pan(t, fb->first_line + buffer * fb->slot_lines);
}

static void fb_close(struct target *t)
{
	struct fb *fb = t->private;

	if (fb && fb->panned)
		pan(t, fb->var.yoffset);
	if (t->map)
		munmap(t->map, t->map_size);
	if (t->fd >= 0)
		close(t->fd);
	free(fb);
}

const struct target_ops fb_ops = {
	.open = fb_open,
	.fit = fb_fit,
	.adopt = fb_adopt,
	.map = fb_map,
	.show = fb_show,
	.close = fb_close,
};
