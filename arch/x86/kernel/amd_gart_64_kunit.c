// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests for the GART's remapping table.
 *
 * The tests map memory by way of a table that is made of RAM, and look at every
 * bit of its entries, as the northbridges do: once they have been told to flush,
 * which is when the tests take a copy of the table. What is written later, and
 * not flushed, is not in the copy. No transfer takes place, so memory without a
 * page may be anywhere. They run on every machine that does not use a real GART.
 *
 * Included at the end of amd_gart_64.c, all functions of which are static.
 */

#include <kunit/device.h>
#include <kunit/static_stub.h>
#include <kunit/test.h>

#define GART_TEST_BASE		0xf0000000UL
#define GART_TEST_ENTRIES	512
#define GART_TEST_SIZE		(GART_TEST_ENTRIES * PAGE_SIZE)
#define GART_TEST_PAGES		8
#define GART_TEST_DIR		DMA_FROM_DEVICE

/*
 * Memory without a page, which a device with a mask of 32 bits can't address.
 * HyperTransport needs this part of the address space for itself, so that it
 * does not happen to be a BAR.
 */
#define GART_TEST_PHYS		0xfe43218000UL
/* and which it can */
#define GART_TEST_LOW		0xe4321000UL

struct gart_test {
	struct device	*dev;

	/* GART_TEST_PAGES contiguous ones, which the device can address */
	struct page	*pages;

	/* The table as it was at the last flush */
	u32		flushed[GART_TEST_ENTRIES];
	unsigned int	nr_flushes;

	u32		before[GART_TEST_ENTRIES];
};

static void gart_test_flush(void)
{
	struct gart_test *ctx = kunit_get_current_test()->priv;

	memcpy(ctx->flushed, iommu_gatt_base, sizeof(ctx->flushed));
	ctx->nr_flushes++;
}

static void gart_test_free_pages(void *pages)
{
	__free_pages(pages, get_order(GART_TEST_PAGES * PAGE_SIZE));
}

/* The driver looks at none of these variables unless there is a GART */
static void gart_test_exit(struct kunit *test)
{
	if (test->priv)
		iommu_gatt_base = NULL;
}

static int gart_test_init(struct kunit *test)
{
	struct gart_test *ctx;
	void *scratch;
	u32 *gatt;

	if (iommu_gatt_base)
		kunit_skip(test, "the GART is in use");

	ctx = kunit_kzalloc(test, sizeof(*ctx), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, ctx);
	ctx->pages = alloc_pages(GFP_KERNEL | GFP_DMA32,
				 get_order(GART_TEST_PAGES * PAGE_SIZE));
	KUNIT_ASSERT_NOT_NULL(test, ctx->pages);
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, gart_test_free_pages,
						  ctx->pages));
	ctx->dev = kunit_device_register(test, "gart_test");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, ctx->dev);
	*ctx->dev->dma_mask = DMA_BIT_MASK(32);

	scratch = kunit_kzalloc(test, PAGE_SIZE, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, scratch);
	gatt = kunit_kcalloc(test, GART_TEST_ENTRIES, sizeof(*gatt), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, gatt);
	iommu_gart_bitmap = kunit_kzalloc(test, GART_TEST_ENTRIES / BITS_PER_BYTE,
					  GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, iommu_gart_bitmap);
	gart_unmapped_entry = GPTE_ENCODE(virt_to_phys(scratch));
	memset32(gatt, gart_unmapped_entry, GART_TEST_ENTRIES);
	iommu_bus_base = GART_TEST_BASE;
	iommu_size = GART_TEST_SIZE;
	iommu_pages = GART_TEST_ENTRIES;
	next_bit = 0;
	need_flush = false;
	iommu_fullflush = 1;
	force_iommu = 0;
	iommu_merge = 1;
	panic_on_overflow = 0;

	test->priv = ctx;
	iommu_gatt_base = gatt;
	kunit_activate_static_stub(test, amd_flush_garts, gart_test_flush);
	return 0;
}

static phys_addr_t gart_test_page_phys(struct gart_test *ctx, int nr)
{
	return page_to_phys(ctx->pages + nr);
}

static void gart_test_set_phys(struct kunit *test, struct scatterlist *sg,
			       phys_addr_t phys, unsigned int len)
{
	KUNIT_ASSERT_EQ(test, 0, sg_set_pfn(sg, PHYS_PFN(phys), len,
					    offset_in_page(phys)));
}

