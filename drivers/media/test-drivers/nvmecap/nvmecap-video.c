// SPDX-License-Identifier: GPL-2.0-only
/*
 * Capture device whose bus master is an NVMe controller: the video node
 *
 * Frame n of the current format begins at n * sizeimage on the namespace. A timer
 * says when a frame is due. It is read into the next buffer by as many commands
 * as it takes, of which the controller gets as many at a time as its queue takes.
 * There is one frame in transfer at most: one that is due meanwhile is dropped,
 * as is one for which there is no buffer.
 */
#include <linux/dma-mapping.h>
#include <linux/iopoll.h>
#include <linux/jiffies.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/slab.h>

#include <media/v4l2-common.h>
#include <media/v4l2-ioctl.h>
#include <media/videobuf2-dma-contig.h>
#include <media/videobuf2-dma-pfn.h>
#include <media/videobuf2-dma-sg.h>

#include "nvmecap.h"

/* How long buf_revoke may wait if it may not sleep */
#define NVMECAP_ATOMIC_WAIT_US	1000

static const u32 nvmecap_formats[] = {
	V4L2_PIX_FMT_YUYV,
	V4L2_PIX_FMT_UYVY,
	V4L2_PIX_FMT_NV12,
	V4L2_PIX_FMT_GREY,
	V4L2_PIX_FMT_RGB24,
	V4L2_PIX_FMT_XBGR32,
	V4L2_PIX_FMT_XRGB32,
};

static const struct v4l2_frmsize_stepwise nvmecap_sizes = {
	.min_width = 160,
	.max_width = 4096,
	.step_width = 2,
	.min_height = 120,
	.max_height = 2160,
	.step_height = 2,
};

static const struct v4l2_fract nvmecap_min_interval = { 1, 240 };
static const struct v4l2_fract nvmecap_max_interval = { 1, 1 };

static struct nvmecap_buffer *to_nvmecap_buffer(struct vb2_buffer *vb)
{
	return container_of(to_vb2_v4l2_buffer(vb), struct nvmecap_buffer, vb);
}

/*
 * Frames
 */

static unsigned int nvmecap_nr_commands(const struct nvmecap *nc)
{
	return DIV_ROUND_UP(nc->pix.sizeimage, nc->geometry.max_transfer);
}

/* Give a buffer back. */
static void nvmecap_return(struct nvmecap *nc, struct nvmecap_buffer *buf,
			   enum vb2_buffer_state state)
{
	if (state == VB2_BUF_STATE_ERROR)
		nc->stats.errors++;
	vb2_buffer_done(&buf->vb.vb2_buf, state);
}

static void nvmecap_frame_end(struct nvmecap *nc)
{
	struct nvmecap_frame *frame = &nc->frame;
	struct nvmecap_buffer *buf = frame->buf;
	bool revoked = vb2_buffer_revoked(&buf->vb.vb2_buf);

	frame->buf = NULL;
	if (revoked)
		nc->stats.revoked_active++;
	if (revoked || frame->failed ||
	    frame->next < nvmecap_nr_commands(nc)) {
		nvmecap_return(nc, buf, VB2_BUF_STATE_ERROR);
	} else {
		nc->stats.frames++;
		nc->stats.bytes += nc->pix.sizeimage;
		nvmecap_return(nc, buf, VB2_BUF_STATE_DONE);
	}
	wake_up(&nc->idle);
}

static void nvmecap_frame_submit(struct nvmecap *nc)
{
	struct nvmecap_frame *frame = &nc->frame;
	unsigned int nr = nvmecap_nr_commands(nc);
	unsigned int first = frame->next;

	for (; frame->next < nr; frame->next++) {
		size_t offset = frame->next * (size_t)nc->geometry.max_transfer;
		size_t bytes = min(nc->geometry.max_transfer,
				   nc->pix.sizeimage - offset);

		if (!nvmecap_ctrl_read(nc, frame->slba +
					   (offset >> nc->geometry.lba_shift),
				       bytes, &frame->buf->dptr[frame->next]))
			break;
		frame->in_flight++;
		nc->stats.submitted++;
	}

	if (frame->next > first)
		nvmecap_ctrl_ring(nc);
}

