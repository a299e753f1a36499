// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the I/O Pdir of U2 and Uturn looks like to the KUnit tests.
 * Included by ccio-dma.c.
 */

#include <kunit/test.h>

#define PDIR_TEST_SUITE		"ccio_pdir"
#define PDIR_TEST_INDEX_MASK	0xfff
#define PDIR_TEST_PHYS_BITS	min(52, BITS_PER_LONG)
#define pdir_test_ops		ccio_ops
#define pdir_test_entry_fn	ccio_io_pdir_entry

struct pdir_test_entry {
	bool		valid;
	u64		phys;
	unsigned int	index;
	unsigned long	hint;
	u64		rest;	/* all bits have a meaning */
};

static struct pdir_test_entry pdir_test_decode(__le64 pdir)
{
	u64 val = (__force u64)pdir;	/* big endian, in spite of its type */

	return (struct pdir_test_entry) {
		.valid	= val & IOPDIR_VALID,
		.phys	= (val >> 60 & GENMASK_ULL(3, 0)) << 48 |
			  (val >> 32 & GENMASK_ULL(15, 0)) << 32 |
			  (val & GENMASK_ULL(31, 12)),
		.index	= val >> 48 & GENMASK_ULL(11, 0),
		.hint	= val & GENMASK_ULL(11, 0),
	};
}

static unsigned long pdir_test_hint(enum dma_data_direction dir, bool safe)
{
	return hint_lookup[dir] | (safe ? HINT_SAFE_DMA : 0);
}

static unsigned int pdir_test_index(struct ioc *ioc, dma_addr_t dma)
{
	return PDIR_INDEX(CCIO_IOVP(dma));
}

static void pdir_test_init_ioc(struct kunit *test, struct ioc *ioc)
{
	void *regs = kunit_kzalloc(test, sizeof(*ioc->ioc_regs), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, regs);
	ioc->ioc_regs = (void __iomem *)regs;
	ioc->res_hint = 16;
	ioc->chainid_shift = PAGE_SHIFT + 1;
	ioc->max_phys = CCIO_MAX_PHYS;
}

static void pdir_test_expect_purge(struct kunit *test, struct ioc *ioc,
				   dma_addr_t dma, size_t size)
{
	/* One command purges all of a chain: see chainid_shift */
	KUNIT_EXPECT_EQ(test, READ_U32(&ioc->ioc_regs->io_command),
			CMD_TLB_PURGE | (u32)dma);
}

#include "iommu_pdir_kunit.h"
