// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests: the direct mapping of scatterlist entries without a page, and
 * what all implementations have in common.
 */
#include <kunit/device.h>
#include <linux/device.h>
#include <linux/dma-direct.h>
#include <linux/dma-map-ops.h>
#include <linux/dma-mapping.h>
#include <linux/highmem.h>
#include <linux/iommu-dma.h>
#include <linux/mm.h>
#include <linux/string.h>
#include <linux/swiotlb.h>

#include "sg_pfn_kunit.h"

struct direct_test {
	struct device *dev;
	struct device_dma_parameters parms;
	u64 mask;
};

static int direct_init(struct kunit *test)
{
	struct direct_test *d = kunit_kzalloc(test, sizeof(*d), GFP_KERNEL);

	if (!d)
		return -ENOMEM;
	d->dev = kunit_device_register(test, "dma-sg-pfn");
	if (IS_ERR(d->dev))
		return PTR_ERR(d->dev);

	d->mask = DMA_BIT_MASK(64);
	d->dev->dma_mask = &d->mask;
	d->dev->dma_parms = &d->parms;
	dma_set_max_seg_size(d->dev, UINT_MAX);
	test->priv = d;
	return 0;
}

static struct device *any_dev(struct kunit *test)
{
	struct direct_test *d = test->priv;

	if (use_dma_iommu(d->dev) || get_dma_ops(d->dev))
		kunit_skip(test, "not mapped directly on this machine");
	return d->dev;
}

static struct device *direct_dev(struct kunit *test)
{
	struct device *dev = any_dev(test);

	if (is_swiotlb_force_bounce(dev))
		kunit_skip(test, "everything is bounced on this machine");
	return dev;
}

struct direct_param {
	const char *name;
	bool coherent;
	enum dma_data_direction dir;
};

static const struct direct_param direct_params[] = {
	{ "coherent, bidirectional",     true,  DMA_BIDIRECTIONAL },
	{ "coherent, to device",         true,  DMA_TO_DEVICE },
	{ "coherent, from device",       true,  DMA_FROM_DEVICE },
	{ "not coherent, bidirectional", false, DMA_BIDIRECTIONAL },
	{ "not coherent, to device",     false, DMA_TO_DEVICE },
	{ "not coherent, from device",   false, DMA_FROM_DEVICE },
};

KUNIT_ARRAY_PARAM_DESC(direct, direct_params, name);

/*
 * On a device that is not coherent an architecture that is handed an address
 * without a page by mistake faults on it, or warns.
 */
static void direct_map_sync_unmap(struct kunit *test)
{
	const struct direct_param *p = test->param_value;
	struct device *dev = direct_dev(test);
	struct sg_pfn_table *t;
	struct scatterlist *sg;
	int i;

	dev_assign_dma_coherent(dev, p->coherent);
	if (dev_is_dma_coherent(dev) != p->coherent)
		kunit_skip(test, "all devices of this machine are coherent");
	if (force_dma_unencrypted(dev))
		kunit_skip(test, "pages are bounced here");
	t = sg_pfn_table_alloc(test, sg_pfn_mixed, sg_pfn_n_mixed);

	kunit_warning_suppress(test) {
		KUNIT_ASSERT_EQ(test, 0,
				dma_map_sgtable(dev, &t->sgt, p->dir, 0));
		KUNIT_EXPECT_EQ(test, sg_pfn_n_mixed, t->sgt.nents);
		for_each_sgtable_dma_sg(&t->sgt, sg, i) {
			KUNIT_EXPECT_EQ(test, phys_to_dma(dev, sg_phys(sg)),
					sg_dma_address(sg));
			KUNIT_EXPECT_EQ(test, t->was[i].length,
					sg_dma_len(sg));
		}

		dma_sync_sgtable_for_cpu(dev, &t->sgt, p->dir);
		dma_sync_sgtable_for_device(dev, &t->sgt, p->dir);
		for_each_sgtable_dma_sg(&t->sgt, sg, i) {
			dma_sync_single_for_cpu(dev, sg_dma_address(sg),
						sg_dma_len(sg), p->dir);
			dma_sync_single_range_for_device(dev,
							 sg_dma_address(sg), 4,
							 sg_dma_len(sg) - 4,
							 p->dir);
		}
		sg_pfn_expect_unchanged(test, t);
		dma_unmap_sgtable(dev, &t->sgt, p->dir, 0);
		sg_pfn_expect_unchanged(test, t);

		/* Among them all that dma-debug has to say */
		KUNIT_EXPECT_SUPPRESSED_WARNING_COUNT(test, 0);
	}
}

