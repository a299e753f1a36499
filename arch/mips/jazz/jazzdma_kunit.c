// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests for the translation table of the R4030.
 *
 * They map memory for a device that never transfers anything, so memory without
 * a page may be anywhere, and look at all that the chip and the caches get to
 * know: the entries of the table, when it was invalidated, and which memory was
 * synchronized. No emulator has caches, nor a copy of the table in the chip, for
 * which the latter two would matter.
 *
 * Included at the end of jazzdma.c, almost all of which is static.
 */

#include <kunit/device.h>
#include <kunit/test.h>

#define JAZZ_TEST_PAGES		8
#define JAZZ_TEST_SYNCS		16

/* Memory without a page: more than any of these machines has RAM for */
#define JAZZ_TEST_PHYS		0x1a345000UL
#define JAZZ_TEST_END		0x20000000UL
#define JAZZ_TEST_MAX_SIZE	0x400000UL

struct jazz_test_sync {
	bool for_device;
	phys_addr_t phys;
	size_t size;
	enum dma_data_direction dir;
};

struct jazz_test {
	struct device *dev;
	u64 mask;
	struct device_dma_parameters parms;

	/* JAZZ_TEST_PAGES contiguous ones */
	struct page *pages;

	/* How many entries were in use before, all those of drivers */
	unsigned int used;

	/* What was synchronized since the last jazz_test_expect_syncs() */
	struct jazz_test_sync syncs[JAZZ_TEST_SYNCS];
	unsigned int nr_syncs;

	/* The frames in the table as it was when the chip read it again */
	unsigned int nr_invalidated;
	u32 *frames;
};

static void jazz_test_log_sync(bool for_device, phys_addr_t phys, size_t size,
			       enum dma_data_direction dir)
{
	struct jazz_test *ctx = kunit_get_current_test()->priv;

	if (ctx->nr_syncs < JAZZ_TEST_SYNCS)
		ctx->syncs[ctx->nr_syncs] = (struct jazz_test_sync){
			for_device, phys, size, dir
		};
	ctx->nr_syncs++;
}

static void jazz_test_sync_for_device(phys_addr_t phys, size_t size,
				      enum dma_data_direction dir)
{
	jazz_test_log_sync(true, phys, size, dir);
}

static void jazz_test_sync_for_cpu(phys_addr_t phys, size_t size,
				   enum dma_data_direction dir)
{
	jazz_test_log_sync(false, phys, size, dir);
}

static void jazz_test_invalidate(void)
{
	struct jazz_test *ctx = kunit_get_current_test()->priv;
	unsigned int i;

	for (i = 0; i < VDMA_PGTBL_ENTRIES; i++)
		ctx->frames[i] = pgtbl[i].frame;
	ctx->nr_invalidated++;
	r4030_write_reg32(JAZZ_R4030_TRSTBL_INV, 0);
}

static unsigned int jazz_test_nr_used(void)
{
	unsigned int i, nr = 0;

	for (i = 0; i < VDMA_PGTBL_ENTRIES; i++)
		nr += pgtbl[i].owner != VDMA_PAGE_EMPTY;
	return nr;
}

static void jazz_test_free_pages(void *pages)
{
	__free_pages(pages, get_order(JAZZ_TEST_PAGES * PAGE_SIZE));
}

static int jazz_test_init(struct kunit *test)
{
	struct jazz_test *ctx = kunit_kzalloc(test, sizeof(*ctx), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, ctx);
	test->priv = ctx;
	ctx->frames = kunit_kcalloc(test, VDMA_PGTBL_ENTRIES,
				    sizeof(*ctx->frames), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, ctx->frames);

	ctx->pages = alloc_pages(GFP_KERNEL,
				 get_order(JAZZ_TEST_PAGES * PAGE_SIZE));
	KUNIT_ASSERT_NOT_NULL(test, ctx->pages);
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, jazz_test_free_pages,
						  ctx->pages));

	ctx->dev = kunit_device_register(test, "jazz_test");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, ctx->dev);
	ctx->mask = DMA_BIT_MASK(32);
	ctx->dev->dma_mask = &ctx->mask;
	ctx->dev->dma_parms = &ctx->parms;
	dma_set_max_seg_size(ctx->dev, UINT_MAX);
	KUNIT_ASSERT_PTR_EQ(test, get_dma_ops(ctx->dev), &jazz_dma_ops);

	ctx->used = jazz_test_nr_used();
	kunit_activate_static_stub(test, jazz_sync_for_device,
				   jazz_test_sync_for_device);
	kunit_activate_static_stub(test, jazz_sync_for_cpu,
				   jazz_test_sync_for_cpu);
	kunit_activate_static_stub(test, vdma_invalidate, jazz_test_invalidate);
	return 0;
}

