// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests: scatterlist entries without a page behind an I/O MMU.
 *
 * Most of them run twice. Once behind an I/O MMU that only exists here, which
 * remembers with what protection each page was mapped and can be made to fail,
 * and once behind that of the machine, for some PCI device that is there anyway.
 * Nothing is transferred: what counts is where the DMA addresses lead to.
 *
 * What stands between the DMA API and the I/O MMU is dma-iommu, but on 32-bit ARM
 * the architecture's own implementation.
 */
#include <linux/dma-map-ops.h>
#include <linux/dma-mapping.h>
#include <linux/iommu.h>
#include <linux/iommu-dma.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/platform_device.h>
#include <linux/property.h>
#include <linux/slab.h>
#include <linux/swiotlb.h>
#include <linux/xarray.h>

#ifdef CONFIG_ARM_DMA_USE_IOMMU
#include <kunit/static_stub.h>
#include <asm/dma-iommu.h>
#endif

#include "sg_pfn_kunit.h"

#define MAX_MAPS	32

/* Where ARM's addresses start, and those that the I/O MMU keeps for itself */
#define MOCK_BASE	SZ_16M
#define MOCK_RESERVED	(MOCK_BASE + 4 * PAGE_SIZE)

struct mock_pte {
	phys_addr_t phys;
	int prot;
};

struct mock_map {
	unsigned long iova;
	phys_addr_t phys;
	size_t size;
	int prot;
};

struct mock_domain {
	struct iommu_domain domain;
	struct xarray ptes;			/* mock_pte by IOVA page */
	struct mock_map maps[MAX_MAPS];		/* calls, in their order */
	unsigned int n_maps;
	unsigned int fail_at;			/* number of the call, from 1 */
};

static struct iommu_device mock_iommu;
static struct fwnode_handle *mock_fwnode;

static struct mock_domain *to_mock(struct iommu_domain *domain)
{
	return container_of(domain, struct mock_domain, domain);
}

static size_t mock_unmap_pages(struct iommu_domain *domain, unsigned long iova,
			       size_t pgsize, size_t pgcount,
			       struct iommu_iotlb_gather *gather)
{
	struct mock_domain *mock = to_mock(domain);
	size_t i;

	for (i = 0; i < pgcount; i++) {
		void *pte = xa_erase(&mock->ptes, PHYS_PFN(iova) + i);

		if (!pte)
			break;
		kfree(pte);
	}
	return i * pgsize;
}

static int mock_map_pages(struct iommu_domain *domain, unsigned long iova,
			  phys_addr_t phys, size_t pgsize, size_t pgcount,
			  int prot, gfp_t gfp, size_t *mapped)
{
	struct mock_domain *mock = to_mock(domain);
	unsigned int call = mock->n_maps++;

	if (mock->n_maps == mock->fail_at)
		return -ENOMEM;
	if (call < MAX_MAPS)
		mock->maps[call] = (struct mock_map){
			iova, phys, pgsize * pgcount, prot };

	for (size_t i = 0; i < pgcount; i++) {
		struct mock_pte *pte = kmalloc_obj(*pte, gfp);

		if (!pte)
			return -ENOMEM;
		pte->phys = phys + i * pgsize;
		pte->prot = prot;
		if (xa_err(xa_store(&mock->ptes, PHYS_PFN(iova) + i, pte,
				    gfp))) {
			kfree(pte);
			return -ENOMEM;
		}
		*mapped += pgsize;
	}
	return 0;
}

static phys_addr_t mock_iova_to_phys(struct iommu_domain *domain,
				     dma_addr_t iova)
{
	struct mock_pte *pte = xa_load(&to_mock(domain)->ptes, PHYS_PFN(iova));

	return pte ? pte->phys + offset_in_page(iova) : 0;
}

static int mock_attach_dev(struct iommu_domain *domain, struct device *dev,
			   struct iommu_domain *old)
{
	return 0;
}

static void mock_free(struct iommu_domain *domain)
{
	struct mock_domain *mock = to_mock(domain);
	struct mock_pte *pte;
	unsigned long i;

	xa_for_each(&mock->ptes, i, pte)
		kfree(pte);
	xa_destroy(&mock->ptes);
	kfree(mock);
}

static const struct iommu_domain_ops mock_domain_ops = {
	.attach_dev = mock_attach_dev,
	.map_pages = mock_map_pages,
	.unmap_pages = mock_unmap_pages,
	.iova_to_phys = mock_iova_to_phys,
	.free = mock_free,
};

static struct iommu_domain *mock_domain_alloc_paging(struct device *dev)
{
	struct mock_domain *mock = kzalloc_obj(*mock);

	if (!mock)
		return ERR_PTR(-ENOMEM);
	xa_init(&mock->ptes);
	mock->domain.pgsize_bitmap = PAGE_SIZE;
	mock->domain.geometry.aperture_end = DMA_BIT_MASK(32);
	mock->domain.geometry.force_aperture = true;
	return &mock->domain;
}

static struct iommu_device *mock_probe_device(struct device *dev)
{
	return &mock_iommu;
}

static void mock_get_resv_regions(struct device *dev, struct list_head *head)
{
	struct iommu_resv_region *region;

	region = iommu_alloc_resv_region(MOCK_RESERVED, 2 * PAGE_SIZE, 0,
					 IOMMU_RESV_RESERVED, GFP_KERNEL);
	if (region)
		list_add_tail(&region->list, head);
}

/* 32-bit ARM attaches a domain of its own, and only in place of this one */
static struct iommu_domain mock_identity_domain = {
	.type = IOMMU_DOMAIN_IDENTITY,
	.ops = &(const struct iommu_domain_ops) {
		.attach_dev = mock_attach_dev,
	},
};

