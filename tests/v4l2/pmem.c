// SPDX-License-Identifier: GPL-2.0-only
/*
 * Capture into persistent memory, and find the picture after a reboot
 *
 * "pmem -t capture" in one boot, "pmem -t survives" in another one, with the same
 * PMEM_NONCE. "pmem -t answers" is about mappings that can't be captured into.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "kselftest_harness.h"
#include "vb2test.h"

#define PAGE		4096UL
#define CACHE_LINE	64UL

/* Memory with and without pages. */
FIXTURE(pmem)
{
	struct vt_node node;
	struct vt_target target;
	unsigned char *reference;
	const char *nonce;
	size_t frame;
	size_t slot;
};

FIXTURE_VARIANT(pmem)
{
	enum vt_kind kind;
};

FIXTURE_VARIANT_ADD(pmem, device_dax) { VT_DAX };
FIXTURE_VARIANT_ADD(pmem, no_driver) { VT_HIDDEN };

/*
 * A slot is a page with the nonce, which proves that the contents are those of
 * the other boot, the frame, and at least a page that stays as it is.
 */
FIXTURE_SETUP(pmem)
{
	int ret;

	self->nonce = getenv("PMEM_NONCE");
	ASSERT_NE(NULL, self->nonce) TH_LOG("PMEM_NONCE is not set");
	ASSERT_LT(strlen(self->nonce), PAGE);
	ASSERT_EQ(0, vt_open_camera(&self->node, 640, 480));
	self->frame = vt_frame_size(&self->node);
	self->slot = (PAGE + self->frame + 2 * PAGE - 1) & -PAGE;
	ret = vt_target_map(&self->target, variant->kind, self->slot, VT_BUFS);
	if (ret == -ENODEV)
		SKIP(return, "%s", self->target.why);
	ASSERT_EQ(0, ret);
	self->reference = vt_reference(&self->node);
	ASSERT_NE(NULL, self->reference);
}

FIXTURE_TEARDOWN(pmem)
{
	vt_close(&self->node);
	vt_target_unmap(&self->target);
	free(self->reference);
}

/*
 * Out of the CPU's caches, whoever wrote it through whatever mapping: the caches
 * know physical addresses only. clflush is what every x86-64 has.
 */
static void flush(const unsigned char *mem, size_t size)
{
	size_t i;

	for (i = 0; i < size; i += CACHE_LINE)
		__builtin_ia32_clflush(mem + i);
	__builtin_ia32_sfence();
}

static void check_slot(struct __test_metadata *const _metadata,
		       const unsigned char *slot, size_t slot_size,
		       const unsigned char *reference, size_t frame,
		       const char *nonce)
{
	size_t length = strlen(nonce);

	EXPECT_EQ(0, memcmp(slot, nonce, length));
	EXPECT_EQ(-1, vt_find_other(slot + length, PAGE - length, VT_POISON));
	EXPECT_EQ(-1, vt_find_difference(slot + PAGE, reference, frame));
	EXPECT_EQ(-1, vt_find_other(slot + PAGE + frame,
				    slot_size - PAGE - frame, VT_POISON));
}

TEST_F(pmem, capture)
{
	unsigned char *map = self->target.map;
	unsigned int i;

	memset(map, VT_POISON, self->target.size);
	for (i = 0; i < VT_BUFS; i++)
		memcpy(map + i * self->slot, self->nonce, strlen(self->nonce));
	ASSERT_EQ(0, vt_reqbufs(&self->node, V4L2_MEMORY_USERPTR, VT_BUFS));
	for (i = 0; i < VT_BUFS; i++)
		ASSERT_EQ(0, vt_qbuf(&self->node, i,
				     map + i * self->slot + PAGE));
	ASSERT_EQ(0, vt_streamon(&self->node));
	for (i = 0; i < VT_BUFS; i++) {
		__u32 flags;
		int index = vt_dqbuf(&self->node, &flags);

		ASSERT_LE(0, index);
		EXPECT_EQ(0U, flags & V4L2_BUF_FLAG_ERROR);
		check_slot(_metadata, map + index * self->slot, self->slot,
			   self->reference, self->frame, self->nonce);
	}
	ASSERT_EQ(0, vt_streamoff(&self->node));
	ASSERT_EQ(0, vt_reqbufs(&self->node, V4L2_MEMORY_USERPTR, 0));
	flush(map, self->target.size);
}

TEST_F(pmem, survives)
{
	unsigned int i;

	for (i = 0; i < VT_BUFS; i++)
		check_slot(_metadata, self->target.map + i * self->slot,
			   self->slot, self->reference, self->frame,
			   self->nonce);
}

/*
 * Mappings of persistent memory, or what looks like it, that VIDIOC_QBUF refuses
 */

FIXTURE(refused)
{
	struct vt_node node;
	void *map;
	size_t size;
};

FIXTURE_VARIANT(refused)
{
	/* environment variable with the name of the file */
	const char *file;
	int answer;
};

/* a file that the file system may move, and that says so */
FIXTURE_VARIANT_ADD(refused, fsdax) { "PMEM_FILE", -EOPNOTSUPP };
/* the page cache: its writes are tracked */
FIXTURE_VARIANT_ADD(refused, block_device) { "PMEM_BLOCK", -EFAULT };

FIXTURE_SETUP(refused)
{
	const char *name = getenv(variant->file);
	int fd;

	if (!name)
		SKIP(return, "%s is not set", variant->file);
	ASSERT_EQ(0, vt_open_camera(&self->node, 640, 480));
	self->size = vt_frame_size(&self->node);
	fd = open(name, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, fd) TH_LOG("%s: %s", name, strerror(errno));
	self->map = mmap(NULL, self->size, PROT_READ | PROT_WRITE, MAP_SHARED,
			 fd, 0);
	close(fd);
	ASSERT_NE(MAP_FAILED, self->map);
}

FIXTURE_TEARDOWN(refused)
{
	munmap(self->map, self->size);
	vt_close(&self->node);
}

TEST_F(refused, answers)
{
	ASSERT_EQ(0, vt_reqbufs(&self->node, V4L2_MEMORY_USERPTR, VT_BUFS));
	EXPECT_EQ(variant->answer, vt_qbuf(&self->node, 0, self->map));
	EXPECT_EQ(0, vt_still_pinned());
}

TEST_HARNESS_MAIN
