// SPDX-License-Identifier: GPL-2.0-only
/*
 * Capture device whose bus master is an NVMe controller
 *
 * A test driver: it streams raw video from a namespace, at a frame rate, by DMA
 * straight into the buffers. Like vfio-pci it knows no device by itself, so it
 * can't take a disk away from anybody; one is given to it by driver_override or
 * new_id. Whatever it is given, it only reads from it.
 */
#include <linux/debugfs.h>
#include <linux/idr.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/seq_file.h>
#include <linux/slab.h>

#include "nvmecap.h"

#define NVMECAP_MAX_DEVS	8

static unsigned int allocators[NVMECAP_MAX_DEVS] = {
	[0 ... (NVMECAP_MAX_DEVS - 1)] = NVMECAP_DMA_PFN
};
module_param_array(allocators, uint, NULL, 0444);
MODULE_PARM_DESC(allocators, " memory allocator of each device, default is 2.\n"
			     "\t\t    1 == dma-contig\n"
			     "\t\t    2 == dma-pfn\n"
			     "\t\t    3 == dma-sg");

static bool contiguous[NVMECAP_MAX_DEVS];
module_param_array(contiguous, bool, NULL, 0444);
MODULE_PARM_DESC(contiguous, " be a device that needs one DMA range for a buffer; with dma-pfn only, default is N.");

static bool revocable[NVMECAP_MAX_DEVS] = {
	[0 ... (NVMECAP_MAX_DEVS - 1)] = true
};
module_param_array(revocable, bool, NULL, 0444);
MODULE_PARM_DESC(revocable, " give memory back when it is taken away; without it only an I/O MMU can take it, default is Y.");

static unsigned int namespaces[NVMECAP_MAX_DEVS] = {
	[0 ... (NVMECAP_MAX_DEVS - 1)] = 1
};
module_param_array(namespaces, uint, NULL, 0444);
MODULE_PARM_DESC(namespaces, " namespace that the video is on, default is 1.");

static unsigned int revoke_timeout_ms = 100;
module_param(revoke_timeout_ms, uint, 0644);
MODULE_PARM_DESC(revoke_timeout_ms, " how long to wait for the controller when memory is taken away, before it is reset; default is 100.");

static DEFINE_IDA(nvmecap_ids);
static struct dentry *nvmecap_debugfs;

/**
 * nvmecap_revoke_timeout_ms() - how long &vb2_ops.buf_revoke is patient
 *
 * Context: any.
 * Return: the time in milliseconds.
 */
unsigned int nvmecap_revoke_timeout_ms(void)
{
	return READ_ONCE(revoke_timeout_ms);
}

static const struct {
	const char *name;
	size_t offset;
} nvmecap_counters[] = {
#define COUNTER(name) { #name, offsetof(struct nvmecap_stats, name) }
	COUNTER(frames),
	COUNTER(dropped),
	COUNTER(errors),
	COUNTER(bytes),
	COUNTER(submitted),
	COUNTER(completed),
	COUNTER(failed),
	COUNTER(timeouts),
	COUNTER(resets),
	COUNTER(revoked_queued),
	COUNTER(revoked_active),
	COUNTER(revoke_calls),
	COUNTER(revoke_waits),
	COUNTER(revoke_resets),
#undef COUNTER
};