static int mock_def_domain_type(struct device *dev)
{
	return IS_ENABLED(CONFIG_IOMMU_DMA) ? IOMMU_DOMAIN_DMA :
					      IOMMU_DOMAIN_IDENTITY;
}

static const struct iommu_ops mock_ops = {
	.owner = THIS_MODULE,
	.identity_domain = &mock_identity_domain,
	.domain_alloc_paging = mock_domain_alloc_paging,
	.probe_device = mock_probe_device,
	.device_group = generic_device_group,
	.get_resv_regions = mock_get_resv_regions,
	.def_domain_type = mock_def_domain_type,
	.default_domain_ops = &mock_domain_ops,
};

static int iommu_suite_init(struct kunit_suite *suite)
{
	int ret;

	mock_fwnode = fwnode_create_software_node(NULL, NULL);
	if (IS_ERR(mock_fwnode))
		return PTR_ERR(mock_fwnode);
	ret = iommu_device_sysfs_add(&mock_iommu, NULL, NULL, "sg-pfn-mock");
	if (ret)
		goto err_fwnode;

	/* Devices that don't name it have nothing to do with it */
	mock_iommu.fwnode = mock_fwnode;
	ret = iommu_device_register(&mock_iommu, &mock_ops, NULL);
	if (ret)
		goto err_sysfs;
	ret = sg_pfn_suite_init(suite);
	if (ret)
		goto err_iommu;
	return 0;

err_iommu:
	iommu_device_unregister(&mock_iommu);
err_sysfs:
	iommu_device_sysfs_remove(&mock_iommu);
err_fwnode:
	fwnode_remove_software_node(mock_fwnode);
	return ret;
}

static void iommu_suite_exit(struct kunit_suite *suite)
{
	sg_pfn_suite_exit(suite);
	iommu_device_unregister(&mock_iommu);
	iommu_device_sysfs_remove(&mock_iommu);
	fwnode_remove_software_node(mock_fwnode);
}

#ifdef CONFIG_ARM_DMA_USE_IOMMU
/* Without a driver, with which it would be attached already */
static bool behind_iommu(struct device *dev)
{
	return device_iommu_mapped(dev) && !dev->driver;
}

static void detach_device(void *dev)
{
	arm_iommu_detach_device(dev);
}

static void attach_device(struct kunit *test, struct device *dev)
{
	struct dma_iommu_mapping *mapping;
	int ret;

	mapping = arm_iommu_create_mapping(dev, MOCK_BASE, SZ_64M);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, mapping);
	ret = arm_iommu_attach_device(dev, mapping);
	arm_iommu_release_mapping(mapping);	/* it's the device's, now */
	KUNIT_ASSERT_EQ(test, 0, ret);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, detach_device,
							   dev));
}
#else
static bool behind_iommu(struct device *dev)
{
	return use_dma_iommu(dev);
}

static void attach_device(struct kunit *test, struct device *dev)
{
}
#endif /* CONFIG_ARM_DMA_USE_IOMMU */

static void unregister_mock_device(void *pdev)
{
	platform_device_unregister(pdev);
}

static struct device *mock_device(struct kunit *test)
{
	struct platform_device *pdev;
	int ret;

	pdev = platform_device_alloc("dma-sg-pfn", PLATFORM_DEVID_AUTO);
	KUNIT_ASSERT_NOT_NULL(test, pdev);
	mutex_lock(&iommu_probe_device_lock);
	ret = iommu_fwspec_init(&pdev->dev, mock_fwnode);
	mutex_unlock(&iommu_probe_device_lock);
	if (!ret)
		ret = platform_device_add(pdev);
	if (ret) {
		platform_device_put(pdev);
		KUNIT_FAIL_AND_ABORT(test, "no device: %d", ret);
	}
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, unregister_mock_device,
						  pdev));
	KUNIT_ASSERT_TRUE(test, behind_iommu(&pdev->dev));
	attach_device(test, &pdev->dev);
	return &pdev->dev;
}

static void put_pci_device(void *pdev)
{
	pci_dev_put(pdev);
}

static struct device *pci_device(struct kunit *test)
{
	struct pci_dev *pdev = NULL;

	for_each_pci_dev(pdev) {
		if (!behind_iommu(&pdev->dev))
			continue;
		KUNIT_ASSERT_EQ(test, 0,
				kunit_add_action_or_reset(test, put_pci_device,
							  pdev));
		/* zPCI has no I/O addresses below 4 GiB */
		KUNIT_ASSERT_EQ(test, 0, dma_set_mask(&pdev->dev,
						      DMA_BIT_MASK(64)));
		attach_device(test, &pdev->dev);
		return &pdev->dev;
	}

	kunit_skip(test, "no PCI device behind an I/O MMU");
	return NULL;
}

struct iommu_param {
	const char *name;
	bool mock;
	bool coherent;
	enum dma_data_direction dir;
};

static const struct iommu_param iommu_params[] = {
	{ "mock, bidirectional",    true,  true,  DMA_BIDIRECTIONAL },
	{ "mock, to device",        true,  true,  DMA_TO_DEVICE },
	{ "mock, from device",      true,  true,  DMA_FROM_DEVICE },
	{ "mock, not coherent",     true,  false, DMA_BIDIRECTIONAL },
	{ "machine, bidirectional", false, true,  DMA_BIDIRECTIONAL },
	{ "machine, to device",     false, true,  DMA_TO_DEVICE },
	{ "machine, from device",   false, true,  DMA_FROM_DEVICE },
};

KUNIT_ARRAY_PARAM_DESC(iommu, iommu_params, name);

static struct device *param_device(struct kunit *test)
{
	const struct iommu_param *p = test->param_value;
	struct device *dev;

	if (!p->mock)
		return pci_device(test);

	dev = mock_device(test);
	dev_assign_dma_coherent(dev, p->coherent);
	if (dev_is_dma_coherent(dev) != p->coherent)
		kunit_skip(test, "all devices of this machine are coherent");
	return dev;
}