/* Two lists may have the same MMIO in them, as two buffers in one BAR have */
static void direct_map_overlapping(struct kunit *test)
{
	static const struct sg_pfn_entry entries[] = {
		{ false, 0, 0, PAGE_SIZE }, { false, 1, 0, PAGE_SIZE },
	};
	struct device *dev = direct_dev(test);
	struct sg_pfn_table *a, *b;

	a = sg_pfn_table_alloc(test, entries, ARRAY_SIZE(entries));
	b = sg_pfn_table_alloc(test, entries, 1);
	kunit_warning_suppress(test) {
		KUNIT_ASSERT_EQ(test, 0, dma_map_sgtable(dev, &a->sgt,
							 DMA_FROM_DEVICE, 0));
		KUNIT_EXPECT_EQ(test, 0, dma_map_sgtable(dev, &b->sgt,
							 DMA_FROM_DEVICE, 0));
		dma_unmap_sgtable(dev, &b->sgt, DMA_FROM_DEVICE, 0);
		dma_unmap_sgtable(dev, &a->sgt, DMA_FROM_DEVICE, 0);
		KUNIT_EXPECT_SUPPRESSED_WARNING_COUNT(test, 0);
	}
}

/* Nothing stands between the device and the memory */
static void direct_cannot_revoke(struct kunit *test)
{
	struct device *dev = direct_dev(test);
	struct sg_pfn_table *t;

	t = sg_pfn_table_alloc(test, sg_pfn_mixed, sg_pfn_n_mixed);
	KUNIT_ASSERT_EQ(test, 0, dma_map_sgtable(dev, &t->sgt, DMA_FROM_DEVICE,
						 0));
	KUNIT_EXPECT_FALSE(test, dma_can_revoke_sgtable(dev, &t->sgt));
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP,
			dma_revoke_sgtable(dev, &t->sgt, DMA_FROM_DEVICE, 0));
	dma_unmap_sgtable(dev, &t->sgt, DMA_FROM_DEVICE, 0);
}

/* What has got a bus address before (pci_p2pdma_route_sgtable()) keeps it, once */
static void direct_bus_address(struct kunit *test)
{
	static const struct sg_pfn_entry entries[] = {
		{ true,  0, 0,    PAGE_SIZE },
		{ false, 0, 0x10, PAGE_SIZE },
		{ false, 3, 0,    2 * PAGE_SIZE },
	};
	const dma_addr_t bus = 0x12345010;
	struct device *dev = direct_dev(test);
	struct scatterlist *sg;
	struct sg_pfn_table *t;

	t = sg_pfn_table_alloc(test, entries, ARRAY_SIZE(entries));
	sg = sg_next(t->sgt.sgl);
	sg_dma_address(sg) = bus;
	sg_dma_mark_bus_address(sg);
	if (!sg_dma_is_bus_address(sg))
		kunit_skip(test, "needs CONFIG_NEED_SG_DMA_FLAGS");

	kunit_warning_suppress(test) {
		KUNIT_ASSERT_EQ(test, 0, dma_map_sgtable(dev, &t->sgt,
							 DMA_FROM_DEVICE, 0));
		KUNIT_EXPECT_EQ(test, bus, sg_dma_address(sg));
		KUNIT_EXPECT_EQ(test, PAGE_SIZE, sg_dma_len(sg));
		KUNIT_EXPECT_EQ(test, phys_to_dma(dev, sg_phys(sg_next(sg))),
				sg_dma_address(sg_next(sg)));
		dma_sync_sgtable_for_cpu(dev, &t->sgt, DMA_FROM_DEVICE);
		dma_sync_sgtable_for_device(dev, &t->sgt, DMA_FROM_DEVICE);
		dma_unmap_sgtable(dev, &t->sgt, DMA_FROM_DEVICE, 0);
		KUNIT_EXPECT_FALSE(test, sg_dma_is_bus_address(sg));
		sg_pfn_expect_unchanged(test, t);

		KUNIT_ASSERT_EQ(test, 0, dma_map_sgtable(dev, &t->sgt,
							 DMA_FROM_DEVICE, 0));
		KUNIT_EXPECT_EQ(test, phys_to_dma(dev, sg_phys(sg)),
				sg_dma_address(sg));
		dma_unmap_sgtable(dev, &t->sgt, DMA_FROM_DEVICE, 0);
		KUNIT_EXPECT_SUPPRESSED_WARNING_COUNT(test, 0);
	}
}

