// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include <linux/videodev2.h>

#include "picture.h"
#include "util.h"

enum layout {
	RGB,		/* whole bytes per colour; order: red, green, blue */
	RGB565,		/* order[0]: which byte is the less significant one */
	GREY,
	YUV422,		/* two pixels in four bytes; order: first Y, Cb, Cr */
	SEMIPLANAR,	/* Y; then Cb and Cr alternate; order: Cb, Cr */
	PLANAR,		/* Y; then two planes; order: Cb, Cr */
};

/**
 * struct format - one row of the table of formats
 * @bytes: of a pixel (of luma, if it is planar)
 * @hsub: pixels of luma per chroma sample, horizontally
 * @vsub: the same, vertically
 * @split: each component has a memory plane of its own
 */
struct format {
	uint32_t fourcc;
	enum layout layout;
	unsigned char bytes;
	unsigned char hsub;
	unsigned char vsub;
	bool split;
	unsigned char order[3];
};

static const struct format formats[] = {
	{ V4L2_PIX_FMT_RGB24, RGB, 3, 1, 1, false, { 0, 1, 2 } },
	{ V4L2_PIX_FMT_BGR24, RGB, 3, 1, 1, false, { 2, 1, 0 } },
	{ V4L2_PIX_FMT_RGB32, RGB, 4, 1, 1, false, { 1, 2, 3 } },
	{ V4L2_PIX_FMT_BGR32, RGB, 4, 1, 1, false, { 2, 1, 0 } },
	{ V4L2_PIX_FMT_XRGB32, RGB, 4, 1, 1, false, { 1, 2, 3 } },
	{ V4L2_PIX_FMT_ARGB32, RGB, 4, 1, 1, false, { 1, 2, 3 } },
	{ V4L2_PIX_FMT_XBGR32, RGB, 4, 1, 1, false, { 2, 1, 0 } },
	{ V4L2_PIX_FMT_ABGR32, RGB, 4, 1, 1, false, { 2, 1, 0 } },
	{ V4L2_PIX_FMT_BGRX32, RGB, 4, 1, 1, false, { 3, 2, 1 } },
	{ V4L2_PIX_FMT_BGRA32, RGB, 4, 1, 1, false, { 3, 2, 1 } },
	{ V4L2_PIX_FMT_RGBX32, RGB, 4, 1, 1, false, { 0, 1, 2 } },
	{ V4L2_PIX_FMT_RGBA32, RGB, 4, 1, 1, false, { 0, 1, 2 } },
	{ V4L2_PIX_FMT_RGB565, RGB565, 2, 1, 1, false, { 0 } },
	{ V4L2_PIX_FMT_RGB565X, RGB565, 2, 1, 1, false, { 1 } },
	{ V4L2_PIX_FMT_GREY, GREY, 1, 1, 1, false, { 0 } },
	{ V4L2_PIX_FMT_YUYV, YUV422, 2, 1, 1, false, { 0, 1, 3 } },
	{ V4L2_PIX_FMT_UYVY, YUV422, 2, 1, 1, false, { 1, 0, 2 } },
	{ V4L2_PIX_FMT_YVYU, YUV422, 2, 1, 1, false, { 0, 3, 1 } },
	{ V4L2_PIX_FMT_VYUY, YUV422, 2, 1, 1, false, { 1, 2, 0 } },
	{ V4L2_PIX_FMT_NV12, SEMIPLANAR, 1, 2, 2, false, { 0, 1 } },
	{ V4L2_PIX_FMT_NV21, SEMIPLANAR, 1, 2, 2, false, { 1, 0 } },
	{ V4L2_PIX_FMT_NV16, SEMIPLANAR, 1, 2, 1, false, { 0, 1 } },
	{ V4L2_PIX_FMT_NV61, SEMIPLANAR, 1, 2, 1, false, { 1, 0 } },
	{ V4L2_PIX_FMT_NV12M, SEMIPLANAR, 1, 2, 2, true, { 0, 1 } },
	{ V4L2_PIX_FMT_NV21M, SEMIPLANAR, 1, 2, 2, true, { 1, 0 } },
	{ V4L2_PIX_FMT_NV16M, SEMIPLANAR, 1, 2, 1, true, { 0, 1 } },
	{ V4L2_PIX_FMT_NV61M, SEMIPLANAR, 1, 2, 1, true, { 1, 0 } },
	{ V4L2_PIX_FMT_YUV420, PLANAR, 1, 2, 2, false, { 0, 1 } },
	{ V4L2_PIX_FMT_YVU420, PLANAR, 1, 2, 2, false, { 1, 0 } },
	{ V4L2_PIX_FMT_YUV422P, PLANAR, 1, 2, 1, false, { 0, 1 } },
	{ V4L2_PIX_FMT_YUV420M, PLANAR, 1, 2, 2, true, { 0, 1 } },
	{ V4L2_PIX_FMT_YVU420M, PLANAR, 1, 2, 2, true, { 1, 0 } },
	{ V4L2_PIX_FMT_YUV422M, PLANAR, 1, 2, 1, true, { 0, 1 } },
};

