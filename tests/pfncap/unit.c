// SPDX-License-Identifier: GPL-2.0-only
/*
 * What of pfncap needs no device: parsing, slots, pictures, PNG, verification
 */
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "picture.h"
#include "png.h"
#include "session.h"
#include "target.h"
#include "verify.h"

static unsigned int number;
static bool all_right = true;
static bool right;

#define CHECK(condition)	check(condition, #condition, __LINE__)

static void check(bool condition, const char *text, int line)
{
	if (condition)
		return;
	right = false;
	printf("# line %d: %s\n", line, text);
}

/*
 * Parsing
 */

static bool size_is(const char *text, uint64_t value)
{
	uint64_t have;

	return parse_size(text, &have) && have == value;
}

static bool no_size(const char *text)
{
	uint64_t have;

	return !parse_size(text, &have);
}

static void sizes(void)
{
	CHECK(size_is("0", 0));
	CHECK(size_is("4096", 4096));
	CHECK(size_is("0x1000", 4096));
	CHECK(size_is("64K", 65536));
	CHECK(size_is("0x10k", 16384));
	CHECK(size_is("3M", 3145728));
	CHECK(size_is("2G", 2147483648));
	CHECK(size_is("18446744073709551615", UINT64_MAX));
	CHECK(no_size(""));
	CHECK(no_size("K"));
	CHECK(no_size("-1"));
	CHECK(no_size("+1"));
	CHECK(no_size(" 1"));
	CHECK(no_size("1 "));
	CHECK(no_size("1KB"));
	CHECK(no_size("1T"));
	CHECK(no_size("0x"));
	CHECK(no_size("18446744073709551616"));
	CHECK(no_size("17179869184G"));
}

static void dimensions(void)
{
	unsigned int w, h;

	CHECK(parse_dimensions("640x480", &w, &h) && w == 640 && h == 480);
	CHECK(!parse_dimensions("640", &w, &h));
	CHECK(!parse_dimensions("640x", &w, &h));
	CHECK(!parse_dimensions("x480", &w, &h));
	CHECK(!parse_dimensions("0x480", &w, &h));
	CHECK(!parse_dimensions("640x480x2", &w, &h));
	CHECK(!parse_dimensions("640X480", &w, &h));
	CHECK(!parse_dimensions("-640x480", &w, &h));
	CHECK(!parse_dimensions("99999999999999999x1", &w, &h));
}

static void fourccs(void)
{
	uint32_t f;

	CHECK(parse_fourcc("YUYV", &f) && f == V4L2_PIX_FMT_YUYV);
	CHECK(parse_fourcc("Y16", &f) && f == V4L2_PIX_FMT_Y16);
	CHECK(!parse_fourcc("", &f));
	CHECK(!parse_fourcc("YUYV2", &f));
	CHECK(!parse_fourcc("YU\nV", &f));
	CHECK(!strcmp(fourcc_text(V4L2_PIX_FMT_XBGR32).s, "XR24"));
	CHECK(!strcmp(fourcc_text(V4L2_PIX_FMT_Y16).s, "Y16"));
	CHECK(!strcmp(size_text(16 << 20).s, "16 MiB"));
	CHECK(!strcmp(size_text(4097).s, "4097 bytes"));
	CHECK(!strcmp(size_text(0).s, "0 bytes"));
}

static int options_of(struct options *o, struct failure *f, ...)
{
	char *argv[16] = { "pfncap" };
	int argc = 1;
	va_list args;

	va_start(args, f);
	while ((argv[argc] = va_arg(args, char *)))
		argc++;
	va_end(args);
	optind = 0;
	return options_parse(o, argc, argv, f);
}

