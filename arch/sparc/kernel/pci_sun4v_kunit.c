// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests for DMA mapping through the sun4v hypervisor.
 *
 * No emulator has a PCI host bridge of sun4v. So the tests map for a device
 * that is behind a hypervisor of their own: it is asked to map and to demap,
 * keeps two tables in memory, one for the legacy I/O MMU and one for the ATU,
 * and insists on what the real one demands. Each entry is read back. Nothing is
 * transferred, so memory without a page may be anywhere, and the tests run on
 * every sparc64 machine.
 *
 * Included by pci_sun4v.c.
 */

#include <kunit/device.h>
#include <kunit/test.h>

#define SUN4V_TEST_ENTRIES	4096
#define SUN4V_TEST_PAGES	16
#define SUN4V_TEST_DEVHANDLE	0x4c0
#define SUN4V_TEST_IOTSB	3
#define SUN4V_TEST_LEGACY_BASE	0x80000000UL
#define SUN4V_TEST_ATU_BASE	0x800000000000UL

/* Memory without a page: somewhere in what the hypervisor calls I/O */
#define SUN4V_TEST_RA		0x80c654320000UL

/* An entry is valid if it can be read */
struct sun4v_test_tte {
	u64			ra;
	unsigned long		attr;
};

struct sun4v_test_tsb {
	struct sun4v_test_tte	tte[SUN4V_TEST_ENTRIES];
};

struct sun4v_test {
	struct device		*dev;
	struct device_dma_parameters parms;
	u64			mask;
	struct pci_pbm_info	pbm;
	struct iommu		iommu;
	struct atu		atu;
	struct atu_iotsb	iotsb;

	/* SUN4V_TEST_PAGES contiguous ones */
	struct page		*pages;

	struct sun4v_test_tsb	*legacy;
	struct sun4v_test_tsb	*translated;	/* by the ATU */

	/* Calls that map: all, and the one to fail after half of its work */
	unsigned int		nr_maps;
	unsigned int		fail_at;

	/* The hypervisor does not do more in one call */
	unsigned long		per_call;

	/* Entries that were mapped again without being demapped */
	unsigned int		nr_remapped;
};

/* A piece of memory: which page of those above, or of those from the RA on */
struct sun4v_test_piece {
	bool			has_page;
	unsigned int		index;
	unsigned int		offset;
	unsigned int		length;
};

