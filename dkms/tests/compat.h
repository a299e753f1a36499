/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the tests' modules need to know of Linux 6.12
 */
#include <linux/dma-mapping.h>

#ifndef DMA_ATTR_MMIO
#include <linux/hrtimer.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/pfn_t.h>

/* takes no pointer to const yet */
#define linear_page_index(vma, addr)	\
	linear_page_index((struct vm_area_struct *)(vma), addr)

#define vmf_insert_pfn_pmd(vmf, pfn, write)	\
	vmf_insert_pfn_pmd(vmf, pfn_to_pfn_t(pfn), write)

static inline void hrtimer_setup(struct hrtimer *timer,
				 enum hrtimer_restart (*fn)(struct hrtimer *),
				 clockid_t clock, enum hrtimer_mode mode)
{
	hrtimer_init(timer, clock, mode);
	timer->function = fn;
}
#endif
