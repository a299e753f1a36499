// SPDX-License-Identifier: GPL-2.0-only
/*
 * Does a capture driver keep the promise of vb2_ops.buf_revoke()?
 *
 *	modprobe vb2_revoke
 *	VIDEO_DEVICE=/dev/video0 ./buf_revoke
 *
 * The device captures, in the format that it is set to, into memory of
 * /dev/vb2_revoke, which takes it away in all states that a buffer can have, at
 * random moments. When that has happened, not one byte may be written to it; the
 * buffer has to come back with an error, and the device has to go on. The rules are
 * those of
 *
 *	Documentation/driver-api/media/v4l2-videobuf2-dma-pfn-drivers.rst
 *
 * In the environment:
 *
 *	VIDEO_DEVICE	the capture device, which has to have a signal
 *	ROUNDS		how often memory is taken away in each test, 20 by default
 *	UNBIND=1	also unbind the device from its driver, and bind it again
 *
 * Behind an I/O MMU the allocator takes the memory away without the driver. Boot
 * with "iommu=off", "intel_iommu=off" or "iommu.passthrough=1" to test the driver.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <linux/videodev2.h>

#include "kselftest_harness.h"
#include "../../../../drivers/media/test-drivers/vb2_revoke.h"

#ifndef __NR_pidfd_open
#define __NR_pidfd_open		434
#endif
#ifndef __NR_process_mrelease
#define __NR_process_mrelease	448
#endif

#define BUFFERS		4
#define MAX_BUFFERS	16

/* Who waits longer than that for a frame waits for ever. */
#define FRAME_TIMEOUT_MS	20000

/* For many rounds on a slow machine, not for any of them */
#define TEST_TIMEOUT_S	1800

/* What memory has in it before a frame */
#define POISON		0xa5

#define GUIDE	"see rule %d of v4l2-videobuf2-dma-pfn-drivers.rst"

/**
 * struct capture - a capture device and memory for its buffers
 * @path: of the device
 * @fd: the open device
 * @type: of its queue
 * @num_planes: number of planes of a buffer
 * @plane_size: size of each plane
 * @plane_offset: where each plane begins in the memory of a buffer
 * @room: size of the memory of a buffer
 * @num_buffers: number of buffers
 * @memory: what /dev/vb2_revoke has made
 * @contiguous: the memory of a buffer is one piece
 * @addr: where the memory of each buffer is mapped
 * @queued: the buffers that are queued, a bit for each
 * @frame_us: time between two frames
 * @longest_ns: the longest time that taking memory away has taken
 * @stray: memory was written to that was taken away
 */
struct capture {
	const char *path;
	int fd;
	__u32 type;
	unsigned int num_planes;
	size_t plane_size[VIDEO_MAX_PLANES];
	size_t plane_offset[VIDEO_MAX_PLANES];
	size_t room;
	unsigned int num_buffers;
	int memory;
	bool contiguous;
	unsigned char *addr[MAX_BUFFERS];
	__u32 queued;
	unsigned int frame_us;
	unsigned long long longest_ns;
	bool stray;
};

static int xioctl(int fd, unsigned long request, void *arg)
{
	int ret;

	do {
		ret = ioctl(fd, request, arg);
	} while (ret < 0 && errno == EINTR);
	return ret < 0 ? -errno : ret;
}

static unsigned int rounds(void)
{
	const char *text = getenv("ROUNDS");
	int number = text ? atoi(text) : 0;

	return number > 0 ? number : 20;
}

static __u32 all(const struct capture *c)
{
	return (1U << c->num_buffers) - 1;
}

static __u32 any(const struct capture *c)
{
	return 1U << rand() % c->num_buffers;
}

/* To a random moment of a frame or of the one after it */
static void random_delay(const struct capture *c)
{
	usleep(rand() % (2 * c->frame_us));
}

/*
 * The device
 */

static int qbuf(const struct capture *c, unsigned int index)
{
	struct v4l2_plane planes[VIDEO_MAX_PLANES] = {};
	struct v4l2_buffer buf = {
		.index = index,
		.type = c->type,
		.memory = V4L2_MEMORY_USERPTR,
	};
	unsigned int i;

	if (!V4L2_TYPE_IS_MULTIPLANAR(c->type)) {
		buf.m.userptr = (uintptr_t)c->addr[index];
		buf.length = c->plane_size[0];
		return xioctl(c->fd, VIDIOC_QBUF, &buf);
	}

	for (i = 0; i < c->num_planes; i++) {
		planes[i].m.userptr = (uintptr_t)c->addr[index] +
				      c->plane_offset[i];
		planes[i].length = c->plane_size[i];
	}
	buf.m.planes = planes;
	buf.length = c->num_planes;
	return xioctl(c->fd, VIDIOC_QBUF, &buf);
}