/**
 * nvmecap_frame_advance() - go on with the frame in transfer, if there is one
 * @nc: the device
 *
 * Context: any, with nvmecap.lock held.
 */
void nvmecap_frame_advance(struct nvmecap *nc)
{
	struct nvmecap_frame *frame = &nc->frame;

	lockdep_assert_held(&nc->lock);

	if (!frame->buf)
		return;

	/*
	 * Whoever has lost his memory is not looked for: the I/O MMU leads the
	 * rest of the frame elsewhere, as it has to with hardware that can't be
	 * stopped in the middle of one, and without it buf_revoke comes.
	 */
	if (!frame->failed)
		nvmecap_frame_submit(nc);
	if (!frame->in_flight)
		nvmecap_frame_end(nc);
}

/**
 * nvmecap_frame_answered() - a READ command was answered
 * @nc: the device
 * @status: status of the command
 * @result: of no meaning for this command
 *
 * Context: any, with nvmecap.lock held. nvmecap_frame_advance() follows.
 */
void nvmecap_frame_answered(struct nvmecap *nc, u16 status, u32 result)
{
	struct nvmecap_frame *frame = &nc->frame;

	nc->stats.completed++;
	frame->in_flight--;
	frame->deadline = jiffies + msecs_to_jiffies(NVMECAP_TIMEOUT_MS);
	if (status & NVME_SCT_SC_MASK) {
		dev_dbg_ratelimited(&nc->pdev->dev, "frame %u: status %#x\n",
				    frame->buf->vb.sequence, status);
		nc->stats.failed++;
		frame->failed = true;
	}
}

/**
 * nvmecap_frame_abort() - fail the frame in transfer, if there is one
 * @nc: the device, whose controller is stopped
 *
 * Context: any, with nvmecap.lock held.
 */
void nvmecap_frame_abort(struct nvmecap *nc)
{
	lockdep_assert_held(&nc->lock);

	nc->frame.in_flight = 0;
	nc->frame.failed = true;
	if (nc->frame.buf)
		nvmecap_frame_end(nc);
}

static struct nvmecap_buffer *nvmecap_next_buffer(struct nvmecap *nc)
{
	struct nvmecap_buffer *buf;

	while ((buf = list_first_entry_or_null(&nc->bufs, struct nvmecap_buffer,
					       list))) {
		list_del(&buf->list);
		if (!vb2_buffer_revoked(&buf->vb.vb2_buf))
			break;
		nc->stats.revoked_queued++;
		nvmecap_return(nc, buf, VB2_BUF_STATE_ERROR);
	}
	return buf;
}

/* The last frame is not complete yet: is it still going to be? */
static void nvmecap_check_progress(struct nvmecap *nc)
{
	bool late = time_after(jiffies, nc->frame.deadline);

	if (late)
		nc->stats.timeouts++;
	if (late || nvmecap_ctrl_failed(nc))
		nvmecap_ctrl_reset(nc);
}

static void nvmecap_next_frame(struct nvmecap *nc)
{
	struct nvmecap_buffer *buf = NULL;
	u32 sequence = nc->sequence++;

	if (nc->frame.buf)
		nvmecap_check_progress(nc);
	else if (nc->state == NVMECAP_LIVE)
		buf = nvmecap_next_buffer(nc);
	if (!buf) {
		nc->stats.dropped++;
		return;
	}

	buf->vb.sequence = sequence;
	buf->vb.field = V4L2_FIELD_NONE;
	buf->vb.vb2_buf.timestamp = ktime_get_ns();
	nc->frame = (struct nvmecap_frame) {
		.buf = buf,
		.slba = (u64)(sequence % nc->nr_frames) *
			(nc->pix.sizeimage >> nc->geometry.lba_shift),
		.deadline = jiffies + msecs_to_jiffies(NVMECAP_TIMEOUT_MS),
	};
	nvmecap_frame_advance(nc);
}