/* What was not unmapped would be missed by the drivers */
static void jazz_test_exit(struct kunit *test)
{
	struct jazz_test *ctx = test->priv;

	KUNIT_EXPECT_EQ(test, jazz_test_nr_used(), ctx->used);
}

/* The table was invalidated @nr times, and after the last change of it */
static void jazz_test_expect_invalidated(struct kunit *test, unsigned int nr)
{
	struct jazz_test *ctx = test->priv;
	unsigned int i;

	KUNIT_EXPECT_EQ(test, ctx->nr_invalidated, nr);
	ctx->nr_invalidated = 0;
	for (i = 0; i < VDMA_PGTBL_ENTRIES; i++)
		if (nr && ctx->frames[i] != pgtbl[i].frame)
			KUNIT_FAIL(test, "entry %u changed after that", i);
}

static void jazz_test_expect_syncs(struct kunit *test,
				   const struct jazz_test_sync *syncs,
				   unsigned int nr)
{
	struct jazz_test *ctx = test->priv;
	unsigned int i;

	KUNIT_EXPECT_EQ(test, ctx->nr_syncs, nr);
	for (i = 0; i < min3(nr, ctx->nr_syncs, JAZZ_TEST_SYNCS); i++) {
		KUNIT_EXPECT_EQ(test, ctx->syncs[i].for_device,
				syncs[i].for_device);
		KUNIT_EXPECT_EQ(test, ctx->syncs[i].phys, syncs[i].phys);
		KUNIT_EXPECT_EQ(test, ctx->syncs[i].size, syncs[i].size);
		KUNIT_EXPECT_EQ(test, ctx->syncs[i].dir, syncs[i].dir);
	}
	ctx->nr_syncs = 0;
}

static void jazz_test_expect_no_sync(struct kunit *test)
{
	jazz_test_expect_syncs(test, NULL, 0);
}

/* All syncs are those of the list's pages, in their order */
static void jazz_test_expect_page_syncs(struct kunit *test, struct sg_table *sgt,
					bool for_device,
					enum dma_data_direction dir)
{
	struct jazz_test_sync syncs[JAZZ_TEST_SYNCS];
	struct scatterlist *sg;
	unsigned int i, nr = 0;

	for_each_sgtable_sg(sgt, sg, i)
		if (sg_has_page(sg))
			syncs[nr++] = (struct jazz_test_sync){
				for_device, sg_phys(sg), sg->length, dir
			};
	jazz_test_expect_syncs(test, syncs, nr);
}

static void jazz_test_expect_entries(struct kunit *test, dma_addr_t dma,
				     phys_addr_t phys, size_t size)
{
	unsigned int i = dma / VDMA_PAGESIZE;
	unsigned int last = (dma + size - 1) / VDMA_PAGESIZE;
	phys_addr_t frame = round_down(phys, VDMA_PAGESIZE);

	KUNIT_ASSERT_LT(test, last, VDMA_PGTBL_ENTRIES);
	KUNIT_EXPECT_EQ(test, dma % VDMA_PAGESIZE, phys % VDMA_PAGESIZE);
	for (; i <= last; i++, frame += VDMA_PAGESIZE) {
		KUNIT_EXPECT_EQ(test, pgtbl[i].frame, frame);
		KUNIT_EXPECT_EQ(test, pgtbl[i].owner, dma);
	}
}

