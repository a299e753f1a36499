// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory for the tests to capture into
 *
 * An exporter like those that users have: it maps RAM or a physical range with
 * VM_PFNMAP, at once or by page fault, with small or huge entries, and can take
 * the memory away from everybody who mapped it.
 */
#include <linux/atomic.h>
#include <linux/cleanup.h>
#include <linux/dma-mapping.h>
#include <linux/fs.h>
#include <linux/gfp.h>
#include <linux/huge_mm.h>
#include <linux/io.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pagemap.h>
#include <linux/rwsem.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "vb2_pfn_target.h"

/* A second mapping type of any of these ranges is a PAT conflict. */
static const int vpt_memremap_flags[] = {
	[VPT_WB] = MEMREMAP_WB,
	[VPT_WC] = MEMREMAP_WC,
};

/**
 * struct vpt_object - what one open file stands for
 * @lock: faults and accesses take it for reading, setup and zapping for writing
 * @setup: what was asked for; @setup.size is 0 before that
 * @base: offset of this object in the address space that all open files of the
 *	device share, so that zapping it leaves the others alone
 * @gone: the memory has been taken away
 * @chunk_order: log2 of the number of pages in each element of @chunks
 * @nr_chunks: number of elements in @chunks
 * @chunks: memory of %VPT_PAGES
 * @vaddr: kernel address of %VPT_COHERENT and %VPT_PHYS
 * @io: kernel address of %VPT_PHYS that is mapped uncached
 * @dma: DMA address of %VPT_COHERENT
 * @faults: number of page table entries set by faults
 * @huge_faults: number of PMD entries set by faults
 */
struct vpt_object {
	struct rw_semaphore lock;
	struct vpt_setup setup;
	u64 base;
	bool gone;

	unsigned int chunk_order;
	unsigned int nr_chunks;
	struct page **chunks;
	void *vaddr;
	void __iomem *io;
	dma_addr_t dma;

	atomic64_t faults;
	atomic64_t huge_faults;
};

/* Objects lie this far apart, and none is larger. */
#define VPT_STRIDE	SZ_4G

static atomic64_t vpt_next_base = ATOMIC64_INIT(0);
static struct miscdevice vpt_misc;

static unsigned long vpt_pfn(const struct vpt_object *obj, unsigned long index)
{
	unsigned long mask = BIT(obj->chunk_order) - 1;

	switch (obj->setup.backing) {
	case VPT_PAGES:
		return page_to_pfn(obj->chunks[index >> obj->chunk_order]) +
		       (index & mask);
	case VPT_COHERENT:
		return PHYS_PFN(virt_to_phys(obj->vaddr)) + index;
	default:
		return PHYS_PFN(obj->setup.phys) + index;
	}
}

static unsigned long vpt_index(const struct vm_area_struct *vma,
			       const struct vpt_object *obj, unsigned long addr)
{
	return linear_page_index(vma, addr) - (obj->base >> PAGE_SHIFT);
}

static vm_fault_t vpt_fault(struct vm_fault *vmf)
{
	struct vpt_object *obj = vmf->vma->vm_private_data;
	vm_fault_t ret;

	guard(rwsem_read)(&obj->lock);
	if (obj->gone)
		return VM_FAULT_SIGBUS;

	ret = vmf_insert_pfn(vmf->vma, vmf->address,
			     vpt_pfn(obj, vpt_index(vmf->vma, obj,
						    vmf->address)));
	if (ret == VM_FAULT_NOPAGE)
		atomic64_inc(&obj->faults);
	return ret;
}