/* The DMA address of byte @pos of all that is in the list */
static dma_addr_t dma_addr_at(struct kunit *test, struct sg_table *sgt,
			      size_t pos)
{
	struct scatterlist *sg;
	int i;

	for_each_sgtable_dma_sg(sgt, sg, i) {
		if (pos < sg_dma_len(sg))
			return sg_dma_address(sg) + pos;
		pos -= sg_dma_len(sg);
	}
	KUNIT_FAIL_AND_ABORT(test, "segments too short by %zu bytes", pos);
	return DMA_MAPPING_ERROR;
}

static int expected_prot(struct device *dev, struct scatterlist *sg,
			 enum dma_data_direction dir)
{
	int prot = 0;

	if (!sg_has_page(sg))
		prot |= IOMMU_MMIO;
	else if (use_dma_iommu(dev) && dev_is_dma_coherent(dev))
		prot |= IOMMU_CACHE;
	if (dir != DMA_FROM_DEVICE)
		prot |= IOMMU_READ;
	if (dir != DMA_TO_DEVICE)
		prot |= IOMMU_WRITE;
	return prot;
}

/* The first and last byte that an entry has in each page that it touches */
static void expect_translation(struct kunit *test, struct device *dev,
			       struct sg_pfn_table *t, bool mock,
			       enum dma_data_direction dir)
{
	struct iommu_domain *domain = iommu_get_domain_for_dev(dev);
	struct scatterlist *sg;
	size_t pos = 0, len = 0;
	int i;

	for_each_sgtable_sg(&t->sgt, sg, i) {
		phys_addr_t phys = sg_phys(sg);
		unsigned int off = 0;
		dma_addr_t iova;

		while (off < sg->length) {
			iova = dma_addr_at(test, &t->sgt, pos + off);
			KUNIT_EXPECT_EQ_MSG(test, phys + off,
					    iommu_iova_to_phys(domain, iova),
					    "entry %d, byte %u", i, off);
			if (mock) {
				struct mock_pte *pte;

				pte = xa_load(&to_mock(domain)->ptes,
					      PHYS_PFN(iova));
				KUNIT_ASSERT_NOT_NULL(test, pte);
				KUNIT_EXPECT_EQ_MSG(test,
						    expected_prot(dev, sg, dir),
						    pte->prot, "entry %d", i);
			}
			/* From the first byte in a page to the last, and on */
			if (offset_in_page(phys + off) == PAGE_SIZE - 1)
				off++;
			else
				off += PAGE_SIZE - 1 - offset_in_page(phys + off);
		}
		off = sg->length - 1;
		iova = dma_addr_at(test, &t->sgt, pos + off);
		KUNIT_EXPECT_EQ_MSG(test, phys + off,
				    iommu_iova_to_phys(domain, iova),
				    "last byte of entry %d", i);
		pos += sg->length;
	}
	for_each_sgtable_dma_sg(&t->sgt, sg, i)
		len += sg_dma_len(sg);
	KUNIT_EXPECT_EQ(test, pos, len);
}

static void dma_iommu_map_sync_unmap(struct kunit *test)
{
	const struct iommu_param *p = test->param_value;
	struct device *dev = param_device(test);
	struct iommu_domain *domain = iommu_get_domain_for_dev(dev);
	struct sg_pfn_table *t;
	struct scatterlist *sg;
	dma_addr_t first;
	int i;

	t = sg_pfn_table_alloc(test, sg_pfn_mixed, sg_pfn_n_mixed);
	kunit_warning_suppress(test) {
		KUNIT_ASSERT_EQ(test, 0,
				dma_map_sgtable(dev, &t->sgt, p->dir, 0));
		sg_pfn_expect_unchanged(test, t);
		expect_translation(test, dev, t, p->mock, p->dir);

		dma_sync_sgtable_for_cpu(dev, &t->sgt, p->dir);
		dma_sync_sgtable_for_device(dev, &t->sgt, p->dir);
		for_each_sgtable_dma_sg(&t->sgt, sg, i) {
			dma_sync_single_for_cpu(dev, sg_dma_address(sg),
						sg_dma_len(sg), p->dir);
			dma_sync_single_for_device(dev, sg_dma_address(sg),
						   sg_dma_len(sg), p->dir);
		}

		first = sg_dma_address(t->sgt.sgl);
		dma_unmap_sgtable(dev, &t->sgt, p->dir, 0);
		sg_pfn_expect_unchanged(test, t);
		KUNIT_EXPECT_EQ(test, 0, iommu_iova_to_phys(domain, first));
		if (p->mock)
			KUNIT_EXPECT_TRUE(test,
					  xa_empty(&to_mock(domain)->ptes));
		KUNIT_EXPECT_SUPPRESSED_WARNING_COUNT(test, 0);
	}
}

static void dma_iommu_chained(struct kunit *test)
{
	const struct iommu_param *p = test->param_value;
	const unsigned int n = SG_MAX_SINGLE_ALLOC + 20;
	struct device *dev = param_device(test);
	struct sg_pfn_entry *entries;
	struct sg_pfn_table *t;

	if (IS_ENABLED(CONFIG_ARCH_NO_SG_CHAIN))
		kunit_skip(test, "the architecture can't chain lists");
	entries = kunit_kcalloc(test, n, sizeof(*entries), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, entries);
	for (int i = 0; i < n; i++)
		entries[i] = (struct sg_pfn_entry){
			.has_page = i % 3 == 0,
			.index = (i * 5) % SG_PFN_PAGES,
			.length = PAGE_SIZE,
		};
	t = sg_pfn_table_alloc(test, entries, n);

	KUNIT_ASSERT_EQ(test, 0, dma_map_sgtable(dev, &t->sgt, p->dir,
						 DMA_ATTR_SKIP_CPU_SYNC));
	sg_pfn_expect_unchanged(test, t);
	expect_translation(test, dev, t, p->mock, p->dir);
	dma_unmap_sgtable(dev, &t->sgt, p->dir, DMA_ATTR_SKIP_CPU_SYNC);
	sg_pfn_expect_unchanged(test, t);
}