static enum hrtimer_restart nvmecap_tick(struct hrtimer *timer)
{
	struct nvmecap *nc = container_of(timer, struct nvmecap, timer);
	u64 due;

	guard(spinlock_irqsave)(&nc->lock);
	if (!nc->streaming)
		return HRTIMER_NORESTART;

	due = hrtimer_forward_now(timer, nc->period);
	/* frames that this machine was too busy for */
	nc->sequence += due - 1;
	nc->stats.dropped += due - 1;
	nvmecap_next_frame(nc);
	return HRTIMER_RESTART;
}

/*
 * The commands for a buffer. Only the first entry of a PRP list may start, and
 * only the last one may end, within a page of the controller.
 */

/**
 * struct nvmecap_builder - the state of nvmecap_build_commands()
 * @buf: the buffer that the commands are for
 * @max_transfer: bytes that a command transfers at most
 * @left: bytes of the frame that have no place yet
 * @command_left: those that the current command transfers
 * @command: the current command
 * @nr: number of entries that it has
 * @ended: the last one of them ends within a page
 */
struct nvmecap_builder {
	struct nvmecap_buffer *buf;
	size_t max_transfer;
	size_t left;
	size_t command_left;
	unsigned int command;
	unsigned int nr;
	bool ended;
};

static void nvmecap_add_entry(struct nvmecap_builder *b, dma_addr_t addr)
{
	union nvme_data_ptr *dptr = &b->buf->dptr[b->command];
	size_t list = b->command * (b->max_transfer / NVMECAP_PAGE);
	__le64 entry = cpu_to_le64(addr);

	switch (b->nr++) {
	case 0:
		dptr->prp1 = entry;
		return;
	case 1:
		dptr->prp2 = entry;
		break;
	case 2:
		dptr->prp2 = cpu_to_le64(b->buf->prps_dma +
					 list * sizeof(entry));
		break;
	}
	b->buf->prps[list + b->nr - 2] = entry;
}

static int nvmecap_add_range(struct nvmecap_builder *b, dma_addr_t addr,
			     size_t len)
{
	while (len && b->left) {
		size_t offset = addr % NVMECAP_PAGE;
		size_t n = min3(len, NVMECAP_PAGE - offset, b->command_left);

		if (b->nr ? offset || b->ended : offset % 4)
			return -EINVAL;
		nvmecap_add_entry(b, addr);
		b->ended = offset + n < NVMECAP_PAGE;
		addr += n;
		len -= n;
		b->left -= n;
		b->command_left -= n;
		if (!b->command_left) {
			b->command_left = min(b->left, b->max_transfer);
			b->command++;
			b->nr = 0;
		}
	}
	return 0;
}

static int nvmecap_add_plane(struct nvmecap *nc, struct nvmecap_builder *b)
{
	struct vb2_buffer *vb = &b->buf->vb.vb2_buf;
	struct scatterlist *sg;
	struct sg_table *sgt;
	unsigned int i;
	int ret = 0;

	if (nc->config.allocator == NVMECAP_DMA_CONTIG)
		return nvmecap_add_range(b, vb2_dma_contig_plane_dma_addr(vb, 0),
					 b->left);
	if (nc->config.contiguous)
		return nvmecap_add_range(b, vb2_dma_pfn_plane_dma_addr(vb, 0),
					 b->left);

	if (nc->config.allocator == NVMECAP_DMA_SG)
		sgt = vb2_dma_sg_plane_desc(vb, 0);
	else
		sgt = vb2_dma_pfn_plane_desc(vb, 0);
	for_each_sgtable_dma_sg(sgt, sg, i) {
		ret = nvmecap_add_range(b, sg_dma_address(sg), sg_dma_len(sg));
		if (ret || !b->left)
			break;
	}
	return ret;
}

static int nvmecap_build_commands(struct nvmecap *nc,
				  struct nvmecap_buffer *buf)
{
	struct nvmecap_builder b = {
		.buf = buf,
		.max_transfer = nc->geometry.max_transfer,
		.left = nc->pix.sizeimage,
		.command_left = min(nc->pix.sizeimage,
				    nc->geometry.max_transfer),
	};
	int ret;

