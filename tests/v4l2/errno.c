// SPDX-License-Identifier: GPL-2.0-only
/*
 * What VIDIOC_QBUF answers to memory that it can't take
 *
 * Every refusal must leave the buffer as it was: good memory is taken right
 * after it, and nothing stays pinned.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mount.h>

#include "kselftest_harness.h"
#include "vb2test.h"

#define PAGE	4096UL

/*
 * A device that captures: vivid
 */

FIXTURE(address)
{
	struct vt_node node;
	size_t frame;
	size_t slot;
	unsigned char *good;
	unsigned char *bad;
};

FIXTURE_SETUP(address)
{
	ASSERT_EQ(0, vt_open_vivid(&self->node, 0, 320, 180,
				   V4L2_PIX_FMT_RGB24));
	self->frame = vt_frame_size(&self->node);
	self->slot = (self->frame + PAGE - 1) & -PAGE;
	self->good = mmap(NULL, 2 * self->slot, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, self->good);
	self->bad = self->good + self->slot;
	ASSERT_EQ(0, vt_reqbufs(&self->node, V4L2_MEMORY_USERPTR, 2));
}

FIXTURE_TEARDOWN(address)
{
	vt_close(&self->node);
}

static int qbuf(const struct vt_node *node, void *addr, size_t length)
{
	return vt_qbuf_planes(node, 0, &addr, &length);
}

/*
 * @addr is refused: as the first memory of a buffer, and in place of other
 * memory, which can be used again.
 */
static void refused(struct __test_metadata *const _metadata,
		    const struct vt_node *node, void *good, void *addr,
		    size_t length, int error)
{
	__u32 flags;

	EXPECT_EQ(error, qbuf(node, addr, length));
	ASSERT_EQ(0, vt_qbuf(node, 0, good));
	ASSERT_EQ(0, vt_streamoff(node));
	EXPECT_EQ(error, qbuf(node, addr, length));
	ASSERT_EQ(0, vt_qbuf(node, 0, good));
	ASSERT_EQ(0, vt_streamon(node));
	EXPECT_EQ(0, vt_dqbuf(node, &flags));
	EXPECT_EQ(0U, flags & V4L2_BUF_FLAG_ERROR);
	EXPECT_EQ(error, qbuf(node, addr, length));
	ASSERT_EQ(0, vt_streamoff(node));
	ASSERT_EQ(0, vt_reqbufs(node, V4L2_MEMORY_USERPTR, 0));
	EXPECT_EQ(0, vt_still_pinned());
}

#define REFUSED(addr, length, error) \
	refused(_metadata, &self->node, self->good, addr, length, error)

TEST_F(address, nothing_mapped)
{
	ASSERT_EQ(0, munmap(self->bad, self->slot));
	REFUSED(self->bad, self->frame, -EFAULT);
}

TEST_F(address, null)
{
	REFUSED(NULL, self->frame, -EFAULT);
}

TEST_F(address, of_the_kernel)
{
	REFUSED((void *)0xffff888000000000, self->frame, -EFAULT);
}

TEST_F(address, wraps_around)
{
	REFUSED((void *)-PAGE, self->frame, -EFAULT);
}

TEST_F(address, hole_at_first_page)
{
	ASSERT_EQ(0, munmap(self->bad, PAGE));
	REFUSED(self->bad, self->frame, -EFAULT);
}

TEST_F(address, hole_in_the_middle)
{
	ASSERT_EQ(0, munmap(self->bad + 5 * PAGE, PAGE));
	REFUSED(self->bad, self->frame, -EFAULT);
}

TEST_F(address, hole_at_last_page)
{
	ASSERT_EQ(0, munmap(self->bad + self->slot - PAGE, PAGE));
	REFUSED(self->bad, self->frame, -EFAULT);
}

TEST_F(address, no_access)
{
	ASSERT_EQ(0, mprotect(self->bad, self->slot, PROT_NONE));
	REFUSED(self->bad, self->frame, -EFAULT);
}

TEST_F(address, read_only)
{
	ASSERT_EQ(0, mprotect(self->bad, self->slot, PROT_READ));
	REFUSED(self->bad, self->frame, -EFAULT);
}

