// SPDX-License-Identifier: GPL-2.0-only
/*
 * A capture device that takes no time: what is left is what videobuf2 and its
 * allocators cost
 *
 * One video node for each allocator, with its name as the bus info. A buffer that
 * is queued while it streams is done at once, nobody fills it; with hold=1 it stays
 * with the device until it is revoked or streaming stops. It is built with the
 * unmodified kernel as well, to compare.
 */
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
#include <media/videobuf2-dma-contig.h>
#include <media/videobuf2-dma-sg.h>
#include <media/videobuf2-v4l2.h>
#include <media/videobuf2-vmalloc.h>
#if IS_ENABLED(CONFIG_VIDEOBUF2_DMA_PFN)
#include <media/videobuf2-dma-pfn.h>
#endif

static char *dma_device;
module_param(dma_device, charp, 0444);
MODULE_PARM_DESC(dma_device, "PCI device without a driver that buffers are mapped for, as 0000:00:00.0; this module's own device otherwise");

static bool hold;
module_param(hold, bool, 0644);
MODULE_PARM_DESC(hold, "Keep what is queued");

/* Buffers of a queue; an application of many more has several devices */
#define VB_BUFFERS	1024

static const struct {
	const char *name;
	const struct vb2_mem_ops *ops;
	/* the CPU fills the buffers, and needs a kernel address */
	bool cpu;
} vb_allocators[] = {
	{ "vmalloc", &vb2_vmalloc_memops, true },
	{ "dma-sg", &vb2_dma_sg_memops },
	{ "dma-contig", &vb2_dma_contig_memops },
#if IS_ENABLED(CONFIG_VIDEOBUF2_DMA_PFN)
	{ "dma-pfn", &vb2_dma_pfn_memops },
	{ "dma-pfn-cpu", &vb2_dma_pfn_memops, true },
	/* there is an I/O MMU, or the memory is refused */
	{ "unrevocable", &vb2_dma_pfn_memops },
#endif
};

/**
 * struct vb_node - one video node
 * @vdev: the node
 * @queue: its queue
 * @lock: serializes ioctls and the queue
 * @qlock: protects @bufs
 * @bufs: buffers that the device keeps
 * @pix: the format
 * @name: of the allocator
 * @cpu: no device but the CPU
 */
struct vb_node {
	struct video_device vdev;
	struct vb2_queue queue;
	struct mutex lock; /* ioctls and the queue */
	spinlock_t qlock; /* bufs */
	struct list_head bufs;
	struct v4l2_pix_format pix;
	const char *name;
	bool cpu;
};

struct vb_bench {
	struct v4l2_device v4l2_dev;
	struct device *dma_dev;
	struct platform_device *cpu_dev;
	struct vb_node nodes[ARRAY_SIZE(vb_allocators)];
};

struct vb_buffer {
	struct vb2_v4l2_buffer vb;
	struct list_head list;
};

static struct platform_device *vb_pdev;

static struct vb_buffer *to_vb_buffer(struct vb2_buffer *vb)
{
	return container_of(to_vb2_v4l2_buffer(vb), struct vb_buffer, vb);
}

static int vb_queue_setup(struct vb2_queue *q, unsigned int *num_buffers,
			  unsigned int *num_planes, unsigned int sizes[],
			  struct device *alloc_devs[])
{
	struct vb_node *node = vb2_get_drv_priv(q);

	if (*num_planes)
		return sizes[0] < node->pix.sizeimage ? -EINVAL : 0;
	*num_planes = 1;
	sizes[0] = node->pix.sizeimage;
	return 0;
}

static int vb_buf_init(struct vb2_buffer *vb)
{
	INIT_LIST_HEAD(&to_vb_buffer(vb)->list);
	return 0;
}

