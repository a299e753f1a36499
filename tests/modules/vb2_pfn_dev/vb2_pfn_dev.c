// SPDX-License-Identifier: GPL-2.0-only
/*
 * Capture devices without hardware, for the allocator's answers
 *
 * Four video nodes, told apart by their bus info:
 *
 *   revocable    has buf_revoke(): gives a queued buffer back at once
 *   unrevocable  has none: nobody could stop its writes
 *   contiguous   as "revocable", and needs one DMA range per plane; debugfs
 *                shows the address that it would give to the hardware
 *   narrow       as "revocable", and reaches the first 256 MiB only; so it has no
 *                buffers of its own, which might be anywhere
 *
 * None ever fills a buffer: it stays with the driver until it is revoked or
 * streaming stops. All but "narrow" may stand for a PCI device: the buffers are
 * mapped for it then, and nobody tells it.
 */
#include <linux/debugfs.h>
#include <linux/dma-mapping.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/platform_device.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <media/v4l2-common.h>
#include <media/v4l2-device.h>
#include <media/v4l2-ioctl.h>
#include <media/videobuf2-dma-pfn.h>
#include <media/videobuf2-v4l2.h>

static char *dma_device;
module_param(dma_device, charp, 0444);
MODULE_PARM_DESC(dma_device, "PCI device without a driver that buffers are mapped for, as 0000:00:00.0; this module's own device otherwise");

#define VPD_WIDTH	320
#define VPD_HEIGHT	180

enum vpd_kind {
	VPD_REVOCABLE,
	VPD_UNREVOCABLE,
	VPD_CONTIGUOUS,
	VPD_NARROW,
	VPD_KINDS,
};

static const char * const vpd_names[] = {
	[VPD_REVOCABLE]		= "revocable",
	[VPD_UNREVOCABLE]	= "unrevocable",
	[VPD_CONTIGUOUS]	= "contiguous",
	[VPD_NARROW]		= "narrow",
};

/**
 * struct vpd_node - one video node
 * @vdev: the node
 * @queue: its queue
 * @lock: serializes ioctls and the queue
 * @qlock: protects @bufs
 * @bufs: buffers that the device owns
 * @kind: which one it is
 * @dma_addr: address of the buffer prepared last; contiguous only
 */
struct vpd_node {
	struct video_device vdev;
	struct vb2_queue queue;
	struct mutex lock; /* ioctls and the queue */
	spinlock_t qlock; /* bufs */
	struct list_head bufs;
	enum vpd_kind kind;
	u64 dma_addr;
};

/**
 * struct vpd - all of them
 * @v4l2_dev: their parent
 * @dma_dev: what buffers are mapped for
 * @narrow_dev: what those of "narrow" are mapped for
 * @nodes: the nodes
 * @debugfs: directory
 */
struct vpd {
	struct v4l2_device v4l2_dev;
	struct device *dma_dev;
	struct platform_device *narrow_dev;
	struct vpd_node nodes[VPD_KINDS];
	struct dentry *debugfs;
};

struct vpd_buffer {
	struct vb2_v4l2_buffer vb;
	struct list_head list;
};

static struct platform_device *vpd_pdev;

static struct vpd_buffer *to_vpd_buffer(struct vb2_buffer *vb)
{
	return container_of(to_vb2_v4l2_buffer(vb), struct vpd_buffer, vb);
}

static void vpd_fill_format(struct v4l2_pix_format *pix)
{
	memset(pix, 0, sizeof(*pix));
	pix->width = VPD_WIDTH;
	pix->height = VPD_HEIGHT;
	pix->pixelformat = V4L2_PIX_FMT_RGB24;
	pix->field = V4L2_FIELD_NONE;
	pix->bytesperline = VPD_WIDTH * 3;
	pix->sizeimage = pix->bytesperline * VPD_HEIGHT;
	pix->colorspace = V4L2_COLORSPACE_SRGB;
}

static int vpd_queue_setup(struct vb2_queue *q, unsigned int *num_buffers,
			   unsigned int *num_planes, unsigned int sizes[],
			   struct device *alloc_devs[])
{
	struct v4l2_pix_format pix;

