/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * KUnit tests for the page tables of sparc32's I/O MMUs.
 *
 * The tests map memory for an I/O MMU that is made of RAM, by way of the DMA API,
 * and compare its page table, each bit of it, with what ought to be in it. No
 * transfer takes place, so memory without a page may be anywhere. They run on every
 * machine: no hardware is touched, and no emulator has a sun4d.
 *
 * Included at the end of io-unit_kunit.c and iommu_kunit.c, which say what the
 * entries look like. They themselves are included by the drivers, all functions of
 * which are static.
 */
#include <kunit/device.h>
#include <kunit/test.h>
#include <kunit/test-bug.h>
#include <linux/bitmap.h>
#include <linux/scatterlist.h>

#define DVMA_TEST_PAGES		8
#define DVMA_TEST_DIR		DMA_BIDIRECTIONAL

/* Memory without a page */
#define DVMA_TEST_PHYS		0x63218000UL

/* Each DVMA_TEST_OTHERS-th entry belongs to somebody else */
#define DVMA_TEST_OTHERS	8
#define DVMA_TEST_OTHER		0x5a5a0000U

#define DVMA_TEST_FLUSHES	64

/**
 * struct dvma_test - an I/O MMU, and what it should look like
 * @dev: a device behind it
 * @pages: DVMA_TEST_PAGES contiguous pages
 * @scratch: a page that is to take the place of revoked memory
 * @table: its page table
 * @map: its record of which entries are in use
 * @want: what is to be in @table
 * @used: what is to be in @map
 * @cache_ops: how caches are flushed
 * @cache_ops_was: how they were before
 * @flushed: what was flushed for a device
 * @nr_flushed: how many of them there are
 */
struct dvma_test {
	struct device *dev;
	struct page *pages;
	void *scratch;
	iopte_t *table;
	unsigned long *map;
	u32 *want;
	DECLARE_BITMAP(used, DVMA_TEST_ENTRIES);
	struct sparc32_cachetlb_ops cache_ops;
	const struct sparc32_cachetlb_ops *cache_ops_was;
	unsigned long flushed[DVMA_TEST_FLUSHES];
	unsigned int nr_flushed;
};

/* To set up @table, @map and the I/O MMU of @dev */
static void dvma_test_init_iommu(struct kunit *test);

/**
 * struct dvma_test_piece - what a list has in one of its entries
 * @page: number of the page, or page frame without a page, where it starts
 * @has_page: which of both
 * @offset: of its start in there, in bytes
 * @length: in bytes
 */
struct dvma_test_piece {
	unsigned int page;
	bool has_page;
	unsigned int offset;
	unsigned int length;
};

static void dvma_test_free_pages(void *pages)
{
	__free_pages(pages, get_order(DVMA_TEST_PAGES * PAGE_SIZE));
}

static void dvma_test_flush(unsigned long addr)
{
	struct dvma_test *ctx = kunit_get_current_test()->priv;

	if (ctx->nr_flushed < DVMA_TEST_FLUSHES)
		ctx->flushed[ctx->nr_flushed] = addr;
	ctx->nr_flushed++;
}

static void dvma_test_restore_flush(void *data)
{
	struct dvma_test *ctx = data;

	sparc32_cachetlb_ops = ctx->cache_ops_was;
}

static int dvma_test_init(struct kunit *test)
{
	struct dvma_test *ctx;
	unsigned int i;

	ctx = kunit_kzalloc(test, sizeof(*ctx), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, ctx);
	test->priv = ctx;

	ctx->pages = alloc_pages(GFP_KERNEL,
				 get_order(DVMA_TEST_PAGES * PAGE_SIZE));
	KUNIT_ASSERT_NOT_NULL(test, ctx->pages);
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, dvma_test_free_pages,
						  ctx->pages));
	ctx->scratch = kunit_kzalloc(test, PAGE_SIZE, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, ctx->scratch);
	ctx->table = kunit_kcalloc(test, DVMA_TEST_ENTRIES, sizeof(iopte_t),
				   GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, ctx->table);
	ctx->want = kunit_kcalloc(test, DVMA_TEST_ENTRIES, sizeof(u32),
				  GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, ctx->want);

	ctx->dev = kunit_device_register(test, "dvma_test");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, ctx->dev);
	dvma_test_init_iommu(test);
	for (i = 0; i < DVMA_TEST_ENTRIES; i += DVMA_TEST_OTHERS) {
		ctx->want[i] = DVMA_TEST_OTHER + i;
		ctx->table[i] = __iopte(ctx->want[i]);
		__set_bit(i, ctx->used);
		__set_bit(i, ctx->map);
	}

	ctx->cache_ops_was = sparc32_cachetlb_ops;
	ctx->cache_ops = *sparc32_cachetlb_ops;
	ctx->cache_ops.page_for_dma = dvma_test_flush;
	sparc32_cachetlb_ops = &ctx->cache_ops;
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, dvma_test_restore_flush,
						  ctx));
	return dma_coerce_mask_and_coherent(ctx->dev, DMA_BIT_MASK(32));
}