/* Returns the index of the buffer, or a negative errno: -ETIMEDOUT if none comes */
static int dqbuf(struct capture *c, bool *error)
{
	struct v4l2_plane planes[VIDEO_MAX_PLANES] = {};
	struct v4l2_buffer buf = {
		.type = c->type,
		.memory = V4L2_MEMORY_USERPTR,
	};
	struct pollfd ready = { .fd = c->fd, .events = POLLIN };
	int ret;

	if (V4L2_TYPE_IS_MULTIPLANAR(c->type)) {
		buf.m.planes = planes;
		buf.length = VIDEO_MAX_PLANES;
	}
	ret = poll(&ready, 1, FRAME_TIMEOUT_MS);
	if (ret <= 0)
		return ret ? -errno : -ETIMEDOUT;
	ret = xioctl(c->fd, VIDIOC_DQBUF, &buf);
	if (ret)
		return ret;
	*error = buf.flags & V4L2_BUF_FLAG_ERROR;
	c->queued &= ~(1U << buf.index);
	return buf.index;
}

static int reqbufs(struct capture *c, unsigned int count)
{
	struct v4l2_requestbuffers req = {
		.count = count,
		.type = c->type,
		.memory = V4L2_MEMORY_USERPTR,
	};
	int ret = xioctl(c->fd, VIDIOC_REQBUFS, &req);

	c->queued = 0;
	return ret ? ret : (int)req.count;
}

static int streamon(const struct capture *c)
{
	__u32 type = c->type;

	return xioctl(c->fd, VIDIOC_STREAMON, &type);
}

static int streamoff(struct capture *c)
{
	__u32 type = c->type;

	c->queued = 0;
	return xioctl(c->fd, VIDIOC_STREAMOFF, &type);
}

static void queue_one(struct __test_metadata *const _metadata,
		      struct capture *c, unsigned int index)
{
	ASSERT_EQ(0, qbuf(c, index)) {
		TH_LOG("VIDIOC_QBUF of buffer %u, whose memory is there", index);
	}
	c->queued |= 1U << index;
}

static void queue(struct __test_metadata *const _metadata, struct capture *c,
		  __u32 buffers)
{
	unsigned int i;

	for (i = 0; i < c->num_buffers; i++)
		if (buffers & 1U << i)
			queue_one(_metadata, c, i);
}

static void start(struct __test_metadata *const _metadata, struct capture *c)
{
	queue(_metadata, c, all(c) & ~c->queued);
	ASSERT_EQ(0, streamon(c));
}

/* What a device does that fills no buffer any more */
static void stands_still(struct __test_metadata *const _metadata,
			 const struct capture *c)
{
	TH_LOG("no buffer comes for %d s, queued: %#x", FRAME_TIMEOUT_MS / 1000,
	       c->queued);
	TH_LOG("If it is one that was taken away, the driver has lost it: " GUIDE,
	       4);
	TH_LOG("If it is another one, the device has not gone on: " GUIDE, 5);
}

static int take_frame(struct __test_metadata *const _metadata,
		      struct capture *c, bool *error)
{
	int index = dqbuf(c, error);

	if (index == -ETIMEDOUT)
		stands_still(_metadata, c);
	ASSERT_LE(0, index);
	return index;
}

static bool has_picture(const struct capture *c, unsigned int index)
{
	size_t i;

	for (i = 0; i < c->plane_size[0]; i++)
		if (c->addr[index][i] != POISON)
			return true;
	return false;
}

/*
 * All buffers have memory: each of them comes twice, the second time, when nothing
 * is left of what was before, with a picture and without an error.
 */
static void go_on(struct __test_metadata *const _metadata, struct capture *c)
{
	unsigned int i, index;
	bool error;

	queue(_metadata, c, all(c) & ~c->queued);
	for (i = 0; i < 2 * c->num_buffers; i++) {
		index = take_frame(_metadata, c, &error);
		if (i >= c->num_buffers) {
			EXPECT_FALSE(error) {
				TH_LOG("buffer %u has its memory, and an error",
				       index);
			}
			EXPECT_TRUE(has_picture(c, index)) {
				TH_LOG("nothing was captured into buffer %u: "
				       GUIDE, index, 5);
			}
		}
		memset(c->addr[index], POISON, c->room);
		queue_one(_metadata, c, index);
	}
}

/*
 * Memory
 */

static void map_buffer(struct __test_metadata *const _metadata,
		       struct capture *c, unsigned int index)
{
	void *addr = mmap(c->addr[index], c->room, PROT_READ | PROT_WRITE,
			  MAP_SHARED | (c->addr[index] ? MAP_FIXED : 0),
			  c->memory, (off_t)index * c->room);

	ASSERT_NE(MAP_FAILED, addr);
	c->addr[index] = addr;
}

static void take(struct __test_metadata *const _metadata, struct capture *c,
		 __u32 buffers)
{
	struct vb2_revoke_take arg = { .buffers = buffers };

	ASSERT_EQ(0, xioctl(c->memory, VB2_REVOKE_TAKE, &arg));
	if (arg.took_ns > c->longest_ns)
		c->longest_ns = arg.took_ns;
}