static int gart_test_map_sg(struct gart_test *ctx, struct scatterlist *sgl,
			    int nents)
{
	return gart_dma_ops.map_sg(ctx->dev, sgl, nents, GART_TEST_DIR, 0);
}

static void gart_test_unmap_sg(struct gart_test *ctx, struct scatterlist *sgl,
			       int nents)
{
	gart_dma_ops.unmap_sg(ctx->dev, sgl, nents, GART_TEST_DIR, 0);
}

static dma_addr_t gart_test_map_mmio(struct gart_test *ctx, phys_addr_t phys,
				     size_t size)
{
	return gart_dma_ops.map_phys(ctx->dev, phys, size, GART_TEST_DIR,
				     DMA_ATTR_MMIO);
}

static void gart_test_unmap_mmio(struct gart_test *ctx, dma_addr_t dma,
				 size_t size)
{
	gart_dma_ops.unmap_phys(ctx->dev, dma, size, GART_TEST_DIR,
				DMA_ATTR_MMIO);
}

/* The northbridges take @dma to @phys, and the entry has no other bit set */
static void gart_test_expect(struct kunit *test, dma_addr_t dma,
			     phys_addr_t phys)
{
	struct gart_test *ctx = test->priv;
	unsigned long nr = (dma - GART_TEST_BASE) >> PAGE_SHIFT;
	u32 entry, flags;
	u64 to;

	KUNIT_ASSERT_GE(test, dma, GART_TEST_BASE);
	KUNIT_ASSERT_LT(test, nr, GART_TEST_ENTRIES);
	entry = ctx->flushed[nr];
	to = (entry & GENMASK(31, 12)) | (entry & GENMASK_ULL(11, 4)) << 28;
	flags = entry & GENMASK(3, 0);

	KUNIT_EXPECT_EQ(test, to, (u64)(phys & PAGE_MASK));
	KUNIT_EXPECT_EQ(test, flags, GPTE_VALID | GPTE_COHERENT);
	KUNIT_EXPECT_EQ(test, entry, iommu_gatt_base[nr]);
	KUNIT_EXPECT_TRUE(test, test_bit(nr, iommu_gart_bitmap));
}

static void gart_test_expect_page(struct kunit *test, dma_addr_t dma, int nr)
{
	gart_test_expect(test, dma, gart_test_page_phys(test->priv, nr));
}

static void gart_test_expect_scratch(struct kunit *test, dma_addr_t dma)
{
	gart_test_expect(test, dma, GPTE_DECODE(gart_unmapped_entry));
}

static unsigned int gart_test_nr_mapped(void)
{
	unsigned int i, nr = 0;

	for (i = 0; i < GART_TEST_ENTRIES; i++)
		nr += iommu_gatt_base[i] != gart_unmapped_entry;
	return nr;
}

static unsigned int gart_test_nr_used(void)
{
	return bitmap_weight(iommu_gart_bitmap, GART_TEST_ENTRIES);
}

/* This many entries are in use, and all others lead to the scratch page */
static void gart_test_expect_used(struct kunit *test, unsigned int nr)
{
	KUNIT_EXPECT_EQ(test, gart_test_nr_used(), nr);
	KUNIT_EXPECT_EQ(test, gart_test_nr_mapped(), nr);
}

static void gart_test_save(struct gart_test *ctx)
{
	memcpy(ctx->before, iommu_gatt_base, sizeof(ctx->before));
}

static void gart_test_expect_unchanged(struct kunit *test)
{
	struct gart_test *ctx = test->priv;

	KUNIT_EXPECT_MEMEQ(test, ctx->before, iommu_gatt_base,
			   sizeof(ctx->before));
}

/* Each bit of an address has its place, and only that */
static void gart_test_entry_bits(struct kunit *test)
{
	struct gart_test *ctx = test->priv;
	unsigned int bit, i;

	*ctx->dev->dma_mask = 1;
	for (bit = 12; bit < 40; bit++) {
		phys_addr_t one = BIT_ULL(bit);
		phys_addr_t phys[] = {
			one,
			one | (PAGE_SIZE - 1),
			(GENMASK_ULL(39, 0) & ~one & PAGE_MASK),
		};

		for (i = 0; i < ARRAY_SIZE(phys); i++) {
			dma_addr_t dma = gart_dma_ops.map_phys(ctx->dev, phys[i],
							       1, GART_TEST_DIR,
							       0);

			gart_test_expect(test, dma, phys[i]);
			KUNIT_EXPECT_EQ(test, offset_in_page(dma),
					offset_in_page(phys[i]));
			gart_dma_ops.unmap_phys(ctx->dev, dma, 1, GART_TEST_DIR,
						0);
			gart_test_expect_used(test, 0);
		}
	}
}