/* Nothing was flushed since it was asked for the last time but @n pages of ours */
static void dvma_test_expect_flushed(struct kunit *test, unsigned int n)
{
	struct dvma_test *ctx = test->priv;
	unsigned long first = (unsigned long)page_address(ctx->pages);
	unsigned int i;

	KUNIT_EXPECT_EQ(test, n, ctx->nr_flushed);
	for (i = 0; i < min(ctx->nr_flushed, DVMA_TEST_FLUSHES); i++)
		KUNIT_EXPECT_LT(test, ctx->flushed[i] - first,
				DVMA_TEST_PAGES * PAGE_SIZE);
	ctx->nr_flushed = 0;
}

/* The page table is as it should be, and so is the record of what is in use */
static void dvma_test_expect(struct kunit *test)
{
	struct dvma_test *ctx = test->priv;
	unsigned int i;

	KUNIT_EXPECT_TRUE(test, bitmap_equal(ctx->used, ctx->map,
					     DVMA_TEST_ENTRIES));
	for (i = 0; i < DVMA_TEST_ENTRIES; i++) {
		u32 entry = iopte_val(ctx->table[i]);
		bool used = test_bit(i, ctx->used);

		if (used ? entry == ctx->want[i] : !DVMA_TEST_CLEARS || !entry)
			continue;
		KUNIT_FAIL(test, "entry %u is %#010x, not %#010x", i, entry,
			   used ? ctx->want[i] : 0);
		return;
	}
}

static unsigned int dvma_test_index(dma_addr_t dma)
{
	return (dma - DVMA_TEST_BASE) >> PAGE_SHIFT;
}

static unsigned int dvma_test_nr_pages(dma_addr_t dma, size_t len)
{
	return PFN_UP(offset_in_page(dma) + len);
}

/* @dma, which nobody had before, is to lead to @phys */
static void dvma_test_want(struct kunit *test, dma_addr_t dma,
			   phys_addr_t phys, size_t len, bool has_page)
{
	unsigned int n = dvma_test_nr_pages(dma, len);
	unsigned int first = dvma_test_index(dma), i;
	struct dvma_test *ctx = test->priv;

	KUNIT_EXPECT_EQ(test, offset_in_page(dma), offset_in_page(phys));
	KUNIT_ASSERT_GE(test, dma, DVMA_TEST_BASE);
	KUNIT_ASSERT_LE(test, first + n, DVMA_TEST_LAST);
	for (i = 0; i < n; i++) {
		KUNIT_EXPECT_FALSE(test, test_bit(first + i, ctx->used));
		__set_bit(first + i, ctx->used);
		ctx->want[first + i] = dvma_test_entry(phys, has_page);
		phys += PAGE_SIZE;
	}
}

static void dvma_test_want_unused(struct kunit *test, dma_addr_t dma,
				  size_t len)
{
	struct dvma_test *ctx = test->priv;

	bitmap_clear(ctx->used, dvma_test_index(dma),
		     dvma_test_nr_pages(dma, len));
}

static void dvma_test_free_table(void *sgt)
{
	sg_free_table(sgt);
}

static struct sg_table *dvma_test_list(struct kunit *test,
				       const struct dvma_test_piece *pieces,
				       unsigned int n)
{
	struct sg_table *sgt = kunit_kzalloc(test, sizeof(*sgt), GFP_KERNEL);
	struct dvma_test *ctx = test->priv;
	struct scatterlist *sg;
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, sgt);
	KUNIT_ASSERT_EQ(test, 0, sg_alloc_table(sgt, n, GFP_KERNEL));
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, dvma_test_free_table,
						  sgt));
	for_each_sgtable_sg(sgt, sg, i) {
		const struct dvma_test_piece *p = &pieces[i];

		if (p->has_page)
			sg_set_page(sg, ctx->pages + p->page, p->length,
				    p->offset);
		else
			KUNIT_ASSERT_EQ(test, 0,
					sg_set_pfn(sg, p->page +
						   PHYS_PFN(DVMA_TEST_PHYS),
						   p->length, p->offset));
	}
	return sgt;
}

