// SPDX-License-Identifier: GPL-2.0-only
/*
 * Metadata of a USB camera in memory without pages, which is taken away
 *
 * uvcvideo writes metadata in interrupt context and the picture in process context:
 * this is the other half of what revoke.c tests with the picture.
 */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include <linux/uvcvideo.h>
#include <linux/usb/video.h>

#include "kselftest_harness.h"
#include "vb2test.h"

#define PAGE	4096UL
#define REPEAT	50

FIXTURE(metadata)
{
	struct vt_node video;
	struct vt_node meta;
	struct vt_target frames;
	struct vt_target blocks;
	size_t slot;
};

FIXTURE_VARIANT(metadata)
{
	enum vt_kind kind;
};

FIXTURE_VARIANT_ADD(metadata, anonymous) { VT_ANON };
FIXTURE_VARIANT_ADD(metadata, bar) { VT_BAR };
FIXTURE_VARIANT_ADD(metadata, hidden_ram) { VT_HIDDEN };

static int open_metadata(struct vt_node *node, const struct vt_node *video)
{
	struct v4l2_format f = { .type = V4L2_BUF_TYPE_META_CAPTURE };

	memset(node, 0, sizeof(*node));
	node->type = f.type;
	node->num_planes = 1;
	node->frame_us = video->frame_us;
	node->timeout_ms = video->timeout_ms;
	node->fd = vt_open_node("uvcvideo", NULL, V4L2_CAP_META_CAPTURE);
	if (node->fd < 0)
		return node->fd;
	if (ioctl(node->fd, VIDIOC_G_FMT, &f))
		return -errno;
	node->size[0] = f.fmt.meta.buffersize;
	return 0;
}

FIXTURE_SETUP(metadata)
{
	size_t frame;
	int ret;

	srand(getpid());
	self->meta.fd = -1;
	if (!getenv("VT_CAMERA") || strcmp(getenv("VT_CAMERA"), "uvcvideo"))
		SKIP(return, "the camera is not uvcvideo's");
	ASSERT_EQ(0, vt_open_camera(&self->video, 320, 180));
	ASSERT_EQ(0, open_metadata(&self->meta, &self->video));
	frame = (vt_frame_size(&self->video) + PAGE - 1) & -PAGE;
	ASSERT_EQ(0, vt_target_map(&self->frames, VT_ANON, frame, VT_BUFS));
	self->slot = (self->meta.size[0] + PAGE - 1) & -PAGE;
	ret = vt_target_map(&self->blocks, variant->kind, self->slot, VT_BUFS);
	if (ret == -ENODEV)
		SKIP(return, "%s", self->blocks.why);
	ASSERT_EQ(0, ret);
}

FIXTURE_TEARDOWN(metadata)
{
	vt_close(&self->meta);
	vt_close(&self->video);
	vt_target_unmap(&self->blocks);
	vt_target_unmap(&self->frames);
}

static unsigned char *slot_of(const struct vt_target *t, unsigned int index)
{
	return t->map + index * t->slot;
}

static void start(struct __test_metadata *const _metadata,
		  const struct vt_node *node, const struct vt_target *t)
{
	unsigned int i;

	ASSERT_EQ(0, vt_reqbufs(node, V4L2_MEMORY_USERPTR, VT_BUFS));
	for (i = 0; i < VT_BUFS; i++)
		ASSERT_EQ(0, vt_qbuf(node, i, slot_of(t, i)));
	ASSERT_EQ(0, vt_streamon(node));
}

static void stop(struct __test_metadata *const _metadata,
		 const struct vt_node *node)
{
	ASSERT_EQ(0, vt_streamoff(node));
	ASSERT_EQ(0, vt_reqbufs(node, V4L2_MEMORY_USERPTR, 0));
}

/* Metadata comes with frames only. */
static void pass_frames(struct __test_metadata *const _metadata,
			const struct vt_node *video,
			const struct vt_target *frames, unsigned int n)
{
	while (n--) {
		__u32 flags;
		int index = vt_dqbuf(video, &flags);

		ASSERT_LE(0, index);
		ASSERT_EQ(0, vt_qbuf(video, index, slot_of(frames, index)));
	}
}