static void gart_test_map_phys(struct kunit *test)
{
	struct gart_test *ctx = test->priv;
	dma_addr_t dma, dma_page;
	int i;

	dma = gart_test_map_mmio(ctx, GART_TEST_PHYS + 0x10c, 2 * PAGE_SIZE);
	KUNIT_ASSERT_NE(test, dma, DMA_MAPPING_ERROR);
	KUNIT_EXPECT_EQ(test, offset_in_page(dma), 0x10c);
	for (i = 0; i < 3; i++)
		gart_test_expect(test, dma + i * PAGE_SIZE,
				 GART_TEST_PHYS + i * PAGE_SIZE);
	gart_test_expect_used(test, 3);

	force_iommu = 1;
	dma_page = gart_dma_ops.map_phys(ctx->dev, gart_test_page_phys(ctx, 0),
					 2 * PAGE_SIZE, GART_TEST_DIR, 0);
	gart_test_expect_page(test, dma_page, 0);
	gart_test_expect_page(test, dma_page + PAGE_SIZE, 1);
	gart_test_expect_used(test, 5);

	gart_test_unmap_mmio(ctx, dma, 2 * PAGE_SIZE);
	gart_test_expect_used(test, 2);
	gart_dma_ops.unmap_phys(ctx->dev, dma_page, 2 * PAGE_SIZE,
				GART_TEST_DIR, 0);
	gart_test_expect_used(test, 0);
}

/* What the device can address needs no table, even if that is to be used */
static void gart_test_direct(struct kunit *test)
{
	struct gart_test *ctx = test->priv;
	struct {
		u64		mask;
		phys_addr_t	phys;
	} direct[] = {
		{ DMA_BIT_MASK(32), GART_TEST_LOW },
		{ DMA_BIT_MASK(32), GART_TEST_BASE - PAGE_SIZE },
		{ DMA_BIT_MASK(32), GART_TEST_BASE + GART_TEST_SIZE },
		{ DMA_BIT_MASK(32), BIT_ULL(32) - PAGE_SIZE },
		{ DMA_BIT_MASK(40), GART_TEST_PHYS },
		{ DMA_BIT_MASK(64), GART_MAX_PHYS_ADDR },
	};
	struct scatterlist sg;
	int i;

	sg_init_table(&sg, 1);
	for (i = 0; i < 2 * ARRAY_SIZE(direct); i++) {
		phys_addr_t phys = direct[i / 2].phys;

		force_iommu = i & 1;
		*ctx->dev->dma_mask = direct[i / 2].mask;
		KUNIT_EXPECT_EQ(test, gart_test_map_mmio(ctx, phys, PAGE_SIZE),
				phys);
		gart_test_unmap_mmio(ctx, phys, PAGE_SIZE);

		gart_test_set_phys(test, &sg, phys, PAGE_SIZE);
		KUNIT_EXPECT_EQ(test, gart_test_map_sg(ctx, &sg, 1), 1);
		KUNIT_EXPECT_EQ(test, sg_dma_address(&sg), phys);
		KUNIT_EXPECT_EQ(test, sg_dma_len(&sg), PAGE_SIZE);
		gart_test_expect_used(test, 0);
		gart_test_unmap_sg(ctx, &sg, 1);
		gart_test_expect_used(test, 0);
	}
}

static void gart_test_mixed_list(struct kunit *test, struct scatterlist *sgl)
{
	struct gart_test *ctx = test->priv;

	sg_init_table(sgl, 6);
	sg_set_page(&sgl[0], ctx->pages, 2 * PAGE_SIZE, 0);
	gart_test_set_phys(test, &sgl[1], GART_TEST_PHYS, 3 * PAGE_SIZE);
	gart_test_set_phys(test, &sgl[2], GART_TEST_PHYS - 5 * PAGE_SIZE,
			   PAGE_SIZE);
	sg_set_page(&sgl[3], ctx->pages + 6, PAGE_SIZE, 0);
	gart_test_set_phys(test, &sgl[4], GART_TEST_LOW, 2 * PAGE_SIZE);
	gart_test_set_phys(test, &sgl[5], GART_TEST_PHYS + 9 * PAGE_SIZE,
			   PAGE_SIZE);
}

