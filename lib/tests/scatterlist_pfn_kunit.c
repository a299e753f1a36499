// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests for scatterlist entries that have no struct page.
 *
 * Nothing here touches the memory behind a pfn, so any number will do for one.
 */
#include <kunit/test.h>
#include <linux/gfp.h>
#include <linux/limits.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>

#define BAR_PFN		0xfd000UL
#define N_PAGES		4
#define PATTERN		0xa5

/* The largest pfn that an entry can hold */
#define MAX_PFN		min(ULONG_MAX >> 3, PHYS_PFN(PHYS_ADDR_MAX))

struct sg_pfn_test {
	struct page *pages;	/* N_PAGES, contiguous, filled with PATTERN */
	u8 *buf;		/* as large, zeroed */
};

static void free_test_pages(void *pages)
{
	__free_pages(pages, get_order(N_PAGES * PAGE_SIZE));
}

static int sg_pfn_test_init(struct kunit *test)
{
	struct sg_pfn_test *t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);

	if (!t)
		return -ENOMEM;
	t->buf = kunit_kzalloc(test, N_PAGES * PAGE_SIZE, GFP_KERNEL);
	t->pages = alloc_pages(GFP_KERNEL, get_order(N_PAGES * PAGE_SIZE));
	if (!t->buf || !t->pages)
		return -ENOMEM;
	memset(page_address(t->pages), PATTERN, N_PAGES * PAGE_SIZE);
	test->priv = t;
	return kunit_add_action_or_reset(test, free_test_pages, t->pages);
}

/* Page, no page, page: half a page, two pages with an offset, half a page */
static void make_mixed(struct kunit *test, struct scatterlist sgl[3])
{
	struct sg_pfn_test *t = test->priv;

	sg_init_table(sgl, 3);
	sg_set_page(&sgl[0], t->pages, PAGE_SIZE / 2, 16);
	KUNIT_ASSERT_EQ(test, 0, sg_set_pfn(&sgl[1], BAR_PFN, 2 * PAGE_SIZE, 8));
	sg_set_page(&sgl[2], t->pages + 1, PAGE_SIZE / 2, 0);
}

static void sg_pfn_layout(struct kunit *test)
{
	struct plain {
		unsigned long page_link;
		unsigned int offset;
		unsigned int length;
		dma_addr_t dma_address;
#ifdef CONFIG_NEED_SG_DMA_LENGTH
		unsigned int dma_length;
#endif
#ifdef CONFIG_NEED_SG_DMA_FLAGS
		unsigned int dma_flags;
#endif
	};
	struct sg_pfn_test *t = test->priv;

	KUNIT_EXPECT_EQ(test, sizeof(struct plain), sizeof(struct scatterlist));
	for (int i = 0; i < N_PAGES; i++)
		KUNIT_EXPECT_EQ(test, 0, (unsigned long)(t->pages + i) &
					 SG_PAGE_LINK_MASK);
}

static void sg_pfn_set_and_get(struct kunit *test)
{
	static const struct {
		unsigned long pfn;
		unsigned int len, offset;
	} cases[] = {
		{ 0, PAGE_SIZE, 0 },
		{ 1, 1, 0 },
		{ 2, 1, PAGE_SIZE - 1 },
		{ 3, 16 * PAGE_SIZE, 123 },
		{ 7, PAGE_SIZE, 5 * PAGE_SIZE + 1 },
		{ BAR_PFN, 0, 0 },
		{ BAR_PFN, 1U << 24, 0 },
		{ 0xfffff, PAGE_SIZE, 0 },
	};
	struct scatterlist sg;

	sg_init_table(&sg, 1);
	for (int i = 0; i < ARRAY_SIZE(cases); i++) {
		unsigned long pfn = cases[i].pfn;

		KUNIT_EXPECT_EQ(test, 0, sg_set_pfn(&sg, pfn, cases[i].len,
						    cases[i].offset));
		KUNIT_EXPECT_FALSE(test, sg_has_page(&sg));
		KUNIT_EXPECT_FALSE(test, sg_is_chain(&sg));
		KUNIT_EXPECT_TRUE(test, sg_is_last(&sg));
		KUNIT_EXPECT_EQ(test, pfn, sg_pfn(&sg));
		KUNIT_EXPECT_EQ(test, cases[i].len, sg.length);
		KUNIT_EXPECT_EQ(test, cases[i].offset, sg.offset);
		KUNIT_EXPECT_EQ(test, PFN_PHYS(pfn) + cases[i].offset,
				sg_phys(&sg));
		KUNIT_EXPECT_NULL(test, sg_virt(&sg));
	}
}

