// SPDX-License-Identifier: GPL-2.0-only
/*
 * The NVMe capture device: every byte of every frame, in all formats and in memory
 * of all kinds
 *
 * VT_VIDEO is the size of the video on the namespace in MiB, as it was given to
 * tests/v4l2/video. VT_DEFECT is what is wrong with the namespace, if there is
 * something: see tests/v4l2/need-video.
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include <linux/pci_regs.h>

#include "kselftest_harness.h"
#include "vb2test.h"

#define PAGE	4096UL
#define FRAMES	6
#define BUFS	2
#define DRIVER	"/sys/bus/pci/drivers/nvmecap"
/* of the namespace, in bytes, see tests/v4l2/need-video */
#define BAD_BLOCK	(20000 * 512)
/* after that the driver gives up, and resets the controller */
#define TIMEOUT_MS	5000

static unsigned long frames_of_video(size_t frame)
{
	const char *mib = getenv("VT_VIDEO");

	return (mib ? strtoul(mib, NULL, 0) << 20 : 64UL << 20) / frame;
}

static size_t page_align(size_t size)
{
	return (size + PAGE - 1) & -PAGE;
}

/* The first device's value of a module parameter */
static bool parameter_is(const char *name, const char *value)
{
	char path[128], text[128];

	snprintf(path, sizeof(path), "/sys/module/nvmecap/parameters/%s", name);
	if (vt_read_file(path, text, sizeof(text)))
		return false;
	text[strcspn(text, ",")] = '\0';
	return !strcmp(text, value);
}

/* Does an I/O MMU gather scattered memory for the device, and take it away? */
static bool has_iommu(void)
{
	glob_t g;
	bool found = !glob(DRIVER "/0*/iommu_group", 0, NULL, &g);

	if (found)
		globfree(&g);
	return found && !vt_kernel_lacks(VT_IOMMU);
}

/* Why the first device does not take memory without a page, or NULL */
static const char *why_no_pageless(void)
{
	if (!parameter_is("allocators", "2"))
		return "not dma-pfn";
	if (!has_iommu() && !parameter_is("revocable", "Y"))
		return "nobody could take it back";
	return NULL;
}

/* The PCI address of the first device */
static bool find_controller(char *address, size_t size)
{
	glob_t g;

	if (glob(DRIVER "/0*", 0, NULL, &g))
		return false;
	snprintf(address, size, "%s", strrchr(g.gl_pathv[0], '/') + 1);
	globfree(&g);
	return true;
}

static void check_frame(struct __test_metadata *const _metadata,
			const void *frame, size_t size, __u32 sequence)
{
	long number = vt_numbered_frame(frame, size);

	ASSERT_LE(0, number) TH_LOG("wrong picture");
	EXPECT_EQ(sequence % frames_of_video(size), (unsigned long)number);
}

/*
 * Formats
 */

FIXTURE(format)
{
	struct vt_node node;
	size_t frame;
	size_t slot;
};

FIXTURE_VARIANT(format)
{
	__u32 fourcc;
	unsigned int width;
	unsigned int height;
};

FIXTURE_VARIANT_ADD(format, grey_160x120) { V4L2_PIX_FMT_GREY, 160, 120 };
FIXTURE_VARIANT_ADD(format, yuyv_322x182) { V4L2_PIX_FMT_YUYV, 322, 182 };
FIXTURE_VARIANT_ADD(format, yuyv_640x480) { V4L2_PIX_FMT_YUYV, 640, 480 };
FIXTURE_VARIANT_ADD(format, uyvy_1280x720) { V4L2_PIX_FMT_UYVY, 1280, 720 };
FIXTURE_VARIANT_ADD(format, rgb24_1920x1080) { V4L2_PIX_FMT_RGB24, 1920, 1080 };
FIXTURE_VARIANT_ADD(format, nv12_1920x1080) { V4L2_PIX_FMT_NV12, 1920, 1080 };
FIXTURE_VARIANT_ADD(format, xrgb32_1920x1080) { V4L2_PIX_FMT_XRGB32, 1920, 1080 };
FIXTURE_VARIANT_ADD(format, nv12_3840x2160) { V4L2_PIX_FMT_NV12, 3840, 2160 };
FIXTURE_VARIANT_ADD(format, xbgr32_4096x2160) { V4L2_PIX_FMT_XBGR32, 4096, 2160 };