/* What was just mapped is a list that is to be in the page table */
static void dvma_test_want_list(struct kunit *test, struct sg_table *sgt)
{
	struct scatterlist *sg;
	unsigned int i, n = 0;

	KUNIT_EXPECT_EQ(test, sgt->nents, sgt->orig_nents);
	for_each_sgtable_dma_sg(sgt, sg, i) {
		KUNIT_EXPECT_EQ(test, sg_dma_len(sg), sg->length);
		dvma_test_want(test, sg_dma_address(sg), sg_phys(sg),
			       sg->length, sg_has_page(sg));
		if (sg_has_page(sg))
			n += dvma_test_nr_pages(sg->offset, sg->length);
	}
	dvma_test_expect_flushed(test, DVMA_TEST_PAGES_FLUSHED ? n : 0);
}

static void dvma_test_unmap_list(struct kunit *test, struct sg_table *sgt)
{
	struct dvma_test *ctx = test->priv;
	struct scatterlist *sg;
	unsigned int i;

	for_each_sgtable_dma_sg(sgt, sg, i)
		dvma_test_want_unused(test, sg_dma_address(sg),
				      sg_dma_len(sg));
	dma_unmap_sgtable(ctx->dev, sgt, DVMA_TEST_DIR, 0);
}

static const struct dvma_test_piece dvma_test_with_pages[] = {
	{ 0, true, 0, PAGE_SIZE },
	{ 5, true, 0x1c4, 2 * PAGE_SIZE },
	{ 2, true, PAGE_SIZE - 4, 8 },
	{ 3, true, 0x10, 0x20 },
};

static const struct dvma_test_piece dvma_test_without_pages[] = {
	{ 0, false, 0, PAGE_SIZE },
	{ 5, false, 0x1c4, 2 * PAGE_SIZE },
	{ 2, false, PAGE_SIZE - 4, 8 },
	{ DVMA_TEST_MAX_PFN - PHYS_PFN(DVMA_TEST_PHYS), false, 0x10, 0x20 },
};

static const struct dvma_test_piece dvma_test_mixed[] = {
	{ 0, true, 0, PAGE_SIZE },
	{ 0, false, 0, PAGE_SIZE },
	{ 5, false, 0x1c4, 2 * PAGE_SIZE },
	{ 1, true, 0x1c4, 2 * PAGE_SIZE },
	{ 4, true, PAGE_SIZE - 4, 8 },
	{ 9, false, PAGE_SIZE - 4, 8 },
};

static const struct dvma_test_param {
	const char *name;
	const struct dvma_test_piece *pieces;
	unsigned int n;
} dvma_test_params[] = {
	{ "pages", dvma_test_with_pages,
	  ARRAY_SIZE(dvma_test_with_pages) },
	{ "without pages", dvma_test_without_pages,
	  ARRAY_SIZE(dvma_test_without_pages) },
	{ "mixed", dvma_test_mixed, ARRAY_SIZE(dvma_test_mixed) },
};

KUNIT_ARRAY_PARAM_DESC(dvma_test, dvma_test_params, name);

static struct sg_table *dvma_test_param_list(struct kunit *test)
{
	const struct dvma_test_param *p = test->param_value;

	return dvma_test_list(test, p->pieces, p->n);
}

static dma_addr_t dvma_test_map_mmio(struct kunit *test, phys_addr_t phys,
				     size_t len)
{
	struct dvma_test *ctx = test->priv;
	dma_addr_t dma;

	/* dma_map_phys() would know that there is RAM at some of these */
	dma = get_dma_ops(ctx->dev)->map_phys(ctx->dev, phys, len,
					      DVMA_TEST_DIR, DMA_ATTR_MMIO);
	KUNIT_ASSERT_NE(test, dma, DMA_MAPPING_ERROR);
	dvma_test_want(test, dma, phys, len, false);
	dvma_test_expect(test);
	dvma_test_expect_flushed(test, 0);
	return dma;
}

static void dvma_test_unmap_mmio(struct kunit *test, dma_addr_t dma, size_t len)
{
	struct dvma_test *ctx = test->priv;

	dvma_test_want_unused(test, dma, len);
	get_dma_ops(ctx->dev)->unmap_phys(ctx->dev, dma, len, DVMA_TEST_DIR,
					  DMA_ATTR_MMIO);
	dvma_test_expect(test);
}