static void give(struct __test_metadata *const _metadata, struct capture *c,
		 __u32 buffers)
{
	ASSERT_EQ(0, xioctl(c->memory, VB2_REVOKE_GIVE, &buffers));
}

/* Nobody may have written to what was taken away. */
static void check(struct __test_metadata *const _metadata, struct capture *c,
		  __u32 buffers, const char *when)
{
	unsigned int i;

	for (i = 0; i < c->num_buffers; i++) {
		struct vb2_revoke_check arg = { .buffer = i };

		if (!(buffers & 1U << i))
			continue;
		ASSERT_EQ(0, xioctl(c->memory, VB2_REVOKE_CHECK, &arg));
		if (arg.changed)
			c->stray = true;
		ASSERT_TRUE(!arg.changed) {
			TH_LOG("buffer %u was written to after its memory was taken away, %s",
			       i, when);
			TH_LOG("%llu bytes of %zu, from %#llx to %#llx",
			       (unsigned long long)arg.changed, c->room,
			       (unsigned long long)arg.first,
			       (unsigned long long)arg.last);
			TH_LOG("buf_revoke() returned too early, or the device got it later: "
			       GUIDE, 1);
		}
	}
}

/* The same while the device could go on, as long as it takes for all buffers */
static void watch(struct __test_metadata *const _metadata, struct capture *c,
		  __u32 buffers, const char *when)
{
	check(_metadata, c, buffers, when);
	usleep((c->num_buffers + 1) * c->frame_us);
	check(_metadata, c, buffers, when);
}

/*
 * The buffers of @victims have lost their memory, and @lost of them were queued
 * then. Let them come back, with an error; the others are captured into.
 */
static void until_lost(struct __test_metadata *const _metadata,
		       struct capture *c, __u32 victims, __u32 lost)
{
	unsigned int others = 0;

	while (lost) {
		bool error;
		unsigned int index = take_frame(_metadata, c, &error);

		if (!(victims & 1U << index)) {
			ASSERT_GT(4 * c->num_buffers, others++) {
				TH_LOG("of the buffers without memory %#x do not come back: "
				       GUIDE, lost, 4);
			}
			queue_one(_metadata, c, index);
			continue;
		}
		EXPECT_TRUE(error) {
			TH_LOG("buffer %u has lost its memory, and comes back without an error: "
			       GUIDE, index, 4);
		}
		lost &= ~(1U << index);
	}
}

/* What has no memory can't be queued; when it has, all is as it was. */
static void use_again(struct __test_metadata *const _metadata,
		      struct capture *c, __u32 victims)
{
	unsigned int i;

	for (i = 0; i < c->num_buffers; i++)
		if (victims & 1U << i)
			EXPECT_EQ(-EFAULT, qbuf(c, i));
	check(_metadata, c, victims, "when it had come back");
	give(_metadata, c, victims);
	for (i = 0; i < c->num_buffers; i++)
		if (victims & 1U << i)
			memset(c->addr[i], POISON, c->room);
}

/* Take @victims, of which all that is queued comes back, while a stream runs. */
static void lose(struct __test_metadata *const _metadata, struct capture *c,
		 __u32 victims, const char *when)
{
	__u32 lost = victims & c->queued;

	take(_metadata, c, victims);
	watch(_metadata, c, victims, when);
	until_lost(_metadata, c, victims, lost);
	use_again(_metadata, c, victims);
	go_on(_metadata, c);
}

/*
 * Let the buffers come, and queue them at once, so that the first one of them has its
 * turn with the next frame. That one is returned, and @last is behind all others.
 */
static unsigned int queue_anew(struct __test_metadata *const _metadata,
			       struct capture *c, unsigned int *last)
{
	unsigned int i, index, first = MAX_BUFFERS, from;
	bool error;

	/* some drivers keep one until there is another */
	while (c->queued & (c->queued - 1))
		take_frame(_metadata, c, &error);
	for (i = 0; i < c->num_buffers; i++)
		if (c->queued & 1U << i)
			first = i;

	from = rand() % c->num_buffers;
	for (i = 0; i < c->num_buffers; i++) {
		index = (from + i) % c->num_buffers;
		if (c->queued & 1U << index)
			continue;
		queue_one(_metadata, c, index);
		*last = index;
		if (first == MAX_BUFFERS)
			first = index;
	}
	return first;
}

/*
 * Making all that
 */