/* Whichever of the calls to the driver fails, the list is as it was */
static void dma_iommu_out_of_memory(struct kunit *test)
{
	struct device *dev = mock_device(test);
	struct mock_domain *mock = to_mock(iommu_get_domain_for_dev(dev));
	struct sg_pfn_table *t;
	unsigned int fail_at;
	int ret;

	t = sg_pfn_table_alloc(test, sg_pfn_mixed, sg_pfn_n_mixed);
	for (fail_at = 1; fail_at < MAX_MAPS; fail_at++) {
		mock->n_maps = 0;
		mock->fail_at = fail_at;
		ret = dma_map_sgtable(dev, &t->sgt, DMA_BIDIRECTIONAL, 0);
		if (!ret)
			break;
		KUNIT_EXPECT_EQ(test, -ENOMEM, ret);
		sg_pfn_expect_unchanged(test, t);
		KUNIT_EXPECT_TRUE(test, xa_empty(&mock->ptes));
	}
	KUNIT_EXPECT_EQ(test, mock->n_maps + 1, fail_at);
	KUNIT_ASSERT_EQ(test, 0, ret);
	mock->fail_at = 0;
	expect_translation(test, dev, t, true, DMA_BIDIRECTIONAL);
	dma_unmap_sgtable(dev, &t->sgt, DMA_BIDIRECTIONAL, 0);
}

/*
 * Every page of the list leads to the same one, which is none of the tests', or
 * nowhere. Returns how many lead nowhere.
 */
static unsigned int expect_out_of_reach(struct kunit *test, struct device *dev,
					struct sg_pfn_table *t)
{
	struct iommu_domain *domain = iommu_get_domain_for_dev(dev);
	phys_addr_t pages = page_to_phys(t->pages), scratch = 0;
	unsigned int nowhere = 0;
	struct scatterlist *sg;
	int i;

	for_each_sgtable_dma_sg(&t->sgt, sg, i) {
		dma_addr_t end = sg_dma_address(sg) + sg_dma_len(sg);
		dma_addr_t iova = sg_dma_address(sg) & PAGE_MASK;

		for (; iova < end; iova += PAGE_SIZE) {
			phys_addr_t phys = iommu_iova_to_phys(domain, iova);

			if (!phys) {
				nowhere++;
				continue;
			}
			KUNIT_EXPECT_FALSE(test, in_range(phys, pages,
							  SG_PFN_PAGES *
							  PAGE_SIZE));
			KUNIT_EXPECT_FALSE(test, in_range(PHYS_PFN(phys), t->pfn,
							  SG_PFN_PAGES));
			if (!scratch)
				scratch = phys;
			KUNIT_EXPECT_EQ(test, scratch, phys);
		}
	}
	return nowhere;
}

static void expect_scratch(struct kunit *test, struct device *dev,
			   struct sg_pfn_table *t)
{
	KUNIT_EXPECT_EQ(test, 0, expect_out_of_reach(test, dev, t));
}

static bool overlap(struct sg_table *a, struct sg_table *b)
{
	struct scatterlist *x, *y;
	int i, j;

	for_each_sgtable_dma_sg(a, x, i)
		for_each_sgtable_dma_sg(b, y, j)
			if (sg_dma_address(x) < sg_dma_address(y) + sg_dma_len(y) &&
			    sg_dma_address(y) < sg_dma_address(x) + sg_dma_len(x))
				return true;
	return false;
}

/* The memory is out of reach, the addresses are nobody else's until unmapped */
static void dma_iommu_revoke(struct kunit *test)
{
	const unsigned long attrs = DMA_ATTR_SKIP_CPU_SYNC;
	const struct iommu_param *p = test->param_value;
	struct device *dev = param_device(test);
	struct iommu_domain *domain = iommu_get_domain_for_dev(dev);
	struct sg_pfn_table *t, *other;
	dma_addr_t first;

	t = sg_pfn_table_alloc(test, sg_pfn_mixed, sg_pfn_n_mixed);
	other = sg_pfn_table_alloc(test, sg_pfn_mixed, sg_pfn_n_mixed);
	kunit_warning_suppress(test) {
		KUNIT_ASSERT_EQ(test, 0,
				dma_map_sgtable(dev, &t->sgt, p->dir, attrs));
		first = sg_dma_address(t->sgt.sgl);
		KUNIT_EXPECT_TRUE(test, dma_can_revoke_sgtable(dev, &t->sgt));
		KUNIT_EXPECT_EQ(test, 0, dma_revoke_sgtable(dev, &t->sgt, p->dir,
							    attrs));
		expect_scratch(test, dev, t);
		sg_pfn_expect_unchanged(test, t);
		KUNIT_EXPECT_EQ(test, 0, dma_revoke_sgtable(dev, &t->sgt, p->dir,
							    attrs));
		expect_scratch(test, dev, t);

		KUNIT_ASSERT_EQ(test, 0, dma_map_sgtable(dev, &other->sgt,
							 p->dir, attrs));
		KUNIT_EXPECT_FALSE(test, overlap(&t->sgt, &other->sgt));
		expect_translation(test, dev, other, p->mock, p->dir);

		dma_unmap_sgtable(dev, &t->sgt, p->dir, attrs);
		sg_pfn_expect_unchanged(test, t);
		KUNIT_EXPECT_EQ(test, 0, iommu_iova_to_phys(domain, first));
		dma_unmap_sgtable(dev, &other->sgt, p->dir, attrs);
		if (p->mock)
			KUNIT_EXPECT_TRUE(test,
					  xa_empty(&to_mock(domain)->ptes));

		/* and nothing is left of it in the list */
		KUNIT_ASSERT_EQ(test, 0,
				dma_map_sgtable(dev, &t->sgt, p->dir, attrs));
		expect_translation(test, dev, t, p->mock, p->dir);
		dma_unmap_sgtable(dev, &t->sgt, p->dir, attrs);
		KUNIT_EXPECT_SUPPRESSED_WARNING_COUNT(test, 0);
	}
}