static void sg_pfn_of_page(struct kunit *test)
{
	struct sg_pfn_test *t = test->priv;
	struct scatterlist sg;

	sg_init_table(&sg, 1);
	KUNIT_EXPECT_TRUE(test, sg_has_page(&sg));
	KUNIT_EXPECT_NULL(test, sg_page(&sg));

	sg_set_page(&sg, t->pages + 1, 100, 10);
	KUNIT_EXPECT_TRUE(test, sg_has_page(&sg));
	KUNIT_EXPECT_PTR_EQ(test, t->pages + 1, sg_page(&sg));
	KUNIT_EXPECT_EQ(test, page_to_pfn(t->pages + 1), sg_pfn(&sg));
	KUNIT_EXPECT_EQ(test, page_to_phys(t->pages + 1) + 10, sg_phys(&sg));
	KUNIT_EXPECT_PTR_EQ(test, page_address(t->pages + 1) + 10,
			    sg_virt(&sg));
}

/* The largest memory that fits, and each way to be too large by the least */
static void sg_pfn_limits(struct kunit *test)
{
	const phys_addr_t room = PHYS_ADDR_MAX - PFN_PHYS(MAX_PFN);
	struct scatterlist sg, was;

	sg_init_table(&sg, 1);
	KUNIT_EXPECT_EQ(test, 0, sg_set_pfn(&sg, MAX_PFN, PAGE_SIZE, 0));
	KUNIT_EXPECT_FALSE(test, sg_has_page(&sg));
	KUNIT_EXPECT_EQ(test, MAX_PFN, sg_pfn(&sg));
	KUNIT_EXPECT_EQ(test, PFN_PHYS(MAX_PFN), sg_phys(&sg));
	KUNIT_EXPECT_EQ(test, 0, sg_set_pfn(&sg, MAX_PFN, 1, PAGE_SIZE - 1));
	KUNIT_EXPECT_EQ(test, PFN_PHYS(MAX_PFN) + PAGE_SIZE - 1, sg_phys(&sg));

	was = sg;
	KUNIT_EXPECT_EQ(test, -ERANGE, sg_set_pfn(&sg, MAX_PFN + 1, 1, 0));
	KUNIT_EXPECT_EQ(test, -ERANGE, sg_set_pfn(&sg, ULONG_MAX, 1, 0));
	if (room == PAGE_SIZE - 1) {
		KUNIT_EXPECT_EQ(test, -ERANGE,
				sg_set_pfn(&sg, MAX_PFN, PAGE_SIZE + 1, 0));
		KUNIT_EXPECT_EQ(test, -ERANGE,
				sg_set_pfn(&sg, MAX_PFN, 2, PAGE_SIZE - 1));
		KUNIT_EXPECT_EQ(test, -ERANGE,
				sg_set_pfn(&sg, MAX_PFN, 0, PAGE_SIZE));
		KUNIT_EXPECT_EQ(test, -ERANGE,
				sg_set_pfn(&sg, MAX_PFN, UINT_MAX, UINT_MAX));
		KUNIT_EXPECT_EQ(test, -ERANGE,
				sg_set_pfn(&sg, MAX_PFN - 1, UINT_MAX, 0));
	}
	KUNIT_EXPECT_MEMEQ(test, &was, &sg, sizeof(sg));
}

