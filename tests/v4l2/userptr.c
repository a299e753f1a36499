// SPDX-License-Identifier: GPL-2.0-only
/*
 * Capture with V4L2_MEMORY_USERPTR into every kind of memory
 *
 * Every frame is compared byte for byte with an MMAP capture of the same static
 * picture, and nothing around it may change.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include <linux/dma-buf.h>

#include "kselftest_harness.h"
#include "vb2test.h"

#define PAGE	4096UL
#define FRAMES	10

/* A frame, the part of a page before it, and at least a page behind it. */
static size_t slot_size(size_t frame, size_t offset)
{
	return (offset + frame + 2 * PAGE - 1) & -PAGE;
}

FIXTURE(userptr)
{
	struct vt_node node;
	struct vt_target target;
	unsigned char *reference;
	size_t frame;
	size_t slot;
};

FIXTURE_VARIANT(userptr)
{
	enum vt_kind kind;
	/* of the frame in its slot */
	size_t offset;
	unsigned int width;
	unsigned int height;
	unsigned int bufs;
};

#define SMALL	.width = 320, .height = 180, .bufs = VT_BUFS

FIXTURE_VARIANT_ADD(userptr, anonymous) { .kind = VT_ANON, SMALL };
FIXTURE_VARIANT_ADD(userptr, hugetlbfs) { .kind = VT_HUGETLB, SMALL };
FIXTURE_VARIANT_ADD(userptr, tmpfs) { .kind = VT_TMPFS, SMALL };
FIXTURE_VARIANT_ADD(userptr, bar) { .kind = VT_BAR, SMALL };
FIXTURE_VARIANT_ADD(userptr, bar_in_page) {
	.kind = VT_BAR, .offset = 0x140, SMALL
};

FIXTURE_VARIANT_ADD(userptr, bar_1080p) {
	.kind = VT_BAR, .width = 1920, .height = 1080, .bufs = 2
};

FIXTURE_VARIANT_ADD(userptr, bar_wc) { .kind = VT_BAR_WC, SMALL };
FIXTURE_VARIANT_ADD(userptr, two_bars) { .kind = VT_TWO_BARS, SMALL };
FIXTURE_VARIANT_ADD(userptr, bar_then_anonymous) {
	.kind = VT_BAR_THEN_ANON, SMALL
};

FIXTURE_VARIANT_ADD(userptr, anonymous_then_bar) {
	.kind = VT_ANON_THEN_BAR, .offset = 0x140, SMALL
};

FIXTURE_VARIANT_ADD(userptr, bar_not_faulted_in) { .kind = VT_BAR_LAZY, SMALL };
FIXTURE_VARIANT_ADD(userptr, bar_huge) { .kind = VT_BAR_HUGE, SMALL };
FIXTURE_VARIANT_ADD(userptr, bar_huge_1080p) {
	.kind = VT_BAR_HUGE, .width = 1920, .height = 1080, .bufs = 2
};

FIXTURE_VARIANT_ADD(userptr, bar_vfio) { .kind = VT_VFIO, SMALL };
FIXTURE_VARIANT_ADD(userptr, hidden_ram) { .kind = VT_HIDDEN, SMALL };
FIXTURE_VARIANT_ADD(userptr, hidden_ram_not_faulted_in) {
	.kind = VT_HIDDEN_LAZY, .offset = 0x140, SMALL
};

FIXTURE_VARIANT_ADD(userptr, dma_mmap_coherent) { .kind = VT_COHERENT, SMALL };
FIXTURE_VARIANT_ADD(userptr, ram_pfnmap) { .kind = VT_PAGES, SMALL };
FIXTURE_VARIANT_ADD(userptr, ram_pfnmap_not_faulted_in) {
	.kind = VT_PAGES_LAZY, .offset = 0x140, SMALL
};

