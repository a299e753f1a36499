// SPDX-License-Identifier: GPL-2.0-only
/*
 * Peer to peer: which BARs VIDIOC_QBUF takes for a PCI device
 *
 * The test module's devices stand for a PCI device here (tests/v4l2/peers). The
 * displays are its peers, and VT_WAYS tells how it gets to each of them:
 * "PLACE=WAY ...", where the way is one of
 *
 *   bus      without the host bridge, by its bus address
 *   host     through the host bridge
 *   refused  not at all, as far as pci_p2pdma knows
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>

#include "kselftest_harness.h"
#include "vb2test.h"

#define PAGE	4096UL

static bool behind_iommu(void)
{
	glob_t g;
	bool found = !glob("/sys/class/iommu/*", 0, NULL, &g);

	if (found)
		globfree(&g);
	return found;
}

/* Does the I/O MMU see what is transferred there? */
static bool is_translated(const struct vt_bar *bar)
{
	return behind_iommu() && strcmp(bar->way, "bus");
}

FIXTURE(peer)
{
	struct vt_node node;
	size_t slot;
	unsigned char *ram;
};

FIXTURE_VARIANT(peer)
{
	const char *device;
};

FIXTURE_VARIANT_ADD(peer, revocable) { "revocable" };
FIXTURE_VARIANT_ADD(peer, contiguous) { "contiguous" };

FIXTURE_SETUP(peer)
{
	if (!getenv("VT_WAYS"))
		SKIP(return, "no VT_WAYS: not started by tests/v4l2/peers");
	ASSERT_EQ(0, vt_open_dev(&self->node, variant->device));
	self->slot = (vt_frame_size(&self->node) + PAGE - 1) & -PAGE;
	self->ram = mmap(NULL, 2 * self->slot, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, self->ram);
	ASSERT_EQ(0, vt_reqbufs(&self->node, V4L2_MEMORY_USERPTR, 2));
}

FIXTURE_TEARDOWN(peer)
{
	vt_close(&self->node);
}

/* What would go into the hardware's register */
static void check_dma_address(struct __test_metadata *const _metadata,
			      const struct vt_bar *bar)
{
	unsigned long address;
	char text[32];

	ASSERT_EQ(0, vt_read_file("/sys/kernel/debug/vb2_pfn_dev/dma_addr",
				  text, sizeof(text)));
	address = strtoul(text, NULL, 16);
	EXPECT_EQ(is_translated(bar), bar->phys != address);
}

TEST_F(peer, answers)
{
	struct vt_bar bar;
	unsigned int n;
	int ret;

	for (n = 0; !(ret = vt_bar_map(&bar, n, self->slot)); n++) {
		int error = strcmp(bar.way, "refused") ? 0 : -EREMOTEIO;

		TH_LOG("%s: %s", strrchr(bar.dir, '/') + 1, bar.way);
		EXPECT_EQ(error, vt_qbuf(&self->node, 0, bar.map));
		if (!error && !strcmp(variant->device, "contiguous"))
			check_dma_address(_metadata, &bar);
		/* the same when asked again, and nothing is left of it */
		ASSERT_EQ(0, vt_streamoff(&self->node));
		EXPECT_EQ(error, vt_qbuf(&self->node, 0, bar.map));
		ASSERT_EQ(0, vt_streamoff(&self->node));
		if (strcmp(variant->device, "contiguous"))
			EXPECT_EQ(0, vt_qbuf(&self->node, 0, self->ram));
		ASSERT_EQ(0, vt_streamoff(&self->node));
		ASSERT_EQ(0, vt_reqbufs(&self->node, V4L2_MEMORY_USERPTR, 0));
		EXPECT_EQ(0, vt_still_pinned());
		ASSERT_EQ(0, vt_reqbufs(&self->node, V4L2_MEMORY_USERPTR, 2));
		vt_bar_unmap(&bar);
	}
	EXPECT_EQ(-ENODEV, ret);
	EXPECT_LT(0U, n);
}

/*
 * A frame that is partly in RAM and partly in a BAR is as good as the BAR. Only an
 * I/O MMU that sees all of it can make it contiguous.
 */
