/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the camera sees: lines of 720 pixels, YUYV
 */
#ifndef PICTURE_H
#define PICTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PICTURE_WIDTH	720
#define PICTURE_MAX	576	/* lines of a frame */

/**
 * struct picture - a source of pictures
 * @still: nothing moves
 * @video: frames of a raw YUYV file, or NULL for the test picture
 * @video_width: their width
 * @video_height: their height
 * @video_frames: their number
 * @background: the test picture without what moves
 * @lines: lines of a frame that @background was made for
 * @input: input that @background was made for
 */
struct picture {
	bool still;
	const uint8_t *video;
	unsigned int video_width;
	unsigned int video_height;
	unsigned int video_frames;
	uint8_t background[PICTURE_MAX][2 * PICTURE_WIDTH];
	unsigned int lines;
	unsigned int input;
};

/*
 * Play the file @path, frames of @width x @height YUYV pixels, again and again.
 * Returns 0 or a negative errno.
 */
int picture_open_video(struct picture *picture, const char *path,
		       unsigned int width, unsigned int height);

/*
 * Line @y of a frame of @lines lines, as it is when field number @field is sent,
 * of input number @input.
 */
void picture_line(struct picture *picture, uint64_t field, unsigned int lines,
		  unsigned int input, unsigned int y,
		  uint8_t line[2 * PICTURE_WIDTH]);

#endif /* PICTURE_H */