static void sg_pfn_overwrite(struct kunit *test)
{
	struct sg_pfn_test *t = test->priv;
	struct scatterlist sgl[2];

	sg_init_table(sgl, 2);
	for (int i = 0; i < 2; i++) {
		struct scatterlist *sg = &sgl[i];

		KUNIT_EXPECT_EQ(test, 0, sg_set_pfn(sg, ~0UL >> PAGE_SHIFT, 64, 0));
		sg_set_page(sg, t->pages, 32, 4);
		KUNIT_EXPECT_PTR_EQ(test, t->pages, sg_page(sg));

		KUNIT_EXPECT_EQ(test, 0, sg_set_pfn(sg, BAR_PFN, 64, 0));
		KUNIT_EXPECT_EQ(test, BAR_PFN, sg_pfn(sg));
		sg_set_folio(sg, page_folio(t->pages), 32, 4);
		KUNIT_EXPECT_PTR_EQ(test, t->pages, sg_page(sg));

		KUNIT_EXPECT_EQ(test, 0, sg_set_pfn(sg, BAR_PFN, 64, 0));
		sg_set_buf(sg, page_address(t->pages + 2), 32);
		KUNIT_EXPECT_PTR_EQ(test, t->pages + 2, sg_page(sg));

		KUNIT_EXPECT_EQ(test, 0, sg_set_pfn(sg, BAR_PFN, 64, 0));
		sg_assign_page(sg, NULL);
		KUNIT_EXPECT_TRUE(test, sg_has_page(sg));
		KUNIT_EXPECT_NULL(test, sg_page(sg));

		KUNIT_EXPECT_EQ(test, i == 1, sg_is_last(sg));
	}
}

static void sg_pfn_end_marker(struct kunit *test)
{
	struct scatterlist sgl[3];

	sg_init_table(sgl, 3);
	/* Low bits of the pfn next to the flags */
	KUNIT_EXPECT_EQ(test, 0, sg_set_pfn(&sgl[0], 1, PAGE_SIZE, 0));
	KUNIT_EXPECT_EQ(test, 0, sg_set_pfn(&sgl[1], 3, PAGE_SIZE, 0));
	KUNIT_EXPECT_EQ(test, 0, sg_set_pfn(&sgl[2], 7, PAGE_SIZE, 0));
	KUNIT_EXPECT_EQ(test, 3, sg_nents(sgl));
	KUNIT_EXPECT_PTR_EQ(test, &sgl[2], sg_last(sgl, 3));

	sg_mark_end(&sgl[1]);
	KUNIT_EXPECT_EQ(test, 2, sg_nents(sgl));
	KUNIT_EXPECT_NULL(test, sg_next(&sgl[1]));
	KUNIT_EXPECT_FALSE(test, sg_has_page(&sgl[1]));
	KUNIT_EXPECT_EQ(test, 3, sg_pfn(&sgl[1]));

	sg_unmark_end(&sgl[1]);
	KUNIT_EXPECT_EQ(test, 3, sg_nents(sgl));
	KUNIT_EXPECT_FALSE(test, sg_has_page(&sgl[1]));
	KUNIT_EXPECT_EQ(test, 3, sg_pfn(&sgl[1]));
	KUNIT_EXPECT_EQ(test, 1, sg_pfn(&sgl[0]));
	KUNIT_EXPECT_EQ(test, 7, sg_pfn(&sgl[2]));
}

/*
 * A scatterlist is only aligned to its largest member, so on 32-bit the pointer
 * in a chain entry may have the bit set that means "no page" elsewhere.
 */