static void gart_test_expect_segment(struct kunit *test,
				     struct scatterlist *sg, dma_addr_t dma,
				     unsigned int len)
{
	KUNIT_EXPECT_EQ(test, sg_dma_address(sg), dma);
	KUNIT_EXPECT_EQ(test, sg_dma_len(sg), len);
}

/* Only what is out of reach goes by way of the table */
static void gart_test_mixed(struct kunit *test)
{
	struct gart_test *ctx = test->priv;
	struct scatterlist sgl[6];
	dma_addr_t dma;
	int i;

	gart_test_mixed_list(test, sgl);
	KUNIT_ASSERT_EQ(test, gart_test_map_sg(ctx, sgl, 6), 5);
	gart_test_expect_used(test, 5);

	gart_test_expect_segment(test, &sgl[0], gart_test_page_phys(ctx, 0),
				 2 * PAGE_SIZE);
	dma = sg_dma_address(&sgl[1]);
	KUNIT_EXPECT_EQ(test, sg_dma_len(&sgl[1]), 4 * PAGE_SIZE);
	for (i = 0; i < 3; i++)
		gart_test_expect(test, dma + i * PAGE_SIZE,
				 GART_TEST_PHYS + i * PAGE_SIZE);
	gart_test_expect(test, dma + 3 * PAGE_SIZE,
			 GART_TEST_PHYS - 5 * PAGE_SIZE);
	gart_test_expect_segment(test, &sgl[2], gart_test_page_phys(ctx, 6),
				 PAGE_SIZE);
	gart_test_expect_segment(test, &sgl[3], GART_TEST_LOW, 2 * PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, sg_dma_len(&sgl[4]), PAGE_SIZE);
	gart_test_expect(test, sg_dma_address(&sgl[4]),
			 GART_TEST_PHYS + 9 * PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, sg_dma_len(&sgl[5]), 0);

	gart_test_unmap_sg(ctx, sgl, 6);
	gart_test_expect_used(test, 0);
}

/* All that may go by way of the table becomes contiguous there */
static void gart_test_mixed_forced(struct kunit *test)
{
	struct gart_test *ctx = test->priv;
	struct scatterlist sgl[6];
	dma_addr_t dma;
	int i;

	force_iommu = 1;
	gart_test_mixed_list(test, sgl);
	KUNIT_ASSERT_EQ(test, gart_test_map_sg(ctx, sgl, 6), 3);
	gart_test_expect_used(test, 8);

	dma = sg_dma_address(&sgl[0]);
	KUNIT_EXPECT_EQ(test, sg_dma_len(&sgl[0]), 7 * PAGE_SIZE);
	gart_test_expect_page(test, dma, 0);
	gart_test_expect_page(test, dma + PAGE_SIZE, 1);
	for (i = 0; i < 3; i++)
		gart_test_expect(test, dma + (2 + i) * PAGE_SIZE,
				 GART_TEST_PHYS + i * PAGE_SIZE);
	gart_test_expect(test, dma + 5 * PAGE_SIZE,
			 GART_TEST_PHYS - 5 * PAGE_SIZE);
	gart_test_expect_page(test, dma + 6 * PAGE_SIZE, 6);
	gart_test_expect_segment(test, &sgl[1], GART_TEST_LOW, 2 * PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, sg_dma_len(&sgl[2]), PAGE_SIZE);
	gart_test_expect(test, sg_dma_address(&sgl[2]),
			 GART_TEST_PHYS + 9 * PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, sg_dma_len(&sgl[3]), 0);

	gart_test_unmap_sg(ctx, sgl, 6);
	gart_test_expect_used(test, 0);

	/* Without merging each has a segment of its own */
	iommu_merge = 0;
	KUNIT_ASSERT_EQ(test, gart_test_map_sg(ctx, sgl, 6), 6);
	gart_test_expect_used(test, 8);
	gart_test_expect_page(test, sg_dma_address(&sgl[0]) + PAGE_SIZE, 1);
	gart_test_expect(test, sg_dma_address(&sgl[1]), GART_TEST_PHYS);
	gart_test_expect(test, sg_dma_address(&sgl[2]),
			 GART_TEST_PHYS - 5 * PAGE_SIZE);
	gart_test_expect_page(test, sg_dma_address(&sgl[3]), 6);
	gart_test_expect_segment(test, &sgl[4], GART_TEST_LOW, 2 * PAGE_SIZE);
	gart_test_unmap_sg(ctx, sgl, 6);
	gart_test_expect_used(test, 0);
}

