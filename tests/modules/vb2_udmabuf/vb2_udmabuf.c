// SPDX-License-Identifier: GPL-2.0-only
/*
 * Buffers that an application sees as it sees those of u-dma-buf
 *
 * There is one for each way in which drivers of this kind map a buffer of
 * dma_alloc_coherent():
 *
 *   /dev/udmabuf0   dma_mmap_coherent()
 *   /dev/udmabuf1   remap_pfn_range()
 *   /dev/udmabuf2   vmf_insert_pfn(), one page per page fault
 *
 * and /sys/class/u-dma-buf/NAME has its size. As with u-dma-buf the mapping is cached,
 * unless the file was opened with O_SYNC.
 */
#include <linux/cdev.h>
#include <linux/device.h>
#include <linux/dma-mapping.h>
#include <linux/fs.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pagemap.h>
#include <linux/sizes.h>

#include "../vb2_pfn_target/vb2_pfn_target.h"

static unsigned long size = SZ_4M;
module_param(size, ulong, 0444);
MODULE_PARM_DESC(size, "of each buffer, in bytes (default 4194304)");

static bool restless;
module_param(restless, bool, 0644);
MODULE_PARM_DESC(restless, "a page fault takes the other pages away, as if the buffer were moved");

enum vud_way {
	VUD_COHERENT,
	VUD_REMAP,
	VUD_FAULT,
	VUD_WAYS,
};

/**
 * struct vud_buffer - one of them
 * @dev: /sys/class/u-dma-buf/udmabuf*
 * @cdev: /dev/udmabuf*
 * @way: how it is mapped
 * @vaddr: kernel address
 * @dma: DMA address
 */
struct vud_buffer {
	struct device *dev;
	struct cdev cdev;
	enum vud_way way;
	void *vaddr;
	dma_addr_t dma;
};

static struct vud_buffer vud_buffers[VUD_WAYS];
static dev_t vud_devt;

static unsigned long vud_pfn(const struct vud_buffer *buf, unsigned long index)
{
	return PHYS_PFN(virt_to_phys(buf->vaddr)) + index;
}

static vm_fault_t vud_fault(struct vm_fault *vmf)
{
	struct vud_buffer *buf = vmf->vma->vm_private_data;

	if (restless)
		unmap_mapping_range(vmf->vma->vm_file->f_mapping, 0, 0, 1);
	return vmf_insert_pfn(vmf->vma, vmf->address, vud_pfn(buf, vmf->pgoff));
}

static const struct vm_operations_struct vud_vm_ops = {
	.fault = vud_fault,
};

static int vud_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct vud_buffer *buf = file->private_data;

	if (vma->vm_pgoff + vma_pages(vma) > PHYS_PFN(size))
		return -EINVAL;
	if (file->f_flags & O_SYNC)
		vma->vm_page_prot = pgprot_noncached(vma->vm_page_prot);

	switch (buf->way) {
	case VUD_COHERENT:
		return dma_mmap_coherent(buf->dev, vma, buf->vaddr, buf->dma,
					 size);
	case VUD_REMAP:
		return remap_pfn_range(vma, vma->vm_start,
				       vud_pfn(buf, vma->vm_pgoff),
				       vma->vm_end - vma->vm_start,
				       vma->vm_page_prot);
	default:
		vm_flags_set(vma, VM_IO | VM_PFNMAP | VM_DONTEXPAND |
			     VM_DONTDUMP);
		vma->vm_private_data = buf;
		vma->vm_ops = &vud_vm_ops;
		return 0;
	}
}

/*
 * u-dma-buf takes memory away from nobody. The tests want it: a mapping by page
 * fault comes back then, the others don't.
 */
static long vud_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	if (cmd != VPT_ZAP)
		return -ENOTTY;
	unmap_mapping_range(file->f_mapping, 0, 0, 1);
	return 0;
}

static int vud_open(struct inode *inode, struct file *file)
{
	file->private_data = container_of(inode->i_cdev, struct vud_buffer,
					  cdev);
	return 0;
}

static const struct file_operations vud_fops = {
	.owner = THIS_MODULE,
	.open = vud_open,
	.unlocked_ioctl = vud_ioctl,
	.mmap = vud_mmap,
};

static ssize_t size_show(struct device *dev, struct device_attribute *attr,
			 char *text)
{
	return sysfs_emit(text, "%lu\n", size);
}
static DEVICE_ATTR_RO(size);

static struct attribute *vud_attrs[] = {
	&dev_attr_size.attr,
	NULL
};
ATTRIBUTE_GROUPS(vud);

static const struct class vud_class = {
	.name = "u-dma-buf",
	.dev_groups = vud_groups,
};

static int vud_create(struct vud_buffer *buf, enum vud_way way)
{
	int ret;

	buf->way = way;
	buf->dev = device_create(&vud_class, NULL, vud_devt + way, NULL,
				 "udmabuf%d", way);
	if (IS_ERR(buf->dev))
		return PTR_ERR(buf->dev);

	buf->dev->coherent_dma_mask = DMA_BIT_MASK(32);
	buf->vaddr = dma_alloc_coherent(buf->dev, size, &buf->dma, GFP_KERNEL);
	if (!buf->vaddr) {
		ret = -ENOMEM;
		goto err_destroy;
	}

	cdev_init(&buf->cdev, &vud_fops);
	buf->cdev.owner = THIS_MODULE;
	ret = cdev_add(&buf->cdev, vud_devt + way, 1);
	if (ret)
		goto err_free;
	return 0;

err_free:
	dma_free_coherent(buf->dev, size, buf->vaddr, buf->dma);
err_destroy:
	device_destroy(&vud_class, vud_devt + way);
	return ret;
}

static void vud_destroy(struct vud_buffer *buf)
{
	cdev_del(&buf->cdev);
	dma_free_coherent(buf->dev, size, buf->vaddr, buf->dma);
	device_destroy(&vud_class, vud_devt + buf->way);
}

static int __init vud_init(void)
{
	int ret, way;

	if (!size || !PAGE_ALIGNED(size))
		return -EINVAL;
	ret = class_register(&vud_class);
	if (ret)
		return ret;
	ret = alloc_chrdev_region(&vud_devt, 0, VUD_WAYS, KBUILD_MODNAME);
	if (ret)
		goto err_class;
	for (way = 0; way < VUD_WAYS; way++) {
		ret = vud_create(&vud_buffers[way], way);
		if (ret)
			goto err_destroy;
	}
	return 0;

err_destroy:
	while (way--)
		vud_destroy(&vud_buffers[way]);
	unregister_chrdev_region(vud_devt, VUD_WAYS);
err_class:
	class_unregister(&vud_class);
	return ret;
}

static void __exit vud_exit(void)
{
	int way;

	for (way = 0; way < VUD_WAYS; way++)
		vud_destroy(&vud_buffers[way]);
	unregister_chrdev_region(vud_devt, VUD_WAYS);
	class_unregister(&vud_class);
}

module_init(vud_init);
module_exit(vud_exit);

MODULE_DESCRIPTION("Buffers like those of u-dma-buf, for the tests of videobuf2-dma-pfn");
MODULE_LICENSE("GPL");
