/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Pixel formats: where the bytes of a picture are, and what colours they mean
 */
#ifndef PFNCAP_PICTURE_H
#define PFNCAP_PICTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MAX_PLANES	8	/* VIDEO_MAX_PLANES */
#define MAX_AREAS	3

/**
 * struct picture - the format of a queue, of either API
 * @planes: memory planes of a buffer, each with an address of its own
 * @data_offset: where the picture begins in each plane, known with the first frame
 */
struct picture {
	unsigned int width;
	unsigned int height;
	uint32_t fourcc;
	uint32_t field;
	uint32_t colorspace;
	uint32_t ycbcr_enc;
	uint32_t quantization;
	unsigned int planes;
	size_t bytesperline[MAX_PLANES];
	size_t sizeimage[MAX_PLANES];
	size_t data_offset[MAX_PLANES];
};

/**
 * struct area - lines of equal length with equal distances
 * @plane: memory plane that it is in
 * @offset: where it begins there
 * @stride: distance of two lines
 * @bytes: length of a line; what is between two lines is padding
 * @lines: how many
 */
struct area {
	unsigned int plane;
	size_t offset;
	size_t stride;
	size_t bytes;
	unsigned int lines;
};

/**
 * picture_areas - what of a frame is picture
 * @p: the format
 * @used: how many bytes of each plane the driver says it has filled
 * @areas: the answer, at least one per plane
 *
 * Padding is the driver's to write or to leave. Of a format that is not in the table
 * (compressed ones for instance) everything that was filled counts.
 *
 * Returns the number of areas.
 */
unsigned int picture_areas(const struct picture *p, const size_t *used,
			   struct area areas[MAX_PLANES]);

/* Bytes per pixel of a format with one plane, 0 if it is not known. */
unsigned int fourcc_pixel_bytes(uint32_t fourcc);

/**
 * picture_to_rgb - convert a frame to 8 bit each of red, green and blue
 * @p: the format
 * @plane: the memory planes
 * @rgb: width * height * 3 bytes
 *
 * Returns whether pfncap knows the format.
 */
bool picture_to_rgb(const struct picture *p, const unsigned char *const plane[],
		    unsigned char *rgb);
bool picture_known(const struct picture *p);

#endif /* PFNCAP_PICTURE_H */
