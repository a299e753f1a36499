// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the page table of sun4m's I/O MMU looks like to the KUnit tests.
 * Included by iommu.c.
 */
#include <kunit/test.h>

#define DVMA_TEST_SUITE		"sbus_iommu_page_table"
#define DVMA_TEST_BASE		IOMMU_START
#define DVMA_TEST_ENTRIES	1024
#define DVMA_TEST_LAST		DVMA_TEST_ENTRIES
#define DVMA_TEST_MAX_PFN	IOPTE_MAX_PFN
#define DVMA_TEST_CLEARS	true
#define DVMA_TEST_PAGES_FLUSHED	true

/* Nobody flushes what has no page: it is cached if consistent memory is */
static u32 dvma_test_entry(phys_addr_t phys, bool has_page)
{
	u32 perm = has_page ? IOPTE_CACHE | IOPTE_WRITE | IOPTE_VALID :
			      ioperm_noc;

	return PHYS_PFN(phys) << 8 | perm;
}

#include "iommu_kunit.h"

static void dvma_test_init_iommu(struct kunit *test)
{
	struct dvma_test *ctx = test->priv;
	struct iommu_struct *iommu;
	void *regs;

	iommu = kunit_kzalloc(test, sizeof(*iommu), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, iommu);
	regs = kunit_kzalloc(test, sizeof(*iommu->regs), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, regs);
	ctx->map = kunit_kcalloc(test, BITS_TO_LONGS(DVMA_TEST_ENTRIES),
				 sizeof(long), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, ctx->map);

	iommu->regs = (struct iommu_regs __iomem *)regs;
	iommu->start = IOMMU_START;
	iommu->end = 0xffffffff;
	iommu->page_table = ctx->table;
	iommu->scratch = __iopte(MKIOPTE(PHYS_PFN(virt_to_phys(ctx->scratch)),
					 IOPERM));
	bit_map_init(&iommu->usemap, ctx->map, DVMA_TEST_ENTRIES);
	iommu->usemap.num_colors = 1;

	ctx->dev->archdata.iommu = iommu;
	set_dma_ops(ctx->dev, &sbus_iommu_dma_pflush_ops);
}