static const struct sun4v_test_piece sun4v_test_mixed[] = {
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

struct sun4v_test_param {
	const char		*name;
	bool			atu;
	u64			mask;
	enum dma_data_direction	dir;
	bool			translated;	/* by the ATU */
	unsigned long		attr;
};

#define SUN4V_TEST_R		HV_PCI_MAP_ATTR_READ
#define SUN4V_TEST_RW		(HV_PCI_MAP_ATTR_READ | HV_PCI_MAP_ATTR_WRITE)

static const struct sun4v_test_param sun4v_test_params[] = {
	{ "no ATU, bidirectional", false, DMA_BIT_MASK(64),
	  DMA_BIDIRECTIONAL, false, SUN4V_TEST_RW },
	{ "no ATU, from device", false, DMA_BIT_MASK(32),
	  DMA_FROM_DEVICE, false, SUN4V_TEST_RW },
	{ "no ATU, to device", false, DMA_BIT_MASK(32),
	  DMA_TO_DEVICE, false, SUN4V_TEST_R },
	{ "ATU out of reach, from device", true, DMA_BIT_MASK(32),
	  DMA_FROM_DEVICE, false, SUN4V_TEST_RW },
	{ "ATU, bidirectional", true, DMA_BIT_MASK(64),
	  DMA_BIDIRECTIONAL, true, SUN4V_TEST_RW },
	{ "ATU, from device", true, DMA_BIT_MASK(64),
	  DMA_FROM_DEVICE, true, SUN4V_TEST_RW },
	{ "ATU, to device", true, DMA_BIT_MASK(64),
	  DMA_TO_DEVICE, true, SUN4V_TEST_R },
};

KUNIT_ARRAY_PARAM_DESC(sun4v_test, sun4v_test_params, name);

/* The hypervisor: what both kinds of tables have in common */
static unsigned long sun4v_test_map(struct sun4v_test *ctx,
				    struct sun4v_test_tsb *tsb,
				    unsigned long index, unsigned long n,
				    unsigned long attr, unsigned long pglist_pa,
				    long *mapped)
{
	const u64 *pglist = __va(pglist_pa);
	bool fail = ++ctx->nr_maps == ctx->fail_at;
	unsigned long i;

	*mapped = 0;
	if (!n || index + n > SUN4V_TEST_ENTRIES || !(attr & SUN4V_TEST_RW) ||
	    attr & ~(SUN4V_TEST_RW | HV_PCI_MAP_ATTR_RELAXED_ORDER))
		return HV_EINVAL;

	n = min(n, ctx->per_call);
	if (fail)
		n /= 2;
	for (i = 0; i < n; i++) {
		if (pglist[i] & ~IO_PAGE_MASK)
			return HV_EBADALIGN;
		if (tsb->tte[index + i].attr)
			ctx->nr_remapped++;
		tsb->tte[index + i].ra = pglist[i];
		tsb->tte[index + i].attr = attr;
	}
	if (fail)
		return HV_ENORADDR;

	*mapped = n;
	return HV_EOK;
}

static unsigned long sun4v_test_demap(struct sun4v_test *ctx,
				      struct sun4v_test_tsb *tsb,
				      unsigned long index, unsigned long n,
				      unsigned long *demapped)
{
	*demapped = 0;
	if (!n || index + n > SUN4V_TEST_ENTRIES)
		return HV_EINVAL;

	n = min(n, ctx->per_call);
	memset(&tsb->tte[index], 0, n * sizeof(tsb->tte[0]));
	*demapped = n;
	return HV_EOK;
}

static long sun4v_test_iommu_map(unsigned long devhandle, unsigned long tsbid,
				 unsigned long num_ttes,
				 unsigned long io_attributes,
				 unsigned long io_page_list_pa)
{
	struct sun4v_test *ctx = kunit_get_current_test()->priv;
	unsigned long err = HV_EINVAL;
	long mapped;

	if (devhandle == SUN4V_TEST_DEVHANDLE)
		err = sun4v_test_map(ctx, ctx->legacy, tsbid, num_ttes,
				     io_attributes, io_page_list_pa, &mapped);
	return err ? -err : mapped;
}

/* No way to tell of an error. With 0 pages the driver would ask forever. */
static unsigned long sun4v_test_iommu_demap(unsigned long devhandle,
					    unsigned long tsbid,
					    unsigned long num_ttes)
{
	struct kunit *test = kunit_get_current_test();
	struct sun4v_test *ctx = test->priv;
	unsigned long demapped;

	if (devhandle == SUN4V_TEST_DEVHANDLE &&
	    !sun4v_test_demap(ctx, ctx->legacy, tsbid, num_ttes, &demapped))
		return demapped;

	KUNIT_FAIL(test, "bad demap of %lx:%lx, %lu entries", devhandle, tsbid,
		   num_ttes);
	return num_ttes;
}

static unsigned long sun4v_test_iotsb_map(unsigned long devhandle,
					  unsigned long iotsb_num,
					  unsigned long index_count,
					  unsigned long io_attributes,
					  unsigned long io_page_list_pa,
					  long *mapped)
{
	struct sun4v_test *ctx = kunit_get_current_test()->priv;

	if (devhandle != SUN4V_TEST_DEVHANDLE || iotsb_num != SUN4V_TEST_IOTSB)
		return HV_EINVAL;
	return sun4v_test_map(ctx, ctx->translated,
			      index_count & GENMASK(47, 0), index_count >> 48,
			      io_attributes, io_page_list_pa, mapped);
}

static unsigned long sun4v_test_iotsb_demap(unsigned long devhandle,
					    unsigned long iotsb_num,
					    unsigned long index,
					    unsigned long iottes,
					    unsigned long *demapped)
{
	struct kunit *test = kunit_get_current_test();
	struct sun4v_test *ctx = test->priv;
	unsigned long err = HV_EINVAL;

	if (devhandle == SUN4V_TEST_DEVHANDLE && iotsb_num == SUN4V_TEST_IOTSB)
		err = sun4v_test_demap(ctx, ctx->translated, index, iottes,
				       demapped);
	if (err) {
		KUNIT_FAIL(test, "bad demap of %lx:%lx:%lx, %lu entries",
			   devhandle, iotsb_num, index, iottes);
		*demapped = iottes;
	}
	return err;
}

static void sun4v_test_free_pages(void *pages)
{
	__free_pages(pages, get_order(SUN4V_TEST_PAGES * PAGE_SIZE));
}

static void sun4v_test_init_tbl(struct kunit *test, struct iommu_map_table *tbl,
				unsigned long base)
{
	tbl->table_map_base = base;
	tbl->map = kunit_kzalloc(test, SUN4V_TEST_ENTRIES / BITS_PER_BYTE,
				 GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, tbl->map);
	/* One pool, so that all CPUs take entries from the same place */
	iommu_tbl_pool_init(tbl, SUN4V_TEST_ENTRIES, IO_PAGE_SHIFT, NULL, false,
			    1, false);
}

static int sun4v_test_init(struct kunit *test)
{
	const struct sun4v_test_param *p = test->param_value;
	struct sun4v_test *ctx;

	KUNIT_ASSERT_EQ(test, iommu_batch_init(), 0);

	ctx = kunit_kzalloc(test, sizeof(*ctx), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, ctx);
	test->priv = ctx;
	ctx->per_call = SUN4V_TEST_ENTRIES;

	ctx->pages = alloc_pages(GFP_KERNEL,
				 get_order(SUN4V_TEST_PAGES * PAGE_SIZE));
	KUNIT_ASSERT_NOT_NULL(test, ctx->pages);
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, sun4v_test_free_pages,
						  ctx->pages));
	ctx->legacy = kunit_kzalloc(test, sizeof(*ctx->legacy), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, ctx->legacy);
	ctx->translated = kunit_kzalloc(test, sizeof(*ctx->translated),
					GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, ctx->translated);

	spin_lock_init(&ctx->iommu.lock);
	sun4v_test_init_tbl(test, &ctx->iommu.tbl, SUN4V_TEST_LEGACY_BASE);
	sun4v_test_init_tbl(test, &ctx->atu.tbl, SUN4V_TEST_ATU_BASE);
	ctx->iommu.dma_addr_mask = DMA_BIT_MASK(32);
	/* It is not one of those in the lists, and that is all that matters */
	ctx->iommu.dummy_page_pa = page_to_phys(ctx->pages + SUN4V_TEST_PAGES - 1);
	ctx->iotsb.iotsb_num = SUN4V_TEST_IOTSB;
	ctx->atu.iotsb = &ctx->iotsb;
	if (p->atu)
		ctx->iommu.atu = &ctx->atu;
	ctx->pbm.devhandle = SUN4V_TEST_DEVHANDLE;
	ctx->pbm.iommu = &ctx->iommu;

	ctx->dev = kunit_device_register(test, "sun4v_test");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, ctx->dev);
	ctx->mask = p->mask;
	ctx->dev->dma_mask = &ctx->mask;
	ctx->dev->coherent_dma_mask = p->mask;
	ctx->dev->dma_parms = &ctx->parms;
	dma_set_max_seg_size(ctx->dev, UINT_MAX);
	ctx->dev->archdata.iommu = &ctx->iommu;
	ctx->dev->archdata.host_controller = &ctx->pbm;
	ctx->dev->archdata.numa_node = NUMA_NO_NODE;
	set_dma_ops(ctx->dev, &sun4v_dma_ops);

	kunit_activate_static_stub(test, hv_iommu_map, sun4v_test_iommu_map);
	kunit_activate_static_stub(test, hv_iommu_demap, sun4v_test_iommu_demap);
	kunit_activate_static_stub(test, hv_iotsb_map, sun4v_test_iotsb_map);
	kunit_activate_static_stub(test, hv_iotsb_demap, sun4v_test_iotsb_demap);
	return 0;
}

