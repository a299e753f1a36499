// SPDX-License-Identifier: GPL-2.0-only
/*
 * vfio-pci's dma-bufs of a BAR, imported by a capture device
 *
 * The display with the driver vfio-pci exports them; the test module's devices
 * stand for a PCI device that imports them (tests/v4l2/peers), and VT_VFIO_WAY
 * tells how that gets to the display, see p2p.c. They never fill a buffer: what
 * counts is who may have the memory, and when.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include <linux/vfio.h>

#include "kselftest_harness.h"
#include "vb2test.h"

#define PAGE	4096UL
#define BUFS	3U

/* dma-bufs that exist, in the whole system */
static long count_dmabufs(void)
{
	FILE *f = fopen("/sys/kernel/debug/dma_buf/bufinfo", "r");
	char line[256];
	long n = -1;

	if (!f)
		return -1;
	while (fgets(line, sizeof(line), f))
		sscanf(line, "Total %ld objects", &n);
	fclose(f);
	return n;
}

/* The last reference to a dma-buf is put a little later than its descriptor. */
static long wait_for_dmabufs(long want)
{
	unsigned int tries;
	long n = -1;

	for (tries = 0; tries < 100; tries++) {
		n = count_dmabufs();
		if (n == want)
			break;
		usleep(10000);
	}
	return n;
}

FIXTURE(dmabuf)
{
	struct vt_node node;
	struct vt_target target;
	size_t slot;
	int fd[BUFS];
	long before;
};

FIXTURE_VARIANT(dmabuf)
{
	const char *device;
	unsigned int ranges;
};

FIXTURE_VARIANT_ADD(dmabuf, revocable) { "revocable", 1 };
FIXTURE_VARIANT_ADD(dmabuf, revocable_in_parts) { "revocable", 2 };
FIXTURE_VARIANT_ADD(dmabuf, contiguous) { "contiguous", 1 };

/* Parts are in the opposite order in the BAR, so that they are not contiguous. */
static int export(const struct vt_target *t, size_t at, size_t slot,
		  unsigned int ranges)
{
	size_t part = slot / ranges, offset[VT_RANGES];
	unsigned int i;

	for (i = 0; i < ranges; i++)
		offset[i] = at + (ranges - 1 - i) * part;
	return vt_target_dmabuf(t, offset, part, ranges);
}

static bool refused(void)
{
	return !strcmp(getenv("VT_VFIO_WAY") ?: "", "refused");
}

FIXTURE_SETUP(dmabuf)
{
	unsigned int i;
	int ret;

	if (!getenv("VT_VFIO_WAY"))
		SKIP(return, "no VT_VFIO_WAY: not started by tests/v4l2/peers");
	self->before = count_dmabufs();
	ASSERT_LE(0, self->before);
	ASSERT_EQ(0, vt_open_dev(&self->node, variant->device));
	/* pages of 4 KiB, and a number of them that can be halved */
	self->slot = (vt_frame_size(&self->node) + 2 * PAGE - 1) & (-2 * PAGE);
	ret = vt_target_map(&self->target, VT_VFIO, self->slot, BUFS);
	if (ret == -ENODEV)
		SKIP(return, "%s", self->target.why);
	ASSERT_EQ(0, ret);
	for (i = 0; i < BUFS; i++) {
		self->fd[i] = export(&self->target, i * self->slot, self->slot,
				     variant->ranges);
		ASSERT_LE(0, self->fd[i]);
	}
	EXPECT_EQ(self->before + BUFS, count_dmabufs());
	ASSERT_EQ(0, vt_reqbufs(&self->node, V4L2_MEMORY_DMABUF, BUFS));
	/* what comes back has come before the exporter got its memory */
	ASSERT_EQ(0, fcntl(self->node.fd, F_SETFL, O_NONBLOCK));
	self->node.timeout_ms = 0;
}

FIXTURE_TEARDOWN(dmabuf)
{
	unsigned int i;

	if (!self->fd[0])
		return;
	for (i = 0; i < BUFS; i++)
		close(self->fd[i]);
	vt_close(&self->node);
	vt_target_unmap(&self->target);
	/* an import that was refused holds nothing either */
	EXPECT_EQ(self->before, wait_for_dmabufs(self->before));
}

static int queue_all(const struct vt_node *node, const int fd[])
{
	unsigned int i;
	int ret = 0;

	for (i = 0; !ret && i < BUFS; i++)
		ret = vt_qbuf_dmabuf(node, i, fd[i]);
	return ret;
}

/* All come back at once, with an error. */
static void expect_revoked(struct __test_metadata *const _metadata,
			   const struct vt_node *node)
{
	unsigned int i;
	__u32 flags;

	for (i = 0; i < BUFS; i++) {
		ASSERT_LE(0, vt_dqbuf_dmabuf(node, &flags, NULL));
		EXPECT_NE(0U, flags & V4L2_BUF_FLAG_ERROR);
	}
}

/* Nobody gets the memory, however often it is tried. */
static void expect_gone(struct __test_metadata *const _metadata,
			const struct vt_node *node, const int fd[])
{
	unsigned int i;

	for (i = 0; i < 2 * BUFS; i++)
		EXPECT_EQ(-ENODEV, vt_qbuf_dmabuf(node, i % BUFS, fd[i % BUFS]));
}

TEST_F(dmabuf, is_taken_or_refused)
{
	unsigned int i;

	for (i = 0; i < 4; i++) {
		EXPECT_EQ(refused() ? -EREMOTEIO : 0,
			  vt_qbuf_dmabuf(&self->node, 0, self->fd[0]));
		ASSERT_EQ(0, vt_streamoff(&self->node));
	}
}

