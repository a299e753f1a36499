/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _SG_PFN_KUNIT_H
#define _SG_PFN_KUNIT_H

#include <kunit/test.h>
#include <linux/scatterlist.h>

#define SG_PFN_PAGES	16

/**
 * struct sg_pfn_entry - what a test wants to have in a scatterlist entry
 * @has_page: take the memory from the test's pages, or from where no page is
 * @index: number of the page in that memory, below SG_PFN_PAGES
 * @offset: offset from the start of that page in bytes
 * @length: length in bytes
 */
struct sg_pfn_entry {
	bool has_page;
	unsigned int index;
	unsigned int offset;
	unsigned int length;
};

/**
 * struct sg_pfn_table - a list, the memory in it and what it was made from
 * @sgt: the list
 * @was: copy of its entries as they were before anybody mapped them
 * @pages: SG_PFN_PAGES contiguous pages
 * @pfn: the first of SG_PFN_PAGES page frames that have no page
 */
struct sg_pfn_table {
	struct sg_table sgt;
	struct scatterlist *was;
	struct page *pages;
	unsigned long pfn;
};

/* A list of both kinds with most that can be wrong with offsets and lengths */
extern const struct sg_pfn_entry sg_pfn_mixed[];
extern const unsigned int sg_pfn_n_mixed;

struct sg_pfn_table *sg_pfn_table_alloc(struct kunit *test,
					const struct sg_pfn_entry *entries,
					unsigned int n);
void sg_pfn_expect_unchanged(struct kunit *test, struct sg_pfn_table *t);
int sg_pfn_suite_init(struct kunit_suite *suite);
void sg_pfn_suite_exit(struct kunit_suite *suite);

#endif /* _SG_PFN_KUNIT_H */