TEST_F(address, last_page_read_only)
{
	ASSERT_EQ(0, mprotect(self->bad + self->slot - PAGE, PAGE, PROT_READ));
	REFUSED(self->bad, self->frame, -EFAULT);
}

TEST_F(address, behind_end_of_file)
{
	int fd = memfd_create("short", 0);

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, ftruncate(fd, self->slot - PAGE));
	ASSERT_NE(MAP_FAILED, mmap(self->bad, self->slot,
				   PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_FIXED, fd, 0));
	REFUSED(self->bad, self->frame, -EFAULT);
}

/*
 * The fbdev emulation of most DRM drivers shows what was written to a copy of
 * the picture, and learns of that by page faults. Nothing pins such memory for
 * long, here or in mainline.
 */
TEST_F(address, framebuffer_with_deferred_io)
{
	struct fb_fix_screeninfo fix;
	int fd = vt_open_fb("bochs-drmdrmfb", &fix);

	if (fd < 0)
		SKIP(return, "no bochs-display with the driver bochs-drm");
	ASSERT_NE(MAP_FAILED, mmap(self->bad, self->slot,
				   PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_FIXED, fd, 0));
	REFUSED(self->bad, self->frame, -EFAULT);
	close(fd);
}

TEST_F(address, shorter_than_image)
{
	REFUSED(self->bad, self->frame - 1, -EINVAL);
}

TEST_F(address, empty)
{
	REFUSED(self->bad, 0, -EINVAL);
}

/* What can be refused of memory without pages as well. */
FIXTURE(pageless)
{
	struct vt_node node;
	struct vt_target target;
	size_t frame;
	size_t slot;
	unsigned char *good;
};

FIXTURE_VARIANT(pageless)
{
	enum vt_kind kind;
};

FIXTURE_VARIANT_ADD(pageless, bar) { VT_BAR };
FIXTURE_VARIANT_ADD(pageless, bar_not_faulted_in) { VT_BAR_LAZY };
FIXTURE_VARIANT_ADD(pageless, bar_huge) { VT_BAR_HUGE };
FIXTURE_VARIANT_ADD(pageless, hidden_ram) { VT_HIDDEN };
FIXTURE_VARIANT_ADD(pageless, dma_mmap_coherent) { VT_COHERENT };
FIXTURE_VARIANT_ADD(pageless, bar_then_anonymous) { VT_BAR_THEN_ANON };

FIXTURE_SETUP(pageless)
{
	int ret;

	ASSERT_EQ(0, vt_open_vivid(&self->node, 0, 320, 180,
				   V4L2_PIX_FMT_RGB24));
	self->frame = vt_frame_size(&self->node);
	self->slot = (self->frame + PAGE - 1) & -PAGE;
	ret = vt_target_map(&self->target, variant->kind, self->slot, 1);
	if (ret == -ENODEV)
		SKIP(return, "%s", self->target.why);
	ASSERT_EQ(0, ret);
	self->good = mmap(NULL, self->slot, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, self->good);
	ASSERT_EQ(0, vt_reqbufs(&self->node, V4L2_MEMORY_USERPTR, 2));
}

FIXTURE_TEARDOWN(pageless)
{
	vt_close(&self->node);
	vt_target_unmap(&self->target);
}

/* Taken, unless the kernel can't map it for the CPU. */
TEST_F(pageless, complete)
{
	if (vt_kind_lacks(variant->kind, false))
		REFUSED(self->target.map, self->frame, -ENOMEM);
	else
		EXPECT_EQ(0, vt_qbuf(&self->node, 0, self->target.map));
}

TEST_F(pageless, hole)
{
	ASSERT_EQ(0, munmap(self->target.map + 5 * PAGE, PAGE));
	REFUSED(self->target.map, self->frame, -EFAULT);
}

TEST_F(pageless, ends_too_early)
{
	ASSERT_EQ(0, munmap(self->target.map + self->slot - PAGE, PAGE));
	REFUSED(self->target.map, self->frame, -EFAULT);
}

TEST_F(pageless, read_only)
{
	ASSERT_EQ(0, mprotect(self->target.map, self->slot, PROT_READ));
	REFUSED(self->target.map, self->frame, -EFAULT);
}