static void command_line(void)
{
	struct options o;
	struct failure f;

	CHECK(!options_of(&o, &f, "anon", NULL) && o.frames == 100 && !o.copy && !o.json);
	CHECK(!options_of(&o, &f, "-n0", "--offset", "64K", "x", "-m", "copy", NULL) &&
	      !o.frames && o.offset == 65536 && o.copy && !strcmp(o.target, "x"));
	CHECK(!options_of(&o, &f, "--list", NULL) && o.action == ACTION_LIST);
	CHECK(options_of(&o, &f, NULL) && f.status == STATUS_USAGE);
	CHECK(options_of(&o, &f, "a", "b", NULL) && f.status == STATUS_USAGE &&
	      strstr(f.what, "'b'"));
	CHECK(options_of(&o, &f, "--nonsense", "--json", "a", NULL) && o.json &&
	      strstr(f.what, "--nonsense"));
	CHECK(options_of(&o, &f, "a", "--size", NULL) && strstr(f.what, "--size wants"));
	CHECK(options_of(&o, &f, "a", "--buffers", "33", NULL) && f.status == STATUS_USAGE);
	CHECK(options_of(&o, &f, "a", "--buffers", "0", NULL));
	CHECK(options_of(&o, &f, "a", "--fps", "0", NULL));
	CHECK(options_of(&o, &f, "a", "--method", "dma", NULL));
	CHECK(options_of(&o, &f, "a", "--mapping", "wb", NULL));
	CHECK(options_of(&o, &f, "a", "--overlap", "--verify", NULL));
	CHECK(options_of(&o, &f, "--list", "a", NULL));
}

/*
 * Slots
 */

static const uint32_t some_formats[] = { V4L2_PIX_FMT_XBGR32, 0 };

static void slots(void)
{
	struct picture p = { .planes = 2, .sizeimage = { 10000, 4096 } };
	struct target t = {}, display = { .formats = some_formats, .pitch = 2560 };
	struct layout l;

	layout_make(&l, &p, &t, false, false);
	CHECK(l.plane_offset[0] == 0 && l.plane_offset[1] == 12288 && l.size == 16384);
	CHECK(l.used == 16384);
	layout_make(&l, &p, &t, true, false);
	/* guard, plane, rest of its page and guard, plane, guard */
	CHECK(l.plane_offset[0] == 4096 && l.plane_offset[1] == 20480 && l.used == 28672);
	layout_make(&l, &p, &t, false, true);
	CHECK(l.size == 0 && l.used == 16384);

	p.planes = 1;
	p.sizeimage[0] = 2560 * 100;
	layout_make(&l, &p, &display, false, false);
	CHECK(l.plane_offset[0] == 0 && l.used == 256000);
	CHECK(l.size == 266240 && !(l.size % 2560) && !(l.size % 4096));
	layout_make(&l, &p, &display, true, false);
	CHECK(l.plane_offset[0] == 0 && l.used == 258048 + 4096 && l.size == 266240);
}

static unsigned int capacity(uint64_t size, uint64_t offset, size_t slot, size_t used)
{
	struct target t = { .size = size, .offset = offset };
	struct layout l = { .size = slot, .used = used };

	return target_capacity(&t, &l);
}

static void capacities(void)
{
	CHECK(capacity(40960, 0, 8192, 8192) == 5);
	CHECK(capacity(40959, 0, 8192, 8192) == 4);
	/* the last one needs no more than it uses */
	CHECK(capacity(37000, 0, 8192, 4200) == 5);
	CHECK(capacity(40960, 4096, 8192, 8192) == 4);
	CHECK(capacity(8191, 0, 8192, 8192) == 0);
	CHECK(capacity(8192, 8192, 8192, 1) == 0);
	CHECK(capacity(8192, UINT64_MAX, 8192, 1) == 0);
	CHECK(capacity(8192, 0, 0, 8192) == MAX_BUFFERS);
	CHECK(capacity(0, 4096, 8192, 8192) == MAX_BUFFERS);
	CHECK(capacity(1ULL << 40, 0, 4096, 4096) == MAX_BUFFERS);
}

/*
 * Pictures
 */

struct sample {
	uint32_t fourcc;
	unsigned char bytes[8];
	unsigned char rgb[6];
};