static vm_fault_t vpt_huge_fault(struct vm_fault *vmf, unsigned int order)
{
	unsigned long addr = ALIGN_DOWN(vmf->address, PAGE_SIZE << order);
	struct vm_area_struct *vma = vmf->vma;
	struct vpt_object *obj = vma->vm_private_data;
	unsigned long pfn;
	vm_fault_t ret;

	if (obj->setup.mapping != VPT_HUGE || order != PMD_ORDER ||
	    addr < vma->vm_start || addr + PMD_SIZE > vma->vm_end)
		return VM_FAULT_FALLBACK;

	guard(rwsem_read)(&obj->lock);
	if (obj->gone)
		return VM_FAULT_SIGBUS;

	pfn = vpt_pfn(obj, vpt_index(vma, obj, addr));
	if (!IS_ALIGNED(pfn, BIT(order)))
		return VM_FAULT_FALLBACK;

	ret = vmf_insert_pfn_pmd(vmf, pfn, vmf->flags & FAULT_FLAG_WRITE);
	if (ret == VM_FAULT_NOPAGE)
		atomic64_inc(&obj->huge_faults);
	return ret;
}

static const struct vm_operations_struct vpt_vm_ops = {
	.fault = vpt_fault,
	.huge_fault = vpt_huge_fault,
};

static int vpt_map_now(struct vpt_object *obj, struct vm_area_struct *vma)
{
	unsigned long addr, index = vma->vm_pgoff;
	int ret;

	if (obj->setup.backing == VPT_COHERENT)
		return dma_mmap_coherent(vpt_misc.this_device, vma, obj->vaddr,
					 obj->dma, obj->setup.size);

	if (obj->setup.backing == VPT_PHYS)
		return remap_pfn_range(vma, vma->vm_start, vpt_pfn(obj, index),
				       vma->vm_end - vma->vm_start,
				       vma->vm_page_prot);

	for (addr = vma->vm_start; addr < vma->vm_end; addr += PAGE_SIZE) {
		ret = remap_pfn_range(vma, addr, vpt_pfn(obj, index++),
				      PAGE_SIZE, vma->vm_page_prot);
		if (ret)
			return ret;
	}
	return 0;
}

static int vpt_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct vpt_object *obj = file->private_data;
	int ret;

	guard(rwsem_read)(&obj->lock);
	if (!obj->setup.size || !(vma->vm_flags & VM_SHARED))
		return -EINVAL;
	if (vma->vm_pgoff + vma_pages(vma) > PHYS_PFN(obj->setup.size))
		return -EINVAL;
	if (obj->gone)
		return -ENXIO;

	if (obj->setup.cache == VPT_WC)
		vma->vm_page_prot = pgprot_writecombine(vma->vm_page_prot);
	else if (obj->setup.cache == VPT_UC)
		vma->vm_page_prot = pgprot_noncached(vma->vm_page_prot);

	if (obj->setup.mapping == VPT_EAGER) {
		ret = vpt_map_now(obj, vma);
		if (ret)
			return ret;
	} else {
		vm_flags_set(vma, VM_IO | VM_PFNMAP | VM_DONTEXPAND |
			     VM_DONTDUMP);
	}
	vma->vm_private_data = obj;
	vma->vm_ops = &vpt_vm_ops;
	vma->vm_pgoff += obj->base >> PAGE_SHIFT;
	return 0;
}

static void vpt_free(struct vpt_object *obj)
{
	unsigned int i;

	if (obj->io)
		iounmap(obj->io);
	else if (obj->setup.backing == VPT_PHYS && obj->vaddr)
		memunmap(obj->vaddr);
	else if (obj->setup.backing == VPT_COHERENT && obj->vaddr)
		dma_free_coherent(vpt_misc.this_device, obj->setup.size,
				  obj->vaddr, obj->dma);

	for (i = 0; i < obj->nr_chunks && obj->chunks[i]; i++)
		__free_pages(obj->chunks[i], obj->chunk_order);
	kvfree(obj->chunks);

	obj->io = NULL;
	obj->vaddr = NULL;
	obj->chunks = NULL;
	obj->nr_chunks = 0;
}