/* Page frames from all over the place become as few segments as may be */
static void gart_test_scattered(struct kunit *test)
{
	struct gart_test *ctx = test->priv;
	int per_segment = dma_get_max_seg_size(ctx->dev) >> PAGE_SHIFT;
	int i, nr = per_segment + 2;
	struct scatterlist *sgl;

	sgl = kunit_kcalloc(test, nr, sizeof(*sgl), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, sgl);
	sg_init_table(sgl, nr);
	for (i = 0; i < nr; i++)
		gart_test_set_phys(test, &sgl[i],
				   GART_TEST_PHYS - i * 2 * PAGE_SIZE,
				   PAGE_SIZE);

	KUNIT_ASSERT_EQ(test, gart_test_map_sg(ctx, sgl, nr), 2);
	KUNIT_EXPECT_EQ(test, sg_dma_len(&sgl[0]), per_segment * PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, sg_dma_len(&sgl[1]), 2 * PAGE_SIZE);
	for (i = 0; i < nr; i++) {
		dma_addr_t dma = i < per_segment ?
			sg_dma_address(&sgl[0]) + i * PAGE_SIZE :
			sg_dma_address(&sgl[1]) + (i - per_segment) * PAGE_SIZE;

		gart_test_expect(test, dma, GART_TEST_PHYS - i * 2 * PAGE_SIZE);
	}
	gart_test_expect_used(test, nr);
	gart_test_unmap_sg(ctx, sgl, nr);
	gart_test_expect_used(test, 0);
}

/* Neither starts nor ends with a page */
static void gart_test_unaligned(struct kunit *test)
{
	struct gart_test *ctx = test->priv;
	struct scatterlist sgl[4];
	dma_addr_t dma;

	force_iommu = 1;
	sg_init_table(sgl, ARRAY_SIZE(sgl));
	gart_test_set_phys(test, &sgl[0], GART_TEST_PHYS + PAGE_SIZE - 4, 4);
	gart_test_set_phys(test, &sgl[1], GART_TEST_PHYS - 8 * PAGE_SIZE,
			   PAGE_SIZE + 4);
	/* An offset of more than a page, without and with one */
	KUNIT_ASSERT_EQ(test, 0, sg_set_pfn(&sgl[2], PHYS_PFN(GART_TEST_PHYS),
					    PAGE_SIZE, 4 * PAGE_SIZE + 8));
	sg_set_page(&sgl[3], ctx->pages, 16, 3 * PAGE_SIZE - 8);

	KUNIT_ASSERT_EQ(test, gart_test_map_sg(ctx, sgl, 4), 3);
	gart_test_expect_used(test, 7);

	dma = sg_dma_address(&sgl[0]);
	KUNIT_EXPECT_EQ(test, offset_in_page(dma), PAGE_SIZE - 4);
	KUNIT_EXPECT_EQ(test, sg_dma_len(&sgl[0]), PAGE_SIZE + 8);
	gart_test_expect(test, dma, GART_TEST_PHYS);
	gart_test_expect(test, dma + 4, GART_TEST_PHYS - 8 * PAGE_SIZE);
	gart_test_expect(test, dma + 4 + PAGE_SIZE,
			 GART_TEST_PHYS - 7 * PAGE_SIZE);

	dma = sg_dma_address(&sgl[1]);
	KUNIT_EXPECT_EQ(test, offset_in_page(dma), 8);
	KUNIT_EXPECT_EQ(test, sg_dma_len(&sgl[1]), PAGE_SIZE);
	gart_test_expect(test, dma, GART_TEST_PHYS + 4 * PAGE_SIZE);
	gart_test_expect(test, dma + PAGE_SIZE, GART_TEST_PHYS + 5 * PAGE_SIZE);

	dma = sg_dma_address(&sgl[2]);
	KUNIT_EXPECT_EQ(test, offset_in_page(dma), PAGE_SIZE - 8);
	KUNIT_EXPECT_EQ(test, sg_dma_len(&sgl[2]), 16);
	gart_test_expect_page(test, dma, 2);
	gart_test_expect_page(test, dma + 8, 3);

	gart_test_unmap_sg(ctx, sgl, 4);
	gart_test_expect_used(test, 0);
}