FIXTURE_VARIANT_ADD(userptr, ram_pfnmap_huge) { .kind = VT_PAGES_HUGE, SMALL };
FIXTURE_VARIANT_ADD(userptr, dumb_buffer) { .kind = VT_DUMB, SMALL };
FIXTURE_VARIANT_ADD(userptr, framebuffer) { .kind = VT_FB, SMALL };
FIXTURE_VARIANT_ADD(userptr, framebuffer_in_ram) { .kind = VT_FB_RAM, SMALL };

FIXTURE_SETUP(userptr)
{
	const char *lacking = vt_kind_lacks(variant->kind, vt_camera_uses_dma());
	int ret;

	if (lacking)
		SKIP(return, "%s", lacking);
	ASSERT_EQ(0, vt_open_camera(&self->node, variant->width,
				    variant->height));
	self->frame = vt_frame_size(&self->node);
	self->slot = slot_size(self->frame, variant->offset);
	ret = vt_target_map(&self->target, variant->kind, self->slot,
			    variant->bufs);
	if (ret == -ENODEV)
		SKIP(return, "%s", self->target.why);
	ASSERT_EQ(0, ret);
	self->reference = vt_reference(&self->node);
	ASSERT_NE(NULL, self->reference);
}

FIXTURE_TEARDOWN(userptr)
{
	vt_close(&self->node);
	vt_target_unmap(&self->target);
	free(self->reference);
}

/* Frames arrive, all of them right, and nothing else changes. */
TEST_F(userptr, capture)
{
	struct vt_target *t = &self->target;
	unsigned int i, seen = 0;
	size_t begin, end;

	/* memory that is not faulted in must not be touched through the map */
	ASSERT_EQ(0, vt_target_fill(t, 0, t->size, VT_POISON));
	ASSERT_EQ(0, vt_reqbufs(&self->node, V4L2_MEMORY_USERPTR,
				variant->bufs));
	for (i = 0; i < variant->bufs; i++)
		ASSERT_EQ(0, vt_qbuf(&self->node, i, t->map + i * self->slot +
						     variant->offset));
	ASSERT_EQ(0, vt_streamon(&self->node));

	for (i = 0; i < FRAMES; i++) {
		__u32 flags;
		int index = vt_dqbuf(&self->node, &flags);

		ASSERT_LE(0, index);
		EXPECT_EQ(0U, flags & V4L2_BUF_FLAG_ERROR);
		begin = index * self->slot + variant->offset;
		end = begin + self->frame;
		EXPECT_EQ(-1, vt_find_difference(t->map + begin,
						 self->reference, self->frame));
		EXPECT_EQ(-1, vt_target_find_other(t, index * self->slot,
						   variant->offset, VT_POISON));
		EXPECT_EQ(-1, vt_target_find_other(t, end,
						   (index + 1) * self->slot -
						   end, VT_POISON));
		if (t->alias)
			EXPECT_EQ(-1, vt_find_difference(t->alias + begin,
							 self->reference,
							 self->frame));
		seen |= 1 << index;
		memset(t->map + begin, VT_POISON, self->frame);
		ASSERT_EQ(0, vt_qbuf(&self->node, index, t->map + begin));
	}
	EXPECT_EQ((1U << variant->bufs) - 1, seen);
	ASSERT_EQ(0, vt_streamoff(&self->node));
	ASSERT_EQ(0, vt_reqbufs(&self->node, V4L2_MEMORY_USERPTR, 0));

	end = variant->bufs * self->slot;
	EXPECT_EQ(-1, vt_target_find_other(t, end, t->size - end, VT_POISON));
	if (variant->kind == VT_BAR_HUGE || variant->kind == VT_PAGES_HUGE)
		EXPECT_LT(0, vt_huge_faults(t));
}