/* Also those entries of a mapping that no address of it leads to */
static void jazz_test_expect_scratch(struct kunit *test, dma_addr_t dma,
				     size_t size)
{
	unsigned int i, nr = 0;

	for (i = 0; i < VDMA_PGTBL_ENTRIES; i++) {
		if (pgtbl[i].owner != dma)
			continue;
		KUNIT_EXPECT_EQ(test, pgtbl[i].frame, vdma_scratch);
		nr++;
	}
	KUNIT_EXPECT_GE(test, nr, DIV_ROUND_UP(dma % VDMA_PAGESIZE + size,
					       VDMA_PAGESIZE));
}

/**
 * struct jazz_test_entry - entry of a list
 * @has_page: it is a page of the tests', or memory without a page
 * @offset: of it, from the start of these, in bytes
 * @length: its length in bytes
 */
struct jazz_test_entry {
	bool has_page;
	unsigned int offset;
	unsigned int length;
};

struct jazz_test_list {
	const char *name;
	unsigned int nents;
	struct jazz_test_entry entries[8];
};

static const struct jazz_test_list jazz_test_lists[] = {
	{ "a page", 1, { { true, 0, PAGE_SIZE } } },
	{ "no page", 1, { { false, 0x10c, 2 * PAGE_SIZE } } },
	{ "pages", 4, {
		{ true, 0x123, 0x456 },
		{ true, PAGE_SIZE, PAGE_SIZE },
		{ true, 2 * PAGE_SIZE, PAGE_SIZE / 2 },	/* its neighbour */
		{ true, 4 * PAGE_SIZE + 0x20, 3 * PAGE_SIZE },
	} },
	{ "no pages", 4, {
		{ false, 0, 2 * PAGE_SIZE },
		{ false, 2 * PAGE_SIZE, PAGE_SIZE },	/* its neighbour */
		{ false, 6 * PAGE_SIZE - 4, 8 },	/* across two */
		{ false, 0x10, 0x20 },
	} },
	{ "mixed, a page first", 6, {
		{ true, 0x123, 0x456 },
		{ false, 0, 2 * PAGE_SIZE },
		{ true, PAGE_SIZE, PAGE_SIZE },
		{ true, 5 * PAGE_SIZE - 4, 8 },
		{ false, 6 * PAGE_SIZE - 4, 8 },
		{ false, 3 * PAGE_SIZE, PAGE_SIZE },
	} },
	{ "mixed, a page last", 3, {
		{ false, 9 * PAGE_SIZE, PAGE_SIZE },
		{ false, 7 * PAGE_SIZE + 0x10, PAGE_SIZE },
		{ true, 2 * PAGE_SIZE, 2 * PAGE_SIZE },
	} },
};

KUNIT_ARRAY_PARAM_DESC(jazz_test, jazz_test_lists, name);

static void jazz_test_free_table(void *sgt)
{
	sg_free_table(sgt);
}

static void jazz_test_set_phys(struct kunit *test, struct scatterlist *sg,
			       phys_addr_t phys, unsigned int len)
{
	KUNIT_ASSERT_EQ(test, 0, sg_set_pfn(sg, PHYS_PFN(phys), len,
					    offset_in_page(phys)));
}

static struct sg_table *jazz_test_alloc(struct kunit *test,
					const struct jazz_test_list *list)
{
	struct sg_table *sgt = kunit_kzalloc(test, sizeof(*sgt), GFP_KERNEL);
	struct jazz_test *ctx = test->priv;
	struct scatterlist *sg;
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, sgt);
	KUNIT_ASSERT_EQ(test, 0, sg_alloc_table(sgt, list->nents, GFP_KERNEL));
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, jazz_test_free_table,
						  sgt));
	for_each_sgtable_sg(sgt, sg, i) {
		const struct jazz_test_entry *e = &list->entries[i];

		if (e->has_page)
			sg_set_page(sg, ctx->pages + e->offset / PAGE_SIZE,
				    e->length, offset_in_page(e->offset));
		else
			jazz_test_set_phys(test, sg, JAZZ_TEST_PHYS + e->offset,
					   e->length);
	}
	return sgt;
}

