// SPDX-License-Identifier: GPL-2.0-only
/*
 * Peer to peer: an NVMe controller captures into BARs, and every byte is compared
 *
 * As p2p.c and vfio.c, with a device that does transfer: the NVMe capture device
 * with the video of tests/v4l2/video, whose size in MiB is VT_VIDEO.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kselftest_harness.h"
#include "vb2test.h"

#define PAGE	4096UL
#define BUFS	3U
#define FRAMES	8U
#define ROUNDS	30U

static int open_node(struct vt_node *node)
{
	return vt_open_capture(node, "nvmecap", 640, 480, V4L2_PIX_FMT_YUYV, 60);
}

static void check_frame(struct __test_metadata *const _metadata,
			const void *frame, size_t size, __u32 sequence)
{
	unsigned long frames = (strtoul(getenv("VT_VIDEO"), NULL, 0) << 20) /
			       size;
	void *copy = malloc(size);
	long number;

	ASSERT_NE(NULL, copy);
	memcpy(copy, frame, size);
	number = vt_numbered_frame(copy, size);
	free(copy);
	ASSERT_LE(0, number) TH_LOG("wrong picture");
	EXPECT_EQ(sequence % frames, (unsigned long)number);
}

/*
 * USERPTR
 */

static void run_userptr(struct __test_metadata *const _metadata,
			const struct vt_node *node, const struct vt_bar *bar,
			size_t slot)
{
	size_t frame = vt_frame_size(node);
	unsigned int i;

	ASSERT_EQ(0, vt_reqbufs(node, V4L2_MEMORY_USERPTR, BUFS));
	memset(bar->map, VT_POISON, bar->size);
	for (i = 0; i < BUFS; i++)
		ASSERT_EQ(0, vt_qbuf(node, i, bar->map + i * slot));
	ASSERT_EQ(0, vt_streamon(node));
	for (i = 0; i < FRAMES; i++) {
		__u32 flags, sequence;
		unsigned char *start;
		int index;

		index = vt_dqbuf_sequence(node, &flags, &sequence);
		ASSERT_LE(0, index);
		EXPECT_EQ(0U, flags & V4L2_BUF_FLAG_ERROR);
		start = bar->map + index * slot;
		check_frame(_metadata, start, frame, sequence);
		EXPECT_EQ(-1, vt_find_other(start + frame, slot - frame,
					    VT_POISON));
		memset(start, VT_POISON, slot);
		ASSERT_EQ(0, vt_qbuf(node, index, start));
	}
	ASSERT_EQ(0, vt_streamoff(node));
	ASSERT_EQ(0, vt_reqbufs(node, V4L2_MEMORY_USERPTR, 0));
}

TEST(user_pointers)
{
	struct vt_node node;
	struct vt_bar bar;
	unsigned int n;
	size_t slot;
	int ret;

	if (!getenv("VT_WAYS"))
		SKIP(return, "no VT_WAYS: not started by tests/v4l2/peers");
	ASSERT_EQ(0, open_node(&node));
	slot = (vt_frame_size(&node) + 2 * PAGE - 1) & -PAGE;
	for (n = 0; !(ret = vt_bar_map(&bar, n, BUFS * slot)); n++) {
		TH_LOG("%s: %s", strrchr(bar.dir, '/') + 1, bar.way);
		if (strcmp(bar.way, "refused")) {
			run_userptr(_metadata, &node, &bar, slot);
		} else {
			ASSERT_EQ(0, vt_reqbufs(&node, V4L2_MEMORY_USERPTR, 1));
			EXPECT_EQ(-EREMOTEIO, vt_qbuf(&node, 0, bar.map));
			ASSERT_EQ(0, vt_reqbufs(&node, V4L2_MEMORY_USERPTR, 0));
		}
		vt_bar_unmap(&bar);
	}
	EXPECT_EQ(-ENODEV, ret);
	EXPECT_LT(0U, n);
	vt_close(&node);
}

/*
 * dma-bufs of vfio-pci
 */

FIXTURE(dmabuf)
{
	struct vt_node node;
	struct vt_target target;
	size_t slot;
	int fd[BUFS];
};

FIXTURE_VARIANT(dmabuf)
{
	unsigned int ranges;
};

FIXTURE_VARIANT_ADD(dmabuf, whole) { 1 };
FIXTURE_VARIANT_ADD(dmabuf, in_parts) { 2 };