/* Without memory for the scratch mapping there is none, and that's all */
static void dma_iommu_revoke_out_of_memory(struct kunit *test)
{
	const enum dma_data_direction dir = DMA_BIDIRECTIONAL;
	const unsigned long attrs = DMA_ATTR_SKIP_CPU_SYNC;
	struct device *dev = mock_device(test);
	struct mock_domain *mock = to_mock(iommu_get_domain_for_dev(dev));
	struct sg_pfn_table *t;
	unsigned int fail_at;
	bool failed;

	t = sg_pfn_table_alloc(test, sg_pfn_mixed, sg_pfn_n_mixed);
	kunit_warning_suppress(test) {
		for (fail_at = 1; fail_at < MAX_MAPS; fail_at++) {
			KUNIT_ASSERT_EQ(test, 0, dma_map_sgtable(dev, &t->sgt,
								 dir, attrs));
			mock->n_maps = 0;
			mock->fail_at = fail_at;
			KUNIT_EXPECT_EQ(test, 0,
					dma_revoke_sgtable(dev, &t->sgt, dir,
							   attrs));
			failed = mock->n_maps >= fail_at;
			mock->fail_at = 0;
			KUNIT_EXPECT_EQ(test, failed,
					expect_out_of_reach(test, dev, t) > 0);
			dma_unmap_sgtable(dev, &t->sgt, dir, attrs);
			KUNIT_EXPECT_TRUE(test, xa_empty(&mock->ptes));
			if (!failed)
				break;
		}
		KUNIT_EXPECT_LT(test, 1, fail_at);
		KUNIT_EXPECT_LT(test, fail_at, MAX_MAPS);
		KUNIT_EXPECT_SUPPRESSED_WARNING_COUNT(test, 0);
	}
}

/*
 * An entry that has got a bus address before (pci_p2pdma_route_sgtable()) is left
 * out of the I/O MMU, and what precedes and follows it is not. A list that the I/O
 * MMU knows only a part of can't be revoked.
 */
static void expect_bus_address(struct kunit *test, struct device *dev)
{
	static const struct sg_pfn_entry entries[] = {
		{ true,  0, 0, PAGE_SIZE },
		{ false, 0, 0, PAGE_SIZE },
		{ false, 1, 0, PAGE_SIZE },
		{ true,  1, 0, PAGE_SIZE },
	};
	struct iommu_domain *domain = iommu_get_domain_for_dev(dev);
	const enum dma_data_direction dir = DMA_BIDIRECTIONAL;
	const dma_addr_t bus = 0x12345000;
	struct sg_pfn_table *t;
	struct scatterlist *sg;
	dma_addr_t iova[3];
	int i;

	if (!use_dma_iommu(dev))
		kunit_skip(test, "only dma-iommu leaves peers out");
	t = sg_pfn_table_alloc(test, entries, ARRAY_SIZE(entries));
	sg = sg_next(t->sgt.sgl);
	sg_dma_address(sg) = bus;
	sg_dma_mark_bus_address(sg);

	kunit_warning_suppress(test) {
		KUNIT_ASSERT_EQ(test, 0, dma_map_sgtable(dev, &t->sgt, dir, 0));
		KUNIT_ASSERT_LE(test, ARRAY_SIZE(iova), t->sgt.nents);
		for_each_sg(t->sgt.sgl, sg, ARRAY_SIZE(iova), i) {
			iova[i] = sg_dma_address(sg);
			KUNIT_EXPECT_EQ(test, i == 1, sg_dma_is_bus_address(sg));
			if (i != 1)
				KUNIT_EXPECT_EQ(test, sg_phys(sg),
						iommu_iova_to_phys(domain,
								   iova[i]));
		}
		KUNIT_EXPECT_EQ(test, bus, iova[1]);
		KUNIT_EXPECT_EQ(test, PAGE_SIZE,
				sg_dma_len(sg_next(t->sgt.sgl)));
		KUNIT_EXPECT_FALSE(test, dma_can_revoke_sgtable(dev, &t->sgt));
		KUNIT_EXPECT_EQ(test, -EOPNOTSUPP,
				dma_revoke_sgtable(dev, &t->sgt, dir, 0));

		dma_unmap_sgtable(dev, &t->sgt, dir, 0);
		sg_pfn_expect_unchanged(test, t);
		for_each_sgtable_sg(&t->sgt, sg, i)
			KUNIT_EXPECT_FALSE(test, sg_dma_is_bus_address(sg));
		KUNIT_EXPECT_EQ(test, 0, iommu_iova_to_phys(domain, iova[0]));
		KUNIT_EXPECT_EQ(test, 0, iommu_iova_to_phys(domain, iova[2]));
		KUNIT_EXPECT_SUPPRESSED_WARNING_COUNT(test, 0);
	}
}

static void dma_iommu_bus_address(struct kunit *test)
{
	expect_bus_address(test, param_device(test));
}

#ifdef CONFIG_SWIOTLB
static void trust_again(void *pdev)
{
	((struct pci_dev *)pdev)->untrusted = false;
}