static void jazz_test_registers(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, r4030_read_reg32(JAZZ_R4030_TRSTBL_BASE),
			CPHYSADDR((unsigned long)pgtbl));
	KUNIT_EXPECT_EQ(test, r4030_read_reg32(JAZZ_R4030_TRSTBL_LIM),
			VDMA_PGTBL_ENTRIES * 8);
	KUNIT_EXPECT_TRUE(test, dma_phys_has_page(vdma_scratch));
}

static void jazz_test_map_phys(struct kunit *test)
{
	struct jazz_test *ctx = test->priv;
	const phys_addr_t phys = JAZZ_TEST_PHYS + 0x234;
	const size_t size = 3 * PAGE_SIZE;
	dma_addr_t dma;

	dma = dma_map_phys(ctx->dev, phys, size, DMA_FROM_DEVICE, DMA_ATTR_MMIO);
	KUNIT_ASSERT_FALSE(test, dma_mapping_error(ctx->dev, dma));
	jazz_test_expect_entries(test, dma, phys, size);
	jazz_test_expect_invalidated(test, 1);
	dma_sync_single_for_cpu(ctx->dev, dma, size, DMA_FROM_DEVICE);
	dma_sync_single_for_device(ctx->dev, dma, size, DMA_FROM_DEVICE);
	dma_unmap_phys(ctx->dev, dma, size, DMA_FROM_DEVICE, DMA_ATTR_MMIO);
	jazz_test_expect_no_sync(test);
	KUNIT_EXPECT_EQ(test, jazz_test_nr_used(), ctx->used);
}

/* The control */
static void jazz_test_map_page(struct kunit *test)
{
	struct jazz_test *ctx = test->priv;
	const phys_addr_t phys = page_to_phys(ctx->pages + 1) + 0x234;
	const size_t size = 3 * PAGE_SIZE;
	const struct jazz_test_sync syncs[] = {
		{ true,  phys,        size, DMA_FROM_DEVICE },
		{ false, phys + 0x10, 0x20, DMA_FROM_DEVICE },
		{ true,  phys + 0x10, 0x20, DMA_FROM_DEVICE },
		{ false, phys,        size, DMA_FROM_DEVICE },
	};
	dma_addr_t dma;

	dma = dma_map_phys(ctx->dev, phys, size, DMA_FROM_DEVICE, 0);
	KUNIT_ASSERT_FALSE(test, dma_mapping_error(ctx->dev, dma));
	jazz_test_expect_entries(test, dma, phys, size);
	jazz_test_expect_invalidated(test, 1);
	dma_sync_single_range_for_cpu(ctx->dev, dma, 0x10, 0x20,
				      DMA_FROM_DEVICE);
	dma_sync_single_range_for_device(ctx->dev, dma, 0x10, 0x20,
					 DMA_FROM_DEVICE);
	dma_unmap_phys(ctx->dev, dma, size, DMA_FROM_DEVICE, 0);
	jazz_test_expect_syncs(test, syncs, ARRAY_SIZE(syncs));
	KUNIT_EXPECT_EQ(test, jazz_test_nr_used(), ctx->used);
}