static void sg_pfn_chain_alignment(struct kunit *test)
{
	const size_t align = max_t(size_t, __alignof__(struct scatterlist), 4);
	struct scatterlist *first, *second;
	void *raw;

	if (IS_ENABLED(CONFIG_ARCH_NO_SG_CHAIN))
		kunit_skip(test, "the architecture can't chain lists");

	first = kunit_kzalloc(test, 2 * sizeof(*first), GFP_KERNEL);
	raw = kunit_kzalloc(test, 2 * sizeof(*second) + 16, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, first);
	KUNIT_ASSERT_NOT_NULL(test, raw);

	for (size_t off = 0; off < 16; off += align) {
		second = raw + off;
		sg_init_table(first, 2);
		sg_init_table(second, 2);
		KUNIT_EXPECT_EQ(test, 0, sg_set_pfn(&first[0], 10, 1, 0));
		/* Chaining takes over an entry that had no page */
		KUNIT_EXPECT_EQ(test, 0, sg_set_pfn(&first[1], 11, 1, 0));
		KUNIT_EXPECT_EQ(test, 0, sg_set_pfn(&second[0], 12, 1, 0));
		KUNIT_EXPECT_EQ(test, 0, sg_set_pfn(&second[1], 13, 1, 0));
		sg_chain(first, 2, second);

		KUNIT_EXPECT_TRUE(test, sg_is_chain(&first[1]));
		KUNIT_EXPECT_PTR_EQ(test, second, sg_chain_ptr(&first[1]));
		KUNIT_EXPECT_EQ(test, 3, sg_nents(first));
		KUNIT_EXPECT_PTR_EQ(test, &second[0], sg_next(&first[0]));
		KUNIT_EXPECT_EQ(test, 12, sg_pfn(sg_next(&first[0])));
		KUNIT_EXPECT_EQ(test, 13, sg_pfn(sg_last(first, 3)));
	}
}

static void sg_pfn_chained_table(struct kunit *test)
{
	const unsigned int n = 3 * SG_MAX_SINGLE_ALLOC;
	struct sg_pfn_test *t = test->priv;
	struct scatterlist *sg;
	struct sg_table sgt;
	unsigned int i;

	if (IS_ENABLED(CONFIG_ARCH_NO_SG_CHAIN))
		kunit_skip(test, "the architecture can't chain lists");
	KUNIT_ASSERT_EQ(test, 0, sg_alloc_table(&sgt, n, GFP_KERNEL));

	for_each_sgtable_sg(&sgt, sg, i) {
		if (i % 3)
			KUNIT_EXPECT_EQ(test, 0, sg_set_pfn(sg, i, 8, 0));
		else
			sg_set_page(sg, t->pages, 8, 0);
	}

	KUNIT_EXPECT_EQ(test, n, sg_nents(sgt.sgl));
	KUNIT_EXPECT_EQ(test, n - 1, sg_nents_for_len(sgt.sgl, (n - 1) * 8));
	KUNIT_EXPECT_EQ(test, -EINVAL, sg_nents_for_len(sgt.sgl, n * 8 + 1));
	for_each_sgtable_sg(&sgt, sg, i) {
		KUNIT_EXPECT_EQ(test, !(i % 3), sg_has_page(sg));
		KUNIT_EXPECT_EQ(test, i % 3 ? i : page_to_pfn(t->pages),
				sg_pfn(sg));
	}
	sg_free_table(&sgt);
}

static void sg_pfn_page_is_refused(struct kunit *test)
{
	struct scatterlist sg;

	sg_init_table(&sg, 1);
	KUNIT_ASSERT_EQ(test, 0, sg_set_pfn(&sg, BAR_PFN, PAGE_SIZE, 0));

	kunit_warning_suppress(test) {
		KUNIT_EXPECT_NULL(test, sg_page(&sg));
#ifdef __WARN_FLAGS
		/* Elsewhere an earlier warning is the only one */
		KUNIT_EXPECT_SUPPRESSED_WARNING_COUNT(test, 1);
#endif
	}
	kunit_warning_suppress(test) {
		KUNIT_EXPECT_NULL(test, sg_virt(&sg));
		KUNIT_EXPECT_SUPPRESSED_WARNING_COUNT(test, 0);
	}
}

