// SPDX-License-Identifier: GPL-2.0-only
/*
 * The video decoder: standards, cropping, scaling, colours
 *
 * The scaler takes the nearest line and pixel. A scale below 256 repeats them, as
 * the driver asks for that (PAL-60; a single field of full height). HDELAY and
 * VDELAY take time, but the picture is always where the driver wants it: what is
 * beside a picture is no concern of ours. Hue, sharpness and gamma do nothing.
 */
#include "tw68-reg.h"

#include "chip.h"

#define AUTO_DETECT	7

static bool is_50hz(uint32_t standard)
{
	return standard == VideoFormatPALBDGHI ||
	       standard == VideoFormatSECAM || standard == VideoFormatPALNC;
}

/* The standard that is being decoded */
static uint32_t standard(const struct chip *chip)
{
	uint32_t std = chip_reg(chip, TW68_SDT) & 7;

	if (std != AUTO_DETECT)
		return std;
	return chip->options.signal == CHIP_SIGNAL_525_60 ?
	       VideoFormatNTSC : VideoFormatPALBDGHI;
}

bool decoder_locked(const struct chip *chip)
{
	switch (chip->options.signal) {
	case CHIP_SIGNAL_AUTO:
		return true;
	case CHIP_SIGNAL_525_60:
		return !is_50hz(standard(chip));
	case CHIP_SIGNAL_625_50:
		return is_50hz(standard(chip));
	default:
		return false;
	}
}

/*
 * VDLOSS, HLOCK, SLOCK, FIELD, VLOCK, -, MONO, DET50, as in all its relatives. The
 * driver takes HLOCK for the opposite: "no hsync lock" of v4l2-ctl is its.
 */
uint8_t decoder_status(const struct chip *chip)
{
	uint8_t status = 0;

	if (chip->options.signal == CHIP_SIGNAL_NONE)
		return 1 << 7;
	if (decoder_locked(chip))
		status |= 1 << 6 | 1 << 5 | 1 << 3;
	if (chip_now(chip) / decoder_field_ns(chip) % 2)
		status |= 1 << 4;
	if (chip->options.signal == CHIP_SIGNAL_625_50 ||
	    (chip->options.signal == CHIP_SIGNAL_AUTO &&
	     is_50hz(standard(chip))))
		status |= 1 << 0;
	return status;
}

/* In the middle of it is what is being decoded */
uint8_t decoder_sdt(const struct chip *chip)
{
	return chip_reg(chip, TW68_SDT) | standard(chip) << 4;
}

int64_t decoder_field_ns(const struct chip *chip)
{
	if (chip->options.fps)
		return 1000000000 / (2 * chip->options.fps);
	return is_50hz(standard(chip)) ? 20000000 : 16683333;
}

static unsigned int low_high(const struct chip *chip, unsigned int low,
			     unsigned int high, unsigned int shift,
			     unsigned int mask)
{
	return chip_reg(chip, low) |
	       (chip_reg(chip, high) >> shift & mask) << 8;
}

static unsigned int hscale(const struct chip *chip)
{
	return low_high(chip, TW68_HSCALE_LO, TW68_SCALE_HI, 0, 15) ?: 256;
}

static unsigned int vscale(const struct chip *chip)
{
	return low_high(chip, TW68_VSCALE_LO, TW68_SCALE_HI, 4, 15) ?: 256;
}

unsigned int decoder_lines(const struct chip *chip)
{
	return low_high(chip, TW68_VACTIVE_LO, TW68_CROP_HI, 4, 3) * 256 /
	       vscale(chip);
}

static unsigned int pixels(const struct chip *chip)
{
	unsigned int n = low_high(chip, TW68_HACTIVE_LO, TW68_CROP_HI, 0, 3) *
			 256 / hscale(chip);

	return n < CHIP_LINE_MAX ? n : CHIP_LINE_MAX;
}

int64_t decoder_line_time(const struct chip *chip, uint64_t field,
			  unsigned int line)
{
	unsigned int delay = low_high(chip, TW68_VDELAY_LO, TW68_CROP_HI, 6, 3);
	unsigned int total = is_50hz(standard(chip)) ? 625 : 525;

	line = delay + line * vscale(chip) / 256;
	return field * decoder_field_ns(chip) +
	       2 * line * decoder_field_ns(chip) / total;
}

static uint8_t clamp(int value)
{
	return value < 0 ? 0 : value > 255 ? 255 : value;
}

/* The driver's defaults, contrast 100 and saturation 128, leave it as it is. */
static uint8_t adjusted_luma(const struct chip *chip, uint8_t y)
{
	int contrast = chip_reg(chip, TW68_CONTRAST);
	int brightness = (int8_t)chip_reg(chip, TW68_BRIGHT);

	return clamp(16 + (y - 16) * contrast / 100 + brightness);
}