/* Of a list that is bounced as a whole, entries without a page still are not */
static void dma_iommu_untrusted(struct kunit *test)
{
	static const struct sg_pfn_entry entries[] = {
		{ true,  0, 0x100, 0x200 },
		{ false, 0, 0x100, 0x200 },
		{ true,  1, 0,     PAGE_SIZE },
		{ false, 1, 0,     PAGE_SIZE },
	};
	const enum dma_data_direction dir = DMA_BIDIRECTIONAL;
	struct device *dev = pci_device(test);
	struct iommu_domain *domain = iommu_get_domain_for_dev(dev);
	struct sg_pfn_table *t, *alias;
	struct scatterlist *sg;
	phys_addr_t bounced;
	u8 *page, *slot;
	int i;

	if (!use_dma_iommu(dev))
		kunit_skip(test, "only dma-iommu knows untrusted devices");
	if (!dev->dma_io_tlb_mem || !dev->dma_io_tlb_mem->nslabs)
		kunit_skip(test, "this machine has no bounce buffers");
	t = sg_pfn_table_alloc(test, entries, ARRAY_SIZE(entries));
	alias = sg_pfn_table_alloc(test, entries + 1, 1);
	to_pci_dev(dev)->untrusted = true;
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, trust_again,
							   to_pci_dev(dev)));

	kunit_warning_suppress(test) {
		KUNIT_ASSERT_EQ(test, 0, dma_map_sgtable(dev, &t->sgt, dir, 0));
		KUNIT_EXPECT_EQ(test, ARRAY_SIZE(entries), t->sgt.nents);
		KUNIT_EXPECT_FALSE(test, dma_can_revoke_sgtable(dev, &t->sgt));
		KUNIT_EXPECT_EQ(test, -EOPNOTSUPP,
				dma_revoke_sgtable(dev, &t->sgt, dir, 0));
		for_each_sgtable_dma_sg(&t->sgt, sg, i) {
			phys_addr_t phys = iommu_iova_to_phys(domain,
							sg_dma_address(sg));

			if (i == 0)
				KUNIT_EXPECT_NE(test, sg_phys(sg), phys);
			else
				KUNIT_EXPECT_EQ(test, sg_phys(sg), phys);
		}
		sg = t->sgt.sgl;
		page = sg_virt(sg);
		bounced = iommu_iova_to_phys(domain, sg_dma_address(sg));
		slot = phys_to_virt(bounced);
		memset(page, 'p', sg->length);
		memset(slot, 's', sg->length);

		/* As an entry without a page, the bounce buffer is not one */
		KUNIT_ASSERT_EQ(test, 0,
				sg_set_pfn(alias->sgt.sgl, PHYS_PFN(bounced),
					   sg->length, offset_in_page(bounced)));
		KUNIT_ASSERT_EQ(test, 0,
				dma_map_sgtable(dev, &alias->sgt, dir, 0));
		dma_sync_sgtable_for_cpu(dev, &alias->sgt, dir);
		KUNIT_EXPECT_NULL(test, memchr_inv(page, 'p', sg->length));
		dma_sync_sgtable_for_device(dev, &alias->sgt, dir);
		KUNIT_EXPECT_NULL(test, memchr_inv(slot, 's', sg->length));
		dma_unmap_sgtable(dev, &alias->sgt, dir, 0);
		KUNIT_EXPECT_NULL(test, memchr_inv(page, 'p', sg->length));

		/* As what it is, it's copied from and to */
		dma_sync_sgtable_for_cpu(dev, &t->sgt, dir);
		KUNIT_EXPECT_NULL(test, memchr_inv(page, 's', sg->length));
		memset(page, 'p', sg->length);
		dma_sync_sgtable_for_device(dev, &t->sgt, dir);
		KUNIT_EXPECT_NULL(test, memchr_inv(slot, 'p', sg->length));
		dma_unmap_sgtable(dev, &t->sgt, dir, 0);
		KUNIT_EXPECT_SUPPRESSED_WARNING_COUNT(test, 0);
	}
	sg_pfn_expect_unchanged(test, t);
	expect_bus_address(test, dev);
}
#else
static void dma_iommu_untrusted(struct kunit *test)
{
	kunit_skip(test, "needs CONFIG_SWIOTLB");
}
#endif /* CONFIG_SWIOTLB */

#ifdef CONFIG_ARM_DMA_USE_IOMMU
/**
 * struct sync_log - cache maintenance that was asked for
 * @t: what may be mapped meanwhile
 * @for_device: pages that were, in bytes
 * @for_cpu: the same in the other direction
 */
struct sync_log {
	struct sg_pfn_table *t;
	size_t for_device;
	size_t for_cpu;
};

/* There must be a page for each byte, and it must be one of the list's */
static void expect_pages(phys_addr_t phys, size_t size)
{
	struct kunit *test = kunit_get_current_test();
	struct sync_log *log = test->priv;
	phys_addr_t first = page_to_phys(log->t->pages);

	KUNIT_EXPECT_GE(test, phys, first);
	KUNIT_EXPECT_LE(test, phys + size, first + SG_PFN_PAGES * PAGE_SIZE);
}

static void log_sync_for_device(phys_addr_t phys, size_t size,
				enum dma_data_direction dir)
{
	struct sync_log *log = kunit_get_current_test()->priv;

	expect_pages(phys, size);
	log->for_device += size;
}

static void log_sync_for_cpu(phys_addr_t phys, size_t size,
			     enum dma_data_direction dir)
{
	struct sync_log *log = kunit_get_current_test()->priv;

	expect_pages(phys, size);
	log->for_cpu += size;
}

static void expect_synced(struct kunit *test, size_t for_device, size_t for_cpu)
{
	struct sync_log *log = test->priv;

	KUNIT_EXPECT_EQ(test, for_device, log->for_device);
	KUNIT_EXPECT_EQ(test, for_cpu, log->for_cpu);
	log->for_device = 0;
	log->for_cpu = 0;
}