static const char *find_queue(struct capture *c)
{
	struct v4l2_capability cap;

	c->path = getenv("VIDEO_DEVICE");
	if (!c->path)
		return "VIDEO_DEVICE does not name a capture device";
	c->fd = open(c->path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (c->fd < 0)
		return "VIDEO_DEVICE can't be opened";
	if (xioctl(c->fd, VIDIOC_QUERYCAP, &cap))
		return "VIDEO_DEVICE is no V4L2 device";
	if (cap.device_caps & V4L2_CAP_VIDEO_CAPTURE)
		c->type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
	else if (cap.device_caps & V4L2_CAP_VIDEO_CAPTURE_MPLANE)
		c->type = V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE;
	else
		return "VIDEO_DEVICE does not capture video";
	return NULL;
}

static void get_sizes(struct __test_metadata *const _metadata,
		      struct capture *c)
{
	struct v4l2_format format = { .type = c->type };
	long page = sysconf(_SC_PAGESIZE);
	unsigned int i;

	ASSERT_EQ(0, xioctl(c->fd, VIDIOC_G_FMT, &format));
	c->num_planes = 1;
	c->plane_size[0] = format.fmt.pix.sizeimage;
	if (V4L2_TYPE_IS_MULTIPLANAR(c->type)) {
		c->num_planes = format.fmt.pix_mp.num_planes;
		for (i = 0; i < c->num_planes; i++)
			c->plane_size[i] =
				format.fmt.pix_mp.plane_fmt[i].sizeimage;
	}
	c->room = 0;
	for (i = 0; i < c->num_planes; i++) {
		c->plane_offset[i] = c->room;
		c->room += (c->plane_size[i] + page - 1) & -page;
	}
}

/* NULL, or why there is no such memory */
static const char *make_memory(struct __test_metadata *const _metadata,
			       struct capture *c, __u32 flags)
{
	struct vb2_revoke_create create = {
		.size = c->room,
		.num_buffers = c->num_buffers,
		.flags = flags,
	};
	int control = open("/dev/vb2_revoke", O_RDWR | O_CLOEXEC);
	unsigned int i;

	if (control < 0)
		return "no /dev/vb2_revoke: CONFIG_VIDEOBUF2_REVOKE_TEST, modprobe vb2_revoke";
	c->memory = xioctl(control, VB2_REVOKE_CREATE, &create);
	close(control);
	if (c->memory == -ENOMEM)
		return "too little memory, or none in such large pieces";
	ASSERT_LE(0, c->memory);
	for (i = 0; i < c->num_buffers; i++)
		map_buffer(_metadata, c, i);
	return NULL;
}

/* NULL, or why the device can't have that memory */
static const char *try_memory(struct __test_metadata *const _metadata,
			      struct capture *c)
{
	int ret = qbuf(c, 0);

	if (ret == -EFAULT)
		return "VIDIOC_QBUF: EFAULT: the queue is not of dma-pfn";
	ASSERT_NE(-EOPNOTSUPP, ret) {
		TH_LOG("VIDIOC_QBUF: EOPNOTSUPP: the driver has no buf_revoke()");
	}
	ASSERT_EQ(0, ret);
	ASSERT_EQ(0, streamoff(c));
	return NULL;
}

static unsigned long long now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000ULL + now.tv_nsec / 1000;
}

/* The stream runs afterwards. */
static void measure_frame(struct __test_metadata *const _metadata,
			  struct capture *c)
{
	unsigned long long begin = 0;
	unsigned int i, index;
	bool error;

	start(_metadata, c);
	for (i = 0; i < 2 + c->num_buffers; i++) {
		index = take_frame(_metadata, c, &error);
		EXPECT_FALSE(error) {
			TH_LOG("a frame has an error before any memory was taken away");
		}
		queue_one(_metadata, c, index);
		if (i == 1)
			begin = now_us();
	}
	c->frame_us = (now_us() - begin) / c->num_buffers;
	if (!c->frame_us)
		c->frame_us = 1;
}