TEST_F(pageless, no_access)
{
	ASSERT_EQ(0, mprotect(self->target.map, self->slot, PROT_NONE));
	REFUSED(self->target.map, self->frame, -EFAULT);
}

TEST_F(pageless, shorter_than_image)
{
	REFUSED(self->target.map, self->frame - 1, -EINVAL);
}

/* A fault handler that says no. */
TEST_F(pageless, owner_refuses)
{
	bool lacking = vt_kind_lacks(variant->kind, false);
	struct vt_target exported;

	ASSERT_EQ(0, vt_target_map(&exported,
				   vt_kind_exporter(variant->kind) ?
				   variant->kind : VT_HIDDEN_LAZY, self->slot,
				   1));
	ASSERT_EQ(0, vt_target_zap(&exported));
	refused(_metadata, &self->node,
		lacking ? self->good : self->target.map, exported.map,
		self->frame, -EFAULT);
	vt_target_unmap(&exported);
}

/*
 * A private mapping is copied before it is written to, or refused: what it is a
 * copy of never changes.
 */
FIXTURE(private)
{
	struct vt_node node;
	struct vt_target target;
};

FIXTURE_SETUP(private)
{
	int ret;

	ASSERT_EQ(0, vt_open_vivid(&self->node, 0, 320, 180,
				   V4L2_PIX_FMT_RGB24));
	ret = vt_target_map(&self->target, VT_HIDDEN,
			    (vt_frame_size(&self->node) + PAGE - 1) & -PAGE, 1);
	if (ret == -ENODEV)
		SKIP(return, "%s", self->target.why);
	ASSERT_EQ(0, ret);
	ASSERT_EQ(0, vt_reqbufs(&self->node, V4L2_MEMORY_USERPTR, 2));
}

FIXTURE_TEARDOWN(private)
{
	vt_close(&self->node);
	vt_target_unmap(&self->target);
}

TEST_F(private, mapping)
{
	size_t frame = vt_frame_size(&self->node);
	struct vt_target *t = &self->target;
	void *map;
	int ret;

	ASSERT_EQ(0, vt_target_fill(t, 0, t->size, VT_POISON));
	map = mmap(NULL, t->size, PROT_READ | PROT_WRITE, MAP_PRIVATE,
		   t->memory[0].fd, t->memory[0].base);
	ASSERT_NE(MAP_FAILED, map);
	ret = vt_qbuf(&self->node, 0, map);
	if (ret) {
		EXPECT_EQ(-EFAULT, ret);
	} else {
		ASSERT_EQ(0, vt_streamon(&self->node));
		EXPECT_EQ(0, vt_dqbuf(&self->node, NULL));
		EXPECT_NE(-1, vt_find_other(map, frame, VT_POISON));
	}
	EXPECT_EQ(-1, vt_target_find_other(t, 0, t->size, VT_POISON));
}

/*
 * Devices that the allocator has to refuse memory for: the test module's
 */

/*
 * A device with one buffer, and memory for it and for @more bytes. -ENODEV, with
 * the reason in @target->why, if the machine has not got them.
 */
static int open_both(struct vt_node *node, struct vt_target *target,
		     const char *device, enum vt_kind kind, size_t more)
{
	size_t slot;
	int ret;

	memset(target, 0, sizeof(*target));
	ret = vt_open_dev(node, device);
	if (ret == -ENODEV)
		strcpy(target->why, "the module vb2_pfn_dev is not loaded");
	if (ret)
		return ret;
	slot = (vt_frame_size(node) + more + PAGE - 1) & -PAGE;
	ret = vt_target_map(target, kind, slot, 1);
	return ret ? ret : vt_reqbufs(node, V4L2_MEMORY_USERPTR, 1);
}

FIXTURE(device)
{
	struct vt_node node;
	struct vt_target target;
};

FIXTURE_VARIANT(device)
{
	const char *device;
	enum vt_kind kind;
	int error;
};

FIXTURE_VARIANT_ADD(device, revocable_anonymous) { "revocable", VT_ANON, 0 };
FIXTURE_VARIANT_ADD(device, revocable_bar) { "revocable", VT_BAR, 0 };
FIXTURE_VARIANT_ADD(device, revocable_coherent) {
	"revocable", VT_COHERENT, 0
};