/* Of a mixed list the caches of all the pages are maintained, and no others */
static void arm_iommu_syncs(struct kunit *test)
{
	const enum dma_data_direction dir = DMA_BIDIRECTIONAL;
	struct device *dev = mock_device(test);
	struct sync_log log = { };
	struct scatterlist *sg;
	size_t pages = 0;
	dma_addr_t addr;
	int i;

	dev_assign_dma_coherent(dev, false);
	log.t = sg_pfn_table_alloc(test, sg_pfn_mixed, sg_pfn_n_mixed);
	for_each_sgtable_sg(&log.t->sgt, sg, i)
		if (sg_has_page(sg))
			pages += sg->length;
	test->priv = &log;
	kunit_activate_static_stub(test, arch_sync_dma_for_device,
				   log_sync_for_device);
	kunit_activate_static_stub(test, arch_sync_dma_for_cpu,
				   log_sync_for_cpu);

	KUNIT_ASSERT_EQ(test, 0, dma_map_sgtable(dev, &log.t->sgt, dir, 0));
	expect_synced(test, pages, 0);
	dma_sync_sgtable_for_cpu(dev, &log.t->sgt, dir);
	expect_synced(test, 0, pages);
	dma_sync_sgtable_for_device(dev, &log.t->sgt, dir);
	expect_synced(test, pages, 0);

	/* Part of the list, of which no more is known than where it leads to */
	addr = sg_dma_address(log.t->sgt.sgl);
	dma_sync_single_for_cpu(dev, addr, 8, dir);
	dma_sync_single_for_device(dev, addr, 16, dir);
	expect_synced(test, 16, 8);
	addr = dma_addr_at(test, &log.t->sgt, log.t->sgt.sgl->length);
	dma_sync_single_for_cpu(dev, addr, 8, dir);
	dma_sync_single_for_device(dev, addr, 16, dir);
	expect_synced(test, 0, 0);

	dma_unmap_sgtable(dev, &log.t->sgt, dir, 0);
	expect_synced(test, 0, pages);

	/* What is somebody else's by now is left alone, and so is the scratch page */
	KUNIT_ASSERT_EQ(test, 0, dma_map_sgtable(dev, &log.t->sgt, dir,
						 DMA_ATTR_SKIP_CPU_SYNC));
	KUNIT_EXPECT_EQ(test, 0, dma_revoke_sgtable(dev, &log.t->sgt, dir,
						    DMA_ATTR_SKIP_CPU_SYNC));
	addr = sg_dma_address(log.t->sgt.sgl);
	dma_sync_single_for_cpu(dev, addr, 8, dir);
	dma_sync_single_for_device(dev, addr, 16, dir);
	dma_unmap_sgtable(dev, &log.t->sgt, dir, DMA_ATTR_SKIP_CPU_SYNC);
	expect_synced(test, 0, 0);

	/* One range without a list around it */
	addr = dma_map_phys(dev, PFN_PHYS(log.t->pfn), PAGE_SIZE, dir,
			    DMA_ATTR_MMIO);
	KUNIT_ASSERT_FALSE(test, dma_mapping_error(dev, addr));
	dma_unmap_phys(dev, addr, PAGE_SIZE, dir, DMA_ATTR_MMIO);
	expect_synced(test, 0, 0);
	addr = dma_map_page(dev, log.t->pages, 0, PAGE_SIZE, dir);
	KUNIT_ASSERT_FALSE(test, dma_mapping_error(dev, addr));
	dma_unmap_page(dev, addr, PAGE_SIZE, dir);
	expect_synced(test, PAGE_SIZE, PAGE_SIZE);
}

/* The first there are, but for those that the I/O MMU keeps for itself */
static void arm_iommu_reserved(struct kunit *test)
{
	struct device *dev = mock_device(test);
	dma_addr_t addr[SG_PFN_PAGES];
	struct sg_pfn_table *t;
	int i;

	t = sg_pfn_table_alloc(test, sg_pfn_mixed, sg_pfn_n_mixed);
	for (i = 0; i < SG_PFN_PAGES; i++) {
		addr[i] = dma_map_phys(dev, PFN_PHYS(t->pfn + i), PAGE_SIZE,
				       DMA_TO_DEVICE, DMA_ATTR_MMIO);
		KUNIT_EXPECT_FALSE(test, dma_mapping_error(dev, addr[i]));
		KUNIT_EXPECT_EQ(test, addr[i],
				MOCK_BASE + (i < 4 ? i : i + 2) * PAGE_SIZE);
	}
	while (i--)
		dma_unmap_phys(dev, addr[i], PAGE_SIZE, DMA_TO_DEVICE,
			       DMA_ATTR_MMIO);
}
#endif /* CONFIG_ARM_DMA_USE_IOMMU */

static void free_domain(void *domain)
{
	iommu_domain_free(domain);
}

static struct mock_domain *bare_mock_domain(struct kunit *test)
{
	struct iommu_domain *domain;

	domain = iommu_paging_domain_alloc(mock_device(test));
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, domain);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, free_domain,
							   domain));
	return to_mock(domain);
}

#define BARE_IOVA	0x400000UL

/*
 * What follows each other in memory is mapped at once, but never pages together
 * with what has none, even if it's the next frame.
 */