/* A word on what is behind an I/O MMU: nobody asks the driver there. */
static void tell_of_iommu(struct __test_metadata *const _metadata,
			  const struct capture *c)
{
	char name[128], type[32] = "";
	struct stat st;
	ssize_t n;
	int fd;

	if (fstat(c->fd, &st))
		return;
	snprintf(name, sizeof(name), "/sys/dev/char/%u:%u/device/iommu_group/type",
		 major(st.st_rdev), minor(st.st_rdev));
	fd = open(name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	n = read(fd, type, sizeof(type) - 1);
	close(fd);
	if (n > 0 && !strncmp(type, "DMA", 3))
		TH_LOG("%s is behind an I/O MMU, which does it: buf_revoke() may not be called",
		       c->path);
}

/* Memory in pieces if the device takes it, as more can go wrong with that */
static const char *find_memory(struct __test_metadata *const _metadata,
			       struct capture *c)
{
	const char *why;

	why = make_memory(_metadata, c, 0);
	if (!why)
		why = try_memory(_metadata, c);
	if (!why || c->memory < 0)
		return why;

	close(c->memory);
	c->contiguous = true;
	why = make_memory(_metadata, c, VB2_REVOKE_CONTIGUOUS);
	return why ? why : try_memory(_metadata, c);
}

static const char *open_capture(struct __test_metadata *const _metadata,
				struct capture *c)
{
	const char *why = find_queue(c);
	int ret;

	if (why)
		return why;
	get_sizes(_metadata, c);
	ret = reqbufs(c, BUFFERS);
	if (ret == -EINVAL)
		return "the queue has no user pointers, VB2_USERPTR";
	ASSERT_LT(0, ret) {
		TH_LOG("VIDIOC_REQBUFS: %s", strerror(-ret));
	}
	ASSERT_GE(MAX_BUFFERS, ret);
	c->num_buffers = ret;
	return find_memory(_metadata, c);
}

static void close_capture(struct capture *c)
{
	unsigned int i;

	if (c->fd >= 0)
		close(c->fd);
	/* memory that still is written to must not become somebody else's */
	if (c->stray)
		usleep(10 * c->frame_us);
	for (i = 0; i < c->num_buffers; i++)
		if (c->addr[i])
			munmap(c->addr[i], c->room);
	if (c->memory >= 0)
		close(c->memory);
}

/* A device that was closed is used again. */
static void reopen(struct __test_metadata *const _metadata, struct capture *c)
{
	c->fd = open(c->path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	ASSERT_LE(0, c->fd) {
		TH_LOG("%s: %s", c->path, strerror(errno));
	}
	ASSERT_EQ((int)c->num_buffers, reqbufs(c, c->num_buffers));
}

FIXTURE(buf_revoke)
{
	struct capture c;
};

FIXTURE_SETUP(buf_revoke)
{
	const char *why;

	memset(&self->c, 0, sizeof(self->c));
	self->c.fd = -1;
	self->c.memory = -1;
	srand(getpid());
	why = open_capture(_metadata, &self->c);
	if (why)
		SKIP(return, "%s", why);
	tell_of_iommu(_metadata, &self->c);
	measure_frame(_metadata, &self->c);
}

FIXTURE_TEARDOWN(buf_revoke)
{
	if (self->c.frame_us)
		TH_LOG("a frame each %u us, taking memory away took %llu us at most",
		       self->c.frame_us, self->c.longest_ns / 1000);
	close_capture(&self->c);
}

/*
 * One after the other
 */

/* The application has the buffer, and the device never heard of it. */
TEST_F_TIMEOUT(buf_revoke, dequeued, TEST_TIMEOUT_S)
{
	struct capture *c = &self->c;
	unsigned int i, index;
	bool error;

	for (i = 0; i < rounds(); i++) {
		index = take_frame(_metadata, c, &error);
		random_delay(c);
		lose(_metadata, c, 1U << index, "while it was dequeued");
	}
}

/* It waits for others to be filled: the device must not come to it later. */
TEST_F_TIMEOUT(buf_revoke, queued, TEST_TIMEOUT_S)
{
	struct capture *c = &self->c;
	unsigned int i, last;

	for (i = 0; i < rounds(); i++) {
		queue_anew(_metadata, c, &last);
		lose(_metadata, c, 1U << last,
		     "while it was queued behind others");
	}
}

/* The device is filling it, at any moment of the frame, or will be at once. */
TEST_F_TIMEOUT(buf_revoke, in_transfer, TEST_TIMEOUT_S)
{
	struct capture *c = &self->c;
	unsigned int i, index, last;

	for (i = 0; i < 4 * rounds(); i++) {
		index = queue_anew(_metadata, c, &last);
		random_delay(c);
		lose(_metadata, c, 1U << index,
		     "while the device was about to fill it, filled it or had filled it");
	}
}

TEST_F_TIMEOUT(buf_revoke, several, TEST_TIMEOUT_S)
{
	struct capture *c = &self->c;
	unsigned int i, last;

	for (i = 0; i < rounds(); i++) {
		queue_anew(_metadata, c, &last);
		random_delay(c);
		lose(_metadata, c, (rand() & all(c)) | any(c),
		     "together with others");
	}
}

/* Nothing is left to capture to, and the stream goes on when there is again. */
TEST_F_TIMEOUT(buf_revoke, all_of_them, TEST_TIMEOUT_S)
{
	struct capture *c = &self->c;
	unsigned int i, last;

	for (i = 0; i < rounds(); i++) {
		queue_anew(_metadata, c, &last);
		random_delay(c);
		lose(_metadata, c, all(c), "with all others");
	}
}

/* Before the stream starts there is nothing to stop, and nothing to start. */
TEST_F_TIMEOUT(buf_revoke, before_streamon, TEST_TIMEOUT_S)
{
	struct capture *c = &self->c;
	unsigned int i;
	__u32 victims;

	for (i = 0; i < rounds(); i++) {
		ASSERT_EQ(0, streamoff(c));
		queue(_metadata, c, all(c));
		victims = i % 4 ? any(c) : all(c);
		take(_metadata, c, victims);
		watch(_metadata, c, victims, "before the stream was started");
		ASSERT_EQ(0, streamon(c));
		watch(_metadata, c, victims,
		      "when the stream was started after it was taken");
		until_lost(_metadata, c, victims, victims);
		use_again(_metadata, c, victims);
		go_on(_metadata, c);
	}
}

TEST_F_TIMEOUT(buf_revoke, after_streamoff, TEST_TIMEOUT_S)
{
	struct capture *c = &self->c;
	unsigned int i;
	__u32 victims;

	for (i = 0; i < rounds(); i++) {
		random_delay(c);
		ASSERT_EQ(0, streamoff(c));
		victims = any(c);
		take(_metadata, c, victims);
		watch(_metadata, c, victims, "after the stream was stopped");
		use_again(_metadata, c, victims);
		start(_metadata, c);
		go_on(_metadata, c);
	}
}

/* A buffer that is taken away is taken away once more. */
TEST_F_TIMEOUT(buf_revoke, twice, TEST_TIMEOUT_S)
{
	struct capture *c = &self->c;
	unsigned int i, last;
	__u32 victims;

	for (i = 0; i < rounds(); i++) {
		victims = 1U << queue_anew(_metadata, c, &last);
		random_delay(c);
		take(_metadata, c, victims);
		random_delay(c);
		lose(_metadata, c, victims, "for the second time");
	}
}

/*
 * Two at the same time
 */

/**
 * struct rival - what another thread does meanwhile
 * @c: the device
 * @act: does it
 * @index: to this buffer
 * @ret: its result
 * @delay_us: how long to wait before
 * @both: where both threads wait for each other
 * @thread: the thread
 */
struct rival {
	struct capture *c;
	int (*act)(const struct rival *r);
	unsigned int index;
	int ret;
	unsigned int delay_us;
	pthread_barrier_t both;
	pthread_t thread;
};

/* A delay of microseconds does not sleep: that would take longer. */
static void spin(unsigned int us)
{
	unsigned long long end = now_us() + us;

	while (now_us() < end)
		;
}

static void *rival_thread(void *arg)
{
	struct rival *r = arg;

	pthread_barrier_wait(&r->both);
	spin(r->delay_us);
	r->ret = r->act(r);
	return NULL;
}

/* Take buffer @r->index while @r->act happens, up to @window_us before or after. */
static void take_against(struct __test_metadata *const _metadata,
			 struct rival *r, unsigned int window_us,
			 const char *when)
{
	ASSERT_EQ(0, pthread_barrier_init(&r->both, NULL, 2));
	r->delay_us = rand() % (window_us + 1);
	ASSERT_EQ(0, pthread_create(&r->thread, NULL, rival_thread, r));
	pthread_barrier_wait(&r->both);
	spin(rand() % (window_us + 1));
	take(_metadata, r->c, 1U << r->index);
	check(_metadata, r->c, 1U << r->index, when);
	ASSERT_EQ(0, pthread_join(r->thread, NULL));
	pthread_barrier_destroy(&r->both);
}

static int act_unmap_half(const struct rival *r)
{
	long page = sysconf(_SC_PAGESIZE);
	size_t half = r->c->room / 2 / page * page;

	return munmap(r->c->addr[r->index] + half, r->c->room - half) ?
	       -errno : 0;
}

/* Two lose different parts of the buffer: buf_revoke() is called by both. */
TEST_F_TIMEOUT(buf_revoke, on_two_cpus, TEST_TIMEOUT_S)
{
	struct capture *c = &self->c;
	struct rival r = { .c = c, .act = act_unmap_half };
	const char *when = "by two at the same time";
	unsigned int i, last;

	for (i = 0; i < 4 * rounds(); i++) {
		r.index = queue_anew(_metadata, c, &last);
		random_delay(c);
		take_against(_metadata, &r, 200, when);
		ASSERT_EQ(0, r.ret);
		watch(_metadata, c, 1U << r.index, when);
		until_lost(_metadata, c, 1U << r.index, 1U << r.index);
		map_buffer(_metadata, c, r.index);
		use_again(_metadata, c, 1U << r.index);
		go_on(_metadata, c);
	}
}

static int act_qbuf(const struct rival *r)
{
	return qbuf(r->c, r->index);
}

/* It is lost before the device gets it: whoever hands it over has to look. */
TEST_F_TIMEOUT(buf_revoke, while_queueing, TEST_TIMEOUT_S)
{
	struct capture *c = &self->c;
	struct rival r = { .c = c, .act = act_qbuf };
	const char *when = "while it was being queued";
	unsigned long long begin;
	unsigned int i, took_us;
	bool error;

	for (i = 0; i < 4 * rounds(); i++) {
		/* memory that is new takes longer than memory that is known */
		r.index = take_frame(_metadata, c, &error);
		take(_metadata, c, 1U << r.index);
		give(_metadata, c, 1U << r.index);
		begin = now_us();
		queue_one(_metadata, c, r.index);
		took_us = now_us() - begin;
		do {
			r.index = take_frame(_metadata, c, &error);
			if (error)
				queue_one(_metadata, c, r.index);
		} while (error);
		take(_metadata, c, 1U << r.index);
		give(_metadata, c, 1U << r.index);

		take_against(_metadata, &r, took_us, when);
		watch(_metadata, c, 1U << r.index, when);
		if (!r.ret) {
			c->queued |= 1U << r.index;
			until_lost(_metadata, c, 1U << r.index, 1U << r.index);
		} else {
			EXPECT_EQ(-EFAULT, r.ret);
		}
		use_again(_metadata, c, 1U << r.index);
		go_on(_metadata, c);
	}
}

static int act_streamoff(const struct rival *r)
{
	return streamoff(r->c);
}

static int act_reqbufs(const struct rival *r)
{
	return reqbufs(r->c, 0);
}

static int act_close(const struct rival *r)
{
	return close(r->c->fd) ? -errno : 0;
}

/* The stream ends meanwhile. */
static void run_stop(struct __test_metadata *const _metadata,
		     struct capture *c,
		     int (*act)(const struct rival *r))
{
	struct rival r = { .c = c, .act = act };
	const char *when = "while the stream was stopped or the buffers freed";
	unsigned int i, last;

	for (i = 0; i < rounds(); i++) {
		r.index = queue_anew(_metadata, c, &last);
		random_delay(c);
		/* buffers can't be freed before */
		if (act == act_reqbufs)
			ASSERT_EQ(0, streamoff(c));
		take_against(_metadata, &r, 500, when);
		ASSERT_EQ(0, r.ret);
		watch(_metadata, c, 1U << r.index, when);
		if (act == act_close)
			reopen(_metadata, c);
		else if (act == act_reqbufs)
			ASSERT_EQ((int)c->num_buffers,
				  reqbufs(c, c->num_buffers));
		c->queued = 0;
		use_again(_metadata, c, 1U << r.index);
		start(_metadata, c);
		go_on(_metadata, c);
	}
}

TEST_F_TIMEOUT(buf_revoke, while_streamoff, TEST_TIMEOUT_S)
{
	run_stop(_metadata, &self->c, act_streamoff);
}

TEST_F_TIMEOUT(buf_revoke, while_reqbufs_0, TEST_TIMEOUT_S)
{
	run_stop(_metadata, &self->c, act_reqbufs);
}

TEST_F_TIMEOUT(buf_revoke, while_close, TEST_TIMEOUT_S)
{
	run_stop(_metadata, &self->c, act_close);
}

/* The file is closed while a buffer of it has no memory. */
TEST_F_TIMEOUT(buf_revoke, close_without_memory, TEST_TIMEOUT_S)
{
	struct capture *c = &self->c;
	unsigned int i;
	__u32 victims;

	for (i = 0; i < rounds(); i++) {
		victims = i % 4 ? any(c) : all(c);
		random_delay(c);
		take(_metadata, c, victims);
		ASSERT_EQ(0, close(c->fd));
		watch(_metadata, c, victims, "when the device was closed");
		reopen(_metadata, c);
		use_again(_metadata, c, victims);
		start(_metadata, c);
		go_on(_metadata, c);
	}
}

/*
 * Processes that die while the device stays open in this one
 */

/* The process has the buffers, and the device works for it, until it is killed. */
static pid_t start_process(struct __test_metadata *const _metadata,
			   struct capture *c,
			   void (*prepare)(struct capture *c))
{
	int ready[2];
	pid_t pid;
	char byte;

	ASSERT_EQ(0, streamoff(c));
	ASSERT_EQ(0, pipe(ready));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		bool error;
		int index = 0;

		/* not to outlive a test that fails */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (prepare)
			prepare(c);
		for (; index < (int)c->num_buffers; index++)
			if (qbuf(c, index))
				_exit(1);
		if (streamon(c) || write(ready[1], "", 1) != 1)
			_exit(1);
		while ((index = dqbuf(c, &error)) >= 0)
			if (qbuf(c, index))
				break;
		_exit(1);
	}
	close(ready[1]);
	EXPECT_EQ(1, read(ready[0], &byte, 1)) {
		TH_LOG("the process that is to die can't capture");
	}
	close(ready[0]);
	return pid;
}

static void end_process(struct __test_metadata *const _metadata, pid_t pid)
{
	int status;

	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_TRUE(WIFSIGNALED(status)) {
		TH_LOG("the process ended before it was killed");
	}
}

/* The memory of a process that is gone is used by another one. */
static void go_on_after(struct __test_metadata *const _metadata,
			struct capture *c)
{
	ASSERT_EQ(0, streamoff(c));
	give(_metadata, c, all(c));
	start(_metadata, c);
	go_on(_metadata, c);
}

TEST_F_TIMEOUT(buf_revoke, process_killed, TEST_TIMEOUT_S)
{
	struct capture *c = &self->c;
	unsigned int i;
	pid_t pid;

	for (i = 0; i < rounds(); i++) {
		pid = start_process(_metadata, c, NULL);
		random_delay(c);
		ASSERT_EQ(0, kill(pid, SIGKILL));
		end_process(_metadata, pid);
		/* it is nobody's any more, so nobody is waited for */
		take(_metadata, c, all(c));
		watch(_metadata, c, all(c), "when the process had died");
		go_on_after(_metadata, c);
	}
}

/* A page of ordinary memory, so that the out-of-memory killer has one to take */
static void add_private_page(struct capture *c)
{
	long page = sysconf(_SC_PAGESIZE);
	unsigned int i;

	for (i = 0; i < c->num_buffers; i++) {
		void *addr = mmap(c->addr[i] + page, page,
				  PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
				  0);

		if (addr == MAP_FAILED)
			_exit(1);
		memset(addr, POISON, page);
	}
}

/* It is killed, but stops before it gets to its own end, for its tracer. */
static void kill_before_exit(struct __test_metadata *const _metadata, pid_t pid)
{
	int status;

	ASSERT_EQ(0, ptrace(PTRACE_SEIZE, pid, NULL, PTRACE_O_TRACEEXIT));
	ASSERT_EQ(0, kill(pid, SIGKILL));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_EQ(SIGTRAP | PTRACE_EVENT_EXIT << 8, status >> 8) {
		TH_LOG("the process ended before it was killed");
	}
}

static int release_memory(int pidfd)
{
	return syscall(__NR_process_mrelease, pidfd, 0) ? -errno : 0;
}

/*
 * Whoever reclaims memory can't wait: buf_revoke() is called with may_block false.
 * It may answer -EAGAIN, and is asked again; but 0 means what it always means, and
 * then it is not asked any more. process_mrelease() does what the out-of-memory
 * killer does.
 */
TEST_F_TIMEOUT(buf_revoke, without_blocking, TEST_TIMEOUT_S)
{
	struct capture *c = &self->c;
	unsigned int i, tries, released = 0, refused = 0;
	int pidfd, ret;
	pid_t pid;

	if (c->contiguous)
		SKIP(return, "takes memory in several pieces");
	if (c->room < 3 * (size_t)sysconf(_SC_PAGESIZE))
		SKIP(return, "takes a frame of more than two pages");

	for (i = 0; i < 2 * rounds(); i++) {
		pid = start_process(_metadata, c, add_private_page);
		pidfd = syscall(__NR_pidfd_open, pid, 0);
		ASSERT_LE(0, pidfd);
		random_delay(c);
		kill_before_exit(_metadata, pid);

		for (tries = 0; tries < 100; tries++) {
			ret = release_memory(pidfd);
			if (ret != -EAGAIN)
				break;
			refused++;
		}
		if (!ret)
			released++;
		else
			ASSERT_EQ(-EAGAIN, ret);
		/* the driver is not asked here if it has said that it is done */
		take(_metadata, c, all(c));
		check(_metadata, c, all(c), "when it was not allowed to wait");
		ASSERT_EQ(0, ptrace(PTRACE_DETACH, pid, NULL, NULL));
		end_process(_metadata, pid);
		close(pidfd);
		watch(_metadata, c, all(c), "when it was not allowed to wait");
		go_on_after(_metadata, c);
	}
	TH_LOG("memory was released %u times, and %u times buf_revoke() answered -EAGAIN",
	       released, refused);
}

/*
 * The device is unbound from its driver
 */

static int write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int ret = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		ret = -errno;
	close(fd);
	return ret;
}