static uint8_t adjusted_chroma(uint8_t c, uint32_t saturation)
{
	return clamp(128 + (c - 128) * (int)saturation / 128);
}

/* BT.601, in 8 bits behind the point */
static void to_rgb(int y, int u, int v, uint8_t rgb[3])
{
	y = 298 * (y - 16) + 128;
	u -= 128;
	v -= 128;
	rgb[0] = clamp((y + 409 * v) >> 8);
	rgb[1] = clamp((y - 100 * u - 208 * v) >> 8);
	rgb[2] = clamp((y + 516 * u) >> 8);
}

static void put_rgb(uint8_t *out, uint32_t format, const uint8_t rgb[3])
{
	unsigned int word;

	switch (format) {
	case ColorFormatRGB32:
		out[3] = 0;
		/* fall through */
	case ColorFormatRGB24:
		out[0] = rgb[2];
		out[1] = rgb[1];
		out[2] = rgb[0];
		return;
	case ColorFormatRGB16:
		word = (rgb[0] >> 3) << 11 | (rgb[1] >> 2) << 5 | rgb[2] >> 3;
		break;
	default:
		word = (rgb[0] >> 3) << 10 | (rgb[1] >> 3) << 5 | rgb[2] >> 3;
	}
	out[0] = word;
	out[1] = word >> 8;
}

static void swap(uint8_t *a, uint8_t *b)
{
	uint8_t t = *a;

	*a = *b;
	*b = t;
}

/*
 * Swap bytes, and words, of 32 bits. The driver takes the swapping of bytes with
 * 24 bits a pixel for the opposite order of the colours.
 */
static void swap_bytes(uint8_t *line, size_t size, uint32_t dmac,
		       unsigned int bytes)
{
	size_t i;

	if (bytes == 3) {
		for (i = 0; dmac & ColorFormatBSWAP && i + 2 < size; i += 3)
			swap(&line[i], &line[i + 2]);
		return;
	}
	for (i = 0; dmac & ColorFormatBSWAP && i + 1 < size; i += 2)
		swap(&line[i], &line[i + 1]);
	for (i = 0; dmac & ColorFormatWSWAP && i + 3 < size; i += 4) {
		swap(&line[i], &line[i + 2]);
		swap(&line[i + 1], &line[i + 3]);
	}
}

static unsigned int bytes_per_pixel(uint32_t format)
{
	switch (format) {
	case ColorFormatRGB32:
		return 4;
	case ColorFormatRGB24:
		return 3;
	default:
		return 2;
	}
}

size_t decoder_line(struct chip *chip, uint64_t field, unsigned int line,
		    uint8_t out[4 * CHIP_LINE_MAX])
{
	uint32_t dmac = chip_reg(chip, TW68_DMAC);
	uint32_t format = dmac & 0x70;
	unsigned int bytes = bytes_per_pixel(format);
	unsigned int lines = is_50hz(standard(chip)) ? 576 : 480;
	unsigned int y = 2 * (line * vscale(chip) / 256) + field % 2;
	unsigned int input = chip_reg(chip, TW68_INFORM) >> 2 & 3;
	uint32_t saturation[2] = {
		chip_reg(chip, TW68_SAT_U), chip_reg(chip, TW68_SAT_V)
	};
	unsigned int scale = hscale(chip);
	unsigned int n = pixels(chip);
	uint8_t source[2 * PICTURE_WIDTH];
	uint8_t luma[256];
	unsigned int x;

	if (y >= lines)
		y = lines - 1;
	picture_line(chip->picture, field, lines, input, y, source);
	for (x = 0; x < 256; x++)
		luma[x] = adjusted_luma(chip, x);

	for (x = 0; x < n; x++) {
		unsigned int sx = x * scale / 256;
		uint8_t rgb[3], c[2], *pixel = out + bytes * x;

		if (sx >= PICTURE_WIDTH)
			sx = PICTURE_WIDTH - 1;
		c[0] = adjusted_chroma(source[4 * (sx / 2) + 1], saturation[0]);
		c[1] = adjusted_chroma(source[4 * (sx / 2) + 3], saturation[1]);
		if (format == ColorFormatYUY2) {
			pixel[0] = luma[source[2 * sx]];
			pixel[1] = c[x % 2];
		} else {
			to_rgb(luma[source[2 * sx]], c[0], c[1], rgb);
			put_rgb(pixel, format, rgb);
		}
	}
	swap_bytes(out, bytes * n, dmac, bytes);
	return bytes * n;
}