	ret = nvmecap_add_plane(nc, &b);
	if (!ret && b.left)
		ret = -EINVAL;
	if (ret)
		dev_dbg(&nc->pdev->dev,
			"buffer %u: a part of the memory does not start or end with a page\n",
			buf->vb.vb2_buf.index);
	return ret;
}

/*
 * The queue
 */

static int nvmecap_queue_setup(struct vb2_queue *q, unsigned int *num_buffers,
			       unsigned int *num_planes, unsigned int sizes[],
			       struct device *alloc_devs[])
{
	struct nvmecap *nc = vb2_get_drv_priv(q);

	if (*num_planes)
		return sizes[0] < nc->pix.sizeimage ? -EINVAL : 0;
	*num_planes = 1;
	sizes[0] = nc->pix.sizeimage;
	return 0;
}

static void nvmecap_buf_cleanup(struct vb2_buffer *vb)
{
	struct nvmecap *nc = vb2_get_drv_priv(vb->vb2_queue);
	struct nvmecap_buffer *buf = to_nvmecap_buffer(vb);

	dma_free_coherent(&nc->pdev->dev, buf->prps_size, buf->prps,
			  buf->prps_dma);
	kvfree(buf->dptr);
}

/* Called when the buffer has got memory, and again when it has got another. */
static int nvmecap_buf_init(struct vb2_buffer *vb)
{
	struct nvmecap *nc = vb2_get_drv_priv(vb->vb2_queue);
	struct nvmecap_buffer *buf = to_nvmecap_buffer(vb);
	unsigned int nr = nvmecap_nr_commands(nc);
	int ret;

	buf->dptr = kvcalloc(nr, sizeof(*buf->dptr), GFP_KERNEL);
	if (!buf->dptr)
		return -ENOMEM;

	/*
	 * A list is as long as a power of two and no longer than a page, so that
	 * none of them crosses one.
	 */
	buf->prps_size = nr * (nc->geometry.max_transfer / NVMECAP_PAGE) *
			 sizeof(*buf->prps);
	buf->prps = dma_alloc_coherent(&nc->pdev->dev, buf->prps_size,
				       &buf->prps_dma, GFP_KERNEL);
	if (!buf->prps) {
		kvfree(buf->dptr);
		return -ENOMEM;
	}

	ret = nvmecap_build_commands(nc, buf);
	if (ret)
		nvmecap_buf_cleanup(vb);
	return ret;
}

static int nvmecap_buf_prepare(struct vb2_buffer *vb)
{
	struct nvmecap *nc = vb2_get_drv_priv(vb->vb2_queue);

	if (vb2_plane_size(vb, 0) < nc->pix.sizeimage)
		return -EINVAL;
	vb2_set_plane_payload(vb, 0, nc->pix.sizeimage);
	return 0;
}

static void nvmecap_buf_queue(struct vb2_buffer *vb)
{
	struct nvmecap *nc = vb2_get_drv_priv(vb->vb2_queue);

	guard(spinlock_irqsave)(&nc->lock);
	list_add_tail(&to_nvmecap_buffer(vb)->list, &nc->bufs);
}

static void nvmecap_return_all(struct nvmecap *nc, enum vb2_buffer_state state)
{
	struct nvmecap_buffer *buf, *next;

	guard(spinlock_irqsave)(&nc->lock);
	list_for_each_entry_safe(buf, next, &nc->bufs, list) {
		list_del(&buf->list);
		vb2_buffer_done(&buf->vb.vb2_buf, state);
	}
}

/* Answers that have come already count, even if nobody has looked at them. */
static bool nvmecap_in_transfer(struct nvmecap *nc,
				const struct nvmecap_buffer *buf)
{
	guard(spinlock_irqsave)(&nc->lock);
	nvmecap_ctrl_poll(nc);
	return nc->frame.buf == buf;
}