static const struct format *find_format(uint32_t fourcc)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(formats); i++)
		if (formats[i].fourcc == fourcc)
			return &formats[i];
	return NULL;
}

unsigned int fourcc_pixel_bytes(uint32_t fourcc)
{
	const struct format *f = find_format(fourcc);

	return f && f->layout < SEMIPLANAR ? f->bytes : 0;
}

/*
 * Where the bytes are
 */

/* Width and height may be odd: chroma is rounded up. */
static unsigned int chroma_areas(const struct picture *p, const struct format *f,
				 struct area *areas)
{
	unsigned int components = f->layout == PLANAR ? 2 : 1, i;
	unsigned int width = (p->width + f->hsub - 1) / f->hsub;

	for (i = 0; i < components; i++) {
		struct area *a = &areas[1 + i];

		a->lines = (p->height + f->vsub - 1) / f->vsub;
		a->bytes = f->layout == PLANAR ? width : 2 * width;
		if (f->split) {
			a->plane = 1 + i;
			a->offset = 0;
			a->stride = p->bytesperline[1 + i];
		} else {
			a->plane = 0;
			a->offset = i ? areas[i].offset + areas[i].stride * areas[i].lines :
					p->bytesperline[0] * p->height;
			a->stride = f->layout == PLANAR ? p->bytesperline[0] / f->hsub :
							  p->bytesperline[0];
		}
	}
	return components;
}

static unsigned int known_areas(const struct picture *p, const struct format *f,
				struct area *areas)
{
	unsigned int n = 1, i;

	areas[0].plane = 0;
	areas[0].offset = 0;
	areas[0].stride = p->bytesperline[0];
	areas[0].bytes = (size_t)p->width * f->bytes;
	if (f->layout == YUV422)
		areas[0].bytes = round_up_to(areas[0].bytes, 4);
	areas[0].lines = p->height;
	if (f->layout >= SEMIPLANAR)
		n += chroma_areas(p, f, areas);
	for (i = 0; i < n; i++)
		areas[i].offset += p->data_offset[areas[i].plane];
	return n;
}

/* Both fields in one buffer or not, a driver must not say more than it has. */
static bool areas_fit(const struct picture *p, const struct area *areas, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		const struct area *a = &areas[i];

		if (a->plane >= p->planes || a->bytes > a->stride || !a->lines ||
		    a->offset + a->stride * (a->lines - 1) + a->bytes >
		    p->sizeimage[a->plane])
			return false;
	}
	return true;
}

unsigned int picture_areas(const struct picture *p, const size_t *used,
			   struct area areas[MAX_PLANES])
{
	const struct format *f = find_format(p->fourcc);
	unsigned int i, n;

	if (f) {
		n = known_areas(p, f, areas);
		if (areas_fit(p, areas, n))
			return n;
	}
	for (i = 0; i < p->planes; i++) {
		size_t begin = p->data_offset[i] < used[i] ? p->data_offset[i] : 0;

		areas[i].plane = i;
		areas[i].offset = begin;
		areas[i].stride = used[i] - begin;
		areas[i].bytes = used[i] - begin;
		areas[i].lines = 1;
	}
	return p->planes;
}

/*
 * What they mean
 */

/* 16.16 fixed point, of Y, Cb and Cr after their offsets */
struct matrix {
	int y_offset;
	int y, r_cr, g_cb, g_cr, b_cb;
};

static int fixed(double factor)
{
	return factor * 65536 + 0.5;
}

static void set_matrix(struct matrix *m, double kr, double kb, bool full)
{
	double luma = full ? 1 : 255.0 / 219, chroma = full ? 1 : 255.0 / 224;
	double kg = 1 - kr - kb;

	m->y_offset = full ? 0 : 16;
	m->y = fixed(luma);
	m->r_cr = fixed(chroma * 2 * (1 - kr));
	m->b_cb = fixed(chroma * 2 * (1 - kb));
	m->g_cr = fixed(chroma * 2 * (1 - kr) * kr / kg);
	m->g_cb = fixed(chroma * 2 * (1 - kb) * kb / kg);
}

static void choose_matrix(struct matrix *m, const struct picture *p)
{
	unsigned int encoding = p->ycbcr_enc, quantization = p->quantization;
	bool full;

	if (encoding == V4L2_YCBCR_ENC_DEFAULT)
		encoding = V4L2_MAP_YCBCR_ENC_DEFAULT(p->colorspace);
	if (quantization == V4L2_QUANTIZATION_DEFAULT)
		quantization = V4L2_MAP_QUANTIZATION_DEFAULT(false, p->colorspace, encoding);
	full = quantization == V4L2_QUANTIZATION_FULL_RANGE;

	switch (encoding) {
	case V4L2_YCBCR_ENC_709:
	case V4L2_YCBCR_ENC_XV709:
		set_matrix(m, 0.2126, 0.0722, full);
		break;
	case V4L2_YCBCR_ENC_BT2020:
	case V4L2_YCBCR_ENC_BT2020_CONST_LUM:
		set_matrix(m, 0.2627, 0.0593, full);
		break;
	case V4L2_YCBCR_ENC_SMPTE240M:
		set_matrix(m, 0.212, 0.087, full);
		break;
	default:
		set_matrix(m, 0.299, 0.114, full);
	}
}