FIXTURE_VARIANT_ADD(device, unrevocable_anonymous) {
	"unrevocable", VT_ANON, 0
};

FIXTURE_VARIANT_ADD(device, unrevocable_hugetlbfs) {
	"unrevocable", VT_HUGETLB, 0
};

FIXTURE_VARIANT_ADD(device, unrevocable_tmpfs) { "unrevocable", VT_TMPFS, 0 };
FIXTURE_VARIANT_ADD(device, unrevocable_bar) {
	"unrevocable", VT_BAR, -EOPNOTSUPP
};

FIXTURE_VARIANT_ADD(device, unrevocable_bar_and_anonymous) {
	"unrevocable", VT_BAR_THEN_ANON, -EOPNOTSUPP
};

FIXTURE_VARIANT_ADD(device, unrevocable_hidden_ram) {
	"unrevocable", VT_HIDDEN, -EOPNOTSUPP
};

FIXTURE_VARIANT_ADD(device, unrevocable_coherent) {
	"unrevocable", VT_COHERENT, -EOPNOTSUPP
};

FIXTURE_VARIANT_ADD(device, contiguous_bar) { "contiguous", VT_BAR, 0 };
FIXTURE_VARIANT_ADD(device, contiguous_bar_huge) {
	"contiguous", VT_BAR_HUGE, 0
};

FIXTURE_VARIANT_ADD(device, contiguous_hidden_ram) {
	"contiguous", VT_HIDDEN, 0
};

FIXTURE_VARIANT_ADD(device, contiguous_coherent) {
	"contiguous", VT_COHERENT, 0
};

FIXTURE_VARIANT_ADD(device, contiguous_hugetlbfs) {
	"contiguous", VT_HUGETLB, 0
};

FIXTURE_VARIANT_ADD(device, contiguous_two_bars) {
	"contiguous", VT_TWO_BARS, -EFAULT
};

FIXTURE_VARIANT_ADD(device, contiguous_bar_and_anonymous) {
	"contiguous", VT_BAR_THEN_ANON, -EFAULT
};

FIXTURE_VARIANT_ADD(device, contiguous_scattered_ram) {
	"contiguous", VT_PAGES, -EFAULT
};

FIXTURE_VARIANT_ADD(device, out_of_reach) { "narrow", VT_HIDDEN, -EIO };

FIXTURE_SETUP(device)
{
	int ret = open_both(&self->node, &self->target, variant->device,
			    variant->kind, 0);

	if (ret == -ENODEV)
		SKIP(return, "%s", self->target.why);
	ASSERT_EQ(0, ret);
}

FIXTURE_TEARDOWN(device)
{
	vt_close(&self->node);
	vt_target_unmap(&self->target);
}

TEST_F(device, answers)
{
	EXPECT_EQ(variant->error, vt_qbuf(&self->node, 0, self->target.map));
	/* the same when asked again, and afterwards the memory is free */
	ASSERT_EQ(0, vt_streamoff(&self->node));
	EXPECT_EQ(variant->error, vt_qbuf(&self->node, 0, self->target.map));
	ASSERT_EQ(0, vt_reqbufs(&self->node, V4L2_MEMORY_USERPTR, 0));
	EXPECT_EQ(0, vt_still_pinned());
}

/* What devices that take the memory do with it. */
FIXTURE(taken)
{
	struct vt_node node;
	struct vt_target target;
};

FIXTURE_VARIANT(taken)
{
	const char *device;
	enum vt_kind kind;
};

FIXTURE_VARIANT_ADD(taken, revocable_bar) { "revocable", VT_BAR };
FIXTURE_VARIANT_ADD(taken, revocable_coherent) { "revocable", VT_COHERENT };
FIXTURE_VARIANT_ADD(taken, contiguous_bar) { "contiguous", VT_BAR };
FIXTURE_VARIANT_ADD(taken, contiguous_hidden_ram) { "contiguous", VT_HIDDEN };