static void iommu_map_sg_joins(struct kunit *test)
{
	static const struct sg_pfn_entry entries[] = {
		{ true,  0, 0, PAGE_SIZE },
		{ true,  1, 0, 2 * PAGE_SIZE },
		{ false, 0, 0, PAGE_SIZE },	/* becomes page 3 below */
		{ false, 1, 0, PAGE_SIZE },
		{ false, 2, 0, PAGE_SIZE },
		{ true,  4, 0, PAGE_SIZE },
	};
	const int prot = IOMMU_READ | IOMMU_WRITE | IOMMU_CACHE;
	const int mmio = IOMMU_READ | IOMMU_WRITE | IOMMU_MMIO;
	struct mock_domain *mock = bare_mock_domain(test);
	struct sg_pfn_table *t;
	struct scatterlist *sg;

	t = sg_pfn_table_alloc(test, entries, ARRAY_SIZE(entries));
	sg = sg_next(sg_next(t->sgt.sgl));
	KUNIT_ASSERT_EQ(test, 0, sg_set_pfn(sg, page_to_pfn(t->pages + 3),
					    PAGE_SIZE, 0));

	const struct mock_map want[] = {
		{ BARE_IOVA, page_to_phys(t->pages), 3 * PAGE_SIZE, prot },
		{ BARE_IOVA + 3 * PAGE_SIZE, page_to_phys(t->pages + 3),
		  PAGE_SIZE, mmio },
		{ BARE_IOVA + 4 * PAGE_SIZE, PFN_PHYS(t->pfn + 1),
		  2 * PAGE_SIZE, mmio },
		{ BARE_IOVA + 6 * PAGE_SIZE, page_to_phys(t->pages + 4),
		  PAGE_SIZE, prot },
	};

	KUNIT_ASSERT_EQ(test, 7 * PAGE_SIZE,
			iommu_map_sgtable(&mock->domain, BARE_IOVA, &t->sgt,
					  prot));
	KUNIT_ASSERT_EQ(test, ARRAY_SIZE(want), mock->n_maps);
	for (int i = 0; i < ARRAY_SIZE(want); i++) {
		KUNIT_EXPECT_EQ(test, want[i].iova, mock->maps[i].iova);
		KUNIT_EXPECT_EQ(test, want[i].phys, mock->maps[i].phys);
		KUNIT_EXPECT_EQ(test, want[i].size, mock->maps[i].size);
		KUNIT_EXPECT_EQ(test, want[i].prot, mock->maps[i].prot);
	}
	KUNIT_EXPECT_EQ(test, 7 * PAGE_SIZE,
			iommu_unmap(&mock->domain, BARE_IOVA, 7 * PAGE_SIZE));
}

static void iommu_map_sg_refuses(struct kunit *test)
{
	static const struct sg_pfn_entry entries[] = {
		{ true,  0, 0,  PAGE_SIZE },
		{ false, 0, 16, PAGE_SIZE },	/* not aligned */
	};
	struct mock_domain *mock = bare_mock_domain(test);
	struct sg_pfn_table *t;

	t = sg_pfn_table_alloc(test, entries, ARRAY_SIZE(entries));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			iommu_map_sgtable(&mock->domain, BARE_IOVA, &t->sgt,
					  IOMMU_READ));
	KUNIT_EXPECT_TRUE(test, xa_empty(&mock->ptes));
}

/* The same list in a paging domain of the machine's I/O MMU */
static void iommu_map_sg_machine(struct kunit *test)
{
	static const struct sg_pfn_entry entries[] = {
		{ true,  0, 0, PAGE_SIZE },
		{ false, 0, 0, 2 * PAGE_SIZE },
		{ true,  1, 0, PAGE_SIZE },
	};
	struct device *dev = pci_device(test);
	struct iommu_domain *domain = iommu_paging_domain_alloc(dev);
	struct sg_pfn_table *t;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, domain);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, free_domain,
							   domain));
	if (!(domain->pgsize_bitmap & PAGE_SIZE))
		kunit_skip(test, "the I/O MMU has other page sizes");

	t = sg_pfn_table_alloc(test, entries, ARRAY_SIZE(entries));
	KUNIT_ASSERT_EQ(test, 4 * PAGE_SIZE,
			iommu_map_sgtable(domain, BARE_IOVA, &t->sgt,
					  IOMMU_READ | IOMMU_WRITE |
					  IOMMU_CACHE));
	KUNIT_EXPECT_EQ(test, page_to_phys(t->pages),
			iommu_iova_to_phys(domain, BARE_IOVA));
	KUNIT_EXPECT_EQ(test, PFN_PHYS(t->pfn),
			iommu_iova_to_phys(domain, BARE_IOVA + 1 * PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, PFN_PHYS(t->pfn + 1) + 5,
			iommu_iova_to_phys(domain,
					   BARE_IOVA + 2 * PAGE_SIZE + 5));
	KUNIT_EXPECT_EQ(test, page_to_phys(t->pages + 1),
			iommu_iova_to_phys(domain, BARE_IOVA + 3 * PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, 4 * PAGE_SIZE,
			iommu_unmap(domain, BARE_IOVA, 4 * PAGE_SIZE));
}

static struct kunit_case iommu_cases[] = {
	KUNIT_CASE_PARAM(dma_iommu_map_sync_unmap, iommu_gen_params),
	KUNIT_CASE_PARAM(dma_iommu_chained, iommu_gen_params),
	KUNIT_CASE(dma_iommu_out_of_memory),
	KUNIT_CASE_PARAM(dma_iommu_revoke, iommu_gen_params),
	KUNIT_CASE(dma_iommu_revoke_out_of_memory),
	KUNIT_CASE_PARAM(dma_iommu_bus_address, iommu_gen_params),
	KUNIT_CASE(dma_iommu_untrusted),
#ifdef CONFIG_ARM_DMA_USE_IOMMU
	KUNIT_CASE(arm_iommu_syncs),
	KUNIT_CASE(arm_iommu_reserved),
#endif
	KUNIT_CASE(iommu_map_sg_joins),
	KUNIT_CASE(iommu_map_sg_refuses),
	KUNIT_CASE(iommu_map_sg_machine),
	{}
};

static struct kunit_suite iommu_suite = {
	.name = "dma_sg_pfn_iommu",
	.suite_init = iommu_suite_init,
	.suite_exit = iommu_suite_exit,
	.test_cases = iommu_cases,
};

kunit_test_suite(iommu_suite);

#ifdef CONFIG_ARM_DMA_USE_IOMMU
MODULE_IMPORT_NS("EXPORTED_FOR_KUNIT_TESTING");
#endif
