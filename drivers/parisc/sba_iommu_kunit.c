// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the I/O Pdir of Astro, Ike and Pluto looks like to the KUnit tests.
 * Included by sba_iommu.c.
 */

#include <kunit/test.h>

#define PDIR_TEST_SUITE		"sba_pdir"
#define PDIR_TEST_INDEX_MASK	0xff
#define PDIR_TEST_PHYS_BITS	min(44, BITS_PER_LONG)
#define pdir_test_ops		sba_ops
#define pdir_test_entry_fn	sba_io_pdir_entry

struct pdir_test_entry {
	bool		valid;
	u64		phys;
	unsigned int	index;
	unsigned long	hint;
	u64		rest;	/* bits without a meaning, that must be 0 */
};

static struct pdir_test_entry pdir_test_decode(__le64 pdir)
{
	u64 val = le64_to_cpu(pdir);

	return (struct pdir_test_entry) {
		.valid	= val & BIT_ULL(63),
		.phys	= val & GENMASK_ULL(43, 12),
		.index	= val & GENMASK_ULL(7, 0),
		.rest	= val & (GENMASK_ULL(62, 44) | GENMASK_ULL(11, 8)),
	};
}

/* There are no hints in the entries */
static unsigned long pdir_test_hint(enum dma_data_direction dir, bool safe)
{
	return 0;
}

static unsigned int pdir_test_index(struct ioc *ioc, dma_addr_t dma)
{
	return PDIR_INDEX(SBA_IOVP(ioc, dma));
}

static void pdir_test_init_ioc(struct kunit *test, struct ioc *ioc)
{
	void *regs = kunit_kzalloc(test, SBA_FUNC_SIZE, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, regs);
	ioc->ioc_hpa = (void __iomem *)regs;
	ioc->res_hint = (unsigned long *)&ioc->res_map[L1_CACHE_BYTES];
#ifdef ZX1_SUPPORT
	/* As Pluto: I/O addresses that don't begin with 0 are harder */
	ioc->ibase = PLUTO_IOVA_BASE;
	ioc->iovp_mask = (ioc->pdir_size / sizeof(u64) - 1) << IOVP_SHIFT;
#endif
	ioc->max_phys = min_t(u64, DMA_BIT_MASK(44), F_EXTEND(0xf0000000UL) - 1);
}

static void pdir_test_expect_purge(struct kunit *test, struct ioc *ioc,
				   dma_addr_t dma, size_t size)
{
	KUNIT_EXPECT_EQ(test, (u64)READ_REG(ioc->ioc_hpa + IOC_PCOM),
			(u64)dma | (get_order(size) + PAGE_SHIFT));
}

#include "iommu_pdir_kunit.h"