FIXTURE_SETUP(taken)
{
	int ret = open_both(&self->node, &self->target, variant->device,
			    variant->kind, PAGE);

	if (ret == -ENODEV)
		SKIP(return, "%s", self->target.why);
	ASSERT_EQ(0, ret);
}

FIXTURE_TEARDOWN(taken)
{
	vt_close(&self->node);
	vt_target_unmap(&self->target);
}

/*
 * The address that would go into a register is the memory's own: there is no
 * I/O MMU here.
 */
static void check_dma_address(struct __test_metadata *const _metadata,
			      const struct vt_node *node,
			      const struct vt_target *t, size_t offset)
{
	char text[32];

	ASSERT_EQ(0, vt_qbuf(node, 0, t->map + offset));
	ASSERT_EQ(0, vt_read_file("/sys/kernel/debug/vb2_pfn_dev/dma_addr",
				  text, sizeof(text)));
	EXPECT_EQ(t->memory[0].phys + offset, strtoul(text, NULL, 16));
	ASSERT_EQ(0, vt_streamoff(node));
}

/* The device lets go before munmap() returns. */
TEST_F(taken, and_given_back)
{
	struct vt_target *t = &self->target;
	__u32 flags;

	if (!strcmp(variant->device, "contiguous")) {
		check_dma_address(_metadata, &self->node, t, 0);
		check_dma_address(_metadata, &self->node, t, 64);
	}
	ASSERT_EQ(0, vt_qbuf(&self->node, 0, t->map));
	ASSERT_EQ(0, vt_streamon(&self->node));
	ASSERT_EQ(0, munmap(t->map, PAGE));
	ASSERT_EQ(0, fcntl(self->node.fd, F_SETFL, O_NONBLOCK));
	EXPECT_EQ(0, vt_dqbuf(&self->node, &flags));
	EXPECT_NE(0U, flags & V4L2_BUF_FLAG_ERROR);
	EXPECT_EQ(-EFAULT, vt_qbuf(&self->node, 0, t->map));
	ASSERT_EQ(0, vt_target_remap(t, 0, PAGE));
	EXPECT_EQ(0, vt_qbuf(&self->node, 0, t->map));
}

/*
 * Rows of the table that this machine can't show
 */

TEST(misaligned_for_the_device)
{
	SKIP(return, "x86 DMA is coherent and takes any address");
}

TEST(cached_memory_and_incoherent_device)
{
	SKIP(return, "x86 DMA is coherent");
}

TEST(encrypted_memory)
{
	SKIP(return, "the CPU has no memory encryption");
}

/* What a device without scatter-gather can't use, its mapping does not gather here. */
TEST(scattered_dmabuf)
{
	struct vt_node node;
	int fd, ret;

	ret = vt_open_dev(&node, "contiguous");
	if (ret == -ENODEV)
		SKIP(return, "the module vb2_pfn_dev is not loaded");
	ASSERT_EQ(0, ret);
	if (access("/dev/udmabuf", R_OK | W_OK))
		SKIP(return, "the kernel has no udmabuf");
	fd = vt_udmabuf((vt_frame_size(&node) + PAGE - 1) & -PAGE, true);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, vt_reqbufs(&node, V4L2_MEMORY_DMABUF, 1));
	EXPECT_EQ(-EFAULT, vt_qbuf_dmabuf(&node, 0, fd));
	close(fd);
	vt_close(&node);
}

/*
 * The module parameter that overrides a refusal. Locking the kernel down is for
 * good, so these are the last tests.
 */

#define PARAMETERS	"/sys/module/videobuf2_dma_pfn/parameters"
#define PARAMETER	"unsafe_unrevocable"
#define TAINT_USER	(1UL << 6)

FIXTURE(override)
{
	struct vt_node node;
	struct vt_target target;
	struct vt_target anonymous;
};

FIXTURE_SETUP(override)
{
	size_t slot;
	int ret;

	ret = vt_open_dev(&self->node, "unrevocable");
	if (ret == -ENODEV)
		SKIP(return, "the module vb2_pfn_dev is not loaded");
	ASSERT_EQ(0, ret);
	slot = (vt_frame_size(&self->node) + PAGE - 1) & -PAGE;
	ASSERT_EQ(0, vt_target_map(&self->target, VT_COHERENT, slot, 1));
	ASSERT_EQ(0, vt_target_map(&self->anonymous, VT_ANON, slot, 1));
	ASSERT_EQ(0, vt_reqbufs(&self->node, V4L2_MEMORY_USERPTR, 2));
}