static void direct_map_chained(struct kunit *test)
{
	const unsigned int n = 2 * SG_MAX_SINGLE_ALLOC;
	struct device *dev = direct_dev(test);
	struct sg_pfn_entry *entries;
	struct sg_pfn_table *t;
	struct scatterlist *sg;
	int i;

	if (IS_ENABLED(CONFIG_ARCH_NO_SG_CHAIN))
		kunit_skip(test, "the architecture can't chain lists");
	entries = kunit_kcalloc(test, n, sizeof(*entries), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, entries);
	for (i = 0; i < n; i++)
		entries[i] = (struct sg_pfn_entry){
			.has_page = i % 5 == 0,
			.index = i % SG_PFN_PAGES,
			.length = PAGE_SIZE,
		};
	t = sg_pfn_table_alloc(test, entries, n);

	KUNIT_ASSERT_EQ(test, 0,
			dma_map_sgtable(dev, &t->sgt, DMA_TO_DEVICE, 0));
	KUNIT_EXPECT_EQ(test, n, t->sgt.nents);
	dma_sync_sgtable_for_cpu(dev, &t->sgt, DMA_TO_DEVICE);
	dma_sync_sgtable_for_device(dev, &t->sgt, DMA_TO_DEVICE);
	for_each_sgtable_dma_sg(&t->sgt, sg, i)
		if (!entries[i].has_page)
			KUNIT_EXPECT_EQ(test,
					phys_to_dma(dev,
						    PFN_PHYS(t->pfn +
							     entries[i].index)),
					sg_dma_address(sg));
	dma_unmap_sgtable(dev, &t->sgt, DMA_TO_DEVICE, 0);
	sg_pfn_expect_unchanged(test, t);
}

static const struct sg_pfn_entry page_then_pfn[] = {
	{ true,  0, 0, PAGE_SIZE / 2 },
	{ false, 0, 0, PAGE_SIZE },
};

static void direct_beyond_mask(struct kunit *test)
{
	struct device *dev = direct_dev(test);
	struct direct_test *d = test->priv;
	struct sg_pfn_table *t;

	t = sg_pfn_table_alloc(test, page_then_pfn, 2);
	/* Just enough for the pages */
	d->mask = DMA_BIT_MASK(fls64(phys_to_dma(dev,
						 page_to_phys(t->pages + 1))));
	if (phys_to_dma(dev, PFN_PHYS(t->pfn)) <= d->mask)
		kunit_skip(test, "no such address on this machine");

	kunit_warning_suppress(test) {
		KUNIT_EXPECT_EQ(test, -EIO,
				dma_map_sgtable(dev, &t->sgt, DMA_TO_DEVICE,
						DMA_ATTR_NO_WARN));
		KUNIT_EXPECT_SUPPRESSED_WARNING_COUNT(test, 0);
	}
	sg_pfn_expect_unchanged(test, t);

	/* Nor may only the end of it be out of reach */
	d->mask = phys_to_dma(dev, PFN_PHYS(t->pfn)) + PAGE_SIZE - 2;
	KUNIT_EXPECT_EQ(test, -EIO, dma_map_sgtable(dev, &t->sgt, DMA_TO_DEVICE,
						    DMA_ATTR_NO_WARN));
	d->mask++;
	KUNIT_ASSERT_EQ(test, 0, dma_map_sgtable(dev, &t->sgt, DMA_TO_DEVICE,
						 DMA_ATTR_NO_WARN));
	dma_unmap_sgtable(dev, &t->sgt, DMA_TO_DEVICE, 0);
}