	vpd_fill_format(&pix);
	if (*num_planes)
		return sizes[0] < pix.sizeimage ? -EINVAL : 0;
	*num_planes = 1;
	sizes[0] = pix.sizeimage;
	return 0;
}

static int vpd_buf_init(struct vb2_buffer *vb)
{
	INIT_LIST_HEAD(&to_vpd_buffer(vb)->list);
	return 0;
}

static int vpd_buf_prepare(struct vb2_buffer *vb)
{
	struct vpd_node *node = vb2_get_drv_priv(vb->vb2_queue);
	struct v4l2_pix_format pix;

	vpd_fill_format(&pix);
	if (vb2_plane_size(vb, 0) < pix.sizeimage)
		return -EINVAL;
	vb2_set_plane_payload(vb, 0, pix.sizeimage);
	if (node->kind == VPD_CONTIGUOUS)
		node->dma_addr = vb2_dma_pfn_plane_dma_addr(vb, 0);
	return 0;
}

/*
 * A buffer revoked before it came here goes back at once. The lock makes sure
 * that buf_revoke() finds a buffer on the list, or that the mark is seen here.
 */
static void vpd_buf_queue(struct vb2_buffer *vb)
{
	struct vpd_node *node = vb2_get_drv_priv(vb->vb2_queue);

	guard(spinlock_irqsave)(&node->qlock);
	if (vb2_buffer_revoked(vb))
		vb2_buffer_done(vb, VB2_BUF_STATE_ERROR);
	else
		list_add_tail(&to_vpd_buffer(vb)->list, &node->bufs);
}

static int vpd_buf_revoke(struct vb2_buffer *vb, bool may_block)
{
	struct vpd_node *node = vb2_get_drv_priv(vb->vb2_queue);
	struct vpd_buffer *buf = to_vpd_buffer(vb);

	guard(spinlock_irqsave)(&node->qlock);
	if (!list_empty(&buf->list)) {
		list_del_init(&buf->list);
		vb2_buffer_done(vb, VB2_BUF_STATE_ERROR);
	}
	return 0;
}

static void vpd_stop_streaming(struct vb2_queue *q)
{
	struct vpd_node *node = vb2_get_drv_priv(q);
	struct vpd_buffer *buf, *next;

	guard(spinlock_irqsave)(&node->qlock);
	list_for_each_entry_safe(buf, next, &node->bufs, list) {
		list_del_init(&buf->list);
		vb2_buffer_done(&buf->vb.vb2_buf, VB2_BUF_STATE_ERROR);
	}
}

static const struct vb2_ops vpd_revocable_ops = {
	.queue_setup = vpd_queue_setup,
	.buf_init = vpd_buf_init,
	.buf_prepare = vpd_buf_prepare,
	.buf_queue = vpd_buf_queue,
	.buf_revoke = vpd_buf_revoke,
	.stop_streaming = vpd_stop_streaming,
};

static const struct vb2_ops vpd_unrevocable_ops = {
	.queue_setup = vpd_queue_setup,
	.buf_init = vpd_buf_init,
	.buf_prepare = vpd_buf_prepare,
	.buf_queue = vpd_buf_queue,
	.stop_streaming = vpd_stop_streaming,
};

static int vpd_querycap(struct file *file, void *priv,
			struct v4l2_capability *cap)
{
	struct vpd_node *node = video_drvdata(file);

	strscpy(cap->driver, KBUILD_MODNAME, sizeof(cap->driver));
	strscpy(cap->card, "videobuf2-dma-pfn test", sizeof(cap->card));
	snprintf(cap->bus_info, sizeof(cap->bus_info), "platform:%s",
		 vpd_names[node->kind]);
	return 0;
}

static int vpd_enum_fmt(struct file *file, void *priv, struct v4l2_fmtdesc *f)
{
	if (f->index)
		return -EINVAL;
	f->pixelformat = V4L2_PIX_FMT_RGB24;
	return 0;
}