/* Two pixels: red and blue, or what comes closest */
static const struct sample packed[] = {
	{ V4L2_PIX_FMT_RGB24, { 255, 0, 1, 2, 3, 254 }, { 255, 0, 1, 2, 3, 254 } },
	{ V4L2_PIX_FMT_BGR24, { 1, 0, 255, 254, 3, 2 }, { 255, 0, 1, 2, 3, 254 } },
	{ V4L2_PIX_FMT_XBGR32, { 1, 0, 255, 9, 254, 3, 2, 9 }, { 255, 0, 1, 2, 3, 254 } },
	{ V4L2_PIX_FMT_ABGR32, { 1, 0, 255, 9, 254, 3, 2, 9 }, { 255, 0, 1, 2, 3, 254 } },
	{ V4L2_PIX_FMT_BGR32, { 1, 0, 255, 9, 254, 3, 2, 9 }, { 255, 0, 1, 2, 3, 254 } },
	{ V4L2_PIX_FMT_XRGB32, { 9, 255, 0, 1, 9, 2, 3, 254 }, { 255, 0, 1, 2, 3, 254 } },
	{ V4L2_PIX_FMT_ARGB32, { 9, 255, 0, 1, 9, 2, 3, 254 }, { 255, 0, 1, 2, 3, 254 } },
	{ V4L2_PIX_FMT_RGB32, { 9, 255, 0, 1, 9, 2, 3, 254 }, { 255, 0, 1, 2, 3, 254 } },
	{ V4L2_PIX_FMT_RGBX32, { 255, 0, 1, 9, 2, 3, 254, 9 }, { 255, 0, 1, 2, 3, 254 } },
	{ V4L2_PIX_FMT_RGBA32, { 255, 0, 1, 9, 2, 3, 254, 9 }, { 255, 0, 1, 2, 3, 254 } },
	{ V4L2_PIX_FMT_BGRX32, { 9, 1, 0, 255, 9, 254, 3, 2 }, { 255, 0, 1, 2, 3, 254 } },
	{ V4L2_PIX_FMT_BGRA32, { 9, 1, 0, 255, 9, 254, 3, 2 }, { 255, 0, 1, 2, 3, 254 } },
	{ V4L2_PIX_FMT_RGB565, { 0x00, 0xf8, 0x1f, 0x04 }, { 255, 0, 0, 0, 130, 255 } },
	{ V4L2_PIX_FMT_RGB565X, { 0xf8, 0x00, 0x04, 0x1f }, { 255, 0, 0, 0, 130, 255 } },
	{ V4L2_PIX_FMT_GREY, { 7, 200 }, { 7, 7, 7, 200, 200, 200 } },
	/* BT.601, limited range: Y 81, Cb 90, Cr 240 is red; with Y 235 it is what's left */
	{ V4L2_PIX_FMT_YUYV, { 81, 90, 81, 240 }, { 254, 0, 0, 254, 0, 0 } },
	{ V4L2_PIX_FMT_UYVY, { 90, 81, 240, 81 }, { 254, 0, 0, 254, 0, 0 } },
	{ V4L2_PIX_FMT_YVYU, { 81, 240, 81, 90 }, { 254, 0, 0, 254, 0, 0 } },
	{ V4L2_PIX_FMT_VYUY, { 240, 81, 90, 81 }, { 254, 0, 0, 254, 0, 0 } },
	{ V4L2_PIX_FMT_YUYV, { 16, 128, 235, 128 }, { 0, 0, 0, 255, 255, 255 } },
	{ V4L2_PIX_FMT_UYVY, { 128, 16, 128, 235 }, { 0, 0, 0, 255, 255, 255 } },
};

static void packed_formats(void)
{
	unsigned char rgb[6];
	size_t i;

	for (i = 0; i < ARRAY_LEN(packed); i++) {
		struct picture p = {
			.width = 2,
			.height = 1,
			.fourcc = packed[i].fourcc,
			.colorspace = V4L2_COLORSPACE_SRGB,
			.ycbcr_enc = V4L2_YCBCR_ENC_601,
			.quantization = V4L2_QUANTIZATION_LIM_RANGE,
			.planes = 1,
			.bytesperline = { 8 },
			.sizeimage = { 8 },
		};
		const unsigned char *plane = packed[i].bytes;

		CHECK(picture_to_rgb(&p, &plane, rgb));
		if (memcmp(rgb, packed[i].rgb, 6)) {
			printf("# %s (%zu): %u %u %u, %u %u %u\n",
			       fourcc_text(packed[i].fourcc).s, i, rgb[0], rgb[1], rgb[2],
			       rgb[3], rgb[4], rgb[5]);
			CHECK(!"colours");
		}
	}
}