static void direct_null_page(struct kunit *test)
{
	struct device *dev = direct_dev(test);

	KUNIT_EXPECT_EQ(test, DMA_MAPPING_ERROR,
			dma_map_page(dev, NULL, 0, PAGE_SIZE, DMA_TO_DEVICE));
}

#ifdef CONFIG_SWIOTLB
static bool have_swiotlb(struct device *dev)
{
	return dev->dma_io_tlb_mem && dev->dma_io_tlb_mem->nslabs;
}

/* The same bounce buffers, but used for everything this device maps */
static struct io_tlb_mem *force_bounce(struct kunit *test, struct device *dev)
{
	struct io_tlb_mem *mem = kunit_kzalloc(test, sizeof(*mem), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, mem);
	if (IS_ENABLED(CONFIG_SWIOTLB_DYNAMIC))
		kunit_skip(test, "the pool can't be borrowed if it may grow");
	if (!have_swiotlb(dev))
		kunit_skip(test, "this machine has no bounce buffers");
	*mem = *dev->dma_io_tlb_mem;
	mem->force_bounce = true;
	return mem;
}

static void direct_forced_bounce(struct kunit *test)
{
	struct device *dev = any_dev(test);
	struct io_tlb_mem *was = dev->dma_io_tlb_mem;
	struct io_tlb_mem only_forced = { .force_bounce = true };
	struct sg_pfn_table *t;
	dma_addr_t addr;

	/* Needs no pool to be refused */
	t = sg_pfn_table_alloc(test, page_then_pfn + 1, 1);
	dev->dma_io_tlb_mem = &only_forced;
	KUNIT_EXPECT_EQ(test, -EIO,
			dma_map_sgtable(dev, &t->sgt, DMA_TO_DEVICE, 0));
	dev->dma_io_tlb_mem = was;
	sg_pfn_expect_unchanged(test, t);

	/* What was bounced before is given back, or the pool runs dry */
	t = sg_pfn_table_alloc(test, page_then_pfn, 2);
	dev->dma_io_tlb_mem = force_bounce(test, dev);
	for (unsigned long i = 0; i <= was->nslabs; i++) {
		if (dma_map_sgtable(dev, &t->sgt, DMA_TO_DEVICE,
				    DMA_ATTR_NO_WARN) == -EIO)
			continue;
		KUNIT_FAIL(test, "mapped at attempt %lu", i);
		break;
	}
	sg_pfn_expect_unchanged(test, t);
	addr = dma_map_page(dev, t->pages, 0, PAGE_SIZE, DMA_TO_DEVICE);
	KUNIT_EXPECT_FALSE(test, dma_mapping_error(dev, addr));
	if (addr != DMA_MAPPING_ERROR)
		dma_unmap_page(dev, addr, PAGE_SIZE, DMA_TO_DEVICE);
	dev->dma_io_tlb_mem = was;
}

/*
 * Whether an entry is left alone can't be seen in memory that isn't there. So
 * take memory where something happens otherwise: a bounce buffer, which is
 * copied from and to the original by every sync.
 */
