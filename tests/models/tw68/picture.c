// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the camera sees
 *
 * The test picture has colour bars, a grey ramp below them, a texture over all of
 * it so that no two lines are alike, the number of the frame as 16 black and white
 * cells (the highest bit on the left) at the top and at the bottom, so that one
 * sees whether a picture is of one piece, and a white block that moves with every
 * field.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "picture.h"

#define CELLS		16
#define CELL_HEIGHT	16
#define CELL_WIDTH	(PICTURE_WIDTH / CELLS)
#define BLOCK		64

#define BLACK		16
#define WHITE		235
#define GREY		128

/* 75% colour bars of BT.601: luma, blue and red difference */
static const uint8_t bars[][3] = {
	{ 180, 128, 128 }, { 162, 44, 142 }, { 131, 156, 44 }, { 112, 72, 58 },
	{ 84, 184, 198 }, { 65, 100, 212 }, { 35, 212, 114 }, { 16, 128, 128 },
};

#define ARRAY_LEN(a)	(sizeof(a) / sizeof((a)[0]))
#define BARS		ARRAY_LEN(bars)

int picture_open_video(struct picture *p, const char *path, unsigned int width,
		       unsigned int height)
{
	size_t size = (size_t)2 * width * height;
	struct stat st;
	void *map;
	int fd;

	/* a pair of pixels shares its colour */
	if (!size || width % 2)
		return -EINVAL;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) || (size_t)st.st_size < size) {
		close(fd);
		return -EINVAL;
	}
	map = mmap(NULL, st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
	if (map == MAP_FAILED)
		return -errno;
	p->video = map;
	p->video_width = width;
	p->video_height = height;
	p->video_frames = st.st_size / size;
	return 0;
}

static void video_line(const struct picture *p, uint64_t field,
		       unsigned int lines, unsigned int y, uint8_t *line)
{
	size_t stride = 2 * p->video_width;
	uint64_t frame = p->still ? 0 : field / 2 % p->video_frames;
	const uint8_t *from = p->video +
			      (frame * p->video_height +
			       y * p->video_height / lines) * stride;
	unsigned int x;

	for (x = 0; x < PICTURE_WIDTH; x++) {
		unsigned int sx = x * p->video_width / PICTURE_WIDTH;

		line[2 * x] = from[2 * sx];
		line[2 * x + 1] = from[4 * (sx / 2) + 1 + 2 * (x % 2)];
	}
}

static void draw_background(struct picture *p, unsigned int lines,
			    unsigned int input)
{
	unsigned int x, y;

	for (y = 0; y < lines; y++) {
		uint8_t *line = p->background[y];

		for (x = 0; x < PICTURE_WIDTH; x++) {
			unsigned int bar = (x * BARS / PICTURE_WIDTH + input) %
					   BARS;
			unsigned int texture = (x * 0x9e37 + y * 0x79b9) >> 8 &
					       15;

			if (y < 2 * lines / 3) {
				line[2 * x] = bars[bar][0] + texture;
				line[2 * x + 1] = bars[bar][1 + x % 2];
			} else {
				line[2 * x] = BLACK + x * 200 / PICTURE_WIDTH +
					      texture;
				line[2 * x + 1] = GREY;
			}
		}
	}
	p->lines = lines;
	p->input = input;
}

static void fill(uint8_t *line, unsigned int x, unsigned int width,
		 uint8_t luma)
{
	for (; width--; x++) {
		line[2 * x] = luma;
		line[2 * x + 1] = GREY;
	}
}

/* There and back again */
static unsigned int bounce(uint64_t position, unsigned int range)
{
	unsigned int at = position % (2 * range);

	return at < range ? at : 2 * range - at;
}

static void test_line(struct picture *p, uint64_t field, unsigned int lines,
		      unsigned int input, unsigned int y, uint8_t *line)
{
	unsigned int x, top;
	unsigned int i;

	if (p->lines != lines || p->input != input)
		draw_background(p, lines, input);
	memcpy(line, p->background[y], 2 * PICTURE_WIDTH);

	if (p->still)
		field = 0;
	x = bounce(3 * field, PICTURE_WIDTH - BLOCK) & ~1U;
	top = CELL_HEIGHT + bounce(2 * field, lines - 2 * CELL_HEIGHT - BLOCK);
	if (y >= top && y < top + BLOCK)
		fill(line, x, BLOCK, WHITE);

	if (y < CELL_HEIGHT || y >= lines - CELL_HEIGHT)
		for (i = 0; i < CELLS; i++)
			fill(line, i * CELL_WIDTH, CELL_WIDTH,
			     field / 2 >> (CELLS - 1 - i) & 1 ? WHITE : BLACK);
}

void picture_line(struct picture *p, uint64_t field, unsigned int lines,
		  unsigned int input, unsigned int y,
		  uint8_t line[2 * PICTURE_WIDTH])
{
	if (p->video)
		video_line(p, field, lines, y, line);
	else
		test_line(p, field, lines, input, y, line);
}
