/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the allocator needs and a stock kernel does not have
 *
 * The allocator's files are compiled with this header in front of them. Nothing
 * outside this directory knows which kernel it is built for. The table in
 * dkms/dma-pfn-dkms.rst says what each kernel can't do.
 *
 * Scatterlists: a stock entry can't hold a pfn. One without a page has the page
 * NULL here, and its physical address in dma_address until it is mapped. Only
 * tables that dma_map_sgtable_user() has mapped have such entries. The functions
 * that take a table are redirected to compat.c, which knows the tables that are
 * its own and leaves all others to the kernel.
 */
#ifndef _DMA_PFN_COMPAT_H
#define _DMA_PFN_COMPAT_H

#include <linux/dma-buf.h>
#include <linux/dma-mapping.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

void compat_watch_iomem(const struct vm_area_struct *vma);

/*
 * Linux 6.12
 */

#ifndef kzalloc_obj
#define kzalloc_obj(obj)		kzalloc(sizeof(obj), GFP_KERNEL)
#define kvmalloc_objs(type, count)	\
	kvmalloc_array(count, sizeof(type), GFP_KERNEL)
#endif

#ifndef DMA_ATTR_MMIO	/* came later than the name as a string */
#undef MODULE_IMPORT_NS
#define MODULE_IMPORT_NS(ns)		MODULE_INFO(import_ns, ns)

/* the name it had */
#define invalidate_mappings		move_notify

/* It does not tell how far an entry reaches: huge ones are taken page by page. */
struct compat_pfnmap_args {
	struct vm_area_struct *vma;
	unsigned long address;
	unsigned long addr_mask;
	unsigned long pfn;
	pgprot_t pgprot;
	bool writable;
	struct follow_pfnmap_args args;
};

static inline int compat_follow_pfnmap_start(struct compat_pfnmap_args *compat)
{
	int ret;

	compat_watch_iomem(compat->vma);
	compat->args.vma = compat->vma;
	compat->args.address = compat->address;
	ret = follow_pfnmap_start(&compat->args);
	if (ret)
		return ret;

	compat->addr_mask = PAGE_MASK;
	compat->pfn = compat->args.pfn;
	compat->pgprot = compat->args.pgprot;
	compat->writable = compat->args.writable;
	return 0;
}

static inline void compat_follow_pfnmap_end(struct compat_pfnmap_args *compat)
{
	follow_pfnmap_end(&compat->args);
}

#define follow_pfnmap_args		compat_pfnmap_args
#define follow_pfnmap_start		compat_follow_pfnmap_start
#define follow_pfnmap_end		compat_follow_pfnmap_end

static inline bool page_range_contiguous(const struct page *page,
					 unsigned long nr_pages)
{
	return nr_pages == 1 || !IS_ENABLED(CONFIG_SPARSEMEM) ||
	       IS_ENABLED(CONFIG_SPARSEMEM_VMEMMAP);
}

static inline size_t num_pages_contiguous(struct page **pages, size_t nr_pages)
{
	size_t i = 1;

	while (i < nr_pages && pages[i] == pages[i - 1] + 1 &&
	       page_range_contiguous(pages[i - 1], 2))
		i++;
	return i;
}
#endif

/*
 * All stock kernels
 */

#ifdef DMA_ATTR_MMIO
static inline int compat_follow_pfnmap_start(struct follow_pfnmap_args *args)
{
	compat_watch_iomem(args->vma);
	return follow_pfnmap_start(args);
}

#define follow_pfnmap_start		compat_follow_pfnmap_start
#endif

/* They walk the page tables once for each entry. */
static inline unsigned long
follow_pfnmap_batch(const struct follow_pfnmap_args *args, unsigned long end)
{
	unsigned long last = args->address | ~args->addr_mask;

	return (min(last, end - 1) - args->address + PAGE_SIZE) >> PAGE_SHIFT;
}

/* The mask is not exported. A tagged address is no user address then: EFAULT. */
#undef untagged_addr
#define untagged_addr(addr)		(addr)

struct dma_user_alias {
	struct mm_struct *mm;
	unsigned long addr;
};

struct vmap_phys_range {
	phys_addr_t	phys;
	size_t		size;
	pgprot_t	prot;
};

int sg_set_pfn(struct scatterlist *sg, unsigned long pfn, unsigned int len,
	       unsigned int offset);

int dma_map_sgtable_user(struct device *dev, struct sg_table *sgt,
			 enum dma_data_direction dir, unsigned long attrs,
			 const struct dma_user_alias *alias);
bool dma_can_revoke_sgtable(struct device *dev, struct sg_table *sgt);
int dma_revoke_sgtable(struct device *dev, struct sg_table *sgt,
		       enum dma_data_direction dir, unsigned long attrs);
int pci_p2pdma_route_sgtable(struct device *dev, struct sg_table *sgt);

void compat_unmap_sgtable(struct device *dev, struct sg_table *sgt,
			  enum dma_data_direction dir, unsigned long attrs);
void compat_sync_sgtable_for_cpu(struct device *dev, struct sg_table *sgt,
				 enum dma_data_direction dir);
void compat_sync_sgtable_for_device(struct device *dev, struct sg_table *sgt,
				    enum dma_data_direction dir);

#ifndef COMPAT_IMPLEMENTATION
#define dma_unmap_sgtable		compat_unmap_sgtable
#define dma_sync_sgtable_for_cpu	compat_sync_sgtable_for_cpu
#define dma_sync_sgtable_for_device	compat_sync_sgtable_for_device
#endif

void *vmap_phys_ranges(const struct vmap_phys_range *ranges, unsigned int nr);

#endif /* _DMA_PFN_COMPAT_H */