TEST_F_TIMEOUT(buf_revoke, unbind, TEST_TIMEOUT_S)
{
	char dir[128], device[PATH_MAX], driver[PATH_MAX], file[PATH_MAX + 8];
	struct capture *c = &self->c;
	const char *name;
	struct stat st;
	unsigned int i;

	if (!getenv("UNBIND"))
		SKIP(return, "UNBIND=1 is not set");
	ASSERT_EQ(0, fstat(c->fd, &st));
	snprintf(dir, sizeof(dir), "/sys/dev/char/%u:%u/device",
		 major(st.st_rdev), minor(st.st_rdev));
	ASSERT_TRUE(!!realpath(dir, device));
	snprintf(file, sizeof(file), "%s/driver", device);
	ASSERT_TRUE(!!realpath(file, driver));
	name = strrchr(device, '/') + 1;

	random_delay(c);
	take(_metadata, c, any(c));
	snprintf(file, sizeof(file), "%s/unbind", driver);
	ASSERT_EQ(0, write_text(file, name));
	take(_metadata, c, all(c));
	watch(_metadata, c, all(c), "when the device had lost its driver");
	ASSERT_EQ(0, close(c->fd));
	watch(_metadata, c, all(c), "when the device had lost its driver");
	snprintf(file, sizeof(file), "%s/bind", driver);
	ASSERT_EQ(0, write_text(file, name));
	for (i = 0; i < 100 && access(c->path, F_OK); i++)
		usleep(100000);
	reopen(_metadata, c);
	use_again(_metadata, c, all(c));
	start(_metadata, c);
	go_on(_metadata, c);
}

TEST_HARNESS_MAIN