static void jazz_test_map_sg(struct kunit *test)
{
	const enum dma_data_direction dir = DMA_BIDIRECTIONAL;
	struct sg_table *sgt = jazz_test_alloc(test, test->param_value);
	struct jazz_test *ctx = test->priv;
	struct scatterlist *sg;
	unsigned int i;

	KUNIT_ASSERT_EQ(test, 0, dma_map_sgtable(ctx->dev, sgt, dir, 0));
	KUNIT_EXPECT_EQ(test, sgt->nents, sgt->orig_nents);
	jazz_test_expect_page_syncs(test, sgt, true, dir);
	jazz_test_expect_invalidated(test, sgt->nents);
	for_each_sgtable_dma_sg(sgt, sg, i) {
		KUNIT_EXPECT_EQ(test, sg_dma_len(sg), sg->length);
		jazz_test_expect_entries(test, sg_dma_address(sg), sg_phys(sg),
					 sg->length);
	}

	dma_sync_sgtable_for_cpu(ctx->dev, sgt, dir);
	jazz_test_expect_page_syncs(test, sgt, false, dir);
	dma_sync_sgtable_for_device(ctx->dev, sgt, dir);
	jazz_test_expect_page_syncs(test, sgt, true, dir);
	for_each_sgtable_dma_sg(sgt, sg, i)
		dma_sync_single_for_cpu(ctx->dev, sg_dma_address(sg),
					sg_dma_len(sg), dir);
	jazz_test_expect_page_syncs(test, sgt, false, dir);
	for_each_sgtable_dma_sg(sgt, sg, i)
		dma_sync_single_for_device(ctx->dev, sg_dma_address(sg),
					   sg_dma_len(sg), dir);
	jazz_test_expect_page_syncs(test, sgt, true, dir);

	dma_unmap_sgtable(ctx->dev, sgt, dir, 0);
	jazz_test_expect_page_syncs(test, sgt, false, dir);
	KUNIT_EXPECT_EQ(test, jazz_test_nr_used(), ctx->used);

	KUNIT_ASSERT_EQ(test, 0, dma_map_sgtable(ctx->dev, sgt, dir,
						 DMA_ATTR_SKIP_CPU_SYNC));
	dma_unmap_sgtable(ctx->dev, sgt, dir, DMA_ATTR_SKIP_CPU_SYNC);
	jazz_test_expect_no_sync(test);
}

static const struct jazz_test_list jazz_test_two = { "", 2, {
	{ true, PAGE_SIZE + 16, PAGE_SIZE },
	{ false, 0x10c, 2 * PAGE_SIZE },
} };

/* A list that can't be mapped, with something before that could */
static void jazz_test_expect_error(struct kunit *test, phys_addr_t phys,
				   unsigned int len)
{
	static const struct jazz_test_list list = { "", 4, {
		{ true, 0, PAGE_SIZE }, { false, 0, PAGE_SIZE },
		{ false, 0, PAGE_SIZE }, { true, 0, PAGE_SIZE },
	} };
	struct sg_table *sgt = jazz_test_alloc(test, &list);
	struct scatterlist *bad = sg_next(sg_next(sgt->sgl));
	struct jazz_test *ctx = test->priv;
	unsigned int used = jazz_test_nr_used();
	const struct jazz_test_sync sync = {
		true, sg_phys(sgt->sgl), PAGE_SIZE, DMA_FROM_DEVICE,
	};

	jazz_test_set_phys(test, bad, phys, len);
	KUNIT_EXPECT_EQ(test, -EIO, dma_map_sgtable(ctx->dev, sgt,
						    DMA_FROM_DEVICE,
						    DMA_ATTR_NO_WARN));
	/* Nothing was transferred that the processor should look at */
	jazz_test_expect_syncs(test, &sync, 1);
	KUNIT_EXPECT_EQ(test, jazz_test_nr_used(), used);
	KUNIT_EXPECT_EQ(test, DMA_MAPPING_ERROR,
			dma_map_phys(ctx->dev, phys, len, DMA_FROM_DEVICE,
				     DMA_ATTR_MMIO | DMA_ATTR_NO_WARN));
	KUNIT_EXPECT_EQ(test, jazz_test_nr_used(), used);
	jazz_test_expect_no_sync(test);
}

static void jazz_test_unreachable(struct kunit *test)
{
	jazz_test_expect_error(test, JAZZ_TEST_END, PAGE_SIZE);
	/* the frame buffer */
	jazz_test_expect_error(test, 0x40000000, PAGE_SIZE);
	/* Both in reach and beyond */
	jazz_test_expect_error(test, JAZZ_TEST_END - PAGE_SIZE, PAGE_SIZE + 1);
	jazz_test_expect_error(test, JAZZ_TEST_END - 4, 8);
	/* More than one mapping can have */
	jazz_test_expect_error(test, JAZZ_TEST_PHYS, JAZZ_TEST_MAX_SIZE + 1);
}