/* A list that can't be mapped, with something before and behind that could */
static void gart_test_expect_error(struct kunit *test, phys_addr_t phys,
				   unsigned int len, int error)
{
	struct gart_test *ctx = test->priv;
	unsigned int used = gart_test_nr_used();
	struct scatterlist sgl[5];
	int i;

	gart_test_save(ctx);
	for (i = 0; i < 2; i++) {
		force_iommu = i;
		sg_init_table(sgl, ARRAY_SIZE(sgl));
		sg_set_page(&sgl[0], ctx->pages, PAGE_SIZE, 0);
		/* This is a segment for itself, and in the table already */
		gart_test_set_phys(test, &sgl[1], GART_TEST_PHYS, PAGE_SIZE - 4);
		gart_test_set_phys(test, &sgl[2], GART_TEST_PHYS, PAGE_SIZE);
		gart_test_set_phys(test, &sgl[3], phys, len);
		gart_test_set_phys(test, &sgl[4], GART_TEST_PHYS, PAGE_SIZE);

		KUNIT_EXPECT_EQ(test, gart_test_map_sg(ctx, sgl, 5), error);
		KUNIT_EXPECT_EQ(test, gart_test_map_sg(ctx, &sgl[3], 1), error);
		KUNIT_EXPECT_EQ(test, gart_test_map_mmio(ctx, phys, len),
				DMA_MAPPING_ERROR);
		KUNIT_EXPECT_EQ(test, gart_test_nr_used(), used);
		gart_test_expect_unchanged(test);
	}
}

static void gart_test_unreachable(struct kunit *test)
{
	struct gart_test *ctx = test->priv;

	KUNIT_ASSERT_NE(test, DMA_MAPPING_ERROR,
			gart_test_map_mmio(ctx, GART_TEST_PHYS, PAGE_SIZE));
	/* It is no overflow */
	panic_on_overflow = 1;

	gart_test_expect_error(test, GART_MAX_PHYS_ADDR, PAGE_SIZE, -EIO);
	gart_test_expect_error(test, GART_MAX_PHYS_ADDR - PAGE_SIZE,
			       PAGE_SIZE + 1, -EIO);

	/* What others have mapped */
	gart_test_expect_error(test, GART_TEST_BASE, PAGE_SIZE, -EIO);
	gart_test_expect_error(test, GART_TEST_BASE - PAGE_SIZE, PAGE_SIZE + 1,
			       -EIO);
	gart_test_expect_error(test, GART_TEST_BASE + GART_TEST_SIZE - 1,
			       PAGE_SIZE, -EIO);
	gart_test_expect_error(test, GART_TEST_BASE - PAGE_SIZE,
			       GART_TEST_SIZE + 2 * PAGE_SIZE, -EIO);
	*ctx->dev->dma_mask = DMA_BIT_MASK(64);
	KUNIT_EXPECT_EQ(test, DMA_MAPPING_ERROR,
			gart_test_map_mmio(ctx, GART_TEST_BASE, PAGE_SIZE));
}

/* The last that can be reached */
static void gart_test_reachable(struct kunit *test)
{
	struct gart_test *ctx = test->priv;
	phys_addr_t phys = GART_MAX_PHYS_ADDR - 2 * PAGE_SIZE;
	struct scatterlist sg;

	sg_init_table(&sg, 1);
	gart_test_set_phys(test, &sg, phys, 2 * PAGE_SIZE);
	KUNIT_ASSERT_EQ(test, gart_test_map_sg(ctx, &sg, 1), 1);
	gart_test_expect(test, sg_dma_address(&sg), phys);
	gart_test_expect(test, sg_dma_address(&sg) + PAGE_SIZE,
			 phys + PAGE_SIZE);
	gart_test_unmap_sg(ctx, &sg, 1);
	gart_test_expect_used(test, 0);
}

static struct resource *gart_test_pci_window(void)
{
	struct resource_entry *window;
	struct pci_bus *root;

	list_for_each_entry(root, &pci_root_buses, node) {
		struct pci_host_bridge *bridge = to_pci_host_bridge(root->bridge);

		resource_list_for_each_entry(window, &bridge->windows)
			if (resource_type(window->res) == IORESOURCE_MEM &&
			    window->res->start)
				return window->res;
	}
	return NULL;
}

