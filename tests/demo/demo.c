// SPDX-License-Identifier: GPL-2.0-only
/*
 * Capture live video by V4L2_MEMORY_USERPTR straight into the memory of a
 * display: every buffer is a picture's worth of bochs-display's BAR, shown by
 * moving the display's start address to it. The application copies nothing.
 *
 * usage: demo VIDEO-NODE FRAMES [STOP-FILE]
 *
 * Shows at least FRAMES frames, and goes on until STOP-FILE exists. Exit
 * status: 0, 1 for an error, 2 if QBUF refuses the memory.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <linux/videodev2.h>

#define WIDTH		640
#define HEIGHT		480
#define FRAME_SIZE	(WIDTH * HEIGHT * 4)
#define BUFFERS		4
#define RATE		30	/* frames/s, asked for */
#define FRAME_TIMEOUT	5000	/* ms; an emulated machine is slow */
#define STOP_TIMEOUT	60	/* s */

/* bochs-display: BAR0 is the picture, BAR2 the registers (QEMU's standard-vga spec). */
#define DISPI_BASE	0x500
enum {
	DISPI_XRES = 1, DISPI_YRES, DISPI_BPP, DISPI_ENABLE,
	DISPI_VIRT_WIDTH = 6, DISPI_X_OFFSET = 8, DISPI_Y_OFFSET,
};

#define DISPI_ENABLED	0x41	/* enabled, linear framebuffer */

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void *map_bar(const char *device, int bar, size_t size)
{
	char path[256];
	void *map;
	int fd;

	snprintf(path, sizeof(path), "%s/resource%d", device, bar);
	fd = open(path, O_RDWR);
	if (fd < 0)
		die(path);
	map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		die(path);
	close(fd);
	return map;
}

static int file_is(const char *dir, const char *name, const char *content)
{
	char path[256], line[64] = "";
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	file = fopen(path, "r");
	if (!file)
		return 0;
	if (!fgets(line, sizeof(line), file))
		line[0] = '\0';
	fclose(file);
	line[strcspn(line, "\n")] = '\0';
	return !strcmp(line, content);
}

static void find_display(char *device, size_t size)
{
	const char *dir = "/sys/bus/pci/devices";
	struct dirent *entry;
	DIR *devices = opendir(dir);

	if (!devices)
		die(dir);
	while ((entry = readdir(devices))) {
		snprintf(device, size, "%s/%.32s", dir, entry->d_name);
		if (file_is(device, "vendor", "0x1234") &&
		    file_is(device, "device", "0x1111")) {
			closedir(devices);
			return;
		}
	}
	fprintf(stderr, "no bochs-display here\n");
	exit(1);
}

/* One store each, and no compiler moves or merges them. */
static void dispi_write(__u16 *dispi, int reg, __u16 value)
{
	__atomic_store_n(&dispi[reg], value, __ATOMIC_SEQ_CST);
}

static void set_mode(__u16 *dispi)
{
	dispi_write(dispi, DISPI_ENABLE, 0);
	dispi_write(dispi, DISPI_XRES, WIDTH);
	dispi_write(dispi, DISPI_YRES, HEIGHT);
	dispi_write(dispi, DISPI_BPP, 32);
	dispi_write(dispi, DISPI_VIRT_WIDTH, WIDTH);
	dispi_write(dispi, DISPI_X_OFFSET, 0);
	dispi_write(dispi, DISPI_Y_OFFSET, 0);
	dispi_write(dispi, DISPI_ENABLE, DISPI_ENABLED);
}

static int qbuf(int video, unsigned int index, void *memory)
{
	struct v4l2_buffer buf = {
		.index = index,
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
		.memory = V4L2_MEMORY_USERPTR,
		.m.userptr = (unsigned long)memory,
		.length = FRAME_SIZE,
	};

	return ioctl(video, VIDIOC_QBUF, &buf);
}