/* The last that can be reached, and the most */
static void jazz_test_reachable(struct kunit *test)
{
	struct jazz_test *ctx = test->priv;
	const phys_addr_t phys[] = {
		JAZZ_TEST_END - JAZZ_TEST_MAX_SIZE, JAZZ_TEST_PHYS + 0x10c,
	};
	dma_addr_t dma;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(phys); i++) {
		dma = dma_map_phys(ctx->dev, phys[i], JAZZ_TEST_MAX_SIZE,
				   DMA_FROM_DEVICE, DMA_ATTR_MMIO);
		KUNIT_ASSERT_FALSE(test, dma_mapping_error(ctx->dev, dma));
		jazz_test_expect_entries(test, dma, phys[i], JAZZ_TEST_MAX_SIZE);
		dma_unmap_phys(ctx->dev, dma, JAZZ_TEST_MAX_SIZE,
			       DMA_FROM_DEVICE, DMA_ATTR_MMIO);
	}
}

/* No entries left for more than the first part of a list */
static void jazz_test_exhausted(struct kunit *test)
{
	const unsigned int max = VDMA_PGTBL_ENTRIES * VDMA_PAGESIZE /
				 JAZZ_TEST_MAX_SIZE;
	struct sg_table *sgt = jazz_test_alloc(test, &jazz_test_two);
	struct jazz_test *ctx = test->priv;
	dma_addr_t dma[VDMA_PGTBL_ENTRIES * VDMA_PAGESIZE / JAZZ_TEST_MAX_SIZE];
	unsigned int i, nr;

	for (nr = 0; nr < max; nr++) {
		dma[nr] = dma_map_phys(ctx->dev, JAZZ_TEST_PHYS,
				       JAZZ_TEST_MAX_SIZE, DMA_FROM_DEVICE,
				       DMA_ATTR_MMIO | DMA_ATTR_NO_WARN);
		if (dma_mapping_error(ctx->dev, dma[nr]))
			break;
	}
	KUNIT_EXPECT_GT(test, nr, 0);
	jazz_test_expect_error(test, JAZZ_TEST_PHYS, JAZZ_TEST_MAX_SIZE);
	for (i = 0; i < nr; i++)
		dma_unmap_phys(ctx->dev, dma[i], JAZZ_TEST_MAX_SIZE,
			       DMA_FROM_DEVICE, DMA_ATTR_MMIO);

	KUNIT_EXPECT_EQ(test, jazz_test_nr_used(), ctx->used);
	KUNIT_ASSERT_EQ(test, 0, dma_map_sgtable(ctx->dev, sgt, DMA_FROM_DEVICE,
						 0));
	dma_unmap_sgtable(ctx->dev, sgt, DMA_FROM_DEVICE, 0);
}

static void jazz_test_expect_list(struct kunit *test, struct sg_table *sgt)
{
	struct scatterlist *sg;
	unsigned int i;

	for_each_sgtable_dma_sg(sgt, sg, i)
		jazz_test_expect_entries(test, sg_dma_address(sg), sg_phys(sg),
					 sg->length);
}