/* Blocks of the size of this camera's payload header, in the order of time. */
static void check_blocks(struct __test_metadata *const _metadata,
			 const unsigned char *mem, size_t size)
{
	const size_t header = 12;
	uint64_t last = 0;
	size_t n;

	for (n = 0; n + 10 + header <= size; n += 10 + header) {
		struct uvc_meta_buf block;

		memcpy(&block, mem + n, sizeof(block));
		if (block.length == VT_POISON)
			break;
		EXPECT_EQ(header, block.length);
		EXPECT_EQ(UVC_STREAM_PTS | UVC_STREAM_SCR,
			  block.flags & (UVC_STREAM_PTS | UVC_STREAM_SCR));
		EXPECT_LE(last, block.ns);
		last = block.ns;
	}
	EXPECT_LT(0U, n);
	EXPECT_EQ(-1, vt_find_other(mem + n, size - n, VT_POISON));
}

TEST_F(metadata, capture)
{
	unsigned int i;

	ASSERT_EQ(0, vt_target_fill(&self->blocks, 0, self->blocks.size,
				    VT_POISON));
	start(_metadata, &self->meta, &self->blocks);
	start(_metadata, &self->video, &self->frames);
	pass_frames(_metadata, &self->video, &self->frames, 2 * VT_BUFS);
	for (i = 0; i < VT_BUFS; i++) {
		__u32 flags;
		int index = vt_dqbuf(&self->meta, &flags);

		ASSERT_LE(0, index);
		EXPECT_EQ(0U, flags & V4L2_BUF_FLAG_ERROR);
		check_blocks(_metadata, slot_of(&self->blocks, index),
			     self->slot);
	}
	stop(_metadata, &self->meta);
	stop(_metadata, &self->video);
}

/* The pages that are pinned are not those that are mapped anew. */
TEST_F(metadata, munmap)
{
	struct vt_target *t = &self->blocks;
	unsigned int i, n;

	start(_metadata, &self->video, &self->frames);
	for (n = 0; n < REPEAT; n++) {
		start(_metadata, &self->meta, t);
		pass_frames(_metadata, &self->video, &self->frames, 1);
		usleep(rand() % self->video.frame_us);
		ASSERT_EQ(0, munmap(t->map, t->size));
		if (vt_target_watchable(t))
			ASSERT_EQ(0, vt_target_fill(t, 0, t->size, VT_OWNED));
		pass_frames(_metadata, &self->video, &self->frames, VT_BUFS);
		if (vt_target_watchable(t))
			EXPECT_EQ(-1, vt_target_find_other(t, 0, t->size,
							   VT_OWNED));
		for (i = 0; i < VT_BUFS; i++) {
			__u32 flags;

			ASSERT_LE(0, vt_dqbuf(&self->meta, &flags));
			if (!vt_kind_pinned(variant->kind))
				EXPECT_NE(0U, flags & V4L2_BUF_FLAG_ERROR);
		}
		stop(_metadata, &self->meta);
		ASSERT_EQ(0, vt_target_remap(t, 0, t->size));
	}
	stop(_metadata, &self->video);
}

/* Stopped at any moment, while the video goes on. */
TEST_F(metadata, streamoff)
{
	struct vt_target *t = &self->blocks;
	unsigned int n;

	start(_metadata, &self->video, &self->frames);
	for (n = 0; n < REPEAT; n++) {
		start(_metadata, &self->meta, t);
		pass_frames(_metadata, &self->video, &self->frames, 1);
		usleep(rand() % self->video.frame_us);
		stop(_metadata, &self->meta);
		ASSERT_EQ(0, vt_target_fill(t, 0, t->size, VT_OWNED));
		pass_frames(_metadata, &self->video, &self->frames, 2);
		EXPECT_EQ(-1, vt_target_find_other(t, 0, t->size, VT_OWNED));
	}
	stop(_metadata, &self->video);
}

TEST_HARNESS_MAIN