/* What was pinned is not, and what was mapped can be mapped by others. */
TEST_F(userptr, lets_go)
{
	unsigned int i;

	ASSERT_EQ(0, vt_reqbufs(&self->node, V4L2_MEMORY_USERPTR,
				variant->bufs));
	for (i = 0; i < variant->bufs; i++)
		ASSERT_EQ(0, vt_qbuf(&self->node, i, self->target.map +
						     i * self->slot));
	ASSERT_EQ(0, vt_reqbufs(&self->node, V4L2_MEMORY_USERPTR, 0));
	EXPECT_EQ(0, vt_still_pinned());
	munmap(self->target.map, self->target.size);
	ASSERT_EQ(0, vt_target_remap(&self->target, 0, self->target.size));
	memset(self->target.map, VT_OWNED, self->target.size);
	EXPECT_EQ(-1, vt_target_find_other(&self->target, 0, self->target.size,
					   VT_OWNED));
}

/* The planes of a frame, each in another kind of memory. */
FIXTURE(planes)
{
	struct vt_node node;
	struct vt_target target[2];
	unsigned char *reference;
	size_t slot[2];
};

FIXTURE_VARIANT(planes)
{
	enum vt_kind kind[2];
};

FIXTURE_VARIANT_ADD(planes, bar_and_anonymous) {
	.kind = { VT_BAR, VT_ANON }
};

FIXTURE_VARIANT_ADD(planes, anonymous_and_hidden_ram) {
	.kind = { VT_ANON, VT_HIDDEN }
};

FIXTURE_VARIANT_ADD(planes, ram_pfnmap_and_bar) {
	.kind = { VT_PAGES, VT_BAR }
};

FIXTURE_SETUP(planes)
{
	unsigned int i;
	int ret;

	ret = vt_open_vivid(&self->node, 1, 320, 180, V4L2_PIX_FMT_NV16M);
	ASSERT_EQ(0, ret);
	ASSERT_EQ(2U, self->node.num_planes);
	for (i = 0; i < 2; i++) {
		self->slot[i] = slot_size(self->node.size[i], 0);
		ret = vt_target_map(&self->target[i], variant->kind[i],
				    self->slot[i], VT_BUFS);
		if (ret == -ENODEV)
			SKIP(return, "%s", self->target[i].why);
		ASSERT_EQ(0, ret);
	}
	self->reference = vt_reference(&self->node);
	ASSERT_NE(NULL, self->reference);
}

FIXTURE_TEARDOWN(planes)
{
	vt_close(&self->node);
	vt_target_unmap(&self->target[0]);
	vt_target_unmap(&self->target[1]);
	free(self->reference);
}

TEST_F(planes, capture)
{
	const struct vt_node *node = &self->node;
	unsigned int i, p;
	void *addr[2];

	for (p = 0; p < 2; p++)
		ASSERT_EQ(0, vt_target_fill(&self->target[p], 0,
					    self->target[p].size, VT_POISON));
	ASSERT_EQ(0, vt_reqbufs(node, V4L2_MEMORY_USERPTR, VT_BUFS));
	for (i = 0; i < VT_BUFS; i++) {
		for (p = 0; p < 2; p++)
			addr[p] = self->target[p].map + i * self->slot[p];
		ASSERT_EQ(0, vt_qbuf_planes(node, i, addr, node->size));
	}
	ASSERT_EQ(0, vt_streamon(node));

	for (i = 0; i < FRAMES; i++) {
		const unsigned char *expected = self->reference;
		__u32 flags;
		int index = vt_dqbuf(node, &flags);

		ASSERT_LE(0, index);
		EXPECT_EQ(0U, flags & V4L2_BUF_FLAG_ERROR);
		for (p = 0; p < 2; p++) {
			size_t begin = index * self->slot[p];
			size_t size = node->size[p];

			addr[p] = self->target[p].map + begin;
			EXPECT_EQ(-1, vt_find_difference(addr[p], expected,
							 size));
			EXPECT_EQ(-1, vt_target_find_other(&self->target[p],
							   begin + size,
							   self->slot[p] - size,
							   VT_POISON));
			expected += size;
			memset(addr[p], VT_POISON, size);
		}
		ASSERT_EQ(0, vt_qbuf_planes(node, index, addr, node->size));
	}
	ASSERT_EQ(0, vt_streamoff(node));
}

/*
 * dma-bufs: another one's memory, and the driver's for another one
 */