static void direct_does_not_sync(struct kunit *test)
{
	const enum dma_data_direction dir = DMA_BIDIRECTIONAL;
	struct device *dev = direct_dev(test);
	struct io_tlb_mem *was = dev->dma_io_tlb_mem;
	struct sg_pfn_table *t;
	phys_addr_t bounced;
	dma_addr_t addr;
	u8 *page, *slot;

	t = sg_pfn_table_alloc(test, page_then_pfn, 2);
	page = page_address(t->pages + 1);

	dev->dma_io_tlb_mem = force_bounce(test, dev);
	addr = dma_map_page(dev, t->pages + 1, 0, PAGE_SIZE, dir);
	dev->dma_io_tlb_mem = was;
	KUNIT_ASSERT_FALSE(test, dma_mapping_error(dev, addr));
	bounced = dma_to_phys(dev, addr);
	KUNIT_ASSERT_NE(test, page_to_phys(t->pages + 1), bounced);
	slot = phys_to_virt(bounced);

	KUNIT_ASSERT_EQ(test, 0,
			sg_set_pfn(sg_next(t->sgt.sgl), PHYS_PFN(bounced),
				   PAGE_SIZE, offset_in_page(bounced)));
	memset(page, 'p', PAGE_SIZE);
	memset(slot, 's', PAGE_SIZE);

	KUNIT_EXPECT_EQ(test, 0, dma_map_sgtable(dev, &t->sgt, dir, 0));
	KUNIT_EXPECT_EQ(test, addr, sg_dma_address(sg_next(t->sgt.sgl)));
	dma_sync_sgtable_for_cpu(dev, &t->sgt, dir);
	KUNIT_EXPECT_NULL(test, memchr_inv(page, 'p', PAGE_SIZE));
	dma_sync_sgtable_for_device(dev, &t->sgt, dir);
	KUNIT_EXPECT_NULL(test, memchr_inv(slot, 's', PAGE_SIZE));
	dma_unmap_sgtable(dev, &t->sgt, dir, 0);
	KUNIT_EXPECT_NULL(test, memchr_inv(page, 'p', PAGE_SIZE));

	/* The control: still mapped, and a sync does copy */
	dma_sync_single_for_cpu(dev, addr, PAGE_SIZE, dir);
	KUNIT_EXPECT_NULL(test, memchr_inv(page, 's', PAGE_SIZE));
	dma_unmap_page(dev, addr, PAGE_SIZE, dir);
}
#else
static void direct_forced_bounce(struct kunit *test)
{
	kunit_skip(test, "needs CONFIG_SWIOTLB");
}

static void direct_does_not_sync(struct kunit *test)
{
	kunit_skip(test, "needs CONFIG_SWIOTLB");
}
#endif /* CONFIG_SWIOTLB */

#ifdef CONFIG_ARCH_HAS_DMA_OPS
static int ops_map_sg_calls;

static int ops_map_sg(struct device *dev, struct scatterlist *sgl, int nents,
		      enum dma_data_direction dir, unsigned long attrs)
{
	struct scatterlist *sg;
	int i;

	ops_map_sg_calls++;
	for_each_sg(sgl, sg, nents, i) {
		sg_dma_address(sg) = sg_phys(sg);
		sg_dma_len(sg) = sg->length;
	}
	return nents;
}

static void ops_unmap_sg(struct device *dev, struct scatterlist *sgl, int nents,
			 enum dma_data_direction dir, unsigned long attrs)
{
}

static const struct dma_map_ops ops_unaware = {
	.map_sg = ops_map_sg,
	.unmap_sg = ops_unmap_sg,
};

static const struct dma_map_ops ops_aware = {
	.map_sg = ops_map_sg,
	.unmap_sg = ops_unmap_sg,
	.can_map_sg_pfn = true,
};