/* 4x4, luma of its own for each pixel; chroma of the lower right quarter is red. */
static void check_planar(uint32_t fourcc, unsigned int planes, const size_t *stride,
			 const unsigned char *const plane[])
{
	struct picture p = {
		.width = 4,
		.height = 4,
		.fourcc = fourcc,
		.ycbcr_enc = V4L2_YCBCR_ENC_601,
		.quantization = V4L2_QUANTIZATION_FULL_RANGE,
		.planes = planes,
		.bytesperline = { stride[0], stride[1], stride[2] },
		.sizeimage = { 64, 64, 64 },
	};
	unsigned char rgb[48];
	int i;

	memset(rgb, 0xee, sizeof(rgb));
	CHECK(picture_to_rgb(&p, plane, rgb));
	for (i = 0; i < 16; i++) {
		bool red = i % 4 >= 2 && i / 4 >= 2;
		/* Cr 228: 100 * 1.402 more red, 100 * 0.714 less green */
		int r = 100 + i + (red ? 140 : 0), g = 100 + i - (red ? 71 : 0);

		if (rgb[3 * i] == r && rgb[3 * i + 1] == g && rgb[3 * i + 2] == 100 + i)
			continue;
		printf("# %s: pixel %d: %u %u %u, not %d %d %d\n", fourcc_text(fourcc).s, i,
		       rgb[3 * i], rgb[3 * i + 1], rgb[3 * i + 2], r, g, 100 + i);
		CHECK(!"colours");
		return;
	}
}

/* Lines of luma are 6 bytes apart. */
static void fill_luma(unsigned char *luma)
{
	int i;

	memset(luma, 0x11, 24);
	for (i = 0; i < 16; i++)
		luma[i / 4 * 6 + i % 4] = 100 + i;
}

static void planar_formats(void)
{
	static const unsigned char cb[] = { 128, 128, 0x11, 128, 128, 0x11 };
	static const unsigned char cr[] = { 128, 128, 0x11, 128, 228, 0x11 };
	static const unsigned char cbcr[] = { 128, 128, 128, 128, 0x11, 0x11,
					      128, 128, 128, 228, 0x11, 0x11 };
	static const unsigned char crcb[] = { 128, 128, 128, 128, 0x11, 0x11,
					      128, 128, 228, 128, 0x11, 0x11 };
	static const size_t stride[] = { 6, 6, 6 }, split[] = { 6, 3, 3 };
	unsigned char whole[64] = {}, luma[24];
	const unsigned char *plane[3] = { whole };

	fill_luma(whole);
	memcpy(whole + 24, cbcr, 12);
	check_planar(V4L2_PIX_FMT_NV12, 1, stride, plane);
	memcpy(whole + 24, crcb, 12);
	check_planar(V4L2_PIX_FMT_NV21, 1, stride, plane);
	memcpy(whole + 24, cb, 6);
	memcpy(whole + 30, cr, 6);
	check_planar(V4L2_PIX_FMT_YUV420, 1, stride, plane);
	memcpy(whole + 24, cr, 6);
	memcpy(whole + 30, cb, 6);
	check_planar(V4L2_PIX_FMT_YVU420, 1, stride, plane);
	memcpy(whole + 24, cbcr, 6);
	memcpy(whole + 30, cbcr, 6);
	memcpy(whole + 36, cbcr + 6, 6);
	memcpy(whole + 42, cbcr + 6, 6);
	check_planar(V4L2_PIX_FMT_NV16, 1, stride, plane);

	fill_luma(luma);
	plane[0] = luma;
	plane[1] = cbcr;
	check_planar(V4L2_PIX_FMT_NV12M, 2, stride, plane);
	plane[1] = cb;
	plane[2] = cr;
	check_planar(V4L2_PIX_FMT_YUV420M, 3, split, plane);
	plane[1] = cr;
	plane[2] = cb;
	check_planar(V4L2_PIX_FMT_YVU420M, 3, split, plane);
}

