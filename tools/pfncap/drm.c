// SPDX-License-Identifier: GPL-2.0-only
/*
 * Dumb buffers, one for each buffer of the queue, shown by mode setting. No libdrm:
 * these are a dozen ioctls.
 */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/videodev2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <drm/drm.h>
#include <drm/drm_mode.h>

#include "drm.h"
#include "target.h"

#define MAX_MODES	128
#define MAX_OBJECTS	32

struct buffer {
	__u32 handle;
	__u32 fb;
	size_t size;
	void *map;
};

/**
 * struct drm - a connector, the CRTC that drives it, and what it is to show
 * @modes: of the connector, the best one first
 * @mode: that was chosen
 * @before: what the CRTC did before, and does again at the end
 * @width: of the buffers, in pixels: at least the mode's
 * @bits: per pixel
 * @set: the mode is set
 */
struct drm {
	int fd;
	__u32 connector;
	__u32 crtc;
	struct drm_mode_modeinfo modes[MAX_MODES];
	unsigned int n_modes;
	const struct drm_mode_modeinfo *mode;
	struct drm_mode_crtc before;
	unsigned int width;
	unsigned int bits;
	struct buffer buffers[MAX_BUFFERS];
	unsigned int n_buffers;
	bool set;
};

/* XRGB8888, and RGB565: every driver with dumb buffers has one of them */
static const uint32_t formats[] = {
#if __BYTE_ORDER == __LITTLE_ENDIAN
	V4L2_PIX_FMT_XBGR32,
	V4L2_PIX_FMT_ABGR32,
	V4L2_PIX_FMT_BGR32,
	V4L2_PIX_FMT_RGB565,
#else
	V4L2_PIX_FMT_XRGB32,
	V4L2_PIX_FMT_ARGB32,
	V4L2_PIX_FMT_RGB32,
	V4L2_PIX_FMT_RGB565X,
#endif
	0
};

#define PTR(p)	((__u64)(uintptr_t)(p))

/*
 * Connector and CRTC
 */

static int get_crtc(struct drm *drm, const struct drm_mode_get_connector *c,
		    const __u32 *encoders, const struct drm_mode_card_res *res,
		    const __u32 *crtcs)
{
	struct drm_mode_get_encoder e = { .encoder_id = c->encoder_id };
	unsigned int i, n;

	if (e.encoder_id && !xioctl(drm->fd, DRM_IOCTL_MODE_GETENCODER, &e) && e.crtc_id) {
		drm->crtc = e.crtc_id;
		return 0;
	}
	for (i = 0; i < c->count_encoders; i++) {
		e.encoder_id = encoders[i];
		if (xioctl(drm->fd, DRM_IOCTL_MODE_GETENCODER, &e))
			continue;
		for (n = 0; n < res->count_crtcs; n++) {
			if (e.possible_crtcs & 1U << n) {
				drm->crtc = crtcs[n];
				return 0;
			}
		}
	}
	return -ENODEV;
}

/* 0 if something is connected there and can be driven */
static int try_connector(struct drm *drm, __u32 id, const struct drm_mode_card_res *res,
			 const __u32 *crtcs)
{
	struct drm_mode_get_connector c = { .connector_id = id };
	__u32 encoders[MAX_OBJECTS];
	int ret;

	/* the first call, without room for modes, asks the monitor */
	ret = xioctl(drm->fd, DRM_IOCTL_MODE_GETCONNECTOR, &c);
	if (ret)
		return ret;
	if (c.count_modes > MAX_MODES)
		c.count_modes = MAX_MODES;
	if (c.count_encoders > MAX_OBJECTS)
		return -E2BIG;
	c.modes_ptr = PTR(drm->modes);
	c.encoders_ptr = PTR(encoders);
	c.count_props = 0;
	ret = xioctl(drm->fd, DRM_IOCTL_MODE_GETCONNECTOR, &c);
	if (ret)
		return ret;
	if (c.connection != 1 || !c.count_modes)
		return -ENODEV;
	drm->connector = id;
	drm->n_modes = c.count_modes < MAX_MODES ? c.count_modes : MAX_MODES;
	return get_crtc(drm, &c, encoders, res, crtcs);
}