/* The table does not lead to a BAR that the device can't address */
static void gart_test_peer(struct kunit *test)
{
	struct gart_test *ctx = test->priv;
	struct resource *window = gart_test_pci_window();

	if (!window)
		kunit_skip(test, "no PCI host bridge");

	*ctx->dev->dma_mask = window->start - 1;
	gart_test_expect_error(test, window->start, PAGE_SIZE, -EREMOTEIO);

	*ctx->dev->dma_mask = DMA_BIT_MASK(64);
	KUNIT_EXPECT_EQ(test, window->start,
			gart_test_map_mmio(ctx, window->start, PAGE_SIZE));
	gart_test_expect_used(test, 0);
}

/* No page can be there, but a list with one is looked at all the same */
static void gart_test_beyond_table(struct kunit *test)
{
	struct gart_test *ctx = test->priv;
	struct page *page = pfn_to_page(PHYS_PFN(GART_MAX_PHYS_ADDR));
	struct scatterlist sgl[2];

	if (IS_ENABLED(CONFIG_DEBUG_VIRTUAL))
		kunit_skip(test, "CONFIG_DEBUG_VIRTUAL looks for the page");

	sg_init_table(sgl, ARRAY_SIZE(sgl));
	gart_test_set_phys(test, &sgl[0], GART_TEST_PHYS, PAGE_SIZE);
	sg_set_page(&sgl[1], page, PAGE_SIZE, 0);
	KUNIT_EXPECT_EQ(test, gart_test_map_sg(ctx, sgl, 2), -EIO);
	gart_test_expect_used(test, 0);

	/* The table was forced on a device that does not need it for this */
	force_iommu = 1;
	*ctx->dev->dma_mask = DMA_BIT_MASK(64);
	KUNIT_ASSERT_EQ(test, gart_test_map_sg(ctx, sgl, 2), 2);
	gart_test_expect_segment(test, &sgl[1], GART_MAX_PHYS_ADDR, PAGE_SIZE);
	gart_test_expect_used(test, 0);
}

/* Room for the first entry only */
static void gart_test_exhausted(struct kunit *test)
{
	struct gart_test *ctx = test->priv;
	struct scatterlist sgl[3], others[3];
	unsigned int used;

	bitmap_fill(iommu_gart_bitmap, GART_TEST_ENTRIES);
	bitmap_clear(iommu_gart_bitmap, 100, 4);
	used = gart_test_nr_used();

	sg_init_table(sgl, ARRAY_SIZE(sgl));
	gart_test_set_phys(test, &sgl[0], GART_TEST_PHYS + 4, 4 * PAGE_SIZE - 8);
	sg_set_page(&sgl[1], ctx->pages, PAGE_SIZE, 0);
	gart_test_set_phys(test, &sgl[2], GART_TEST_PHYS, 16);

	KUNIT_EXPECT_EQ(test, gart_test_map_sg(ctx, sgl, 3), -ENOMEM);
	KUNIT_EXPECT_EQ(test, gart_test_nr_used(), used);
	KUNIT_EXPECT_EQ(test, gart_test_nr_mapped(), 0);

	KUNIT_ASSERT_EQ(test, gart_test_map_sg(ctx, sgl, 1), 1);
	gart_test_expect(test, sg_dma_address(&sgl[0]), GART_TEST_PHYS);
	KUNIT_EXPECT_EQ(test, gart_test_map_mmio(ctx, GART_TEST_PHYS, 16),
			DMA_MAPPING_ERROR);

	/* What needs no table is mapped without, even if it is to be used */
	force_iommu = 1;
	KUNIT_ASSERT_EQ(test, gart_test_map_sg(ctx, &sgl[1], 1), 1);
	gart_test_expect_segment(test, &sgl[1], gart_test_page_phys(ctx, 0),
				 PAGE_SIZE);

	/* but what others have mapped there is as far away as ever */
	sg_init_table(others, ARRAY_SIZE(others));
	sg_set_page(&others[0], ctx->pages, PAGE_SIZE - 4, 0);
	sg_set_page(&others[1], ctx->pages + 1, PAGE_SIZE, 0);
	gart_test_set_phys(test, &others[2], GART_TEST_BASE, PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, gart_test_map_sg(ctx, others, 3), -ENOMEM);

	gart_test_unmap_sg(ctx, sgl, 1);
	KUNIT_EXPECT_EQ(test, gart_test_nr_used(), used);
	KUNIT_EXPECT_EQ(test, gart_test_nr_mapped(), 0);
}