static int vb_buf_prepare(struct vb2_buffer *vb)
{
	struct vb_node *node = vb2_get_drv_priv(vb->vb2_queue);

	if (vb2_plane_size(vb, 0) < node->pix.sizeimage)
		return -EINVAL;
	if (node->cpu && !vb2_plane_vaddr(vb, 0))
		return -ENOMEM;
	vb2_set_plane_payload(vb, 0, node->pix.sizeimage);
	return 0;
}

static void vb_buf_queue(struct vb2_buffer *vb)
{
	struct vb_node *node = vb2_get_drv_priv(vb->vb2_queue);

	guard(spinlock_irqsave)(&node->qlock);
#if IS_ENABLED(CONFIG_VIDEOBUF2_DMA_PFN)
	if (vb2_buffer_revoked(vb)) {
		vb2_buffer_done(vb, VB2_BUF_STATE_ERROR);
		return;
	}
#endif
	if (hold)
		list_add_tail(&to_vb_buffer(vb)->list, &node->bufs);
	else
		vb2_buffer_done(vb, VB2_BUF_STATE_DONE);
}

#if IS_ENABLED(CONFIG_VIDEOBUF2_DMA_PFN)
static int vb_buf_revoke(struct vb2_buffer *vb, bool may_block)
{
	struct vb_node *node = vb2_get_drv_priv(vb->vb2_queue);
	struct vb_buffer *buf = to_vb_buffer(vb);

	guard(spinlock_irqsave)(&node->qlock);
	if (!list_empty(&buf->list)) {
		list_del_init(&buf->list);
		vb2_buffer_done(vb, VB2_BUF_STATE_ERROR);
	}
	return 0;
}
#endif

static void vb_stop_streaming(struct vb2_queue *q)
{
	struct vb_node *node = vb2_get_drv_priv(q);
	struct vb_buffer *buf, *next;

	guard(spinlock_irqsave)(&node->qlock);
	list_for_each_entry_safe(buf, next, &node->bufs, list) {
		list_del_init(&buf->list);
		vb2_buffer_done(&buf->vb.vb2_buf, VB2_BUF_STATE_ERROR);
	}
}

static const struct vb2_ops vb_unrevocable_ops = {
	.queue_setup = vb_queue_setup,
	.buf_init = vb_buf_init,
	.buf_prepare = vb_buf_prepare,
	.buf_queue = vb_buf_queue,
	.stop_streaming = vb_stop_streaming,
};

#if IS_ENABLED(CONFIG_VIDEOBUF2_DMA_PFN)
static const struct vb2_ops vb_ops = {
	.queue_setup = vb_queue_setup,
	.buf_init = vb_buf_init,
	.buf_prepare = vb_buf_prepare,
	.buf_queue = vb_buf_queue,
	.buf_revoke = vb_buf_revoke,
	.stop_streaming = vb_stop_streaming,
};
#else
#define vb_ops	vb_unrevocable_ops
#endif

static int vb_querycap(struct file *file, void *priv,
		       struct v4l2_capability *cap)
{
	struct vb_node *node = video_drvdata(file);

	strscpy(cap->driver, KBUILD_MODNAME, sizeof(cap->driver));
	strscpy(cap->card, "videobuf2 benchmark", sizeof(cap->card));
	snprintf(cap->bus_info, sizeof(cap->bus_info), "platform:%s",
		 node->name);
	return 0;
}

static int vb_enum_fmt(struct file *file, void *priv, struct v4l2_fmtdesc *f)
{
	static const u32 formats[] = { V4L2_PIX_FMT_YUYV, V4L2_PIX_FMT_GREY };

	if (f->index >= ARRAY_SIZE(formats))
		return -EINVAL;
	f->pixelformat = formats[f->index];
	return 0;
}