static void sun4v_test_free_table(void *sgt)
{
	sg_free_table(sgt);
}

static struct sg_table *sun4v_test_list(struct kunit *test,
					const struct sun4v_test_piece *pieces,
					unsigned int n)
{
	struct sg_table *sgt = kunit_kzalloc(test, sizeof(*sgt), GFP_KERNEL);
	struct sun4v_test *ctx = test->priv;
	struct scatterlist *sg;
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, sgt);
	KUNIT_ASSERT_EQ(test, 0, sg_alloc_table(sgt, n, GFP_KERNEL));
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, sun4v_test_free_table,
						  sgt));
	for_each_sgtable_sg(sgt, sg, i) {
		const struct sun4v_test_piece *p = &pieces[i];

		if (p->has_page)
			sg_set_page(sg, ctx->pages + p->index, p->length,
				    p->offset);
		else
			KUNIT_ASSERT_EQ(test, 0,
					sg_set_pfn(sg, PHYS_PFN(SUN4V_TEST_RA) +
						   p->index, p->length,
						   p->offset));
	}
	return sgt;
}

/* Page frames none of which follows the one before, more than fit in a batch */
static struct sg_table *sun4v_test_long_list(struct kunit *test)
{
	const unsigned int n = 2 * PGLIST_NENTS + 10;
	struct sun4v_test_piece *pieces;
	unsigned int i;

	pieces = kunit_kcalloc(test, n, sizeof(*pieces), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, pieces);
	for (i = 0; i < n; i++) {
		pieces[i].index = 2 * (n - i);
		pieces[i].length = PAGE_SIZE;
	}
	return sun4v_test_list(test, pieces, n);
}