/* An implementation that does not know such entries never gets to see one */
static void ops_refuse_what_they_do_not_know(struct kunit *test)
{
	struct direct_test *d = test->priv;
	struct sg_pfn_table *mixed, *page;

	mixed = sg_pfn_table_alloc(test, page_then_pfn, 2);
	page = sg_pfn_table_alloc(test, page_then_pfn, 1);
	ops_map_sg_calls = 0;

	set_dma_ops(d->dev, &ops_unaware);
	KUNIT_EXPECT_EQ(test, -EIO, dma_map_sgtable(d->dev, &mixed->sgt,
						    DMA_TO_DEVICE, 0));
	KUNIT_EXPECT_EQ(test, 0, ops_map_sg_calls);
	sg_pfn_expect_unchanged(test, mixed);
	KUNIT_EXPECT_EQ(test, 0, dma_map_sgtable(d->dev, &page->sgt,
						 DMA_TO_DEVICE, 0));
	KUNIT_EXPECT_EQ(test, 1, ops_map_sg_calls);
	dma_unmap_sgtable(d->dev, &page->sgt, DMA_TO_DEVICE, 0);

	set_dma_ops(d->dev, &ops_aware);
	KUNIT_EXPECT_EQ(test, 0, dma_map_sgtable(d->dev, &mixed->sgt,
						 DMA_TO_DEVICE, 0));
	KUNIT_EXPECT_EQ(test, 2, ops_map_sg_calls);
	dma_unmap_sgtable(d->dev, &mixed->sgt, DMA_TO_DEVICE, 0);
	set_dma_ops(d->dev, NULL);
}
#else
static void ops_refuse_what_they_do_not_know(struct kunit *test)
{
	kunit_skip(test, "the architecture has no other implementations");
}
#endif /* CONFIG_ARCH_HAS_DMA_OPS */

static void attributes(struct kunit *test)
{
	struct sg_pfn_table *t = sg_pfn_table_alloc(test, page_then_pfn, 2);
	struct scatterlist *page = t->sgt.sgl, *pfn = sg_next(page);

	KUNIT_EXPECT_FALSE(test, dma_sg_is_mmio(page));
	KUNIT_EXPECT_TRUE(test, dma_sg_is_mmio(pfn));
	KUNIT_EXPECT_EQ(test, 0, dma_sg_attrs(page, 0));
	KUNIT_EXPECT_EQ(test, DMA_ATTR_MMIO, dma_sg_attrs(pfn, 0));
	KUNIT_EXPECT_EQ(test, DMA_ATTR_SKIP_CPU_SYNC,
			dma_sg_attrs(page, DMA_ATTR_SKIP_CPU_SYNC));
	KUNIT_EXPECT_EQ(test, DMA_ATTR_SKIP_CPU_SYNC | DMA_ATTR_MMIO,
			dma_sg_attrs(pfn, DMA_ATTR_SKIP_CPU_SYNC));
	KUNIT_EXPECT_TRUE(test, dma_phys_has_page(sg_phys(page)));
	KUNIT_EXPECT_FALSE(test, dma_phys_has_page(sg_phys(pfn)));
}

static struct kunit_case direct_cases[] = {
	KUNIT_CASE(attributes),
	KUNIT_CASE_PARAM(direct_map_sync_unmap, direct_gen_params),
	KUNIT_CASE(direct_map_overlapping),
	KUNIT_CASE(direct_cannot_revoke),
	KUNIT_CASE(direct_bus_address),
	KUNIT_CASE(direct_map_chained),
	KUNIT_CASE(direct_beyond_mask),
	KUNIT_CASE(direct_null_page),
	KUNIT_CASE(direct_forced_bounce),
	KUNIT_CASE(direct_does_not_sync),
	KUNIT_CASE(ops_refuse_what_they_do_not_know),
	{}
};

static struct kunit_suite direct_suite = {
	.name = "dma_sg_pfn_direct",
	.suite_init = sg_pfn_suite_init,
	.suite_exit = sg_pfn_suite_exit,
	.init = direct_init,
	.test_cases = direct_cases,
};

kunit_test_suite(direct_suite);