FIXTURE_SETUP(dmabuf)
{
	const char *way = getenv("VT_VFIO_WAY");
	size_t part, offset[2];
	unsigned int i, n;
	int ret;

	if (!way)
		SKIP(return, "no VT_VFIO_WAY: not started by tests/v4l2/peers");
	if (!strcmp(way, "refused"))
		SKIP(return, "the device does not get to the memory");
	srand(getpid());
	ASSERT_EQ(0, open_node(&self->node));
	self->slot = (vt_frame_size(&self->node) + 2 * PAGE - 1) & (-2 * PAGE);
	ret = vt_target_map(&self->target, VT_VFIO, self->slot, BUFS);
	if (ret == -ENODEV)
		SKIP(return, "%s", self->target.why);
	ASSERT_EQ(0, ret);
	part = self->slot / variant->ranges;
	for (i = 0; i < BUFS; i++) {
		/* the parts change places in the BAR */
		for (n = 0; n < variant->ranges; n++)
			offset[n] = i * self->slot +
				    (variant->ranges - 1 - n) * part;
		self->fd[i] = vt_target_dmabuf(&self->target, offset, part,
					       variant->ranges);
		ASSERT_LE(0, self->fd[i]);
	}
	ASSERT_EQ(0, vt_reqbufs(&self->node, V4L2_MEMORY_DMABUF, BUFS));
	for (i = 0; i < BUFS; i++)
		ASSERT_EQ(0, vt_qbuf_dmabuf(&self->node, i, self->fd[i]));
	ASSERT_EQ(0, vt_streamon(&self->node));
}

FIXTURE_TEARDOWN(dmabuf)
{
	unsigned int i;

	for (i = 0; i < BUFS; i++)
		close(self->fd[i]);
	vt_close(&self->node);
	vt_target_unmap(&self->target);
}

/* Whatever came back is right or marked. Returns the number of the buffer. */
static int next(struct __test_metadata *const _metadata,
		const struct vt_node *node, const struct vt_target *t,
		size_t slot, unsigned int ranges, bool *error)
{
	size_t frame = vt_frame_size(node), part = slot / ranges;
	unsigned char *picture = malloc(slot);
	__u32 flags, sequence;
	unsigned int n;
	int index;

	index = vt_dqbuf_dmabuf(node, &flags, &sequence);
	*error = flags & V4L2_BUF_FLAG_ERROR;
	if (index >= 0 && !*error) {
		for (n = 0; n < ranges; n++)
			memcpy(picture + n * part,
			       t->alias + index * slot +
			       (ranges - 1 - n) * part, part);
		check_frame(_metadata, picture, frame, sequence);
	}
	free(picture);
	return index;
}

TEST_F(dmabuf, shows_the_picture)
{
	unsigned int i;
	bool error;
	int index;

	for (i = 0; i < FRAMES; i++) {
		index = next(_metadata, &self->node, &self->target, self->slot,
			     variant->ranges, &error);
		ASSERT_LE(0, index);
		EXPECT_FALSE(error);
		ASSERT_EQ(0, vt_target_fill(&self->target, index * self->slot,
					    self->slot, VT_POISON));
		ASSERT_EQ(0, vt_qbuf_dmabuf(&self->node, index,
					    self->fd[index]));
	}
}

/*
 * The memory is switched off at any moment of a transfer. It is somebody else's from
 * then on, and is as he left it a few frames later. Then the stream goes on.
 */
TEST_F(dmabuf, is_revoked_in_flight)
{
	struct vt_target *t = &self->target;
	unsigned int round, i;
	bool error;
	int index;

	for (round = 0; round < ROUNDS; round++) {
		usleep(rand() % (3 * self->node.frame_us));
		ASSERT_EQ(0, vt_target_blink(t));
		ASSERT_EQ(0, vt_target_fill(t, 0, t->size, VT_OWNED));
		usleep(3 * self->node.frame_us);
		ASSERT_EQ(-1, vt_target_find_other(t, 0, t->size, VT_OWNED));
		for (i = 0; i < BUFS; i++) {
			__u32 flags;

			index = vt_dqbuf_dmabuf(&self->node, &flags, NULL);
			ASSERT_LE(0, index);
			/* filled before or not, what was in it is gone */
			EXPECT_NE(0U, flags & V4L2_BUF_FLAG_ERROR);
		}
		for (i = 0; i < BUFS; i++)
			ASSERT_EQ(0, vt_qbuf_dmabuf(&self->node, i,
						    self->fd[i]));
		index = next(_metadata, &self->node, t, self->slot,
			     variant->ranges, &error);
		ASSERT_LE(0, index);
		EXPECT_FALSE(error);
		ASSERT_EQ(0, vt_qbuf_dmabuf(&self->node, index,
					    self->fd[index]));
	}
}

TEST_HARNESS_MAIN