static struct sun4v_test_tte *sun4v_test_tte(struct kunit *test, dma_addr_t dma)
{
	const struct sun4v_test_param *p = test->param_value;
	unsigned long base = p->translated ? SUN4V_TEST_ATU_BASE :
					     SUN4V_TEST_LEGACY_BASE;
	struct sun4v_test *ctx = test->priv;
	unsigned long index = (dma - base) >> IO_PAGE_SHIFT;

	KUNIT_ASSERT_GE(test, dma, base);
	KUNIT_ASSERT_LT(test, index, SUN4V_TEST_ENTRIES);
	return &(p->translated ? ctx->translated : ctx->legacy)->tte[index];
}

/* The entry of @dma leads to the page of @phys, at the same offset */
static void sun4v_test_expect(struct kunit *test, dma_addr_t dma,
			      phys_addr_t phys, unsigned long attr)
{
	struct sun4v_test_tte *tte = sun4v_test_tte(test, dma);

	KUNIT_EXPECT_EQ(test, offset_in_page(dma), offset_in_page(phys));
	KUNIT_EXPECT_EQ(test, tte->ra, (u64)(phys & IO_PAGE_MASK));
	KUNIT_EXPECT_EQ(test, tte->attr, attr);
}

static void sun4v_test_expect_range(struct kunit *test, dma_addr_t dma,
				    phys_addr_t phys, size_t size,
				    unsigned long attr)
{
	size_t pos, step;

	for (pos = 0; pos < size; pos += step) {
		sun4v_test_expect(test, dma + pos, phys + pos, attr);
		step = IO_PAGE_SIZE - offset_in_page(phys + pos);
	}
}

/* The segments have the list's memory in them, in its order, and nothing else */
static void sun4v_test_expect_list(struct kunit *test, struct sg_table *sgt)
{
	const struct sun4v_test_param *p = test->param_value;
	struct scatterlist *seg = sgt->sgl, *sg;
	unsigned int i, nr_segs = 1;
	size_t pos = 0;

	for_each_sgtable_sg(sgt, sg, i) {
		if (pos == sg_dma_len(seg)) {
			seg = sg_next(seg);
			nr_segs++;
			pos = 0;
		}
		KUNIT_ASSERT_LE(test, pos + sg->length, sg_dma_len(seg));
		sun4v_test_expect_range(test, sg_dma_address(seg) + pos,
					sg_phys(sg), sg->length, p->attr);
		pos += sg->length;
	}
	KUNIT_EXPECT_EQ(test, pos, sg_dma_len(seg));
	KUNIT_EXPECT_EQ(test, nr_segs, sgt->nents);
}

static unsigned int sun4v_test_nr_pages(struct sg_table *sgt)
{
	unsigned int i, nr = 0;
	struct scatterlist *sg;

	for_each_sgtable_sg(sgt, sg, i)
		nr += iommu_num_pages(sg_phys(sg), sg->length, IO_PAGE_SIZE);
	return nr;
}

/* As many entries are valid as are allocated, and all in the right table */
static void sun4v_test_expect_nr(struct kunit *test, unsigned int nr)
{
	const struct sun4v_test_param *p = test->param_value;
	struct sun4v_test *ctx = test->priv;
	unsigned int i, legacy = 0, translated = 0;
	unsigned int nr_translated = p->translated ? nr : 0;

	for (i = 0; i < SUN4V_TEST_ENTRIES; i++) {
		legacy += !!ctx->legacy->tte[i].attr;
		translated += !!ctx->translated->tte[i].attr;
	}
	KUNIT_EXPECT_EQ(test, legacy, nr - nr_translated);
	KUNIT_EXPECT_EQ(test, translated, nr_translated);
	KUNIT_EXPECT_EQ(test, bitmap_weight(ctx->iommu.tbl.map,
					    SUN4V_TEST_ENTRIES),
			nr - nr_translated);
	KUNIT_EXPECT_EQ(test, bitmap_weight(ctx->atu.tbl.map,
					    SUN4V_TEST_ENTRIES),
			nr_translated);
	KUNIT_EXPECT_EQ(test, ctx->nr_remapped, 0);
}