static void unknown_formats(void)
{
	struct picture p = {
		.width = 4,
		.height = 4,
		.fourcc = V4L2_PIX_FMT_MJPEG,
		.planes = 1,
		.sizeimage = { 1000 },
	};
	const unsigned char bytes[8] = {}, *plane = bytes;
	struct area areas[MAX_PLANES];
	size_t used[MAX_PLANES] = { 77 };
	unsigned char rgb[48];

	CHECK(!picture_known(&p));
	CHECK(!picture_to_rgb(&p, &plane, rgb));
	CHECK(picture_areas(&p, used, areas) == 1 && areas[0].bytes == 77 &&
	      areas[0].lines == 1);
	/* a driver that says less than the format needs */
	p.fourcc = V4L2_PIX_FMT_YUYV;
	p.bytesperline[0] = 8;
	p.sizeimage[0] = 31;
	CHECK(!picture_known(&p));
	p.sizeimage[0] = 32;
	CHECK(picture_known(&p));
	/* what begins later, ends later */
	p.data_offset[0] = 1;
	CHECK(!picture_known(&p));
	p.data_offset[0] = 0;
	p.bytesperline[0] = 7;
	CHECK(!picture_known(&p));
}

/*
 * PNG
 */

static uint32_t get_be32(const unsigned char *at)
{
	return (uint32_t)at[0] << 24 | at[1] << 16 | at[2] << 8 | at[3];
}

/* The chunk at @at is whole, and of that type. Returns what follows it. */
static const unsigned char *chunk(const unsigned char *at, const char *type,
				  const unsigned char **data, uint32_t *size)
{
	*size = get_be32(at);
	*data = at + 8;
	CHECK(!memcmp(at + 4, type, 4));
	CHECK(crc32(0, at + 4, *size + 4) == get_be32(*data + *size));
	return *data + *size + 4;
}

static void png(void)
{
	static const unsigned char rgb[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 };
	static const unsigned char raw[] = { 0, 1, 2, 3, 4, 5, 6, 0, 7, 8, 9, 10, 11, 12 };
	static const unsigned char header[] = { 0, 0, 0, 2, 0, 0, 0, 2, 8, 2, 0, 0, 0 };
	const unsigned char *at, *data;
	unsigned char unpacked[64];
	uLongf length = sizeof(unpacked);
	uint32_t size;
	char *file;
	size_t n;
	FILE *f = open_memstream(&file, &n);

	CHECK(!png_write(f, rgb, 2, 2));
	fclose(f);
	at = (unsigned char *)file;
	CHECK(!memcmp(at, "\x89PNG\r\n\x1a\n", 8));
	at = chunk(at + 8, "IHDR", &data, &size);
	CHECK(size == sizeof(header) && !memcmp(data, header, size));
	at = chunk(at, "IDAT", &data, &size);
	CHECK(uncompress(unpacked, &length, data, size) == Z_OK);
	CHECK(length == sizeof(raw) && !memcmp(unpacked, raw, length));
	at = chunk(at, "IEND", &data, &size);
	CHECK(at == (unsigned char *)file + n);
	free(file);
}

/*
 * Verification
 */

#define WIDTH	20
#define LINES	10
#define PITCH	100	/* 80 bytes are picture */
#define FRAME	(PITCH * LINES)

struct bench {
	struct picture picture;
	struct target target;
	struct layout layout;
	struct verify verify;
	unsigned char *frame;
	size_t used[MAX_PLANES];
};

/* A frame as it should be: the picture is all of one byte, padding was left alone. */
static void set_up(struct bench *b)
{
	int y;

	memset(b, 0, sizeof(*b));
	b->picture.width = WIDTH;
	b->picture.height = LINES;
	b->picture.fourcc = V4L2_PIX_FMT_XBGR32;
	b->picture.planes = 1;
	b->picture.bytesperline[0] = PITCH;
	b->picture.sizeimage[0] = FRAME;
	b->used[0] = FRAME;
	layout_make(&b->layout, &b->picture, &b->target, true, false);
	b->verify.picture = &b->picture;
	b->verify.layout = &b->layout;
	b->verify.pattern = calloc(1, b->layout.used);
	b->verify.reference = calloc(1, b->layout.used);
	b->verify.have = calloc(1, b->layout.used);
	verify_make_pattern(&b->verify);
	memcpy(b->verify.have, b->verify.pattern, b->layout.used);
	b->frame = b->verify.have + b->layout.plane_offset[0];
	for (y = 0; y < LINES; y++) {
		memset(b->frame + y * PITCH, 0x42, WIDTH * 4);
		memset(b->verify.reference + b->layout.plane_offset[0] + y * PITCH, 0x42,
		       WIDTH * 4);
	}
}