static int vpd_fmt(struct file *file, void *priv, struct v4l2_format *f)
{
	vpd_fill_format(&f->fmt.pix);
	return 0;
}

static const struct v4l2_ioctl_ops vpd_ioctl_ops = {
	.vidioc_querycap = vpd_querycap,
	.vidioc_enum_fmt_vid_cap = vpd_enum_fmt,
	.vidioc_g_fmt_vid_cap = vpd_fmt,
	.vidioc_s_fmt_vid_cap = vpd_fmt,
	.vidioc_try_fmt_vid_cap = vpd_fmt,
	.vidioc_reqbufs = vb2_ioctl_reqbufs,
	.vidioc_create_bufs = vb2_ioctl_create_bufs,
	.vidioc_prepare_buf = vb2_ioctl_prepare_buf,
	.vidioc_remove_bufs = vb2_ioctl_remove_bufs,
	.vidioc_querybuf = vb2_ioctl_querybuf,
	.vidioc_qbuf = vb2_ioctl_qbuf,
	.vidioc_dqbuf = vb2_ioctl_dqbuf,
	.vidioc_expbuf = vb2_ioctl_expbuf,
	.vidioc_streamon = vb2_ioctl_streamon,
	.vidioc_streamoff = vb2_ioctl_streamoff,
};

static const struct v4l2_file_operations vpd_fops = {
	.owner = THIS_MODULE,
	.open = v4l2_fh_open,
	.release = vb2_fop_release,
	.unlocked_ioctl = video_ioctl2,
	.mmap = vb2_fop_mmap,
	.poll = vb2_fop_poll,
};

static int vpd_init_queue(struct vpd_node *node, struct device *dev)
{
	struct vb2_queue *q = &node->queue;

	q->type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
	q->io_modes = VB2_USERPTR | VB2_DMABUF;
	if (node->kind != VPD_NARROW)
		q->io_modes |= VB2_MMAP;
	q->dev = dev;
	q->drv_priv = node;
	q->buf_struct_size = sizeof(struct vpd_buffer);
	q->ops = node->kind == VPD_UNREVOCABLE ? &vpd_unrevocable_ops :
						 &vpd_revocable_ops;
	q->mem_ops = &vb2_dma_pfn_memops;
	if (node->kind == VPD_CONTIGUOUS)
		q->dma_attrs = DMA_ATTR_FORCE_CONTIGUOUS;
	q->timestamp_flags = V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC;
	q->lock = &node->lock;
	return vb2_queue_init(q);
}

static int vpd_init_node(struct vpd *vpd, enum vpd_kind kind,
			 struct device *dev)
{
	struct vpd_node *node = &vpd->nodes[kind];
	struct video_device *vdev = &node->vdev;
	int ret;

	node->kind = kind;
	mutex_init(&node->lock);
	spin_lock_init(&node->qlock);
	INIT_LIST_HEAD(&node->bufs);

	ret = vpd_init_queue(node, dev);
	if (ret)
		return ret;

	snprintf(vdev->name, sizeof(vdev->name), "vpd-%s", vpd_names[kind]);
	vdev->release = video_device_release_empty;
	vdev->fops = &vpd_fops;
	vdev->ioctl_ops = &vpd_ioctl_ops;
	vdev->device_caps = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_STREAMING;
	vdev->lock = &node->lock;
	vdev->queue = &node->queue;
	vdev->v4l2_dev = &vpd->v4l2_dev;
	video_set_drvdata(vdev, node);
	return video_register_device(vdev, VFL_TYPE_VIDEO, -1);
}

static void vpd_put_device(void *dev)
{
	put_device(dev);
}

/* The device that buffers are mapped for, until the driver is unbound from @dev */
static struct device *vpd_dma_device(struct device *dev)
{
	struct device *dma_dev = get_device(dev);
	int ret;