/* Each bit of an address has its place in an entry, and only that */
static void dvma_test_entry_bits(struct kunit *test)
{
	unsigned int bit;
	dma_addr_t dma;

	for (bit = 0; bit < fls(DVMA_TEST_MAX_PFN); bit++) {
		dma = dvma_test_map_mmio(test, PFN_PHYS(BIT(bit)), PAGE_SIZE);
		dvma_test_unmap_mmio(test, dma, PAGE_SIZE);
		dma = dvma_test_map_mmio(test,
					 PFN_PHYS(DVMA_TEST_MAX_PFN & ~BIT(bit)),
					 PAGE_SIZE);
		dvma_test_unmap_mmio(test, dma, PAGE_SIZE);
	}
}

static void dvma_test_map_phys(struct kunit *test)
{
	struct dvma_test *ctx = test->priv;
	phys_addr_t page = page_to_phys(ctx->pages + 1) + 0x1c4;
	const size_t len = 3 * PAGE_SIZE;
	dma_addr_t dma, dma_page;

	dma = dvma_test_map_mmio(test, DVMA_TEST_PHYS + 0x1c4, len);
	dma_page = dma_map_phys(ctx->dev, page, len, DVMA_TEST_DIR, 0);
	KUNIT_ASSERT_EQ(test, 0, dma_mapping_error(ctx->dev, dma_page));
	dvma_test_want(test, dma_page, page, len, true);
	dvma_test_expect(test);
	dvma_test_expect_flushed(test, DVMA_TEST_PAGES_FLUSHED ? 4 : 0);

	dvma_test_unmap_mmio(test, dma, len);
	dvma_test_want_unused(test, dma_page, len);
	dma_unmap_phys(ctx->dev, dma_page, len, DVMA_TEST_DIR, 0);
	dvma_test_expect(test);

	/* It's not the address that tells whether there is something to flush */
	dma = dvma_test_map_mmio(test, page, len);
	dvma_test_unmap_mmio(test, dma, len);
}

static void dvma_test_map_sg(struct kunit *test)
{
	struct sg_table *sgt = dvma_test_param_list(test);
	struct dvma_test *ctx = test->priv;

	KUNIT_ASSERT_EQ(test, 0,
			dma_map_sgtable(ctx->dev, sgt, DVMA_TEST_DIR, 0));
	dvma_test_want_list(test, sgt);
	dvma_test_expect(test);

	/* What is mapped stays as it is */
	dma_sync_sgtable_for_cpu(ctx->dev, sgt, DVMA_TEST_DIR);
	dma_sync_sgtable_for_device(ctx->dev, sgt, DVMA_TEST_DIR);
	dvma_test_expect(test);

	dvma_test_unmap_list(test, sgt);
	dvma_test_expect(test);
}

/* The entries stay in use, and lead to the scratch page until they are unmapped */
static void dvma_test_revoke(struct kunit *test)
{
	struct sg_table *other = dvma_test_param_list(test);
	struct sg_table *sgt = dvma_test_param_list(test);
	struct dvma_test *ctx = test->priv;
	struct scatterlist *sg;
	unsigned int i, j, times;

	KUNIT_ASSERT_EQ(test, 0,
			dma_map_sgtable(ctx->dev, sgt, DVMA_TEST_DIR, 0));
	dvma_test_want_list(test, sgt);
	KUNIT_ASSERT_EQ(test, 0,
			dma_map_sgtable(ctx->dev, other, DVMA_TEST_DIR, 0));
	dvma_test_want_list(test, other);

	for_each_sgtable_dma_sg(sgt, sg, i) {
		dma_addr_t dma = sg_dma_address(sg);

		for (j = 0; j < dvma_test_nr_pages(dma, sg->length); j++)
			ctx->want[dvma_test_index(dma) + j] =
				dvma_test_entry(virt_to_phys(ctx->scratch), true);
	}
	for (times = 0; times < 2; times++) {
		KUNIT_EXPECT_EQ(test, 0,
				dma_revoke_sgtable(ctx->dev, sgt,
						   DVMA_TEST_DIR, 0));
		dvma_test_expect(test);
	}

	dvma_test_unmap_list(test, sgt);
	dvma_test_expect(test);
	dvma_test_unmap_list(test, other);
	dvma_test_expect(test);
}

/* What unmapping forgets runs out */
static void dvma_test_often(struct kunit *test)
{
	struct sg_table *sgt = dvma_test_param_list(test);
	struct dvma_test *ctx = test->priv;
	unsigned int i;

	for (i = 0; i < DVMA_TEST_ENTRIES; i++) {
		KUNIT_ASSERT_EQ(test, 0,
				dma_map_sgtable(ctx->dev, sgt, DVMA_TEST_DIR,
						0));
		dma_unmap_sgtable(ctx->dev, sgt, DVMA_TEST_DIR, 0);
	}
	dvma_test_expect(test);
}