static int find_connector(struct drm *drm)
{
	__u32 connectors[MAX_OBJECTS], crtcs[MAX_OBJECTS];
	struct drm_mode_card_res res = {};
	int ret = xioctl(drm->fd, DRM_IOCTL_MODE_GETRESOURCES, &res);
	unsigned int i;

	if (ret)
		return ret;
	if (res.count_connectors > MAX_OBJECTS || res.count_crtcs > MAX_OBJECTS)
		return -E2BIG;
	res.count_fbs = 0;
	res.count_encoders = 0;
	res.connector_id_ptr = PTR(connectors);
	res.crtc_id_ptr = PTR(crtcs);
	ret = xioctl(drm->fd, DRM_IOCTL_MODE_GETRESOURCES, &res);
	if (ret)
		return ret;
	for (i = 0; i < res.count_connectors; i++)
		if (!try_connector(drm, connectors[i], &res, crtcs))
			return 0;
	return -ENODEV;
}

int drm_describe(const char *path, char *text, size_t size)
{
	struct drm *drm = calloc(1, sizeof(*drm));
	char name[64] = "";
	struct drm_version v = { .name_len = sizeof(name) - 1, .name = name };
	int ret = -ENOMEM;

	if (!drm)
		return ret;
	drm->fd = open(path, O_RDWR | O_CLOEXEC);
	ret = drm->fd < 0 ? -errno : xioctl(drm->fd, DRM_IOCTL_VERSION, &v);
	if (!ret && !find_connector(drm))
		snprintf(text, size, "%s, %ux%u", name, drm->modes[0].hdisplay,
			 drm->modes[0].vdisplay);
	else if (!ret)
		snprintf(text, size, "%s, nothing connected", name);
	if (drm->fd >= 0)
		close(drm->fd);
	free(drm);
	return ret;
}

static int drm_open(struct target *t, const struct options *o, struct failure *f)
{
	struct drm_get_cap dumb = { .capability = DRM_CAP_DUMB_BUFFER };
	struct drm *drm = calloc(1, sizeof(*drm));
	int ret;

	if (!drm)
		return fail_call(f, STATUS_FAILURE, "malloc", ENOMEM, "out of memory");
	t->private = drm;
	if (o->offset)
		return fail(f, STATUS_USAGE, "--offset: a dumb buffer begins at its first byte");
	if (o->overlap)
		return fail(f, STATUS_USAGE, "--overlap: each dumb buffer has its own memory");
	if (target_open_file(t, 0, f))
		return -1;
	drm->fd = t->fd;
	ret = xioctl(t->fd, DRM_IOCTL_GET_CAP, &dumb);
	if (ret || !dumb.value)
		return fail_call(f, STATUS_FAILURE, "DRM_IOCTL_GET_CAP", ret ?: -EOPNOTSUPP,
				 "%s has no dumb buffers", t->path);
	ret = find_connector(drm);
	if (ret)
		return fail_call(f, STATUS_FAILURE, "DRM_IOCTL_MODE_GETCONNECTOR", ret,
				 "%s: no display is connected", t->path);
	drm->before.crtc_id = drm->crtc;
	xioctl(t->fd, DRM_IOCTL_MODE_GETCRTC, &drm->before);
	t->formats = formats;
	t->flips = true;
	t->max_width = drm->modes[0].hdisplay;
	t->max_height = drm->modes[0].vdisplay;
	snprintf(t->name, sizeof(t->name), "display of %s", t->path);
	return 0;
}

/*
 * Mode and lines
 */

static bool smaller(const struct drm_mode_modeinfo *a, const struct drm_mode_modeinfo *b)
{
	return a->hdisplay * a->vdisplay < b->hdisplay * b->vdisplay;
}

/* The smallest mode that has room; of equal ones the first, which the display prefers */
static const struct drm_mode_modeinfo *find_mode(const struct drm *drm, unsigned int width,
						 unsigned int height)
{
	const struct drm_mode_modeinfo *best = NULL, *m;

	for (m = drm->modes; m < drm->modes + drm->n_modes; m++)
		if (m->hdisplay >= width && m->vdisplay >= height &&
		    (!best || smaller(m, best)))
			best = m;
	return best;
}

