// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the page table of the IO-UNIT looks like to the KUnit tests.
 * Included by io-unit.c.
 */
#include <kunit/test.h>

#define DVMA_TEST_SUITE		"iounit_page_table"
#define DVMA_TEST_BASE		IOUNIT_DMA_BASE
#define DVMA_TEST_ENTRIES	(IOUNIT_DMA_SIZE >> PAGE_SHIFT)
#define DVMA_TEST_LAST		IOUNIT_BMAPM_END
#define DVMA_TEST_MAX_PFN	PHYS_PFN(~(phys_addr_t)0)
#define DVMA_TEST_CLEARS	false
#define DVMA_TEST_PAGES_FLUSHED	false

static u32 dvma_test_entry(phys_addr_t phys, bool has_page)
{
	return PHYS_PFN(phys) << 8 | IOUPTE_CACHE | IOUPTE_WRITE | IOUPTE_VALID;
}

#include "iommu_kunit.h"

static void dvma_test_init_iommu(struct kunit *test)
{
	struct dvma_test *ctx = test->priv;
	struct iounit_struct *iounit;

	iounit = kunit_kzalloc(test, sizeof(*iounit), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, iounit);
	spin_lock_init(&iounit->lock);
	iounit->limit[0] = IOUNIT_BMAP1_START;
	iounit->limit[1] = IOUNIT_BMAP2_START;
	iounit->limit[2] = IOUNIT_BMAPM_START;
	iounit->limit[3] = IOUNIT_BMAPM_END;
	iounit->rotor[1] = IOUNIT_BMAP2_START;
	iounit->rotor[2] = IOUNIT_BMAPM_START;
	iounit->scratch = MKIOPTE(virt_to_phys(ctx->scratch));
	iounit->page_table = (iopte_t __iomem *)ctx->table;

	ctx->map = iounit->bmap;
	ctx->dev->archdata.iommu = iounit;
	set_dma_ops(ctx->dev, &iounit_dma_ops);
}