/* A list for which there is no space takes none, and writes over nothing */
static void dvma_test_no_space(struct kunit *test)
{
	static const struct dvma_test_piece pieces[] = {
		{ 0, false, 0, PAGE_SIZE },
		{ 5, true, 0, 2 * PAGE_SIZE },
		{ 2, false, 0x1c4, PAGE_SIZE },
	};
	static const unsigned int unused[] = {
		9, DVMA_TEST_LAST - 9, DVMA_TEST_LAST - 8
	};
	struct sg_table *all = dvma_test_list(test, pieces, 3);
	struct sg_table *most = dvma_test_list(test, pieces, 2);
	struct dvma_test *ctx = test->priv;
	unsigned int i;
	dma_addr_t dma;

	for (i = 0; i < DVMA_TEST_ENTRIES; i++) {
		ctx->want[i] = DVMA_TEST_OTHER + i;
		ctx->table[i] = __iopte(ctx->want[i]);
	}
	bitmap_fill(ctx->used, DVMA_TEST_ENTRIES);
	for (i = 0; i < ARRAY_SIZE(unused); i++) {
		__clear_bit(unused[i], ctx->used);
		ctx->table[unused[i]] = __iopte(0);
	}
	bitmap_copy(ctx->map, ctx->used, DVMA_TEST_ENTRIES);

	for (i = 0; i < 3; i++) {
		KUNIT_EXPECT_EQ(test, -EIO,
				dma_map_sgtable(ctx->dev, all, DVMA_TEST_DIR,
						0));
		dvma_test_expect(test);
	}
	ctx->nr_flushed = 0;
	dma = dma_map_phys(ctx->dev, DVMA_TEST_PHYS, 3 * PAGE_SIZE,
			   DVMA_TEST_DIR, DMA_ATTR_MMIO);
	KUNIT_EXPECT_EQ(test, -ENOMEM, dma_mapping_error(ctx->dev, dma));
	dvma_test_expect(test);

	KUNIT_ASSERT_EQ(test, 0,
			dma_map_sgtable(ctx->dev, most, DVMA_TEST_DIR, 0));
	dvma_test_want_list(test, most);
	dvma_test_expect(test);
	dvma_test_unmap_list(test, most);
	dvma_test_expect(test);
}

static void dvma_test_refused(struct kunit *test)
{
	static const struct dvma_test_piece pieces[] = {
		{ 0, false, 0, PAGE_SIZE },
		{ DVMA_TEST_MAX_PFN - PHYS_PFN(DVMA_TEST_PHYS), false, 0,
		  2 * PAGE_SIZE },
	};
	struct dvma_test *ctx = test->priv;
	dma_addr_t dma;

	dma = dma_map_phys(ctx->dev, DVMA_TEST_PHYS, SZ_256K + 1,
			   DVMA_TEST_DIR, DMA_ATTR_MMIO);
	KUNIT_EXPECT_EQ(test, -ENOMEM, dma_mapping_error(ctx->dev, dma));
	KUNIT_EXPECT_NE(test, 0, dma_set_mask(ctx->dev, DMA_BIT_MASK(31)));
	dvma_test_expect(test);

	/* The last page can't be expressed */
	if (PHYS_PFN(~(phys_addr_t)0) > DVMA_TEST_MAX_PFN) {
		struct sg_table *sgt = dvma_test_list(test, pieces, 2);

		KUNIT_EXPECT_EQ(test, -EIO,
				dma_map_sgtable(ctx->dev, sgt, DVMA_TEST_DIR,
						0));
		dvma_test_expect(test);
	}
}

static struct kunit_case dvma_test_cases[] = {
	KUNIT_CASE(dvma_test_entry_bits),
	KUNIT_CASE(dvma_test_map_phys),
	KUNIT_CASE_PARAM(dvma_test_map_sg, dvma_test_gen_params),
	KUNIT_CASE_PARAM(dvma_test_revoke, dvma_test_gen_params),
	KUNIT_CASE_PARAM(dvma_test_often, dvma_test_gen_params),
	KUNIT_CASE(dvma_test_no_space),
	KUNIT_CASE(dvma_test_refused),
	{}
};

static struct kunit_suite dvma_test_suite = {
	.name = DVMA_TEST_SUITE,
	.init = dvma_test_init,
	.test_cases = dvma_test_cases,
};

kunit_test_suite(dvma_test_suite);