static int create_dumb(const struct drm *drm, struct drm_mode_create_dumb *create,
		       unsigned int width, unsigned int height)
{
	memset(create, 0, sizeof(*create));
	create->width = width;
	create->height = height;
	create->bpp = drm->bits;
	return xioctl(drm->fd, DRM_IOCTL_MODE_CREATE_DUMB, create);
}

static void destroy_dumb(const struct drm *drm, __u32 handle)
{
	struct drm_mode_destroy_dumb destroy = { .handle = handle };

	xioctl(drm->fd, DRM_IOCTL_MODE_DESTROY_DUMB, &destroy);
}

/* What the driver makes of lines of that width. 0, or a negative errno. */
static int try_width(const struct drm *drm, unsigned int width, size_t *pitch)
{
	struct drm_mode_create_dumb create;
	int ret = create_dumb(drm, &create, width, drm->mode->vdisplay);

	if (ret)
		return ret;
	*pitch = create.pitch;
	destroy_dumb(drm, create.handle);
	return 0;
}

static int drm_fit(struct target *t, const struct picture *p, struct failure *f)
{
	struct drm *drm = t->private;
	int ret;

	drm->mode = find_mode(drm, p->width, p->height);
	if (!drm->mode) {
		fail(f, STATUS_FAILURE, "%s has no mode with room for %ux%u", t->path, p->width,
		     p->height);
		fail_help(f, "--size, up to the display's %ux%u", t->max_width, t->max_height);
		return -1;
	}
	drm->bits = fourcc_pixel_bytes(p->fourcc) * 8;
	drm->width = drm->mode->hdisplay;
	ret = try_width(drm, drm->width, &t->pitch);
	if (ret)
		return fail_call(f, STATUS_FAILURE, "DRM_IOCTL_MODE_CREATE_DUMB", ret,
				 "%s makes no buffer of %ux%u with %u bits per pixel", t->path,
				 drm->width, drm->mode->vdisplay, drm->bits);
	snprintf(t->name, sizeof(t->name), "display of %s (%ux%u)", t->path,
		 drm->mode->hdisplay, drm->mode->vdisplay);
	return 0;
}

static bool drm_adopt(struct target *t, size_t pitch)
{
	struct drm *drm = t->private;
	unsigned int width = pitch * 8 / drm->bits;
	size_t have;

	if (t->pitch == pitch)
		return true;
	if (width < drm->mode->hdisplay || try_width(drm, width, &have) || have != pitch)
		return false;
	drm->width = width;
	t->pitch = pitch;
	return true;
}

/*
 * Buffers
 */

static int add_fb(const struct drm *drm, struct buffer *b,
		  const struct drm_mode_create_dumb *create)
{
	struct drm_mode_fb_cmd cmd = {
		.width = drm->width,
		.height = drm->mode->vdisplay,
		.pitch = create->pitch,
		.bpp = drm->bits,
		.depth = drm->bits == 32 ? 24 : drm->bits,
		.handle = create->handle,
	};
	int ret = xioctl(drm->fd, DRM_IOCTL_MODE_ADDFB, &cmd);

	b->fb = cmd.fb_id;
	return ret;
}

static int map_buffer(struct target *t, struct buffer *b, const struct layout *l,
		      struct failure *f)
{
	struct drm *drm = t->private;
	struct drm_mode_create_dumb create;
	struct drm_mode_map_dumb map = {};
	unsigned int lines = (l->size + t->pitch - 1) / t->pitch;
	int ret;