static void sun4v_test_map_phys(struct kunit *test)
{
	const struct sun4v_test_param *p = test->param_value;
	struct sun4v_test *ctx = test->priv;
	phys_addr_t phys = page_to_phys(ctx->pages) + 0x123;
	const size_t size = 2 * PAGE_SIZE;
	dma_addr_t page, mmio;

	page = dma_map_phys(ctx->dev, phys, size, p->dir, 0);
	KUNIT_ASSERT_FALSE(test, dma_mapping_error(ctx->dev, page));
	sun4v_test_expect_range(test, page, phys, size, p->attr);
	sun4v_test_expect_nr(test, 3);

	mmio = dma_map_phys(ctx->dev, SUN4V_TEST_RA + 8, size, p->dir,
			    DMA_ATTR_MMIO);
	KUNIT_ASSERT_FALSE(test, dma_mapping_error(ctx->dev, mmio));
	sun4v_test_expect_range(test, mmio, SUN4V_TEST_RA + 8, size, p->attr);
	sun4v_test_expect_nr(test, 6);

	dma_unmap_phys(ctx->dev, page, size, p->dir, 0);
	sun4v_test_expect_range(test, mmio, SUN4V_TEST_RA + 8, size, p->attr);
	sun4v_test_expect_nr(test, 3);
	dma_unmap_phys(ctx->dev, mmio, size, p->dir, DMA_ATTR_MMIO);
	sun4v_test_expect_nr(test, 0);
}

static void sun4v_test_map_list(struct kunit *test,
				const struct sun4v_test_piece *pieces,
				unsigned int n)
{
	const struct sun4v_test_param *p = test->param_value;
	struct sg_table *sgt = sun4v_test_list(test, pieces, n);
	struct sun4v_test *ctx = test->priv;

	KUNIT_ASSERT_EQ(test, 0, dma_map_sgtable(ctx->dev, sgt, p->dir, 0));
	sun4v_test_expect_list(test, sgt);
	sun4v_test_expect_nr(test, sun4v_test_nr_pages(sgt));

	/* No streaming buffer, and caches are coherent */
	dma_sync_sgtable_for_cpu(ctx->dev, sgt, p->dir);
	dma_sync_sgtable_for_device(ctx->dev, sgt, p->dir);

	dma_unmap_sgtable(ctx->dev, sgt, p->dir, 0);
	sun4v_test_expect_nr(test, 0);
}

static void sun4v_test_pages(struct kunit *test)
{
	static const struct sun4v_test_piece pieces[] = {
		{ true, 0, 0x123,         0x456 },
		{ true, 1, 0,             2 * PAGE_SIZE },
		{ true, 7, PAGE_SIZE - 4, 8 },
	};

	sun4v_test_map_list(test, pieces, ARRAY_SIZE(pieces));
}

static const struct sun4v_test_piece sun4v_test_pageless[] = {
	{ false, 0, 0x123,         0x456 },
	{ false, 1, 0,             2 * PAGE_SIZE },
	{ false, 7, PAGE_SIZE - 4, 8 },
	{ false, 9, PAGE_SIZE,     PAGE_SIZE },
};

static void sun4v_test_no_pages(struct kunit *test)
{
	sun4v_test_map_list(test, sun4v_test_pageless,
			    ARRAY_SIZE(sun4v_test_pageless));
}

static void sun4v_test_both(struct kunit *test)
{
	sun4v_test_map_list(test, sun4v_test_mixed,
			    ARRAY_SIZE(sun4v_test_mixed));
}

/* More than one batch, of which the hypervisor takes a bit at a time */
static void sun4v_test_map_long(struct kunit *test)
{
	const struct sun4v_test_param *p = test->param_value;
	struct sun4v_test *ctx = test->priv;
	struct sg_table *sgt = sun4v_test_long_list(test);

	ctx->per_call = 300;
	dma_set_max_seg_size(ctx->dev, 100 * PAGE_SIZE);
	KUNIT_ASSERT_EQ(test, 0, dma_map_sgtable(ctx->dev, sgt, p->dir, 0));
	KUNIT_EXPECT_EQ(test, sgt->nents, DIV_ROUND_UP(sgt->orig_nents, 100));
	sun4v_test_expect_list(test, sgt);
	sun4v_test_expect_nr(test, sgt->orig_nents);
	dma_unmap_sgtable(ctx->dev, sgt, p->dir, 0);
	sun4v_test_expect_nr(test, 0);
}