static void gart_test_revoke(struct kunit *test)
{
	struct gart_test *ctx = test->priv;
	struct scatterlist sgl[3], other;
	dma_addr_t dma0, dma1;
	int i, again;

	/* A segment with both kinds of memory, one of pages, and a bystander */
	force_iommu = 1;
	sg_init_table(sgl, ARRAY_SIZE(sgl));
	sg_set_page(&sgl[0], ctx->pages, PAGE_SIZE, 0);
	gart_test_set_phys(test, &sgl[1], GART_TEST_PHYS, 3 * PAGE_SIZE - 8);
	sg_set_page(&sgl[2], ctx->pages + 5, PAGE_SIZE, 16);
	sg_init_table(&other, 1);
	gart_test_set_phys(test, &other, GART_TEST_PHYS, PAGE_SIZE);

	KUNIT_ASSERT_EQ(test, gart_test_map_sg(ctx, sgl, 3), 2);
	KUNIT_ASSERT_EQ(test, gart_test_map_sg(ctx, &other, 1), 1);
	gart_test_expect_used(test, 7);
	dma0 = sg_dma_address(&sgl[0]);
	dma1 = sg_dma_address(&sgl[1]);

	for (again = 0; again < 2; again++) {
		KUNIT_EXPECT_TRUE(test, gart_dma_ops.can_revoke_sg(ctx->dev,
								   sgl, 3));
		KUNIT_EXPECT_EQ(test, gart_dma_ops.revoke_sg(ctx->dev, sgl, 3,
							     GART_TEST_DIR, 0),
				0);
		for (i = 0; i < 4; i++)
			gart_test_expect_scratch(test, dma0 + i * PAGE_SIZE);
		gart_test_expect_scratch(test, dma1);
		gart_test_expect_scratch(test, dma1 + PAGE_SIZE);
		gart_test_expect(test, sg_dma_address(&other), GART_TEST_PHYS);

		/* The addresses are still taken */
		KUNIT_EXPECT_EQ(test, gart_test_nr_used(), 7);
		KUNIT_EXPECT_EQ(test, gart_test_nr_mapped(), 1);
	}

	gart_test_expect_segment(test, &sgl[0], dma0, 4 * PAGE_SIZE - 8);
	gart_test_expect_segment(test, &sgl[1], dma1, PAGE_SIZE);
	gart_test_unmap_sg(ctx, sgl, 3);
	gart_test_expect_used(test, 1);
	gart_test_expect(test, sg_dma_address(&other), GART_TEST_PHYS);
	gart_test_unmap_sg(ctx, &other, 1);
	gart_test_expect_used(test, 0);
}

/* Nothing keeps the device from what it addresses itself */
static void gart_test_revoke_direct(struct kunit *test)
{
	struct gart_test *ctx = test->priv;
	struct scatterlist sgl[6];
	unsigned int flushes;

	gart_test_mixed_list(test, sgl);
	KUNIT_ASSERT_EQ(test, gart_test_map_sg(ctx, sgl, 6), 5);
	gart_test_save(ctx);
	flushes = ctx->nr_flushes;

	KUNIT_EXPECT_FALSE(test, gart_dma_ops.can_revoke_sg(ctx->dev, sgl, 6));
	KUNIT_EXPECT_EQ(test, gart_dma_ops.revoke_sg(ctx->dev, sgl, 6,
						     GART_TEST_DIR, 0),
			-EOPNOTSUPP);
	gart_test_expect_unchanged(test);
	KUNIT_EXPECT_EQ(test, ctx->nr_flushes, flushes);
	gart_test_unmap_sg(ctx, sgl, 6);
	gart_test_expect_used(test, 0);
}

static struct kunit_case gart_test_cases[] = {
	KUNIT_CASE(gart_test_entry_bits),
	KUNIT_CASE(gart_test_map_phys),
	KUNIT_CASE(gart_test_direct),
	KUNIT_CASE(gart_test_mixed),
	KUNIT_CASE(gart_test_mixed_forced),
	KUNIT_CASE(gart_test_scattered),
	KUNIT_CASE(gart_test_unaligned),
	KUNIT_CASE(gart_test_unreachable),
	KUNIT_CASE(gart_test_reachable),
	KUNIT_CASE(gart_test_peer),
	KUNIT_CASE(gart_test_beyond_table),
	KUNIT_CASE(gart_test_exhausted),
	KUNIT_CASE(gart_test_revoke),
	KUNIT_CASE(gart_test_revoke_direct),
	{}
};

static struct kunit_suite gart_test_suite = {
	.name		= "gart",
	.init		= gart_test_init,
	.exit		= gart_test_exit,
	.test_cases	= gart_test_cases,
};

kunit_test_suite(gart_test_suite);