static int vpt_alloc_pages(struct vpt_object *obj)
{
	unsigned int i;

	if (obj->setup.mapping == VPT_HUGE)
		obj->chunk_order = PMD_ORDER;
	obj->nr_chunks = PHYS_PFN(obj->setup.size) >> obj->chunk_order;
	obj->chunks = kvcalloc(obj->nr_chunks, sizeof(*obj->chunks),
			       GFP_KERNEL);
	if (!obj->chunks)
		return -ENOMEM;

	/* backwards: neighbours in the mapping are not neighbours in memory */
	for (i = 0; i < obj->nr_chunks; i++) {
		obj->chunks[i] = alloc_pages(GFP_KERNEL | __GFP_ZERO,
					     obj->chunk_order);
		if (!obj->chunks[i])
			return -ENOMEM;
	}
	for (i = 0; i < obj->nr_chunks / 2; i++)
		swap(obj->chunks[i], obj->chunks[obj->nr_chunks - 1 - i]);
	return 0;
}

static int vpt_alloc(struct vpt_object *obj)
{
	struct vpt_setup *s = &obj->setup;

	switch (s->backing) {
	case VPT_COHERENT:
		obj->vaddr = dma_alloc_coherent(vpt_misc.this_device, s->size,
						&obj->dma, GFP_KERNEL);
		return obj->vaddr ? 0 : -ENOMEM;
	case VPT_PAGES:
		return vpt_alloc_pages(obj);
	default:
		if (s->cache == VPT_UC) {
			obj->io = ioremap(s->phys, s->size);
			obj->vaddr = (void __force *)obj->io;
		} else {
			obj->vaddr = memremap(s->phys, s->size,
					      vpt_memremap_flags[s->cache]);
		}
		return obj->vaddr ? 0 : -ENOMEM;
	}
}

static int vpt_setup(struct vpt_object *obj, const void __user *arg)
{
	struct vpt_setup s;
	int ret;

	if (copy_from_user(&s, arg, sizeof(s)))
		return -EFAULT;
	if (s.backing > VPT_PHYS || s.mapping > VPT_HUGE || s.cache > VPT_UC ||
	    s.reserved || !s.size || s.size > VPT_STRIDE ||
	    !PAGE_ALIGNED(s.size) || !PAGE_ALIGNED(s.phys))
		return -EINVAL;
	if (s.backing == VPT_COHERENT && s.mapping != VPT_EAGER)
		return -EINVAL;
	if (s.backing == VPT_PHYS ? s.phys + s.size < s.phys :
				    s.cache != VPT_WB || s.phys)
		return -EINVAL;
	if (s.backing == VPT_PAGES && s.mapping == VPT_HUGE &&
	    !IS_ALIGNED(s.size, PMD_SIZE))
		return -EINVAL;

	guard(rwsem_write)(&obj->lock);
	if (obj->setup.size)
		return -EBUSY;
	obj->setup = s;
	ret = vpt_alloc(obj);
	if (ret) {
		vpt_free(obj);
		obj->setup.size = 0;
	}
	return ret;
}

static void vpt_zap(struct vpt_object *obj, struct address_space *mapping)
{
	scoped_guard(rwsem_write, &obj->lock)
		obj->gone = true;
	/* faults fail by now; those that did not have set their entry */
	unmap_mapping_range(mapping, obj->base, VPT_STRIDE, 1);
}

static long vpt_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct vpt_object *obj = file->private_data;
	void __user *uarg = (void __user *)arg;
	struct vpt_info info = {};

	switch (cmd) {
	case VPT_SETUP:
		return vpt_setup(obj, uarg);
	case VPT_ZAP:
		vpt_zap(obj, file->f_mapping);
		return 0;
	case VPT_RESTORE:
		scoped_guard(rwsem_write, &obj->lock)
			obj->gone = false;
		return 0;
	case VPT_INFO:
		scoped_guard(rwsem_read, &obj->lock) {
			if (!obj->setup.size)
				return -EINVAL;
			info.phys = PFN_PHYS(vpt_pfn(obj, 0));
		}
		info.faults = atomic64_read(&obj->faults);
		info.huge_faults = atomic64_read(&obj->huge_faults);
		return copy_to_user(uarg, &info, sizeof(info)) ? -EFAULT : 0;
	default:
		return -ENOTTY;
	}
}