FIXTURE_SETUP(format)
{
	ASSERT_EQ(0, vt_open_capture(&self->node, "nvmecap", variant->width,
				     variant->height, variant->fourcc, 60));
	self->frame = vt_frame_size(&self->node);
	self->slot = page_align(self->frame + PAGE);
}

FIXTURE_TEARDOWN(format)
{
	vt_close(&self->node);
}

static void run_userptr(struct __test_metadata *const _metadata,
			const struct vt_node *node, enum vt_kind kind,
			size_t slot, size_t offset)
{
	size_t frame = vt_frame_size(node);
	struct vt_target target;
	unsigned int i;
	int ret;

	ret = vt_target_map(&target, kind, slot, 2);
	if (ret == -ENODEV)
		SKIP(return, "%s", target.why);
	ASSERT_EQ(0, ret);
	ASSERT_EQ(0, vt_reqbufs(node, V4L2_MEMORY_USERPTR, 2));
	for (i = 0; i < 2; i++) {
		memset(target.map + i * slot, VT_POISON, slot);
		ASSERT_EQ(0, vt_qbuf(node, i, target.map + i * slot + offset));
	}
	ASSERT_EQ(0, vt_streamon(node));
	for (i = 0; i < FRAMES; i++) {
		unsigned char *start;
		__u32 flags, sequence;
		int index;

		index = vt_dqbuf_sequence(node, &flags, &sequence);
		ASSERT_LE(0, index);
		EXPECT_EQ(0U, flags & V4L2_BUF_FLAG_ERROR);
		start = target.map + index * slot;
		check_frame(_metadata, start + offset, frame, sequence);
		EXPECT_EQ(-1, vt_find_other(start, offset, VT_POISON));
		EXPECT_EQ(-1, vt_find_other(start + offset + frame,
					    slot - offset - frame, VT_POISON));
		memset(start, VT_POISON, slot);
		ASSERT_EQ(0, vt_qbuf(node, index, start + offset));
	}
	EXPECT_EQ(0, vt_streamoff(node));
	EXPECT_EQ(0, vt_reqbufs(node, V4L2_MEMORY_USERPTR, 0));
	vt_target_unmap(&target);
}

/* Memory that a device without scatter-gather takes, too */
static bool one_range(void)
{
	return !has_iommu() && (parameter_is("contiguous", "Y") ||
				parameter_is("allocators", "1"));
}

TEST_F(format, userptr_anonymous)
{
	if (one_range())
		SKIP(return, "anonymous memory is not contiguous");
	run_userptr(_metadata, &self->node, VT_ANON, self->slot, 0);
}

TEST_F(format, userptr_bar)
{
	const char *lacking = vt_kind_lacks(VT_BAR, true);

	if (lacking || why_no_pageless())
		SKIP(return, "%s", lacking ?: why_no_pageless());
	run_userptr(_metadata, &self->node, VT_BAR, self->slot, 0);
}

TEST_F(format, userptr_hidden_ram)
{
	if (why_no_pageless())
		SKIP(return, "%s", why_no_pageless());
	run_userptr(_metadata, &self->node, VT_HIDDEN, self->slot, 0);
}

/* The commands begin and end within pages then. */
TEST_F(format, userptr_within_page)
{
	if (one_range())
		SKIP(return, "anonymous memory is not contiguous");
	run_userptr(_metadata, &self->node, VT_ANON, self->slot + PAGE, 1036);
}