/* Segments end at the boundary, wherever they start, and not before */
static void sun4v_test_boundary(struct kunit *test)
{
	static const struct sun4v_test_piece pieces[] = {
		{ false,  0, PAGE_SIZE - 8, 8 },
		{ true,   0, 0, PAGE_SIZE },
		{ false,  2, 0, PAGE_SIZE },
		{ false,  4, 0, PAGE_SIZE },	/* the third of a segment */
		{ false,  6, 16, PAGE_SIZE - 16 },
		{ true,   2, 0, 3 * PAGE_SIZE },
		{ false,  8, 0, PAGE_SIZE },
		{ false, 10, 0, PAGE_SIZE },
		{ false, 12, 0, 8 },		/* the ninth page */
	};
	const struct sun4v_test_param *p = test->param_value;
	const unsigned long boundary = 8 * PAGE_SIZE;
	struct sun4v_test *ctx = test->priv;
	struct scatterlist *seg;
	struct sg_table *sgt;
	unsigned int i, start;

	sgt = sun4v_test_list(test, pieces, ARRAY_SIZE(pieces));
	dma_set_seg_boundary(ctx->dev, boundary - 1);
	for (start = 0; start < 8; start++) {
		dma_addr_t before = DMA_MAPPING_ERROR, end = 0;

		/* From the start of the pool on */
		ctx->iommu.tbl.pools[0].hint = 0;
		ctx->atu.tbl.pools[0].hint = 0;
		if (start) {
			before = dma_map_phys(ctx->dev, SUN4V_TEST_RA,
					      start * PAGE_SIZE, p->dir,
					      DMA_ATTR_MMIO);
			KUNIT_ASSERT_FALSE(test,
					   dma_mapping_error(ctx->dev, before));
		}

		KUNIT_ASSERT_EQ(test, 0, dma_map_sgtable(ctx->dev, sgt, p->dir,
							 0));
		sun4v_test_expect_list(test, sgt);
		for_each_sgtable_dma_sg(sgt, seg, i) {
			dma_addr_t first = sg_dma_address(seg);
			dma_addr_t last = first + sg_dma_len(seg) - 1;

			KUNIT_EXPECT_EQ_MSG(test, first / boundary,
					    last / boundary,
					    "start %u, segment %u", start, i);
			if (first == end)
				KUNIT_EXPECT_EQ_MSG(test, first % boundary, 0,
						    "start %u, segment %u",
						    start, i);
			end = last + 1;
		}
		dma_unmap_sgtable(ctx->dev, sgt, p->dir, 0);
		if (start)
			dma_unmap_phys(ctx->dev, before, start * PAGE_SIZE,
				       p->dir, DMA_ATTR_MMIO);
		sun4v_test_expect_nr(test, 0);
	}
}

/* Whichever of the calls fails, and with what, nothing is left of the list */
static void sun4v_test_fail_list(struct kunit *test, struct sg_table *sgt,
				 unsigned long per_call)
{
	const struct sun4v_test_param *p = test->param_value;
	struct sun4v_test *ctx = test->priv;
	unsigned int fail_at = 0;
	int ret;

	ctx->per_call = per_call;
	do {
		ctx->nr_maps = 0;
		ctx->fail_at = ++fail_at;
		ret = dma_map_sgtable(ctx->dev, sgt, p->dir, 0);
		if (ret) {
			KUNIT_EXPECT_EQ(test, ret, -EIO);
			sun4v_test_expect_nr(test, 0);
		}
	} while (ret && fail_at < SUN4V_TEST_ENTRIES);
	ctx->fail_at = 0;

	/* There was more than one call to fail, and all of them did */
	KUNIT_EXPECT_GT(test, fail_at, 2);
	KUNIT_EXPECT_EQ(test, fail_at, ctx->nr_maps + 1);
	KUNIT_ASSERT_EQ(test, ret, 0);
	sun4v_test_expect_list(test, sgt);
	dma_unmap_sgtable(ctx->dev, sgt, p->dir, 0);
	sun4v_test_expect_nr(test, 0);
}

static void sun4v_test_fail_sg(struct kunit *test)
{
	struct sg_table *sgt = sun4v_test_list(test, sun4v_test_mixed,
					       ARRAY_SIZE(sun4v_test_mixed));

	sun4v_test_fail_list(test, sgt, 3);
	sun4v_test_fail_list(test, sun4v_test_long_list(test), 300);
}

static void sun4v_test_fail_phys(struct kunit *test)
{
	const struct sun4v_test_param *p = test->param_value;
	const size_t size = (PGLIST_NENTS + 10) * PAGE_SIZE;
	struct sun4v_test *ctx = test->priv;

	ctx->per_call = 500;
	for (ctx->fail_at = 1; ctx->fail_at <= 4; ctx->fail_at++) {
		ctx->nr_maps = 0;
		KUNIT_EXPECT_EQ(test, dma_map_phys(ctx->dev, SUN4V_TEST_RA, size,
						   p->dir, DMA_ATTR_MMIO),
				DMA_MAPPING_ERROR);
		KUNIT_EXPECT_EQ(test, ctx->nr_maps, ctx->fail_at);
		sun4v_test_expect_nr(test, 0);
	}
}