TEST_F(dmabuf, memory_is_switched_off)
{
	if (refused())
		SKIP(return, "the device does not get to the memory");
	ASSERT_EQ(0, queue_all(&self->node, self->fd));
	ASSERT_EQ(0, vt_streamon(&self->node));
	ASSERT_EQ(0, vt_target_enable(&self->target, false));
	expect_revoked(_metadata, &self->node);
	expect_gone(_metadata, &self->node, self->fd);

	ASSERT_EQ(0, vt_target_enable(&self->target, true));
	/* the stream went on meanwhile */
	EXPECT_EQ(0, queue_all(&self->node, self->fd));
	EXPECT_EQ(-EAGAIN, vt_dqbuf_dmabuf(&self->node, NULL, NULL));
	ASSERT_EQ(0, vt_target_enable(&self->target, false));
	expect_revoked(_metadata, &self->node);
	ASSERT_EQ(0, vt_target_enable(&self->target, true));
}

/* What no buffer holds can be revoked, too, and what is not being captured into. */
TEST_F(dmabuf, memory_blinks_while_nothing_streams)
{
	if (refused())
		SKIP(return, "the device does not get to the memory");
	ASSERT_EQ(0, vt_qbuf_dmabuf(&self->node, 0, self->fd[0]));
	ASSERT_EQ(0, vt_target_blink(&self->target));
	ASSERT_EQ(0, vt_streamon(&self->node));
	ASSERT_EQ(0, vt_streamoff(&self->node));
	ASSERT_EQ(0, vt_target_blink(&self->target));
	EXPECT_EQ(0, queue_all(&self->node, self->fd));
	ASSERT_EQ(0, vt_streamon(&self->node));
	ASSERT_EQ(0, vt_target_enable(&self->target, false));
	expect_revoked(_metadata, &self->node);
	ASSERT_EQ(0, vt_target_enable(&self->target, true));
}

TEST_F(dmabuf, device_is_reset)
{
	struct vfio_device_info info = { .argsz = sizeof(info) };

	if (refused())
		SKIP(return, "the device does not get to the memory");
	ASSERT_EQ(0, ioctl(self->target.memory[0].fd, VFIO_DEVICE_GET_INFO,
			   &info));
	if (!(info.flags & VFIO_DEVICE_FLAGS_RESET))
		SKIP(return, "the display can't be reset there");
	ASSERT_EQ(0, queue_all(&self->node, self->fd));
	ASSERT_EQ(0, vt_streamon(&self->node));
	ASSERT_EQ(0, ioctl(self->target.memory[0].fd, VFIO_DEVICE_RESET));
	expect_revoked(_metadata, &self->node);
	EXPECT_EQ(0, queue_all(&self->node, self->fd));
}

TEST_F(dmabuf, device_is_closed)
{
	struct vt_target *t = &self->target;

	if (refused())
		SKIP(return, "the device does not get to the memory");
	ASSERT_EQ(0, queue_all(&self->node, self->fd));
	ASSERT_EQ(0, vt_streamon(&self->node));
	vt_target_unmap(t);
	expect_revoked(_metadata, &self->node);
	expect_gone(_metadata, &self->node, self->fd);

	/* nor does it come back with the device */
	ASSERT_EQ(0, vt_target_map(t, VT_VFIO, self->slot, BUFS));
	expect_gone(_metadata, &self->node, self->fd);
}

/* The importer goes first. */
TEST_F(dmabuf, node_is_closed)
{
	int ret = queue_all(&self->node, self->fd);

	EXPECT_EQ(refused() ? -EREMOTEIO : 0, ret);
	vt_close(&self->node);
	ASSERT_EQ(0, vt_target_blink(&self->target));
	ASSERT_EQ(0, vt_open_dev(&self->node, variant->device));
}

/*
 * Who can't have it
 */

static void expect_import(struct __test_metadata *const _metadata,
			  const struct vt_node *node, int error)
{
	size_t slot = (vt_frame_size(node) + PAGE - 1) & -PAGE;
	long before = count_dmabufs();
	struct vt_target target;
	unsigned int i;
	int fd, ret;

	ret = vt_target_map(&target, VT_VFIO, slot, 1);
	if (ret == -ENODEV)
		SKIP(return, "%s", target.why);
	ASSERT_EQ(0, ret);
	fd = export(&target, 0, slot, 1);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, vt_reqbufs(node, V4L2_MEMORY_DMABUF, BUFS));
	for (i = 0; i < BUFS; i++)
		EXPECT_EQ(error, vt_qbuf_dmabuf(node, i, fd));
	close(fd);
	vt_target_unmap(&target);
	EXPECT_EQ(before, wait_for_dmabufs(before));
}

/* vfio-pci wants importers that let go. */
TEST(driver_without_buf_revoke)
{
	struct vt_node node;

	if (!getenv("VT_VFIO_WAY"))
		SKIP(return, "no VT_VFIO_WAY: not started by tests/v4l2/peers");
	ASSERT_EQ(0, vt_open_dev(&node, "unrevocable"));
	expect_import(_metadata, &node, -EOPNOTSUPP);
	vt_close(&node);
}

/*
 * It exports the BAR to PCI devices, and not for the CPU. A USERPTR of vfio-pci's
 * mapping is what a driver needs that fills buffers with the CPU.
 */
TEST(driver_that_copies)
{
	struct vt_node node;

	if (!getenv("VT_VFIO_WAY"))
		SKIP(return, "no VT_VFIO_WAY: not started by tests/v4l2/peers");
	ASSERT_EQ(0, vt_open_vivid(&node, 0, 320, 180, V4L2_PIX_FMT_RGB24));
	expect_import(_metadata, &node, -EREMOTEIO);
	vt_close(&node);
}

TEST_HARNESS_MAIN
