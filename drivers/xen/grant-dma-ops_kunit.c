// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests for grants as DMA addresses.
 *
 * The tests are both ends: they map memory, and have the hypervisor copy from
 * what the DMA addresses grant, as a backend would. Dom0 is the domain that knows
 * its number, so that is where they run.
 *
 * Included at the end of grant-dma-ops.c, all functions of which are static.
 */

#include <kunit/device.h>
#include <kunit/test.h>
#include <xen/interface/grant_table.h>
#include <xen/page.h>

#define GRANT_TEST_DOM0		0
#define GRANT_TEST_PAGES	4
#define GRANT_TEST_PHYS		0x6543218000ULL

struct grant_test {
	struct device	*dev;
	struct page	*pages;
	void		*copy;
};

static void grant_test_free_pages(void *pages)
{
	__free_pages(pages, get_order(GRANT_TEST_PAGES * PAGE_SIZE));
}

static void grant_test_exit(struct kunit *test)
{
	struct grant_test *ctx = test->priv;

	if (!ctx || !ctx->dev)
		return;
	ctx->dev->dma_ops = NULL;
	xa_erase_irq(&xen_grant_dma_devices, (unsigned long)ctx->dev);
}

static int grant_test_init(struct kunit *test)
{
	struct grant_test *ctx;
	struct device *dev;

	if (!xen_initial_domain())
		kunit_skip(test, "not Xen's dom0");

	ctx = kunit_kzalloc(test, sizeof(*ctx), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, ctx);
	test->priv = ctx;
	ctx->copy = kunit_kzalloc(test, XEN_PAGE_SIZE, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, ctx->copy);
	ctx->pages = alloc_pages(GFP_KERNEL,
				 get_order(GRANT_TEST_PAGES * PAGE_SIZE));
	KUNIT_ASSERT_NOT_NULL(test, ctx->pages);
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, grant_test_free_pages,
						  ctx->pages));
	get_random_bytes(page_address(ctx->pages), GRANT_TEST_PAGES * PAGE_SIZE);

	dev = kunit_device_register(test, "grant_test");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, dev);
	ctx->dev = dev;
	xen_grant_setup_dma_ops(dev, GRANT_TEST_DOM0);
	KUNIT_ASSERT_PTR_EQ(test, dev->dma_ops, &xen_grant_dma_ops);
	return 0;
}

/* Copy what is granted, no more than to the end of the page, to ctx->copy */
static int grant_test_copy(struct grant_test *ctx, dma_addr_t dma, size_t len)
{
	struct gnttab_copy op = {
		.source.u.ref	= dma_to_grant(dma),
		.source.domid	= DOMID_SELF,
		.source.offset	= xen_offset_in_page(dma),
		.dest.u.gmfn	= virt_to_gfn(ctx->copy),
		.dest.domid	= DOMID_SELF,
		.len		= len,
		.flags		= GNTCOPY_source_gref,
	};

	gnttab_batch_copy(&op, 1);
	return op.status;
}

static void grant_test_expect(struct kunit *test, struct scatterlist *sg)
{
	struct grant_test *ctx = test->priv;
	size_t done, len;

	for (done = 0; done < sg->length; done += len) {
		dma_addr_t dma = sg_dma_address(sg) + done;

		len = min(sg->length - done,
			  XEN_PAGE_SIZE - xen_offset_in_page(dma));
		KUNIT_ASSERT_EQ(test, GNTST_okay, grant_test_copy(ctx, dma, len));
		KUNIT_EXPECT_MEMEQ(test, ctx->copy, sg_virt(sg) + done, len);
	}
}

/* The grant was taken back */
static void grant_test_expect_none(struct kunit *test, struct scatterlist *sg)
{
	KUNIT_EXPECT_NE(test, GNTST_okay,
			grant_test_copy(test->priv, sg_dma_address(sg), 1));
}

static void grant_test_pages(struct kunit *test)
{
	struct grant_test *ctx = test->priv;
	struct scatterlist sgl[2];
	struct sg_table sgt = { sgl, 2, 2 };

	sg_init_table(sgl, ARRAY_SIZE(sgl));
	sg_set_page(&sgl[0], ctx->pages + 2, PAGE_SIZE + 8, 16);
	sg_set_page(&sgl[1], ctx->pages, PAGE_SIZE, 0);
	KUNIT_ASSERT_EQ(test, 0, dma_map_sgtable(ctx->dev, &sgt,
						 DMA_BIDIRECTIONAL, 0));
	grant_test_expect(test, &sgl[0]);
	grant_test_expect(test, &sgl[1]);

	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP,
			dma_revoke_sgtable(ctx->dev, &sgt, DMA_BIDIRECTIONAL,
					   0));
	grant_test_expect(test, &sgl[0]);

	dma_unmap_sgtable(ctx->dev, &sgt, DMA_BIDIRECTIONAL, 0);
	grant_test_expect_none(test, &sgl[0]);
	grant_test_expect_none(test, &sgl[1]);
}

/* Wherever there is no page, nothing stays granted */
static void grant_test_refuse_sg(struct kunit *test)
{
	struct grant_test *ctx = test->priv;
	struct scatterlist sgl[3];
	struct sg_table sgt = { sgl, 3, 3 };
	int i, pageless;

	for (pageless = 0; pageless < 3; pageless++) {
		sg_init_table(sgl, ARRAY_SIZE(sgl));
		for (i = 0; i < 3; i++)
			sg_set_page(&sgl[i], ctx->pages + i, PAGE_SIZE, 0);
		KUNIT_ASSERT_EQ(test, 0,
				sg_set_pfn(&sgl[pageless],
					   PHYS_PFN(GRANT_TEST_PHYS),
					   PAGE_SIZE, 0));

		KUNIT_EXPECT_EQ(test, -EIO,
				dma_map_sgtable(ctx->dev, &sgt,
						DMA_BIDIRECTIONAL, 0));
		for (i = 0; i < pageless; i++)
			grant_test_expect_none(test, &sgl[i]);
	}
}

static void grant_test_refuse_phys(struct kunit *test)
{
	struct grant_test *ctx = test->priv;

	KUNIT_EXPECT_EQ(test, DMA_MAPPING_ERROR,
			dma_map_phys(ctx->dev, GRANT_TEST_PHYS, PAGE_SIZE,
				     DMA_BIDIRECTIONAL, DMA_ATTR_MMIO));
}

static struct kunit_case grant_test_cases[] = {
	KUNIT_CASE(grant_test_pages),
	KUNIT_CASE(grant_test_refuse_sg),
	KUNIT_CASE(grant_test_refuse_phys),
	{}
};

static struct kunit_suite grant_test_suite = {
	.name		= "xen_grant_dma",
	.init		= grant_test_init,
	.exit		= grant_test_exit,
	.test_cases	= grant_test_cases,
};

kunit_test_suite(grant_test_suite);