static void vb_fill_format(struct v4l2_pix_format *pix, u32 width, u32 height,
			   u32 fourcc)
{
	memset(pix, 0, sizeof(*pix));
	v4l2_fill_pixfmt(pix, fourcc == V4L2_PIX_FMT_GREY ?
			      fourcc : V4L2_PIX_FMT_YUYV,
			 clamp(width, 16, 8192) & ~1, clamp(height, 1, 65536));
	pix->field = V4L2_FIELD_NONE;
	pix->colorspace = V4L2_COLORSPACE_SRGB;
}

static int vb_try_fmt(struct file *file, void *priv, struct v4l2_format *f)
{
	vb_fill_format(&f->fmt.pix, f->fmt.pix.width, f->fmt.pix.height,
		       f->fmt.pix.pixelformat);
	return 0;
}

static int vb_s_fmt(struct file *file, void *priv, struct v4l2_format *f)
{
	struct vb_node *node = video_drvdata(file);

	if (vb2_is_busy(&node->queue))
		return -EBUSY;
	vb_try_fmt(file, priv, f);
	node->pix = f->fmt.pix;
	return 0;
}

static int vb_g_fmt(struct file *file, void *priv, struct v4l2_format *f)
{
	struct vb_node *node = video_drvdata(file);

	f->fmt.pix = node->pix;
	return 0;
}

static const struct v4l2_ioctl_ops vb_ioctl_ops = {
	.vidioc_querycap = vb_querycap,
	.vidioc_enum_fmt_vid_cap = vb_enum_fmt,
	.vidioc_g_fmt_vid_cap = vb_g_fmt,
	.vidioc_s_fmt_vid_cap = vb_s_fmt,
	.vidioc_try_fmt_vid_cap = vb_try_fmt,
	.vidioc_reqbufs = vb2_ioctl_reqbufs,
	.vidioc_create_bufs = vb2_ioctl_create_bufs,
	.vidioc_querybuf = vb2_ioctl_querybuf,
	.vidioc_qbuf = vb2_ioctl_qbuf,
	.vidioc_dqbuf = vb2_ioctl_dqbuf,
	.vidioc_expbuf = vb2_ioctl_expbuf,
	.vidioc_streamon = vb2_ioctl_streamon,
	.vidioc_streamoff = vb2_ioctl_streamoff,
};

static const struct v4l2_file_operations vb_fops = {
	.owner = THIS_MODULE,
	.open = v4l2_fh_open,
	.release = vb2_fop_release,
	.unlocked_ioctl = video_ioctl2,
	.mmap = vb2_fop_mmap,
	.poll = vb2_fop_poll,
};

static int vb_init_queue(struct vb_node *node, struct device *dev,
			 const struct vb2_mem_ops *mem_ops)
{
	struct vb2_queue *q = &node->queue;

	q->type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
	q->io_modes = VB2_MMAP | VB2_USERPTR | VB2_DMABUF;
	q->dev = dev;
	q->drv_priv = node;
	q->buf_struct_size = sizeof(struct vb_buffer);
	q->ops = strcmp(node->name, "unrevocable") ? &vb_ops :
						     &vb_unrevocable_ops;
	q->mem_ops = mem_ops;
	q->max_num_buffers = VB_BUFFERS;
	q->timestamp_flags = V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC;
	q->lock = &node->lock;
	return vb2_queue_init(q);
}

static int vb_init_node(struct vb_bench *bench, unsigned int i)
{
	struct vb_node *node = &bench->nodes[i];
	struct video_device *vdev = &node->vdev;
	int ret;

	node->name = vb_allocators[i].name;
	node->cpu = vb_allocators[i].cpu;
	vb_fill_format(&node->pix, 640, 480, V4L2_PIX_FMT_YUYV);
	mutex_init(&node->lock);
	spin_lock_init(&node->qlock);
	INIT_LIST_HEAD(&node->bufs);

	ret = vb_init_queue(node, node->cpu ? &bench->cpu_dev->dev :
			    bench->dma_dev, vb_allocators[i].ops);
	if (ret)
		return ret;

	snprintf(vdev->name, sizeof(vdev->name), "bench-%s", node->name);
	vdev->release = video_device_release_empty;
	vdev->fops = &vb_fops;
	vdev->ioctl_ops = &vb_ioctl_ops;
	vdev->device_caps = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_STREAMING;
	vdev->lock = &node->lock;
	vdev->queue = &node->queue;
	vdev->v4l2_dev = &bench->v4l2_dev;
	video_set_drvdata(vdev, node);
	return video_register_device(vdev, VFL_TYPE_VIDEO, -1);
}