static bool nvmecap_is_idle(struct nvmecap *nc)
{
	return nvmecap_in_transfer(nc, NULL);
}

static int nvmecap_check_start(struct nvmecap *nc)
{
	scoped_guard(spinlock_irqsave, &nc->lock)
		if (nc->state == NVMECAP_DEAD)
			return -EIO;

	nc->nr_frames = min(div_u64(nc->geometry.ns_bytes, nc->pix.sizeimage),
			    U32_MAX);
	if (!nc->nr_frames) {
		dev_dbg(&nc->pdev->dev,
			"the namespace is too small for a frame of %u bytes\n",
			nc->pix.sizeimage);
		return -ENOSPC;
	}
	return 0;
}

static int nvmecap_start_streaming(struct vb2_queue *q, unsigned int count)
{
	struct nvmecap *nc = vb2_get_drv_priv(q);
	int ret;

	ret = nvmecap_check_start(nc);
	if (ret) {
		nvmecap_return_all(nc, VB2_BUF_STATE_QUEUED);
		return ret;
	}

	nc->period = ns_to_ktime(div_u64((u64)nc->interval.numerator *
					 NSEC_PER_SEC,
					 nc->interval.denominator));
	scoped_guard(spinlock_irqsave, &nc->lock) {
		nc->sequence = 0;
		nc->streaming = true;
	}
	hrtimer_start(&nc->timer, nc->period, HRTIMER_MODE_REL_SOFT);
	return 0;
}

static void nvmecap_stop_streaming(struct vb2_queue *q)
{
	struct nvmecap *nc = vb2_get_drv_priv(q);

	scoped_guard(spinlock_irqsave, &nc->lock) {
		nc->streaming = false;
		nc->frame.failed = true;
	}
	hrtimer_cancel(&nc->timer);

	if (nvmecap_ctrl_failed(nc) ||
	    !wait_event_timeout(nc->idle, nvmecap_is_idle(nc),
				msecs_to_jiffies(NVMECAP_TIMEOUT_MS))) {
		scoped_guard(mutex, &nc->reset_lock)
			nvmecap_ctrl_stop(nc);
		nvmecap_ctrl_reset(nc);
	}
	nvmecap_return_all(nc, VB2_BUF_STATE_ERROR);
}

/* 0 when the controller is done with the buffer, or an error if it takes long */
static int nvmecap_wait_for_buffer(struct nvmecap *nc,
				   struct nvmecap_buffer *buf, bool may_block)
{
	unsigned int timeout_ms = nvmecap_revoke_timeout_ms();
	bool busy;

	if (!may_block)
		return read_poll_timeout_atomic(nvmecap_in_transfer, busy,
						!busy, 10,
						NVMECAP_ATOMIC_WAIT_US, false,
						nc, buf);
	/* for ever is not what 0 means here */
	if (!timeout_ms)
		return nvmecap_in_transfer(nc, buf) ? -ETIMEDOUT : 0;

	return read_poll_timeout(nvmecap_in_transfer, busy, !busy, 100,
				 timeout_ms * USEC_PER_MSEC, false, nc, buf);
}

/*
 * Somebody who is starting or stopping the controller has reset_lock for some
 * time, but the buffer is not in transfer any more long before he drops it.
 */
static void nvmecap_stop_for_buffer(struct nvmecap *nc,
				    struct nvmecap_buffer *buf)
{
	while (nvmecap_in_transfer(nc, buf)) {
		if (!mutex_trylock(&nc->reset_lock)) {
			usleep_range(100, 200);
			continue;
		}
		nvmecap_ctrl_stop(nc);
		mutex_unlock(&nc->reset_lock);
		nvmecap_ctrl_reset(nc);
	}
}