TEST_F(format, mmap)
{
	struct v4l2_buffer b = {
		.type = self->node.type,
		.memory = V4L2_MEMORY_MMAP,
	};
	void *map[2];
	unsigned int i;

	ASSERT_EQ(0, vt_reqbufs(&self->node, V4L2_MEMORY_MMAP, 2));
	for (i = 0; i < 2; i++) {
		b.index = i;
		ASSERT_EQ(0, ioctl(self->node.fd, VIDIOC_QUERYBUF, &b));
		map[i] = mmap(NULL, b.length, PROT_READ | PROT_WRITE,
			      MAP_SHARED, self->node.fd, b.m.offset);
		ASSERT_NE(MAP_FAILED, map[i]);
		memset(map[i], VT_POISON, b.length);
		ASSERT_EQ(0, vt_qbuf_mmap(&self->node, i));
	}
	ASSERT_EQ(0, vt_streamon(&self->node));
	for (i = 0; i < FRAMES; i++) {
		ASSERT_EQ(0, ioctl(self->node.fd, VIDIOC_DQBUF, &b));
		EXPECT_EQ(0U, b.flags & V4L2_BUF_FLAG_ERROR);
		EXPECT_EQ(self->frame, b.bytesused);
		check_frame(_metadata, map[b.index], self->frame, b.sequence);
		memset(map[b.index], VT_POISON, b.length);
		ASSERT_EQ(0, vt_qbuf_mmap(&self->node, b.index));
	}
	for (i = 0; i < 2; i++)
		munmap(map[i], b.length);
}

TEST_F(format, read)
{
	unsigned char *frame = malloc(self->frame);
	unsigned int i;

	ASSERT_NE(NULL, frame);
	for (i = 0; i < FRAMES; i++) {
		memset(frame, VT_POISON, self->frame);
		ASSERT_EQ((ssize_t)self->frame,
			  read(self->node.fd, frame, self->frame));
		EXPECT_LE(0, vt_numbered_frame(frame, self->frame));
	}
	free(frame);
}

/*
 * What it refuses
 */

TEST(refuses_unaligned_memory)
{
	struct vt_target target;
	struct vt_node node;
	int ret;

	if (one_range())
		SKIP(return, "anonymous memory is not contiguous");
	ASSERT_EQ(0, vt_open_capture(&node, "nvmecap", 640, 480,
				     V4L2_PIX_FMT_YUYV, 30));
	ASSERT_EQ(0, vt_target_map(&target, VT_ANON,
				   vt_frame_size(&node) + PAGE, 1));
	ASSERT_EQ(0, vt_reqbufs(&node, V4L2_MEMORY_USERPTR, 1));
	EXPECT_EQ(-EINVAL, vt_qbuf(&node, 0, target.map + 1));
	EXPECT_EQ(-EINVAL, vt_qbuf(&node, 0, target.map + 2));
	ret = vt_qbuf(&node, 0, target.map + 4);
	EXPECT_EQ(0, ret);
	vt_close(&node);
	vt_target_unmap(&target);
}

TEST(refuses_scattered_memory_without_scatter_gather)
{
	struct vt_target target;
	struct vt_node node;
	int ret;

	if (!parameter_is("contiguous", "Y"))
		SKIP(return, "the device has scatter-gather");
	ASSERT_EQ(0, vt_open_capture(&node, "nvmecap", 640, 480,
				     V4L2_PIX_FMT_YUYV, 30));
	ret = vt_target_map(&target, VT_PAGES, page_align(vt_frame_size(&node)),
			    1);
	if (ret == -ENODEV)
		SKIP(return, "%s", target.why);
	ASSERT_EQ(0, ret);
	ASSERT_EQ(0, vt_reqbufs(&node, V4L2_MEMORY_USERPTR, 1));
	EXPECT_EQ(has_iommu() ? 0 : -EFAULT, vt_qbuf(&node, 0, target.map));
	vt_close(&node);
	vt_target_unmap(&target);
}

TEST(refuses_what_nobody_could_take_back)
{
	struct vt_target target;
	struct vt_node node;
	int ret;

	if (!parameter_is("revocable", "N"))
		SKIP(return, "the driver takes it back");
	ASSERT_EQ(0, vt_open_capture(&node, "nvmecap", 640, 480,
				     V4L2_PIX_FMT_YUYV, 30));
	ret = vt_target_map(&target, VT_HIDDEN,
			    page_align(vt_frame_size(&node)), 1);
	if (ret == -ENODEV)
		SKIP(return, "%s", target.why);
	ASSERT_EQ(0, ret);
	ASSERT_EQ(0, vt_reqbufs(&node, V4L2_MEMORY_USERPTR, 1));
	EXPECT_EQ(has_iommu() ? 0 : -EOPNOTSUPP, vt_qbuf(&node, 0, target.map));
	vt_close(&node);
	vt_target_unmap(&target);
}

/*
 * What happens to the controller while it captures
 */

FIXTURE(stream)
{
	struct vt_node node;
	struct vt_target target;
	char address[32];
	size_t frame;
	size_t slot;
};