static void vb_put_device(void *dev)
{
	put_device(dev);
}

/* The device that buffers are mapped for, until the driver is unbound from @dev */
static struct device *vb_dma_device(struct device *dev)
{
	struct device *dma_dev;
	int ret;

	if (dma_device)
		dma_dev = bus_find_device_by_name(&pci_bus_type, NULL,
						  dma_device);
	else
		dma_dev = get_device(dev);
	if (!dma_dev)
		return ERR_PTR(-ENODEV);
	ret = devm_add_action_or_reset(dev, vb_put_device, dma_dev);
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

static int vb_probe(struct platform_device *pdev)
{
	struct device *dev = &pdev->dev;
	struct vb_bench *bench;
	int ret, i;

	bench = devm_kzalloc(dev, sizeof(*bench), GFP_KERNEL);
	if (!bench)
		return -ENOMEM;
	platform_set_drvdata(pdev, bench);

	bench->dma_dev = vb_dma_device(dev);
	if (IS_ERR(bench->dma_dev))
		return PTR_ERR(bench->dma_dev);

	bench->cpu_dev = platform_device_register_data(dev, "vb2_bench-cpu",
						       PLATFORM_DEVID_NONE,
						       NULL, 0);
	if (IS_ERR(bench->cpu_dev))
		return PTR_ERR(bench->cpu_dev);
	/* as a USB device */
	bench->cpu_dev->dev.dma_mask = NULL;

	ret = v4l2_device_register(dev, &bench->v4l2_dev);
	if (ret)
		goto err_cpu_dev;
	for (i = 0; i < ARRAY_SIZE(bench->nodes); i++) {
		ret = vb_init_node(bench, i);
		if (ret)
			goto err_unregister;
	}
	return 0;

err_unregister:
	while (i--)
		vb2_video_unregister_device(&bench->nodes[i].vdev);
	v4l2_device_unregister(&bench->v4l2_dev);
err_cpu_dev:
	platform_device_unregister(bench->cpu_dev);
	return ret;
}

static void vb_remove(struct platform_device *pdev)
{
	struct vb_bench *bench = platform_get_drvdata(pdev);
	int i;

	for (i = 0; i < ARRAY_SIZE(bench->nodes); i++)
		vb2_video_unregister_device(&bench->nodes[i].vdev);
	v4l2_device_unregister(&bench->v4l2_dev);
	platform_device_unregister(bench->cpu_dev);
}

static struct platform_driver vb_driver = {
	.probe = vb_probe,
	.remove = vb_remove,
	.driver = {
		.name = KBUILD_MODNAME,
		/* the video nodes live in devm memory */
		.suppress_bind_attrs = true,
	},
};

static int __init vb_init(void)
{
	int ret = platform_driver_register(&vb_driver);

	if (ret)
		return ret;

	vb_pdev = platform_device_register_simple(KBUILD_MODNAME, -1, NULL, 0);
	if (IS_ERR(vb_pdev)) {
		platform_driver_unregister(&vb_driver);
		return PTR_ERR(vb_pdev);
	}
	return 0;
}

static void __exit vb_exit(void)
{
	platform_device_unregister(vb_pdev);
	platform_driver_unregister(&vb_driver);
}

module_init(vb_init);
module_exit(vb_exit);

MODULE_DESCRIPTION("Capture devices that take no time, to measure videobuf2's allocators");
MODULE_LICENSE("GPL");
