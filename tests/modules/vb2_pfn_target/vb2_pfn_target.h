/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a test asks /dev/vb2_pfn_target for
 *
 * One open file is one piece of memory. VPT_SETUP makes it, mmap() maps it with
 * raw page frame numbers, pread() and pwrite() reach it through a kernel mapping
 * that no revocation touches: that is how a test watches memory it has lost.
 */
#ifndef _VB2_PFN_TARGET_H
#define _VB2_PFN_TARGET_H

#include <linux/ioctl.h>
#include <linux/types.h>

/* Whose memory it is. */
enum vpt_backing {
	VPT_COHERENT,	/* dma_alloc_coherent(), mapped by dma_mmap_coherent() */
	VPT_PAGES,	/* pages of the kernel's, physically scattered */
	VPT_PHYS,	/* the physical range that the caller names */
};

/* When the page table entries appear, and how large they are. */
enum vpt_mapping {
	VPT_EAGER,	/* all at mmap() */
	VPT_LAZY,	/* one page at a time, by page fault */
	VPT_HUGE,	/* PMD entries by page fault where alignment allows */
};

/* Memory type of the mapping of a VPT_PHYS range. */
enum vpt_cache {
	VPT_WB,
	VPT_WC,
	VPT_UC,
};

/**
 * struct vpt_setup - the memory to make
 * @backing: one of &enum vpt_backing
 * @mapping: one of &enum vpt_mapping; %VPT_COHERENT has %VPT_EAGER only
 * @cache: one of &enum vpt_cache; the others but %VPT_PHYS have %VPT_WB only
 * @reserved: 0
 * @phys: physical address for %VPT_PHYS, a multiple of the page size
 * @size: in bytes, a multiple of the page size, and of the size of a PMD entry
 *	for %VPT_PAGES with %VPT_HUGE
 */
struct vpt_setup {
	__u32 backing;
	__u32 mapping;
	__u32 cache;
	__u32 reserved;
	__u64 phys;
	__u64 size;
};

/**
 * struct vpt_info - what became of it
 * @phys: physical address of the first byte
 * @faults: page faults that set one page table entry
 * @huge_faults: page faults that set a PMD entry
 */
struct vpt_info {
	__u64 phys;
	__u64 faults;
	__u64 huge_faults;
};

#define VPT_SETUP	_IOW('V', 0xf0, struct vpt_setup)
/* Take the memory from everybody who has mapped it: accesses get SIGBUS. */
#define VPT_ZAP		_IO('V', 0xf1)
/* Let them fault it in again. */
#define VPT_RESTORE	_IO('V', 0xf2)
#define VPT_INFO	_IOR('V', 0xf3, struct vpt_info)

#endif /* _VB2_PFN_TARGET_H */