/* One page at most, so that a chunk is never left. */
static size_t vpt_window(const struct vpt_object *obj, loff_t pos, size_t count,
			 void **vaddr)
{
	unsigned long mask = BIT(obj->chunk_order) - 1;
	unsigned long index = pos >> PAGE_SHIFT;

	if (pos < 0 || pos >= obj->setup.size)
		return 0;

	if (obj->setup.backing == VPT_PAGES)
		*vaddr = page_address(obj->chunks[index >> obj->chunk_order] +
				      (index & mask)) + offset_in_page(pos);
	else
		*vaddr = obj->vaddr + pos;
	return min_t(size_t, count, PAGE_SIZE - offset_in_page(pos));
}

/*
 * Faults in the user's mapping take the lock as well, so no user memory is
 * touched under it.
 */
static size_t vpt_copy(struct vpt_object *obj, loff_t pos, void *buf,
		       size_t count, bool write)
{
	void *vaddr;
	size_t n;

	guard(rwsem_read)(&obj->lock);
	n = vpt_window(obj, pos, count, &vaddr);
	if (obj->io && write)
		memcpy_toio(obj->io + pos, buf, n);
	else if (obj->io)
		memcpy_fromio(buf, obj->io + pos, n);
	else if (n)
		memcpy(write ? vaddr : buf, write ? buf : vaddr, n);
	return n;
}

static ssize_t vpt_read(struct file *file, char __user *ubuf, size_t count,
			loff_t *pos)
{
	void *buf __free(kfree) = kmalloc(PAGE_SIZE, GFP_KERNEL);
	size_t done, n;

	if (!buf)
		return -ENOMEM;

	for (done = 0; done < count; done += n, *pos += n) {
		n = vpt_copy(file->private_data, *pos, buf, count - done,
			     false);
		if (!n)
			break;
		if (copy_to_user(ubuf + done, buf, n))
			return -EFAULT;
	}
	return done;
}

static ssize_t vpt_write(struct file *file, const char __user *ubuf,
			 size_t count, loff_t *pos)
{
	void *buf __free(kfree) = kmalloc(PAGE_SIZE, GFP_KERNEL);
	size_t done, n;

	if (!buf)
		return -ENOMEM;

	for (done = 0; done < count; done += n, *pos += n) {
		n = min_t(size_t, count - done, PAGE_SIZE);
		if (copy_from_user(buf, ubuf + done, n))
			return -EFAULT;
		n = vpt_copy(file->private_data, *pos, buf, n, true);
		if (!n)
			break;
	}
	return done;
}

static int vpt_open(struct inode *inode, struct file *file)
{
	struct vpt_object *obj = kzalloc(sizeof(*obj), GFP_KERNEL);

	if (!obj)
		return -ENOMEM;
	init_rwsem(&obj->lock);
	obj->base = atomic64_fetch_add(VPT_STRIDE, &vpt_next_base);
	file->private_data = obj;
	return 0;
}

static int vpt_release(struct inode *inode, struct file *file)
{
	struct vpt_object *obj = file->private_data;

	vpt_free(obj);
	kfree(obj);
	return 0;
}

static const struct file_operations vpt_fops = {
	.owner = THIS_MODULE,
	.open = vpt_open,
	.release = vpt_release,
	.read = vpt_read,
	.write = vpt_write,
	.llseek = default_llseek,
	.unlocked_ioctl = vpt_ioctl,
	.mmap = vpt_mmap,
};

static struct miscdevice vpt_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "vb2_pfn_target",
	.fops = &vpt_fops,
	.mode = 0600,
};

static int __init vpt_init(void)
{
	int ret = misc_register(&vpt_misc);

	if (ret)
		return ret;
	vpt_misc.this_device->coherent_dma_mask = DMA_BIT_MASK(64);
	return 0;
}

static void __exit vpt_exit(void)
{
	misc_deregister(&vpt_misc);
}

module_init(vpt_init);
module_exit(vpt_exit);

MODULE_DESCRIPTION("Memory for the tests of videobuf2-dma-pfn");
MODULE_LICENSE("GPL");