FIXTURE_SETUP(stream)
{
	int ret;

	ASSERT_TRUE(find_controller(self->address, sizeof(self->address)));
	ASSERT_EQ(0, vt_open_capture(&self->node, "nvmecap", 1920, 1080,
				     V4L2_PIX_FMT_RGB24, 60));
	self->frame = vt_frame_size(&self->node);
	self->slot = page_align(self->frame);
	ret = vt_target_map(&self->target, VT_HIDDEN, self->slot, BUFS);
	if (ret == -ENODEV)
		SKIP(return, "%s", self->target.why);
	ASSERT_EQ(0, ret);
	if (why_no_pageless())
		SKIP(return, "%s", why_no_pageless());
	memset(self->target.map, VT_POISON, self->target.size);
	ASSERT_EQ(0, vt_reqbufs(&self->node, V4L2_MEMORY_USERPTR, BUFS));
	ASSERT_EQ(0, vt_qbuf_slots(&self->node, &self->target, BUFS));
	ASSERT_EQ(0, vt_streamon(&self->node));
}

FIXTURE_TEARDOWN(stream)
{
	vt_close(&self->node);
	vt_target_unmap(&self->target);
}

static bool defect_is(const char *name)
{
	const char *defect = getenv("VT_DEFECT");

	return defect && !strcmp(defect, name);
}

/*
 * Returns false if the buffer has an error. A frame without one is right. Sets
 * @number to that of the frame in the video, which may be NULL.
 */
static bool next_frame(struct __test_metadata *const _metadata,
		       unsigned long *number,
		       const FIXTURE_DATA(stream) * self)
{
	__u32 flags, sequence;
	unsigned char *start;
	bool good;
	int index;

	index = vt_dqbuf_sequence(&self->node, &flags, &sequence);
	ASSERT_LE(0, index);
	start = self->target.map + index * self->slot;
	good = !(flags & V4L2_BUF_FLAG_ERROR);
	if (number)
		*number = sequence % frames_of_video(self->frame);
	if (good)
		check_frame(_metadata, start, self->frame, sequence);
	memset(start, VT_POISON, self->slot);
	ASSERT_EQ(0, vt_qbuf(&self->node, index, start));
	return good;
}

TEST_F(stream, function_reset)
{
	unsigned int i, errors = 0;
	char dir[64];

	for (i = 0; i < FRAMES; i++)
		EXPECT_TRUE(next_frame(_metadata, NULL, self));
	snprintf(dir, sizeof(dir), DRIVER "/%s", self->address);
	ASSERT_EQ(0, vt_write_file(dir, "reset", "1"));
	for (i = 0; i < FRAMES; i++)
		errors += !next_frame(_metadata, NULL, self);
	/* the one that was in transfer */
	EXPECT_GE(1U, errors);
	EXPECT_EQ(0, vt_streamoff(&self->node));
}

/* Have the controller's PCI command register without the bits @without, and with @with */
static void set_pci_command(struct __test_metadata *const _metadata,
			    const FIXTURE_DATA(stream) * self,
			    uint16_t without, uint16_t with)
{
	char path[128];
	uint16_t command;
	int fd;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/config",
		 self->address);
	fd = open(path, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, fd);
	ASSERT_EQ((ssize_t)sizeof(command),
		  pread(fd, &command, sizeof(command), PCI_COMMAND));
	ASSERT_EQ(without, command & (without | with));
	command ^= without | with;
	ASSERT_EQ((ssize_t)sizeof(command),
		  pwrite(fd, &command, sizeof(command), PCI_COMMAND));
	close(fd);
}

/*
 * A controller that is kept from the bus can't fetch its commands, or say that it
 * has executed them: a fatal error, says QEMU's.
 */
TEST_F(stream, fatal_error)
{
	unsigned int i, errors = 0;

	for (i = 0; i < FRAMES; i++)
		EXPECT_TRUE(next_frame(_metadata, NULL, self));
	set_pci_command(_metadata, self, PCI_COMMAND_MASTER, 0);
	for (i = 0; i < FRAMES; i++)
		errors += !next_frame(_metadata, NULL, self);
	/* the one that was in transfer, or was started then */
	EXPECT_EQ(1U, errors);
	EXPECT_EQ(0, vt_streamoff(&self->node));
}