	if (dma_device) {
		put_device(dev);
		dma_dev = bus_find_device_by_name(&pci_bus_type, NULL,
						  dma_device);
		if (!dma_dev)
			return ERR_PTR(-ENODEV);
	}
	ret = devm_add_action_or_reset(dev, vpd_put_device, dma_dev);
	if (ret)
		return ERR_PTR(ret);
	if (dma_device && dma_dev->driver)
		return ERR_PTR(-EBUSY);

	ret = dma_set_mask_and_coherent(dma_dev, DMA_BIT_MASK(64));
	if (ret)
		return ERR_PTR(ret);
	dma_set_max_seg_size(dma_dev, UINT_MAX);
	return dma_dev;
}

static int vpd_init_nodes(struct vpd *vpd)
{
	int ret, i;

	for (i = 0; i < VPD_KINDS; i++) {
		ret = vpd_init_node(vpd, i, i == VPD_NARROW ?
				    &vpd->narrow_dev->dev : vpd->dma_dev);
		if (ret)
			goto err_unregister;
	}
	return 0;

err_unregister:
	while (i--)
		vb2_video_unregister_device(&vpd->nodes[i].vdev);
	return ret;
}

static int vpd_probe(struct platform_device *pdev)
{
	struct platform_device_info narrow = {
		.parent = &pdev->dev,
		.name = "vb2_pfn_dev-narrow",
		.id = PLATFORM_DEVID_NONE,
		.dma_mask = DMA_BIT_MASK(28),
	};
	struct device *dev = &pdev->dev;
	struct vpd *vpd;
	int ret;

	vpd = devm_kzalloc(dev, sizeof(*vpd), GFP_KERNEL);
	if (!vpd)
		return -ENOMEM;
	platform_set_drvdata(pdev, vpd);

	vpd->dma_dev = vpd_dma_device(dev);
	if (IS_ERR(vpd->dma_dev))
		return PTR_ERR(vpd->dma_dev);

	vpd->narrow_dev = platform_device_register_full(&narrow);
	if (IS_ERR(vpd->narrow_dev))
		return PTR_ERR(vpd->narrow_dev);

	ret = v4l2_device_register(dev, &vpd->v4l2_dev);
	if (ret)
		goto err_narrow;
	ret = vpd_init_nodes(vpd);
	if (ret)
		goto err_v4l2;

	vpd->debugfs = debugfs_create_dir(KBUILD_MODNAME, NULL);
	debugfs_create_x64("dma_addr", 0400, vpd->debugfs,
			   &vpd->nodes[VPD_CONTIGUOUS].dma_addr);
	return 0;

err_v4l2:
	v4l2_device_unregister(&vpd->v4l2_dev);
err_narrow:
	platform_device_unregister(vpd->narrow_dev);
	return ret;
}

static void vpd_remove(struct platform_device *pdev)
{
	struct vpd *vpd = platform_get_drvdata(pdev);
	int i;

	debugfs_remove(vpd->debugfs);
	for (i = 0; i < VPD_KINDS; i++)
		vb2_video_unregister_device(&vpd->nodes[i].vdev);
	v4l2_device_unregister(&vpd->v4l2_dev);
	platform_device_unregister(vpd->narrow_dev);
}

static struct platform_driver vpd_driver = {
	.probe = vpd_probe,
	.remove = vpd_remove,
	.driver = {
		.name = KBUILD_MODNAME,
		/* the video nodes live in devm memory */
		.suppress_bind_attrs = true,
	},
};

static int __init vpd_init(void)
{
	int ret = platform_driver_register(&vpd_driver);

	if (ret)
		return ret;

	vpd_pdev = platform_device_register_simple(KBUILD_MODNAME, -1, NULL, 0);
	if (IS_ERR(vpd_pdev)) {
		platform_driver_unregister(&vpd_driver);
		return PTR_ERR(vpd_pdev);
	}
	return 0;
}

static void __exit vpd_exit(void)
{
	platform_device_unregister(vpd_pdev);
	platform_driver_unregister(&vpd_driver);
}

module_init(vpd_init);
module_exit(vpd_exit);

MODULE_DESCRIPTION("Capture devices without hardware, for the tests of videobuf2-dma-pfn");
MODULE_LICENSE("GPL");