static void sun4v_test_coherent(struct kunit *test)
{
	const size_t size = 5 * PAGE_SIZE;
	struct sun4v_test *ctx = test->priv;
	dma_addr_t dma;
	void *cpu;

	ctx->per_call = 2;
	for (ctx->fail_at = 1; ctx->fail_at <= 3; ctx->fail_at++) {
		ctx->nr_maps = 0;
		KUNIT_EXPECT_NULL(test, dma_alloc_coherent(ctx->dev, size, &dma,
							   GFP_KERNEL));
		KUNIT_EXPECT_EQ(test, ctx->nr_maps, ctx->fail_at);
		sun4v_test_expect_nr(test, 0);
	}

	ctx->nr_maps = 0;
	cpu = dma_alloc_coherent(ctx->dev, size, &dma, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, cpu);
	sun4v_test_expect_range(test, dma, __pa(cpu), size, SUN4V_TEST_RW);
	sun4v_test_expect_nr(test, 5);
	dma_free_coherent(ctx->dev, size, cpu, dma);
	sun4v_test_expect_nr(test, 0);
}

/* Entries for a part of the list only */
static void sun4v_test_exhausted(struct kunit *test)
{
	static const struct sun4v_test_piece pieces[] = {
		{ false, 0, 0, 3 * PAGE_SIZE },
		{ true,  0, 0, PAGE_SIZE },
		{ true,  2, 0, 2 * PAGE_SIZE },
	};
	const struct sun4v_test_param *p = test->param_value;
	struct sun4v_test *ctx = test->priv;
	struct iommu_map_table *tbl = p->translated ? &ctx->atu.tbl :
						      &ctx->iommu.tbl;
	struct sg_table *sgt;

	sgt = sun4v_test_list(test, pieces, ARRAY_SIZE(pieces));
	bitmap_set(tbl->map, 0, SUN4V_TEST_ENTRIES - 10);
	bitmap_set(tbl->map, SUN4V_TEST_ENTRIES - 5, 5);
	KUNIT_EXPECT_EQ(test, dma_map_sgtable(ctx->dev, sgt, p->dir, 0),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, bitmap_weight(tbl->map, SUN4V_TEST_ENTRIES),
			SUN4V_TEST_ENTRIES - 5);
	bitmap_zero(tbl->map, SUN4V_TEST_ENTRIES);
	sun4v_test_expect_nr(test, 0);
}

/* The first versions of the hypervisor's PCI services don't know the attribute */
static void sun4v_test_relaxed_order(struct kunit *test)
{
	const struct sun4v_test_param *p = test->param_value;
	const unsigned long was = vpci_major;
	struct sun4v_test *ctx = test->priv;
	dma_addr_t dma;

	if (tlb_type == hypervisor)
		kunit_skip(test, "the real hypervisor would get to see it");

	for (vpci_major = 1; vpci_major <= 2; vpci_major++) {
		dma = dma_map_phys(ctx->dev, SUN4V_TEST_RA, 8, p->dir,
				   DMA_ATTR_MMIO | DMA_ATTR_WEAK_ORDERING);
		KUNIT_EXPECT_FALSE(test, dma_mapping_error(ctx->dev, dma));
		sun4v_test_expect(test, dma, SUN4V_TEST_RA, p->attr |
				  (vpci_major == 2 ?
				   HV_PCI_MAP_ATTR_RELAXED_ORDER : 0));
		dma_unmap_phys(ctx->dev, dma, 8, p->dir, DMA_ATTR_MMIO);
	}
	vpci_major = was;
	sun4v_test_expect_nr(test, 0);
}

/* All of the segments lead there, entry by entry */
static void sun4v_test_expect_dummy(struct kunit *test, struct sg_table *sgt)
{
	const struct sun4v_test_param *p = test->param_value;
	struct sun4v_test *ctx = test->priv;
	struct scatterlist *seg;
	unsigned int i;

	for_each_sgtable_dma_sg(sgt, seg, i) {
		dma_addr_t dma = sg_dma_address(seg) & IO_PAGE_MASK;
		dma_addr_t end = sg_dma_address(seg) + sg_dma_len(seg);

		for (; dma < end; dma += IO_PAGE_SIZE)
			sun4v_test_expect(test, dma, ctx->iommu.dummy_page_pa,
					  p->attr);
	}
}

