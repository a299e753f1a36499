// SPDX-License-Identifier: GPL-2.0-only
/*
 * PNG: signature, header, one chunk of compressed lines, end
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "png.h"

static void put_be32(unsigned char *at, uint32_t value)
{
	at[0] = value >> 24;
	at[1] = value >> 16;
	at[2] = value >> 8;
	at[3] = value;
}

static int put_chunk(FILE *file, const char *type, const unsigned char *data, uint32_t size)
{
	unsigned char head[8], tail[4];
	uLong crc;

	put_be32(head, size);
	memcpy(head + 4, type, 4);
	crc = crc32(0, head + 4, 4);
	if (size)
		crc = crc32(crc, data, size);
	put_be32(tail, crc);
	if (fwrite(head, sizeof(head), 1, file) != 1 ||
	    (size && fwrite(data, size, 1, file) != 1) ||
	    fwrite(tail, sizeof(tail), 1, file) != 1)
		return -EIO;
	return 0;
}

/* The lines, each after the number of its filter (0: none), compressed */
static unsigned char *compress_lines(const unsigned char *rgb, uint32_t width,
				     uint32_t height, uLongf *size)
{
	size_t line = (size_t)width * 3;
	uLong raw_size = (line + 1) * height;
	unsigned char *raw = malloc(raw_size), *packed;
	uint32_t y;

	*size = compressBound(raw_size);
	packed = malloc(*size);
	if (raw && packed) {
		for (y = 0; y < height; y++) {
			raw[y * (line + 1)] = 0;
			memcpy(raw + y * (line + 1) + 1, rgb + y * line, line);
		}
		if (compress(packed, size, raw, raw_size) == Z_OK) {
			free(raw);
			return packed;
		}
	}
	free(packed);
	free(raw);
	return NULL;
}

int png_write(FILE *file, const unsigned char *rgb, uint32_t width, uint32_t height)
{
	static const unsigned char signature[8] = "\x89PNG\r\n\x1a\n";
	/* 8 bit, RGB, deflate, the usual filters, not interlaced */
	unsigned char header[13] = { [8] = 8, [9] = 2 };
	unsigned char *packed;
	uLongf size;
	int ret;

	packed = compress_lines(rgb, width, height, &size);
	if (!packed)
		return -ENOMEM;
	put_be32(header, width);
	put_be32(header + 4, height);
	ret = fwrite(signature, sizeof(signature), 1, file) == 1 ? 0 : -EIO;
	if (!ret)
		ret = put_chunk(file, "IHDR", header, sizeof(header));
	if (!ret)
		ret = put_chunk(file, "IDAT", packed, size);
	if (!ret)
		ret = put_chunk(file, "IEND", NULL, 0);
	free(packed);
	if (!ret && fflush(file))
		ret = -errno;
	return ret;
}