FIXTURE(dmabuf)
{
	struct vt_node node;
	unsigned char *reference;
	size_t frame;
	int fd[VT_BUFS];
	unsigned char *map[VT_BUFS];
};

FIXTURE_SETUP(dmabuf)
{
	ASSERT_EQ(0, vt_open_camera(&self->node, 320, 180));
	self->frame = vt_frame_size(&self->node);
	self->reference = vt_reference(&self->node);
	ASSERT_NE(NULL, self->reference);
}

FIXTURE_TEARDOWN(dmabuf)
{
	unsigned int i;

	vt_close(&self->node);
	for (i = 0; i < VT_BUFS; i++) {
		if (self->map[i])
			munmap(self->map[i], self->frame);
		if (self->fd[i] > 0)
			close(self->fd[i]);
	}
	free(self->reference);
}

static int map_dmabuf(FIXTURE_DATA(dmabuf) * self, unsigned int i)
{
	void *map;

	if (self->fd[i] < 0)
		return self->fd[i];
	map = mmap(NULL, self->frame, PROT_READ | PROT_WRITE, MAP_SHARED, self->fd[i], 0);
	if (map == MAP_FAILED)
		return -errno;
	self->map[i] = map;
	memset(map, VT_POISON, self->frame);
	return 0;
}

TEST_F(dmabuf, imported)
{
	unsigned int i;
	__u32 flags;
	int index;

	if (access("/dev/udmabuf", R_OK | W_OK))
		SKIP(return, "the kernel has no udmabuf");
	ASSERT_EQ(0, vt_reqbufs(&self->node, V4L2_MEMORY_DMABUF, VT_BUFS));
	for (i = 0; i < VT_BUFS; i++) {
		self->fd[i] = vt_udmabuf(slot_size(self->frame, 0), true);
		ASSERT_EQ(0, map_dmabuf(self, i));
		ASSERT_EQ(0, vt_qbuf_dmabuf(&self->node, i, self->fd[i]));
	}
	ASSERT_EQ(0, vt_streamon(&self->node));
	for (i = 0; i < FRAMES; i++) {
		index = vt_dqbuf(&self->node, &flags);
		ASSERT_LE(0, index);
		EXPECT_EQ(0U, flags & V4L2_BUF_FLAG_ERROR);
		EXPECT_EQ(-1, vt_find_difference(self->map[index], self->reference,
						 self->frame));
		memset(self->map[index], VT_POISON, self->frame);
		ASSERT_EQ(0, vt_qbuf_dmabuf(&self->node, index, self->fd[index]));
	}
}

TEST_F(dmabuf, exported)
{
	struct dma_buf_sync begin = { .flags = DMA_BUF_SYNC_START | DMA_BUF_SYNC_RW };
	struct dma_buf_sync end = { .flags = DMA_BUF_SYNC_END | DMA_BUF_SYNC_RW };
	unsigned int i;
	__u32 flags;
	int index;

	ASSERT_EQ(0, vt_reqbufs(&self->node, V4L2_MEMORY_MMAP, VT_BUFS));
	for (i = 0; i < VT_BUFS; i++) {
		self->fd[i] = vt_export(&self->node, i);
		ASSERT_EQ(0, map_dmabuf(self, i));
		ASSERT_EQ(0, vt_qbuf_mmap(&self->node, i));
	}
	ASSERT_EQ(0, vt_streamon(&self->node));
	for (i = 0; i < FRAMES; i++) {
		index = vt_dqbuf(&self->node, &flags);
		ASSERT_LE(0, index);
		ASSERT_EQ(0, ioctl(self->fd[index], DMA_BUF_IOCTL_SYNC, &begin));
		EXPECT_EQ(-1, vt_find_difference(self->map[index], self->reference,
						 self->frame));
		memset(self->map[index], VT_POISON, self->frame);
		ASSERT_EQ(0, ioctl(self->fd[index], DMA_BUF_IOCTL_SYNC, &end));
		ASSERT_EQ(0, vt_qbuf_mmap(&self->node, index));
	}
}

TEST_HARNESS_MAIN