static void jazz_test_revoke(struct kunit *test)
{
	static const struct jazz_test_list bystander = { "", 1, {
		{ false, 0x10c, 2 * PAGE_SIZE },
	} };
	const enum dma_data_direction dir = DMA_BIDIRECTIONAL;
	struct sg_table *sgt = jazz_test_alloc(test, test->param_value);
	struct sg_table *before = jazz_test_alloc(test, &bystander);
	struct sg_table *after = jazz_test_alloc(test, &bystander);
	struct jazz_test *ctx = test->priv;
	unsigned int i, again, used;
	struct scatterlist *sg;

	KUNIT_ASSERT_EQ(test, 0, dma_map_sgtable(ctx->dev, before, dir, 0));
	KUNIT_ASSERT_EQ(test, 0, dma_map_sgtable(ctx->dev, sgt, dir, 0));
	KUNIT_ASSERT_EQ(test, 0, dma_map_sgtable(ctx->dev, after, dir, 0));
	used = jazz_test_nr_used();
	ctx->nr_syncs = 0;
	ctx->nr_invalidated = 0;

	for (again = 0; again < 2; again++) {
		KUNIT_EXPECT_TRUE(test, dma_can_revoke_sgtable(ctx->dev, sgt));
		KUNIT_EXPECT_EQ(test, 0, dma_revoke_sgtable(ctx->dev, sgt, dir,
							    0));
		jazz_test_expect_invalidated(test, 1);
		for_each_sgtable_dma_sg(sgt, sg, i)
			jazz_test_expect_scratch(test, sg_dma_address(sg),
						 sg_dma_len(sg));
		jazz_test_expect_list(test, before);
		jazz_test_expect_list(test, after);

		/* The addresses are still taken */
		KUNIT_EXPECT_EQ(test, jazz_test_nr_used(), used);

		/* Part of a list: what is behind the scratch page is not of it */
		for_each_sgtable_dma_sg(sgt, sg, i) {
			dma_sync_single_for_cpu(ctx->dev, sg_dma_address(sg),
						sg_dma_len(sg), dir);
			dma_sync_single_for_device(ctx->dev, sg_dma_address(sg),
						   sg_dma_len(sg), dir);
		}
		jazz_test_expect_no_sync(test);
	}

	dma_unmap_sgtable(ctx->dev, sgt, dir, DMA_ATTR_SKIP_CPU_SYNC);
	jazz_test_expect_no_sync(test);
	jazz_test_expect_list(test, before);
	jazz_test_expect_list(test, after);

	/* They serve for other memory */
	KUNIT_ASSERT_EQ(test, 0, dma_map_sgtable(ctx->dev, sgt, dir, 0));
	jazz_test_expect_list(test, sgt);
	dma_unmap_sgtable(ctx->dev, sgt, dir, 0);
	dma_unmap_sgtable(ctx->dev, after, dir, 0);
	dma_unmap_sgtable(ctx->dev, before, dir, 0);
}

static void jazz_test_restore_scratch(void *phys)
{
	vdma_scratch = *(phys_addr_t *)phys;
}

/* Without a page to lead to, the device keeps what it has */
static void jazz_test_cannot_revoke(struct kunit *test)
{
	phys_addr_t *scratch = kunit_kzalloc(test, sizeof(*scratch), GFP_KERNEL);
	struct sg_table *sgt = jazz_test_alloc(test, &jazz_test_two);
	struct jazz_test *ctx = test->priv;

	KUNIT_ASSERT_NOT_NULL(test, scratch);
	KUNIT_ASSERT_EQ(test, 0, dma_map_sgtable(ctx->dev, sgt, DMA_FROM_DEVICE,
						 0));
	*scratch = vdma_scratch;
	vdma_scratch = 0;
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test,
						  jazz_test_restore_scratch,
						  scratch));
	KUNIT_EXPECT_FALSE(test, dma_can_revoke_sgtable(ctx->dev, sgt));
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP,
			dma_revoke_sgtable(ctx->dev, sgt, DMA_FROM_DEVICE, 0));
	jazz_test_expect_list(test, sgt);
	dma_unmap_sgtable(ctx->dev, sgt, DMA_FROM_DEVICE, 0);
}

static struct kunit_case jazz_test_cases[] = {
	KUNIT_CASE(jazz_test_registers),
	KUNIT_CASE(jazz_test_map_phys),
	KUNIT_CASE(jazz_test_map_page),
	KUNIT_CASE_PARAM(jazz_test_map_sg, jazz_test_gen_params),
	KUNIT_CASE(jazz_test_unreachable),
	KUNIT_CASE(jazz_test_reachable),
	KUNIT_CASE(jazz_test_exhausted),
	KUNIT_CASE_PARAM(jazz_test_revoke, jazz_test_gen_params),
	KUNIT_CASE(jazz_test_cannot_revoke),
	{}
};

static struct kunit_suite jazz_test_suite = {
	.name		= "jazz_vdma",
	.init		= jazz_test_init,
	.exit		= jazz_test_exit,
	.test_cases	= jazz_test_cases,
};

kunit_test_suite(jazz_test_suite);
