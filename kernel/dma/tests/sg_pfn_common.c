// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the KUnit tests for DMA mapping of scatterlist entries without a page
 * have in common, whatever maps them.
 */
#include <linux/dma-mapping.h>
#include <linux/gfp.h>
#include <linux/limits.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sizes.h>
#include <linux/trace_events.h>

#include "sg_pfn_kunit.h"

/*
 * Entries with a page are long enough not to be bounced as small kmalloc()
 * buffers, where this is configured; those without are not, which must not
 * matter.
 */
const struct sg_pfn_entry sg_pfn_mixed[] = {
	{ true,  0, 0x123,         0x456 },
	{ false, 0, 0,             2 * PAGE_SIZE },
	{ false, 2, 0,             PAGE_SIZE },		/* its neighbour */
	{ true,  1, 0,             PAGE_SIZE },
	{ true,  2, 0,             PAGE_SIZE / 2 },	/* its neighbour */
	{ false, 5, 0x10,          0x20 },
	{ false, 6, PAGE_SIZE - 4, 8 },			/* across two pages */
	{ true,  4, 0x20,          3 * PAGE_SIZE },
	{ false, 9, PAGE_SIZE,     PAGE_SIZE },		/* starts at 10 */
};

const unsigned int sg_pfn_n_mixed = ARRAY_SIZE(sg_pfn_mixed);

static void free_test_pages(void *pages)
{
	__free_pages(pages, get_order(SG_PFN_PAGES * PAGE_SIZE));
}

static void free_test_table(void *sgt)
{
	sg_free_table(sgt);
}

/* Physical address space that nothing in the memory map belongs to */
static unsigned long find_pfn_without_page(struct kunit *test)
{
	u64 end = min_t(u64, PHYS_ADDR_MAX, DMA_BIT_MASK(36)) + 1;

	for (u64 phys = end - SZ_1M; phys >= SZ_1M; phys -= SZ_1M) {
		unsigned long pfn = PHYS_PFN(phys);
		unsigned int i;

		for (i = 0; i < SG_PFN_PAGES && !pfn_valid(pfn + i); i++)
			;
		if (i == SG_PFN_PAGES)
			return pfn;
	}

	KUNIT_FAIL_AND_ABORT(test, "every page frame has a page");
	return 0;
}

struct sg_pfn_table *sg_pfn_table_alloc(struct kunit *test,
					const struct sg_pfn_entry *entries,
					unsigned int n)
{
	struct sg_pfn_table *t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);
	struct scatterlist *sg;
	unsigned int i;
	int ret;

	KUNIT_ASSERT_NOT_NULL(test, t);
	t->was = kunit_kcalloc(test, n, sizeof(*t->was), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, t->was);

	t->pfn = find_pfn_without_page(test);
	/* Any device reaches it without bouncing */
	t->pages = alloc_pages(GFP_KERNEL | GFP_DMA32 | __GFP_ZERO,
			       get_order(SG_PFN_PAGES * PAGE_SIZE));
	KUNIT_ASSERT_NOT_NULL(test, t->pages);
	ret = kunit_add_action_or_reset(test, free_test_pages, t->pages);
	KUNIT_ASSERT_EQ(test, 0, ret);

	KUNIT_ASSERT_EQ(test, 0, sg_alloc_table(&t->sgt, n, GFP_KERNEL));
	ret = kunit_add_action_or_reset(test, free_test_table, &t->sgt);
	KUNIT_ASSERT_EQ(test, 0, ret);
	for_each_sgtable_sg(&t->sgt, sg, i) {
		const struct sg_pfn_entry *e = &entries[i];

		if (e->has_page)
			sg_set_page(sg, t->pages + e->index, e->length,
				    e->offset);
		else
			KUNIT_ASSERT_EQ(test, 0,
					sg_set_pfn(sg, t->pfn + e->index,
						   e->length, e->offset));
		t->was[i] = *sg;
	}
	return t;
}

/* Mapping may only change the DMA address and length of an entry */
void sg_pfn_expect_unchanged(struct kunit *test, struct sg_pfn_table *t)
{
	struct scatterlist *sg;
	unsigned int i;

	for_each_sgtable_sg(&t->sgt, sg, i) {
		KUNIT_EXPECT_EQ(test, t->was[i].page_link, sg->page_link);
		KUNIT_EXPECT_EQ(test, t->was[i].offset, sg->offset);
		KUNIT_EXPECT_EQ(test, t->was[i].length, sg->length);
	}
}

/* The trace points walk the lists as well, once somebody listens */
static int trace_dma(bool on)
{
	if (!IS_ENABLED(CONFIG_EVENT_TRACING))
		return 0;
	return trace_set_clr_event("dma", NULL, on);
}

int sg_pfn_suite_init(struct kunit_suite *suite)
{
	return trace_dma(true);
}

void sg_pfn_suite_exit(struct kunit_suite *suite)
{
	trace_dma(false);
}

MODULE_DESCRIPTION("KUnit tests for DMA mapping of memory without struct page");
MODULE_LICENSE("GPL");