static void look(struct bench *b)
{
	verify_look(&b->verify, b->used, 7);
	CHECK(b->verify.frames == 1);
}

static void tear_down(struct bench *b)
{
	verify_end(&b->verify);
}

static void good_frame(void)
{
	struct bench b;

	set_up(&b);
	look(&b);
	CHECK(!b.verify.bad && !b.verify.different && !b.verify.unwritten && !b.verify.beside);
	/* padding is the driver's */
	memset(b.frame + PITCH - 20, 0, 20);
	verify_look(&b.verify, b.used, 8);
	CHECK(!b.verify.bad && !*b.verify.first);
	tear_down(&b);
}

static void wrong_byte(void)
{
	struct bench b;

	set_up(&b);
	b.frame[3 * PITCH + 79] ^= 1;
	look(&b);
	CHECK(b.verify.bad == 1 && b.verify.different == 1);
	CHECK(!b.verify.unwritten && !b.verify.beside);
	CHECK(strstr(b.verify.first, "frame 7: 1 bytes are not as MMAP"));
	CHECK(strstr(b.verify.first, "byte 379 of plane 0"));
	/* who moves can't be compared */
	b.verify.bad = 0;
	b.verify.moves = 1;
	verify_look(&b.verify, b.used, 8);
	CHECK(!b.verify.bad);
	tear_down(&b);
}

static void byte_left_out(void)
{
	size_t at;
	struct bench b;

	set_up(&b);
	/* a line's last word */
	at = b.layout.plane_offset[0] + 5 * PITCH + 72;
	at -= at % 8;
	memcpy(b.verify.have + at, b.verify.pattern + at, 8);
	b.verify.moves = 1;
	look(&b);
	CHECK(b.verify.bad == 1 && b.verify.unwritten == 8);
	CHECK(strstr(b.verify.first, "8 bytes were not written"));
	tear_down(&b);
}

static void byte_beside(size_t at, const char *where)
{
	struct bench b;

	set_up(&b);
	b.verify.have[at] ^= 0x80;
	b.verify.moves = 1;
	look(&b);
	CHECK(b.verify.bad == 1 && b.verify.beside == 1);
	CHECK(strstr(b.verify.first, where));
	tear_down(&b);
}

static void bytes_beside(void)
{
	size_t begin = 4096, end = begin + FRAME;

	byte_beside(0, "4096 bytes before plane 0");
	byte_beside(begin - 1, "1 bytes before plane 0");
	byte_beside(end, "1 bytes behind the end of plane 0");
	byte_beside(3 * 4096 - 1, "behind the end of plane 0");
}

static void pattern(void)
{
	struct layout l = { .used = 1 << 16 };
	struct verify v = { .layout = &l, .pattern = calloc(1, 1 << 16) };
	const uint64_t *words = (uint64_t *)v.pattern;
	bool same = false;
	size_t i, k;

	verify_make_pattern(&v);
	for (i = 0; i < (1 << 16) / 8; i++)
		for (k = i + 1; k < i + 512 && k < (1 << 16) / 8; k++)
			same |= words[i] == words[k];
	CHECK(!same);
	free(v.pattern);
}

static void run(const char *name, void (*test)(void))
{
	right = true;
	test();
	all_right &= right;
	printf("%sok %u %s\n", right ? "" : "not ", ++number, name);
}

int main(void)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} tests[] = {
		{ "sizes", sizes },
		{ "dimensions", dimensions },
		{ "fourccs", fourccs },
		{ "command line", command_line },
		{ "slots", slots },
		{ "capacities", capacities },
		{ "packed formats", packed_formats },
		{ "planar formats", planar_formats },
		{ "unknown formats", unknown_formats },
		{ "png", png },
		{ "a good frame", good_frame },
		{ "a wrong byte", wrong_byte },
		{ "bytes left out", byte_left_out },
		{ "bytes beside the frame", bytes_beside },
		{ "pattern", pattern },
	};
	size_t i;

	printf("TAP version 13\n1..%zu\n", ARRAY_LEN(tests));
	for (i = 0; i < ARRAY_LEN(tests); i++)
		run(tests[i].name, tests[i].run);
	return all_right ? 0 : 1;
}