static int nvmecap_buf_revoke(struct vb2_buffer *vb, bool may_block)
{
	struct nvmecap *nc = vb2_get_drv_priv(vb->vb2_queue);
	struct nvmecap_buffer *buf = to_nvmecap_buffer(vb);

	scoped_guard(spinlock_irqsave, &nc->lock) {
		nc->stats.revoke_calls++;
		nvmecap_ctrl_poll(nc);
		if (nc->frame.buf != buf)
			return 0;
		/* no more commands for it */
		nc->stats.revoke_waits++;
		nc->frame.failed = true;
		nvmecap_frame_advance(nc);
	}

	if (!nvmecap_wait_for_buffer(nc, buf, may_block))
		return 0;
	if (!may_block)
		return -EAGAIN;

	scoped_guard(spinlock_irqsave, &nc->lock)
		nc->stats.revoke_resets++;
	nvmecap_stop_for_buffer(nc, buf);
	return 0;
}

static const struct vb2_ops nvmecap_unrevocable_qops = {
	.queue_setup = nvmecap_queue_setup,
	.buf_init = nvmecap_buf_init,
	.buf_prepare = nvmecap_buf_prepare,
	.buf_cleanup = nvmecap_buf_cleanup,
	.buf_queue = nvmecap_buf_queue,
	.start_streaming = nvmecap_start_streaming,
	.stop_streaming = nvmecap_stop_streaming,
};

static const struct vb2_ops nvmecap_qops = {
	.queue_setup = nvmecap_queue_setup,
	.buf_init = nvmecap_buf_init,
	.buf_prepare = nvmecap_buf_prepare,
	.buf_cleanup = nvmecap_buf_cleanup,
	.buf_queue = nvmecap_buf_queue,
	.buf_revoke = nvmecap_buf_revoke,
	.start_streaming = nvmecap_start_streaming,
	.stop_streaming = nvmecap_stop_streaming,
};

/*
 * ioctls
 */

static int nvmecap_querycap(struct file *file, void *priv,
			    struct v4l2_capability *cap)
{
	struct nvmecap *nc = video_drvdata(file);

	strscpy(cap->driver, KBUILD_MODNAME, sizeof(cap->driver));
	strscpy(cap->card, nc->model, sizeof(cap->card));
	return 0;
}

static int nvmecap_enum_input(struct file *file, void *priv,
			      struct v4l2_input *input)
{
	struct nvmecap *nc = video_drvdata(file);

	if (input->index)
		return -EINVAL;
	input->type = V4L2_INPUT_TYPE_CAMERA;
	snprintf(input->name, sizeof(input->name), "Namespace %u",
		 nc->config.nsid);
	return 0;
}

static int nvmecap_g_input(struct file *file, void *priv, unsigned int *i)
{
	*i = 0;
	return 0;
}

static int nvmecap_s_input(struct file *file, void *priv, unsigned int i)
{
	return i ? -EINVAL : 0;
}

static bool nvmecap_has_format(u32 fourcc)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(nvmecap_formats); i++)
		if (nvmecap_formats[i] == fourcc)
			return true;
	return false;
}

static int nvmecap_enum_fmt(struct file *file, void *priv,
			    struct v4l2_fmtdesc *f)
{
	if (f->index >= ARRAY_SIZE(nvmecap_formats))
		return -EINVAL;
	f->pixelformat = nvmecap_formats[f->index];
	return 0;
}

/* The format that comes closest */
static void nvmecap_fill_format(const struct nvmecap *nc,
				struct v4l2_pix_format *pix)
{
	u32 fourcc = nvmecap_has_format(pix->pixelformat) ? pix->pixelformat :
							    nvmecap_formats[0];
	u32 width = pix->width;
	u32 height = pix->height;

	v4l2_apply_frmsize_constraints(&width, &height, &nvmecap_sizes);
	memset(pix, 0, sizeof(*pix));
	v4l2_fill_pixfmt(pix, fourcc, width, height);
	pix->field = V4L2_FIELD_NONE;
	pix->colorspace = V4L2_COLORSPACE_SRGB;
	pix->sizeimage = round_up(pix->sizeimage,
				  1U << nc->geometry.lba_shift);
}

static int nvmecap_try_fmt(struct file *file, void *priv,
			   struct v4l2_format *f)
{
	nvmecap_fill_format(video_drvdata(file), &f->fmt.pix);
	return 0;
}