static void sun4v_test_revoke(struct kunit *test)
{
	const struct sun4v_test_param *p = test->param_value;
	const unsigned long attrs = DMA_ATTR_SKIP_CPU_SYNC;
	struct sun4v_test *ctx = test->priv;
	struct sg_table *sgt, *other;
	unsigned int nr;
	int again;

	ctx->per_call = 2;
	sgt = sun4v_test_list(test, sun4v_test_mixed,
			      ARRAY_SIZE(sun4v_test_mixed));
	other = sun4v_test_list(test, sun4v_test_mixed,
				ARRAY_SIZE(sun4v_test_mixed));
	nr = sun4v_test_nr_pages(sgt);
	KUNIT_ASSERT_EQ(test, 0, dma_map_sgtable(ctx->dev, sgt, p->dir, attrs));
	KUNIT_ASSERT_EQ(test, 0, dma_map_sgtable(ctx->dev, other, p->dir, 0));

	for (again = 0; again < 2; again++) {
		KUNIT_EXPECT_TRUE(test, dma_can_revoke_sgtable(ctx->dev, sgt));
		KUNIT_EXPECT_EQ(test, 0, dma_revoke_sgtable(ctx->dev, sgt,
							    p->dir, attrs));
		sun4v_test_expect_dummy(test, sgt);
		sun4v_test_expect_list(test, other);
		/* They are nobody else's */
		sun4v_test_expect_nr(test, 2 * nr);
	}

	dma_unmap_sgtable(ctx->dev, sgt, p->dir, attrs);
	sun4v_test_expect_list(test, other);
	sun4v_test_expect_nr(test, nr);
	dma_unmap_sgtable(ctx->dev, other, p->dir, 0);
	sun4v_test_expect_nr(test, 0);
}

/* If the dummy page can't be mapped, nothing is: the memory is out of reach */
static void sun4v_test_revoke_fails(struct kunit *test)
{
	const struct sun4v_test_param *p = test->param_value;
	const unsigned long attrs = DMA_ATTR_SKIP_CPU_SYNC;
	struct sun4v_test *ctx = test->priv;
	struct sg_table *sgt;
	unsigned int fail_at;

	/* No two of them become one segment */
	sgt = sun4v_test_list(test, sun4v_test_pageless,
			      ARRAY_SIZE(sun4v_test_pageless));
	for (fail_at = 1; fail_at <= sgt->orig_nents; fail_at++) {
		unsigned int i, nr_unmapped = 0;
		struct scatterlist *seg;

		KUNIT_ASSERT_EQ(test, 0, dma_map_sgtable(ctx->dev, sgt, p->dir,
							 attrs));
		ctx->nr_maps = 0;
		ctx->fail_at = fail_at;
		KUNIT_EXPECT_EQ(test, 0, dma_revoke_sgtable(ctx->dev, sgt,
							    p->dir, attrs));
		KUNIT_EXPECT_EQ(test, ctx->nr_maps, sgt->orig_nents);
		ctx->fail_at = 0;
		for_each_sgtable_dma_sg(sgt, seg, i) {
			dma_addr_t dma = sg_dma_address(seg) & IO_PAGE_MASK;
			dma_addr_t end = sg_dma_address(seg) + sg_dma_len(seg);

			for (; dma < end; dma += IO_PAGE_SIZE) {
				struct sun4v_test_tte *tte;

				tte = sun4v_test_tte(test, dma);
				if (!tte->attr)
					nr_unmapped++;
				else
					KUNIT_EXPECT_EQ(test, tte->ra,
							ctx->iommu.dummy_page_pa);
			}
		}
		/* The only page of a segment, or the second of two */
		KUNIT_EXPECT_EQ(test, nr_unmapped, 1);
		dma_unmap_sgtable(ctx->dev, sgt, p->dir, attrs);
		sun4v_test_expect_nr(test, 0);
	}
}

static struct kunit_case sun4v_test_cases[] = {
	KUNIT_CASE_PARAM(sun4v_test_map_phys, sun4v_test_gen_params),
	KUNIT_CASE_PARAM(sun4v_test_pages, sun4v_test_gen_params),
	KUNIT_CASE_PARAM(sun4v_test_no_pages, sun4v_test_gen_params),
	KUNIT_CASE_PARAM(sun4v_test_both, sun4v_test_gen_params),
	KUNIT_CASE_PARAM(sun4v_test_map_long, sun4v_test_gen_params),
	KUNIT_CASE_PARAM(sun4v_test_boundary, sun4v_test_gen_params),
	KUNIT_CASE_PARAM(sun4v_test_fail_sg, sun4v_test_gen_params),
	KUNIT_CASE_PARAM(sun4v_test_fail_phys, sun4v_test_gen_params),
	KUNIT_CASE_PARAM(sun4v_test_coherent, sun4v_test_gen_params),
	KUNIT_CASE_PARAM(sun4v_test_exhausted, sun4v_test_gen_params),
	KUNIT_CASE_PARAM(sun4v_test_relaxed_order, sun4v_test_gen_params),
	KUNIT_CASE_PARAM(sun4v_test_revoke, sun4v_test_gen_params),
	KUNIT_CASE_PARAM(sun4v_test_revoke_fails, sun4v_test_gen_params),
	{}
};

static struct kunit_suite sun4v_test_suite = {
	.name		= "pci_sun4v",
	.init		= sun4v_test_init,
	.test_cases	= sun4v_test_cases,
};

kunit_test_suite(sun4v_test_suite);