static unsigned char clamp_fixed(int value)
{
	value = (value + 32768) >> 16;
	return value < 0 ? 0 : value > 255 ? 255 : value;
}

static void yuv_pixel(const struct matrix *m, int y, int cb, int cr, unsigned char *rgb)
{
	y = (y - m->y_offset) * m->y;
	cb -= 128;
	cr -= 128;
	rgb[0] = clamp_fixed(y + cr * m->r_cr);
	rgb[1] = clamp_fixed(y - cb * m->g_cb - cr * m->g_cr);
	rgb[2] = clamp_fixed(y + cb * m->b_cb);
}

static void rgb_line(const struct format *f, const unsigned char *in, unsigned int width,
		     unsigned char *rgb)
{
	unsigned int x;

	for (x = 0; x < width; x++, in += f->bytes, rgb += 3) {
		rgb[0] = in[f->order[0]];
		rgb[1] = in[f->order[1]];
		rgb[2] = in[f->order[2]];
	}
}

static void rgb565_line(const struct format *f, const unsigned char *in,
			unsigned int width, unsigned char *rgb)
{
	unsigned int x, low = f->order[0];

	for (x = 0; x < width; x++, in += 2, rgb += 3) {
		unsigned int v = in[low] | in[!low] << 8;
		unsigned int r = v >> 11, g = v >> 5 & 63, b = v & 31;

		rgb[0] = r << 3 | r >> 2;
		rgb[1] = g << 2 | g >> 4;
		rgb[2] = b << 3 | b >> 2;
	}
}

/* Grey has the range of RGB. */
static void grey_line(const unsigned char *in, unsigned int width, unsigned char *rgb)
{
	unsigned int x;

	for (x = 0; x < width; x++, rgb += 3)
		memset(rgb, in[x], 3);
}

static void yuv422_line(const struct format *f, const struct matrix *m,
			const unsigned char *in, unsigned int width, unsigned char *rgb)
{
	unsigned int x;

	for (x = 0; x < width; x++, rgb += 3) {
		const unsigned char *pair = in + x / 2 * 4;

		yuv_pixel(m, pair[f->order[0] + 2 * (x & 1)], pair[f->order[1]],
			  pair[f->order[2]], rgb);
	}
}

static void planar_line(const struct format *f, const struct matrix *m,
			const unsigned char *const line[], unsigned int width,
			unsigned char *rgb)
{
	unsigned int step = f->layout == PLANAR ? 1 : 2, i, x;
	const unsigned char *chroma[2];

	for (i = 0; i < 2; i++)
		chroma[i] = f->layout == PLANAR ? line[1 + f->order[i]] :
						  line[1] + f->order[i];
	for (x = 0; x < width; x++, rgb += 3)
		yuv_pixel(m, line[0][x], chroma[0][x / f->hsub * step],
			  chroma[1][x / f->hsub * step], rgb);
}

static void convert_line(const struct picture *p, const struct format *f,
			 const struct matrix *m, const unsigned char *const line[],
			 unsigned char *rgb)
{
	switch (f->layout) {
	case RGB:
		rgb_line(f, line[0], p->width, rgb);
		break;
	case RGB565:
		rgb565_line(f, line[0], p->width, rgb);
		break;
	case GREY:
		grey_line(line[0], p->width, rgb);
		break;
	case YUV422:
		yuv422_line(f, m, line[0], p->width, rgb);
		break;
	case SEMIPLANAR:
	case PLANAR:
		planar_line(f, m, line, p->width, rgb);
		break;
	}
}

bool picture_known(const struct picture *p)
{
	const struct format *f = find_format(p->fourcc);
	struct area areas[MAX_AREAS];

	return f && areas_fit(p, areas, known_areas(p, f, areas));
}

bool picture_to_rgb(const struct picture *p, const unsigned char *const plane[],
		    unsigned char *rgb)
{
	const struct format *f = find_format(p->fourcc);
	struct area areas[MAX_AREAS];
	struct matrix m;
	unsigned int n, i, y;

	if (!picture_known(p))
		return false;
	n = known_areas(p, f, areas);
	choose_matrix(&m, p);
	for (y = 0; y < p->height; y++) {
		const unsigned char *line[MAX_AREAS] = {};

		for (i = 0; i < n; i++)
			line[i] = plane[areas[i].plane] + areas[i].offset +
				  areas[i].stride * (i ? y / f->vsub : y);
		convert_line(p, f, &m, line, rgb + (size_t)y * p->width * 3);
	}
	return true;
}