TEST_F(peer, half_a_frame)
{
	struct vt_bar bar;
	unsigned int n;
	int ret;

	for (n = 0; !(ret = vt_bar_map(&bar, n, self->slot)); n++) {
		int error = strcmp(bar.way, "refused") ? 0 : -EREMOTEIO;

		if (!error && !strcmp(variant->device, "contiguous") &&
		    !is_translated(&bar))
			error = -EFAULT;
		ASSERT_NE(MAP_FAILED,
			  mmap(bar.map, 5 * PAGE, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
		EXPECT_EQ(error, vt_qbuf(&self->node, 0, bar.map));
		ASSERT_EQ(0, vt_streamoff(&self->node));
		ASSERT_EQ(0, vt_reqbufs(&self->node, V4L2_MEMORY_USERPTR, 0));
		EXPECT_EQ(0, vt_still_pinned());
		ASSERT_EQ(0, vt_reqbufs(&self->node, V4L2_MEMORY_USERPTR, 2));
		vt_bar_unmap(&bar);
	}
	EXPECT_EQ(-ENODEV, ret);
}

/*
 * A BAR that is taken is given back before munmap() returns, unless the I/O MMU has
 * made sure already that nobody gets there.
 */
TEST_F(peer, gives_back)
{
	struct vt_bar bar;
	unsigned int n;
	__u32 flags;
	int ret;

	ASSERT_EQ(0, fcntl(self->node.fd, F_SETFL, O_NONBLOCK));
	self->node.timeout_ms = 0;
	for (n = 0; !(ret = vt_bar_map(&bar, n, self->slot)); n++) {
		if (strcmp(bar.way, "refused")) {
			ASSERT_EQ(0, vt_qbuf(&self->node, 0, bar.map));
			ASSERT_EQ(0, vt_streamon(&self->node));
			ASSERT_EQ(0, munmap(bar.map, PAGE));
			ret = vt_dqbuf(&self->node, &flags);
			EXPECT_EQ(is_translated(&bar) ? -EAGAIN : 0, ret);
			if (!ret)
				EXPECT_NE(0U, flags & V4L2_BUF_FLAG_ERROR);
			ASSERT_EQ(0, vt_streamoff(&self->node));
			EXPECT_EQ(-EFAULT, vt_qbuf(&self->node, 0, bar.map));
		}
		vt_bar_unmap(&bar);
	}
	EXPECT_EQ(-ENODEV, ret);
}

/* vivid is no PCI device: the CPU fills its buffers, and gets anywhere. */
TEST(cpu_reaches_every_peer)
{
	unsigned char *picture;
	struct vt_node node;
	struct vt_bar bar;
	unsigned int n;
	size_t frame;
	__u32 flags;
	int ret;

	if (!getenv("VT_WAYS"))
		SKIP(return, "no VT_WAYS: not started by tests/v4l2/peers");
	ASSERT_EQ(0, vt_open_vivid(&node, 0, 320, 180, V4L2_PIX_FMT_RGB24));
	picture = vt_reference(&node);
	ASSERT_NE(NULL, picture);
	frame = vt_frame_size(&node);
	ASSERT_EQ(0, vt_reqbufs(&node, V4L2_MEMORY_USERPTR, 2));
	for (n = 0; !(ret = vt_bar_map(&bar, n, (frame + PAGE - 1) & -PAGE)); n++) {
		memset(bar.map, VT_POISON, bar.size);
		EXPECT_EQ(0, vt_qbuf(&node, 0, bar.map));
		ASSERT_EQ(0, vt_streamon(&node));
		EXPECT_EQ(0, vt_dqbuf(&node, &flags));
		EXPECT_EQ(0U, flags & V4L2_BUF_FLAG_ERROR);
		EXPECT_EQ(-1, vt_find_difference(bar.map, picture, frame));
		ASSERT_EQ(0, vt_streamoff(&node));
		vt_bar_unmap(&bar);
	}
	EXPECT_EQ(-ENODEV, ret);
	vt_close(&node);
	free(picture);
}

TEST_HARNESS_MAIN