static void sg_pfn_chain_entry_is_refused(struct kunit *test)
{
	struct scatterlist sgl[2], other[1], was;

	if (!IS_ENABLED(CONFIG_DEBUG_SG))
		kunit_skip(test, "needs CONFIG_DEBUG_SG");

	sg_init_table(sgl, 2);
	sg_init_table(other, 1);
	sg_chain(sgl, 2, other);
	was = sgl[1];
	kunit_warning_suppress(test) {
		KUNIT_EXPECT_EQ(test, -EINVAL,
				sg_set_pfn(&sgl[1], BAR_PFN, PAGE_SIZE, 0));
	}
	KUNIT_EXPECT_MEMEQ(test, &was, &sgl[1], sizeof(was));
}

static void sg_pfn_miter(struct kunit *test)
{
	static const unsigned int modes[] = { 0, SG_MITER_ATOMIC, SG_MITER_LOCAL };
	struct sg_mapping_iter m;
	struct scatterlist sgl[3];
	struct sg_pfn_test *t = test->priv;

	make_mixed(test, sgl);
	for (int i = 0; i < ARRAY_SIZE(modes); i++) {
		sg_miter_start(&m, sgl, 3, SG_MITER_FROM_SG | modes[i]);
		KUNIT_EXPECT_TRUE(test, sg_miter_next(&m));
		KUNIT_EXPECT_PTR_EQ(test, t->pages, m.page);
		KUNIT_EXPECT_EQ(test, PAGE_SIZE / 2, m.length);
		/* It must not get past the entry when it is called again */
		for (int j = 0; j < 4; j++) {
			KUNIT_EXPECT_FALSE(test, sg_miter_next(&m));
			KUNIT_EXPECT_NULL(test, m.addr);
		}
		sg_miter_stop(&m);
	}

	/* To skip it reads nothing */
	sg_miter_start(&m, sgl, 3, SG_MITER_FROM_SG);
	KUNIT_EXPECT_TRUE(test, sg_miter_skip(&m, PAGE_SIZE / 2 + 2 * PAGE_SIZE));
	KUNIT_EXPECT_TRUE(test, sg_miter_next(&m));
	KUNIT_EXPECT_PTR_EQ(test, t->pages + 1, m.page);
	KUNIT_EXPECT_EQ(test, PAGE_SIZE / 2, m.length);
	KUNIT_EXPECT_FALSE(test, sg_miter_next(&m));
	sg_miter_stop(&m);

	/* But it can't be stopped in there and read on */
	sg_miter_start(&m, sgl, 3, SG_MITER_FROM_SG);
	KUNIT_EXPECT_TRUE(test, sg_miter_skip(&m, PAGE_SIZE));
	KUNIT_EXPECT_FALSE(test, sg_miter_next(&m));
	sg_miter_stop(&m);
}

static void sg_pfn_copy(struct kunit *test)
{
	const size_t half = PAGE_SIZE / 2, all = 3 * PAGE_SIZE;
	struct sg_pfn_test *t = test->priv;
	u8 *data = page_address(t->pages);
	struct scatterlist sgl[3];

	make_mixed(test, sgl);

	KUNIT_EXPECT_EQ(test, half, sg_copy_to_buffer(sgl, 3, t->buf, all));
	KUNIT_EXPECT_PTR_EQ(test, NULL, memchr_inv(t->buf, PATTERN, half));
	KUNIT_EXPECT_PTR_EQ(test, NULL,
			    memchr_inv(t->buf + half, 0, all - half));

	KUNIT_EXPECT_EQ(test, half - 4,
			sg_pcopy_to_buffer(sgl, 3, t->buf, all, 4));
	KUNIT_EXPECT_EQ(test, 0,
			sg_pcopy_to_buffer(sgl, 3, t->buf, all, half));
	KUNIT_EXPECT_EQ(test, 0,
			sg_pcopy_to_buffer(sgl, 3, t->buf, all, half + 10));
	KUNIT_EXPECT_EQ(test, half,
			sg_pcopy_to_buffer(sgl, 3, t->buf, all,
					   half + 2 * PAGE_SIZE));

	memset(t->buf, 0, all);
	KUNIT_EXPECT_EQ(test, half, sg_copy_from_buffer(sgl, 3, t->buf, all));
	KUNIT_EXPECT_PTR_EQ(test, NULL, memchr_inv(data + 16, 0, half));
	KUNIT_EXPECT_PTR_EQ(test, NULL, memchr_inv(data + 16 + half, PATTERN,
						   all - half - 16));

	memset(data, PATTERN, all);
	KUNIT_EXPECT_EQ(test, half, sg_zero_buffer(sgl, 3, all, 0));
	KUNIT_EXPECT_EQ(test, 0, sg_zero_buffer(sgl, 3, all, half + 1));
	KUNIT_EXPECT_PTR_EQ(test, NULL, memchr_inv(data + 16, 0, half));
	KUNIT_EXPECT_PTR_EQ(test, NULL, memchr_inv(data + 16 + half, PATTERN,
						   all - half - 16));
}