static unsigned int dqbuf(int video)
{
	struct pollfd pollfd = { .fd = video, .events = POLLIN };
	struct v4l2_buffer buf = {
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
		.memory = V4L2_MEMORY_USERPTR,
	};

	if (poll(&pollfd, 1, FRAME_TIMEOUT) != 1) {
		fprintf(stderr, "no frame in %d ms\n", FRAME_TIMEOUT);
		exit(1);
	}
	if (ioctl(video, VIDIOC_DQBUF, &buf))
		die("VIDIOC_DQBUF");
	if (buf.flags & V4L2_BUF_FLAG_ERROR || buf.bytesused != FRAME_SIZE) {
		fprintf(stderr, "a bad frame: flags %#x, %u bytes\n",
			buf.flags, buf.bytesused);
		exit(1);
	}
	return buf.index;
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

int main(int argc, char *argv[])
{
	struct v4l2_format format = {
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
		.fmt.pix = {
			.width = WIDTH,
			.height = HEIGHT,
			.pixelformat = V4L2_PIX_FMT_XBGR32,
			.field = V4L2_FIELD_NONE,
		},
	};
	struct v4l2_streamparm parm = {
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
		.parm.capture.timeperframe = { 1, RATE },
	};
	struct v4l2_requestbuffers request = {
		.count = BUFFERS,
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
		.memory = V4L2_MEMORY_USERPTR,
	};
	__u16 *dispi;
	char device[64];
	unsigned int frames, wanted, shown, next;
	double start;
	char *picture;
	int video;

	if (argc < 3) {
		fprintf(stderr, "usage: demo VIDEO-NODE FRAMES [STOP-FILE]\n");
		return 1;
	}
	wanted = atoi(argv[2]);
	find_display(device, sizeof(device));
	picture = map_bar(device, 0, BUFFERS * FRAME_SIZE);
	dispi = map_bar(device, 2, 4096) + DISPI_BASE;
	set_mode(dispi);

	video = open(argv[1], O_RDWR);
	if (video < 0)
		die(argv[1]);
	if (ioctl(video, VIDIOC_S_FMT, &format))
		die("VIDIOC_S_FMT");
	if (format.fmt.pix.pixelformat != V4L2_PIX_FMT_XBGR32 ||
	    format.fmt.pix.sizeimage != FRAME_SIZE) {
		fprintf(stderr, "the camera has no %dx%d XR24\n", WIDTH, HEIGHT);
		return 1;
	}
	if (ioctl(video, VIDIOC_S_PARM, &parm))
		die("VIDIOC_S_PARM");
	if (ioctl(video, VIDIOC_REQBUFS, &request))
		die("VIDIOC_REQBUFS");
	for (next = 0; next < BUFFERS; next++) {
		if (qbuf(video, next, picture + next * FRAME_SIZE)) {
			printf("QBUF of the display's memory: %s (%s)\n",
			       strerrorname_np(errno), strerror(errno));
			return 2;
		}
	}
	printf("QBUF of the display's memory: accepted\n");
	if (ioctl(video, VIDIOC_STREAMON, &format.type))
		die("VIDIOC_STREAMON");

	/* What is on show stays ours until the next frame has replaced it. */
	start = now();
	shown = dqbuf(video);
	for (frames = 1;; frames++) {
		dispi_write(dispi, DISPI_Y_OFFSET, shown * HEIGHT);
		if (frames == wanted) {
			printf("live\n");
			fflush(stdout);
		}
		if (frames >= wanted &&
		    (argc < 4 || !access(argv[3], F_OK) || now() - start > STOP_TIMEOUT))
			break;
		next = dqbuf(video);
		if (qbuf(video, shown, picture + shown * FRAME_SIZE))
			die("VIDIOC_QBUF");
		shown = next;
	}
	printf("%u frames of %dx%d, %.1f frames/s, bytes copied by the application: 0\n",
	       frames, WIDTH, HEIGHT, frames / (now() - start));
	return 0;
}