static int nvmecap_stats_show(struct seq_file *s, void *unused)
{
	struct nvmecap *nc = s->private;
	struct nvmecap_stats stats;
	unsigned int i;

	scoped_guard(spinlock_irqsave, &nc->lock)
		stats = nc->stats;

	for (i = 0; i < ARRAY_SIZE(nvmecap_counters); i++)
		seq_printf(s, "%s %llu\n", nvmecap_counters[i].name,
			   *(u64 *)((void *)&stats +
				    nvmecap_counters[i].offset));
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(nvmecap_stats);

static void nvmecap_add_debugfs(struct nvmecap *nc)
{
	nc->debugfs = debugfs_create_dir(pci_name(nc->pdev), nvmecap_debugfs);
	debugfs_create_file("stats", 0444, nc->debugfs, nc,
			    &nvmecap_stats_fops);
}

/* What the module parameters say about this device */
static int nvmecap_configure(struct nvmecap *nc)
{
	struct device *dev = &nc->pdev->dev;

	nc->config = (struct nvmecap_config) {
		.nsid = namespaces[nc->id],
		.allocator = allocators[nc->id],
		.contiguous = contiguous[nc->id],
		.revocable = revocable[nc->id],
	};

	switch (nc->config.allocator) {
	case NVMECAP_DMA_PFN:
		break;
	case NVMECAP_DMA_CONTIG:
	case NVMECAP_DMA_SG:
		if (!nc->config.contiguous)
			break;
		dev_err(dev, "contiguous=1 is for dma-pfn\n");
		return -EINVAL;
	default:
		dev_err(dev, "allocators=%u is not known\n",
			nc->config.allocator);
		return -EINVAL;
	}

	if (!nc->config.nsid || nc->config.nsid == NVME_NSID_ALL) {
		dev_err(dev, "namespaces=%u is no namespace\n",
			nc->config.nsid);
		return -EINVAL;
	}
	return 0;
}

/* The last file was closed, and the device removed. */
static void nvmecap_release(struct v4l2_device *v4l2_dev)
{
	struct nvmecap *nc = container_of(v4l2_dev, struct nvmecap, v4l2_dev);

	v4l2_device_unregister(v4l2_dev);
	ida_free(&nvmecap_ids, nc->id);
	mutex_destroy(&nc->ioctl_lock);
	mutex_destroy(&nc->reset_lock);
	kfree(nc);
}

static struct nvmecap *nvmecap_alloc(struct pci_dev *pdev)
{
	struct nvmecap *nc = kzalloc_obj(*nc);
	int ret;

	if (!nc)
		return ERR_PTR(-ENOMEM);

	nc->pdev = pdev;
	mutex_init(&nc->reset_lock);
	mutex_init(&nc->ioctl_lock);
	spin_lock_init(&nc->lock);
	INIT_LIST_HEAD(&nc->bufs);
	init_waitqueue_head(&nc->idle);

	nc->id = ida_alloc_max(&nvmecap_ids, NVMECAP_MAX_DEVS - 1, GFP_KERNEL);
	if (nc->id < 0) {
		ret = nc->id;
		goto err_free;
	}
	pci_set_drvdata(pdev, nc);
	ret = v4l2_device_register(&pdev->dev, &nc->v4l2_dev);
	if (ret)
		goto err_free_id;
	nc->v4l2_dev.release = nvmecap_release;
	return nc;

err_free_id:
	ida_free(&nvmecap_ids, nc->id);
err_free:
	kfree(nc);
	return ERR_PTR(ret);
}

static int nvmecap_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct nvmecap *nc;
	int ret;

	if (pdev->class != PCI_CLASS_STORAGE_EXPRESS) {
		pci_err(pdev, "not an NVMe controller\n");
		return -ENODEV;
	}

	nc = nvmecap_alloc(pdev);
	if (IS_ERR(nc))
		return PTR_ERR(nc);

	ret = nvmecap_configure(nc);
	if (ret)
		goto err_put;
	ret = nvmecap_ctrl_probe(nc);
	if (ret)
		goto err_put;
	ret = nvmecap_video_register(nc);
	if (ret)
		goto err_remove;
	nvmecap_add_debugfs(nc);

	pci_info(pdev, "%s: namespace %u, %llu MiB, %u KiB per command\n",
		 video_device_node_name(&nc->vdev), nc->config.nsid,
		 nc->geometry.ns_bytes >> 20, nc->geometry.max_transfer >> 10);
	return 0;

err_remove:
	nvmecap_ctrl_remove(nc);
err_put:
	v4l2_device_put(&nc->v4l2_dev);
	return ret;
}

static void nvmecap_remove(struct pci_dev *pdev)
{
	struct nvmecap *nc = pci_get_drvdata(pdev);

	debugfs_remove(nc->debugfs);
	nvmecap_video_unregister(nc);
	nvmecap_ctrl_remove(nc);
	v4l2_device_disconnect(&nc->v4l2_dev);
	v4l2_device_put(&nc->v4l2_dev);
}

static void nvmecap_shutdown(struct pci_dev *pdev)
{
	nvmecap_ctrl_shut_down(pci_get_drvdata(pdev));
}

/* Somebody resets the function: frames are dropped until it is done. */
static void nvmecap_reset_prepare(struct pci_dev *pdev)
{
	struct nvmecap *nc = pci_get_drvdata(pdev);

	mutex_lock(&nc->reset_lock);
	nvmecap_ctrl_stop(nc);
}

static void nvmecap_reset_done(struct pci_dev *pdev)
{
	struct nvmecap *nc = pci_get_drvdata(pdev);

	mutex_unlock(&nc->reset_lock);
	nvmecap_ctrl_reset(nc);
}

static const struct pci_error_handlers nvmecap_err_handlers = {
	.reset_prepare = nvmecap_reset_prepare,
	.reset_done = nvmecap_reset_done,
};

static struct pci_driver nvmecap_driver = {
	.name = KBUILD_MODNAME,
	.id_table = NULL,	/* by driver_override or new_id only */
	.probe = nvmecap_probe,
	.remove = nvmecap_remove,
	.shutdown = nvmecap_shutdown,
	.err_handler = &nvmecap_err_handlers,
};

static int __init nvmecap_init(void)
{
	int ret;

	nvmecap_debugfs = debugfs_create_dir(KBUILD_MODNAME, NULL);
	ret = pci_register_driver(&nvmecap_driver);
	if (ret)
		debugfs_remove(nvmecap_debugfs);
	return ret;
}

static void __exit nvmecap_exit(void)
{
	pci_unregister_driver(&nvmecap_driver);
	debugfs_remove(nvmecap_debugfs);
}

module_init(nvmecap_init);
module_exit(nvmecap_exit);

MODULE_DESCRIPTION("Capture device whose bus master is an NVMe controller");
MODULE_LICENSE("GPL");