static int nvmecap_s_fmt(struct file *file, void *priv, struct v4l2_format *f)
{
	struct nvmecap *nc = video_drvdata(file);

	if (vb2_is_busy(&nc->queue))
		return -EBUSY;
	nvmecap_fill_format(nc, &f->fmt.pix);
	nc->pix = f->fmt.pix;
	return 0;
}

static int nvmecap_g_fmt(struct file *file, void *priv, struct v4l2_format *f)
{
	struct nvmecap *nc = video_drvdata(file);

	f->fmt.pix = nc->pix;
	return 0;
}

static int nvmecap_enum_framesizes(struct file *file, void *priv,
				   struct v4l2_frmsizeenum *f)
{
	if (f->index || !nvmecap_has_format(f->pixel_format))
		return -EINVAL;
	f->type = V4L2_FRMSIZE_TYPE_STEPWISE;
	f->stepwise = nvmecap_sizes;
	return 0;
}

static int nvmecap_enum_frameintervals(struct file *file, void *priv,
				       struct v4l2_frmivalenum *f)
{
	u32 width = f->width;
	u32 height = f->height;

	v4l2_apply_frmsize_constraints(&width, &height, &nvmecap_sizes);
	if (f->index || width != f->width || height != f->height ||
	    !nvmecap_has_format(f->pixel_format))
		return -EINVAL;
	f->type = V4L2_FRMIVAL_TYPE_CONTINUOUS;
	f->stepwise.min = nvmecap_min_interval;
	f->stepwise.max = nvmecap_max_interval;
	f->stepwise.step = (struct v4l2_fract) { 1, 1 };
	return 0;
}

static int nvmecap_g_parm(struct file *file, void *priv,
			  struct v4l2_streamparm *parm)
{
	struct nvmecap *nc = video_drvdata(file);

	if (parm->type != V4L2_BUF_TYPE_VIDEO_CAPTURE)
		return -EINVAL;
	parm->parm.capture = (struct v4l2_captureparm) {
		.capability = V4L2_CAP_TIMEPERFRAME,
		.timeperframe = nc->interval,
		.readbuffers = 1,
	};
	return 0;
}

static int nvmecap_s_parm(struct file *file, void *priv,
			  struct v4l2_streamparm *parm)
{
	struct nvmecap *nc = video_drvdata(file);
	struct v4l2_fract interval = parm->parm.capture.timeperframe;

	if (parm->type != V4L2_BUF_TYPE_VIDEO_CAPTURE)
		return -EINVAL;
	if (vb2_is_streaming(&nc->queue))
		return -EBUSY;

	if (!interval.numerator || !interval.denominator ||
	    V4L2_FRACT_COMPARE(interval, <, nvmecap_min_interval))
		interval = nvmecap_min_interval;
	else if (V4L2_FRACT_COMPARE(interval, >, nvmecap_max_interval))
		interval = nvmecap_max_interval;
	nc->interval = interval;
	return nvmecap_g_parm(file, priv, parm);
}

static const struct v4l2_ioctl_ops nvmecap_ioctl_ops = {
	.vidioc_querycap = nvmecap_querycap,
	.vidioc_enum_input = nvmecap_enum_input,
	.vidioc_g_input = nvmecap_g_input,
	.vidioc_s_input = nvmecap_s_input,
	.vidioc_enum_fmt_vid_cap = nvmecap_enum_fmt,
	.vidioc_g_fmt_vid_cap = nvmecap_g_fmt,
	.vidioc_s_fmt_vid_cap = nvmecap_s_fmt,
	.vidioc_try_fmt_vid_cap = nvmecap_try_fmt,
	.vidioc_enum_framesizes = nvmecap_enum_framesizes,
	.vidioc_enum_frameintervals = nvmecap_enum_frameintervals,
	.vidioc_g_parm = nvmecap_g_parm,
	.vidioc_s_parm = nvmecap_s_parm,
	.vidioc_reqbufs = vb2_ioctl_reqbufs,
	.vidioc_create_bufs = vb2_ioctl_create_bufs,
	.vidioc_prepare_buf = vb2_ioctl_prepare_buf,
	.vidioc_querybuf = vb2_ioctl_querybuf,
	.vidioc_qbuf = vb2_ioctl_qbuf,
	.vidioc_dqbuf = vb2_ioctl_dqbuf,
	.vidioc_expbuf = vb2_ioctl_expbuf,
	.vidioc_remove_bufs = vb2_ioctl_remove_bufs,
	.vidioc_streamon = vb2_ioctl_streamon,
	.vidioc_streamoff = vb2_ioctl_streamoff,
};