	if (lines < drm->mode->vdisplay)
		lines = drm->mode->vdisplay;
	ret = create_dumb(drm, &create, drm->width, lines);
	if (ret)
		return fail_call(f, STATUS_FAILURE, "DRM_IOCTL_MODE_CREATE_DUMB", ret,
				 "%s: no memory for %u buffers of %ux%u", t->path,
				 drm->n_buffers + 1, drm->width, lines);
	b->handle = create.handle;
	drm->n_buffers++;
	if (create.pitch != t->pitch || create.size < l->used)
		return fail(f, STATUS_FAILURE, "%s: a dumb buffer with lines of %u bytes, not %zu",
			    t->path, create.pitch, t->pitch);
	ret = add_fb(drm, b, &create);
	if (ret)
		return fail_call(f, STATUS_FAILURE, "DRM_IOCTL_MODE_ADDFB", ret,
				 "%s does not show a buffer of %u bits per pixel", t->path,
				 drm->bits);
	map.handle = create.handle;
	ret = xioctl(t->fd, DRM_IOCTL_MODE_MAP_DUMB, &map);
	if (ret)
		return fail_call(f, STATUS_FAILURE, "DRM_IOCTL_MODE_MAP_DUMB", ret, "%s",
				 t->path);
	b->size = create.size;
	b->map = mmap(NULL, b->size, PROT_READ | PROT_WRITE, MAP_SHARED, t->fd, map.offset);
	if (b->map == MAP_FAILED) {
		b->map = NULL;
		return fail_call(f, STATUS_FAILURE, "mmap", errno,
				 "a dumb buffer of %s can't be mapped", t->path);
	}
	return 0;
}

static int set_crtc(struct target *t, unsigned int buffer)
{
	struct drm *drm = t->private;
	struct drm_mode_crtc crtc = {
		.crtc_id = drm->crtc,
		.fb_id = drm->buffers[buffer].fb,
		.set_connectors_ptr = PTR(&drm->connector),
		.count_connectors = 1,
		.mode_valid = 1,
		.mode = *drm->mode,
	};

	return xioctl(t->fd, DRM_IOCTL_MODE_SETCRTC, &crtc);
}

static int drm_map(struct target *t, const struct layout *l, unsigned int buffers,
		   struct failure *f)
{
	struct drm *drm = t->private;
	unsigned int i;
	int ret;

	for (i = 0; i < buffers; i++) {
		if (map_buffer(t, &drm->buffers[i], l, f))
			return -1;
		t->slot[i] = drm->buffers[i].map;
	}
	ret = set_crtc(t, 0);
	if (ret) {
		fail_call(f, STATUS_FAILURE, "DRM_IOCTL_MODE_SETCRTC", ret,
			  "%s does not show %ux%u", t->path, drm->mode->hdisplay,
			  drm->mode->vdisplay);
		if (ret == -EACCES || ret == -EPERM) {
			fail_meaning(f, "another program has the display: a compositor, "
				     "or an X server");
			fail_help(f, "end it, or switch to a text console");
		}
		return -1;
	}
	drm->set = true;
	return 0;
}

/* Returns when this buffer is on the display and the one before is not. */
static void drm_show(struct target *t, unsigned int buffer)
{
	set_crtc(t, buffer);
}

static void restore(struct target *t)
{
	struct drm *drm = t->private;
	struct drm_mode_crtc crtc = drm->before;

	if (!drm->set)
		return;
	if (crtc.mode_valid) {
		crtc.set_connectors_ptr = PTR(&drm->connector);
		crtc.count_connectors = 1;
	}
	xioctl(t->fd, DRM_IOCTL_MODE_SETCRTC, &crtc);
}

static void drm_close(struct target *t)
{
	struct drm *drm = t->private;
	unsigned int i;

	if (drm && t->fd >= 0)
		restore(t);
	for (i = 0; drm && i < drm->n_buffers; i++) {
		struct buffer *b = &drm->buffers[i];

		if (b->map)
			munmap(b->map, b->size);
		if (b->fb)
			xioctl(t->fd, DRM_IOCTL_MODE_RMFB, &b->fb);
		destroy_dumb(drm, b->handle);
	}
	if (t->fd >= 0)
		close(t->fd);
	free(drm);
}

const struct target_ops drm_ops = {
	.open = drm_open,
	.fit = drm_fit,
	.adopt = drm_adopt,
	.map = drm_map,
	.show = drm_show,
	.close = drm_close,
};