static void sg_pfn_page_iter(struct kunit *test)
{
	struct scatterlist sgl[3];
	struct sg_page_iter it;
	int pages = 0;

	make_mixed(test, sgl);
	kunit_warning_suppress(test) {
		for_each_sg_page(sgl, &it, 3, 0)
			pages++;
		KUNIT_EXPECT_EQ(test, 1, pages);
		/* For good */
		for (int i = 0; i < 4; i++)
			KUNIT_EXPECT_FALSE(test, __sg_page_iter_next(&it));
	}
}

static void sg_pfn_dma_page_iter(struct kunit *test)
{
	static const dma_addr_t want[] = { 0x1000000, 0x2000000,
		0x2000000 + PAGE_SIZE, 0x2000000 + 2 * PAGE_SIZE, 0x3000000 };
	struct sg_dma_page_iter it;
	struct scatterlist sgl[3];
	int n = 0;

	make_mixed(test, sgl);
	for (int i = 0; i < 3; i++) {
		sg_dma_address(&sgl[i]) = (i + 1) * 0x1000000UL;
		sg_dma_len(&sgl[i]) = sgl[i].length;
	}

	for_each_sg_dma_page(sgl, &it, 3, 0) {
		KUNIT_ASSERT_LT(test, n, ARRAY_SIZE(want));
		KUNIT_EXPECT_EQ(test, want[n], sg_page_iter_dma_address(&it));
		n++;
	}
	KUNIT_EXPECT_EQ(test, ARRAY_SIZE(want), n);
}

/* Two lists that meet in the middle of the entry without a page */
static void sg_pfn_split(struct kunit *test)
{
	const size_t half = PAGE_SIZE / 2;
	const size_t sizes[] = { half + PAGE_SIZE, PAGE_SIZE + half };
	struct sg_pfn_test *t = test->priv;
	struct scatterlist sgl[3], *out[2];

	make_mixed(test, sgl);
	KUNIT_ASSERT_EQ(test, 0, sg_split(sgl, 0, 0, 2, sizes, out, NULL,
					  GFP_KERNEL));

	KUNIT_EXPECT_EQ(test, 2, sg_nents(out[0]));
	KUNIT_EXPECT_PTR_EQ(test, t->pages, sg_page(&out[0][0]));
	KUNIT_EXPECT_FALSE(test, sg_has_page(&out[0][1]));
	KUNIT_EXPECT_EQ(test, BAR_PFN, sg_pfn(&out[0][1]));
	KUNIT_EXPECT_EQ(test, 8, out[0][1].offset);
	KUNIT_EXPECT_EQ(test, PAGE_SIZE, out[0][1].length);

	KUNIT_EXPECT_EQ(test, 2, sg_nents(out[1]));
	KUNIT_EXPECT_FALSE(test, sg_has_page(&out[1][0]));
	KUNIT_EXPECT_EQ(test, PFN_PHYS(BAR_PFN) + 8 + PAGE_SIZE,
			sg_phys(&out[1][0]));
	KUNIT_EXPECT_EQ(test, PAGE_SIZE, out[1][0].length);
	KUNIT_EXPECT_PTR_EQ(test, t->pages + 1, sg_page(&out[1][1]));

	kfree(out[0]);
	kfree(out[1]);
}