static const struct v4l2_file_operations nvmecap_fops = {
	.owner = THIS_MODULE,
	.open = v4l2_fh_open,
	.release = vb2_fop_release,
	.read = vb2_fop_read,
	.poll = vb2_fop_poll,
	.mmap = vb2_fop_mmap,
	.unlocked_ioctl = video_ioctl2,
};

static const struct vb2_mem_ops *
nvmecap_mem_ops(enum nvmecap_allocator allocator)
{
	switch (allocator) {
	case NVMECAP_DMA_CONTIG:
		return &vb2_dma_contig_memops;
	case NVMECAP_DMA_SG:
		return &vb2_dma_sg_memops;
	default:
		return &vb2_dma_pfn_memops;
	}
}

static int nvmecap_init_queue(struct nvmecap *nc)
{
	struct vb2_queue *q = &nc->queue;

	q->type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
	q->io_modes = VB2_MMAP | VB2_USERPTR | VB2_DMABUF | VB2_READ;
	q->dev = &nc->pdev->dev;
	q->drv_priv = nc;
	q->buf_struct_size = sizeof(struct nvmecap_buffer);
	q->ops = nc->config.revocable ? &nvmecap_qops :
					&nvmecap_unrevocable_qops;
	q->mem_ops = nvmecap_mem_ops(nc->config.allocator);
	if (nc->config.contiguous)
		q->dma_attrs = DMA_ATTR_FORCE_CONTIGUOUS;
	q->timestamp_flags = V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC |
			     V4L2_BUF_FLAG_TSTAMP_SRC_SOE;
	q->lock = &nc->ioctl_lock;
	return vb2_queue_init(q);
}

/**
 * nvmecap_video_register() - let user space in
 * @nc: the device, whose controller is running
 *
 * Context: the probe of the driver.
 * Return: 0, or the error of the V4L2 core.
 */
int nvmecap_video_register(struct nvmecap *nc)
{
	struct video_device *vdev = &nc->vdev;
	int ret;

	nc->interval = (struct v4l2_fract) { 1, 30 };
	nc->pix.width = 640;
	nc->pix.height = 480;
	nvmecap_fill_format(nc, &nc->pix);

	ret = nvmecap_init_queue(nc);
	if (ret)
		return ret;
	hrtimer_setup(&nc->timer, nvmecap_tick, CLOCK_MONOTONIC,
		      HRTIMER_MODE_REL_SOFT);

	strscpy(vdev->name, KBUILD_MODNAME, sizeof(vdev->name));
	vdev->release = video_device_release_empty;
	vdev->fops = &nvmecap_fops;
	vdev->ioctl_ops = &nvmecap_ioctl_ops;
	vdev->device_caps = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_STREAMING |
			    V4L2_CAP_READWRITE;
	vdev->lock = &nc->ioctl_lock;
	vdev->queue = &nc->queue;
	vdev->v4l2_dev = &nc->v4l2_dev;
	video_set_drvdata(vdev, nc);
	return video_register_device(vdev, VFL_TYPE_VIDEO, -1);
}

/**
 * nvmecap_video_unregister() - stop streaming, and let nobody in any more
 * @nc: the device
 *
 * Files may stay open, but lead nowhere.
 *
 * Context: the removal of the driver.
 */
void nvmecap_video_unregister(struct nvmecap *nc)
{
	vb2_video_unregister_device(&nc->vdev);
}