FIXTURE_TEARDOWN(override)
{
	vt_write_file(PARAMETERS, PARAMETER, "0");
	vt_close(&self->node);
	vt_target_unmap(&self->target);
	vt_target_unmap(&self->anonymous);
}

static unsigned long tainted(void)
{
	char text[32];

	if (vt_read_file("/proc/sys/kernel/tainted", text, sizeof(text)))
		return 0;
	return strtoul(text, NULL, 10);
}

TEST_F(override, works_and_taints)
{
	bool before = tainted() & TAINT_USER;

	EXPECT_EQ(-EOPNOTSUPP, vt_qbuf(&self->node, 0, self->target.map));
	ASSERT_EQ(0, vt_write_file(PARAMETERS, PARAMETER, "1"));
	EXPECT_EQ(before, !!(tainted() & TAINT_USER));
	EXPECT_EQ(0, vt_qbuf(&self->node, 0, self->target.map));
	if (access("/proc/sys/kernel/tainted", R_OK))
		SKIP(return, "the kernel does not show its taint");
	EXPECT_NE(0UL, tainted() & TAINT_USER);
}

/* Nobody can be told to keep off the memory: the log says that nobody was. */
TEST_F(override, is_logged)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	bool logged = false;
	char line[1024];
	ssize_t n;

	ASSERT_LE(0, fd);
	ASSERT_LE(0, lseek(fd, 0, SEEK_END));
	ASSERT_EQ(0, vt_write_file(PARAMETERS, PARAMETER, "1"));
	ASSERT_EQ(0, vt_qbuf(&self->node, 0, self->target.map));
	ASSERT_EQ(0, munmap(self->target.map, PAGE));
	while ((n = read(fd, line, sizeof(line) - 1)) > 0) {
		line[n] = '\0';
		logged |= !!strstr(line, "buffer 0 may be written to after its memory");
	}
	close(fd);
	EXPECT_TRUE(logged);
}

TEST_F(override, ends)
{
	ASSERT_EQ(0, vt_write_file(PARAMETERS, PARAMETER, "1"));
	EXPECT_EQ(0, vt_qbuf(&self->node, 0, self->target.map));
	ASSERT_EQ(0, vt_streamoff(&self->node));
	ASSERT_EQ(0, vt_write_file(PARAMETERS, PARAMETER, "0"));
	EXPECT_EQ(-EOPNOTSUPP, vt_qbuf(&self->node, 1, self->target.map));
}

TEST_F(override, locked_down)
{
	struct vt_node revocable;
	int ret;

	mount("securityfs", "/sys/kernel/security", "securityfs", 0, NULL);
	if (access("/sys/kernel/security/lockdown", W_OK))
		SKIP(return, "the kernel has no lockdown");
	ASSERT_EQ(0, vt_open_dev(&revocable, "revocable"));
	ASSERT_EQ(0, vt_reqbufs(&revocable, V4L2_MEMORY_USERPTR, 1));
	ASSERT_EQ(0, vt_write_file(PARAMETERS, PARAMETER, "1"));
	ASSERT_EQ(0, vt_write_file("/sys/kernel/security", "lockdown",
				   "integrity"));

	EXPECT_EQ(-EPERM, vt_qbuf(&self->node, 0, self->target.map));
	/* neither memory that stays nor a driver that lets go needs it */
	EXPECT_EQ(0, vt_qbuf(&self->node, 0, self->anonymous.map));
	EXPECT_EQ(0, vt_qbuf(&revocable, 0, self->target.map));
	vt_close(&revocable);

	/* nor can it be switched on afterwards, in effect */
	vt_write_file(PARAMETERS, PARAMETER, "0");
	vt_write_file(PARAMETERS, PARAMETER, "1");
	ret = vt_qbuf(&self->node, 1, self->target.map);
	EXPECT_TRUE(ret == -EPERM || ret == -EOPNOTSUPP);
}

TEST_HARNESS_MAIN