/* Pages that follow an entry without one in memory don't become part of it */
static void sg_pfn_append_does_not_merge(struct kunit *test)
{
	struct sg_append_table append = {};
	struct sg_pfn_test *t = test->priv;
	struct page *pages[] = { t->pages, t->pages + 1 };
	struct scatterlist *sg;

	if (IS_ENABLED(CONFIG_ARCH_NO_SG_CHAIN))
		kunit_skip(test, "the architecture can't append to lists");

	KUNIT_ASSERT_EQ(test, 0,
			sg_alloc_append_table_from_pages(&append, pages, 1, 0,
							 PAGE_SIZE, UINT_MAX, 1,
							 GFP_KERNEL));
	sg = append.sgt.sgl;
	KUNIT_EXPECT_EQ(test, 0, sg_set_pfn(sg, page_to_pfn(t->pages),
					    PAGE_SIZE, 0));
	KUNIT_EXPECT_EQ(test, 0,
			sg_alloc_append_table_from_pages(&append, pages + 1, 1,
							 0, PAGE_SIZE, UINT_MAX,
							 0, GFP_KERNEL));

	KUNIT_EXPECT_EQ(test, 2, append.sgt.orig_nents);
	KUNIT_EXPECT_FALSE(test, sg_has_page(sg));
	KUNIT_EXPECT_EQ(test, PAGE_SIZE, sg->length);
	sg = sg_next(sg);
	KUNIT_ASSERT_NOT_NULL(test, sg);
	KUNIT_EXPECT_PTR_EQ(test, t->pages + 1, sg_page(sg));
	sg_free_append_table(&append);
}

static void sg_pfn_sgl_free(struct kunit *test)
{
	struct scatterlist *sgl = sgl_alloc(3 * PAGE_SIZE, GFP_KERNEL, NULL);

	KUNIT_ASSERT_NOT_NULL(test, sgl);
	__free_page(sg_page(&sgl[1]));
	KUNIT_EXPECT_EQ(test, 0, sg_set_pfn(&sgl[1], BAR_PFN, PAGE_SIZE, 0));
	kunit_warning_suppress(test)
		sgl_free(sgl);
}

static struct kunit_case sg_pfn_cases[] = {
	KUNIT_CASE(sg_pfn_layout),
	KUNIT_CASE(sg_pfn_set_and_get),
	KUNIT_CASE(sg_pfn_of_page),
	KUNIT_CASE(sg_pfn_limits),
	KUNIT_CASE(sg_pfn_overwrite),
	KUNIT_CASE(sg_pfn_end_marker),
	KUNIT_CASE(sg_pfn_chain_alignment),
	KUNIT_CASE(sg_pfn_chained_table),
	KUNIT_CASE(sg_pfn_page_is_refused),
	KUNIT_CASE(sg_pfn_chain_entry_is_refused),
	KUNIT_CASE(sg_pfn_miter),
	KUNIT_CASE(sg_pfn_copy),
	KUNIT_CASE(sg_pfn_page_iter),
	KUNIT_CASE(sg_pfn_dma_page_iter),
	KUNIT_CASE(sg_pfn_split),
	KUNIT_CASE(sg_pfn_append_does_not_merge),
	KUNIT_CASE(sg_pfn_sgl_free),
	{}
};

static struct kunit_suite sg_pfn_suite = {
	.name = "scatterlist_pfn",
	.init = sg_pfn_test_init,
	.test_cases = sg_pfn_cases,
};

kunit_test_suite(sg_pfn_suite);

MODULE_DESCRIPTION("KUnit tests for scatterlist entries without struct page");
MODULE_LICENSE("GPL");