static unsigned char *snapshot(struct __test_metadata *const _metadata,
			       FIXTURE_DATA(stream) * self)
{
	unsigned char *copy = malloc(self->target.size);

	ASSERT_NE(NULL, copy);
	vt_target_read(&self->target, 0, copy, self->target.size);
	return copy;
}

/* Nothing was written for @us microseconds from now on. Frees @then. */
static void expect_quiet(struct __test_metadata *const _metadata,
			 FIXTURE_DATA(stream) * self, unsigned char *then,
			 unsigned int us)
{
	unsigned char *now;

	usleep(us);
	now = snapshot(_metadata, self);
	EXPECT_EQ(-1, vt_find_difference(then, now, self->target.size));
	free(then);
	free(now);
}

/* A controller that does not answer in time is reset, for each frame. */
TEST_F_TIMEOUT(stream, no_answer, 120)
{
	unsigned int i;

	if (!defect_is("slow"))
		SKIP(return, "the namespace is not slow");
	self->node.timeout_ms = 4 * TIMEOUT_MS;
	for (i = 0; i < BUFS; i++)
		EXPECT_FALSE(next_frame(_metadata, NULL, self));
	EXPECT_EQ(0, vt_streamoff(&self->node));
	expect_quiet(_metadata, self, snapshot(_metadata, self),
		     2 * TIMEOUT_MS * 1000);
}

/* What can't be read costs the frame that it belongs to, and no other. */
TEST_F(stream, bad_block)
{
	unsigned long number = 0, bad = BAD_BLOCK / self->frame;
	unsigned int seen = 0;
	bool good;

	if (!defect_is("bad"))
		SKIP(return, "the namespace is sound");
	/* the video comes around, and frames may be dropped */
	while (seen < 2) {
		good = next_frame(_metadata, &number, self);
		EXPECT_EQ(number != bad, good);
		seen += number == bad;
	}
	EXPECT_EQ(0, vt_streamoff(&self->node));
}

/* A driver that has given the device back can have it again. */
static void bind_again(struct __test_metadata *const _metadata,
		       FIXTURE_DATA(stream) * self)
{
	vt_close(&self->node);
	ASSERT_EQ(0, vt_write_file(DRIVER, "bind", self->address));
	ASSERT_EQ(0, vt_open_capture(&self->node, "nvmecap", 640, 480,
				     V4L2_PIX_FMT_YUYV, 60));
}

/* A controller whose registers can't be reached can't be reset either. */
TEST_F_TIMEOUT(stream, gone, 120)
{
	unsigned int i;
	int ret;

	for (i = 0; i < FRAMES; i++)
		EXPECT_TRUE(next_frame(_metadata, NULL, self));
	set_pci_command(_metadata, self, PCI_COMMAND_MEMORY, 0);
	self->node.timeout_ms = 4 * TIMEOUT_MS;
	do {
		ret = vt_dqbuf(&self->node, NULL);
	} while (ret >= 0);
	EXPECT_EQ(-EIO, ret);
	EXPECT_EQ(0, vt_streamoff(&self->node));

	ASSERT_EQ(0, vt_qbuf_slots(&self->node, &self->target, BUFS));
	EXPECT_EQ(-EIO, vt_streamon(&self->node));

	set_pci_command(_metadata, self, 0, PCI_COMMAND_MEMORY);
	ASSERT_EQ(0, vt_write_file(DRIVER, "unbind", self->address));
	bind_again(_metadata, self);
}

TEST_F(stream, unbound)
{
	unsigned char *then;
	unsigned int i;

	for (i = 0; i < FRAMES; i++)
		EXPECT_TRUE(next_frame(_metadata, NULL, self));
	ASSERT_EQ(0, vt_write_file(DRIVER, "unbind", self->address));
	then = snapshot(_metadata, self);
	EXPECT_EQ(-ENODEV, vt_dqbuf(&self->node, NULL));
	EXPECT_EQ(-ENODEV, vt_qbuf(&self->node, 0, self->target.map));
	expect_quiet(_metadata, self, then, 5 * self->node.frame_us);

	/* the number of the device is free again then */
	bind_again(_metadata, self);
}

TEST_HARNESS_MAIN
