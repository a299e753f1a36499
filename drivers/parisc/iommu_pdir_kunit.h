/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * KUnit tests for the I/O Pdirs of sba and ccio.
 *
 * The tests map memory for an I/O Controller that is made of RAM, read each
 * entry of its I/O Pdir back, and look at every bit. No transfer takes place, so
 * memory without a page may be anywhere. They run on every machine, also on one
 * without any I/O MMU.
 *
 * Emulators have coherent caches, and their "lci" always loads 0. So the tests
 * give the drivers indices to load that tell which space and address each was
 * asked for.
 *
 * Included at the end of sba_iommu_kunit.c and ccio-dma_kunit.c, which say what
 * the entries look like. They themselves are included by the drivers, all
 * functions of which are static.
 */

#include <kunit/device.h>
#include <kunit/test.h>

/* The indices that the tests hand out fit into all index fields */
#define PDIR_TEST_INDICES	256
#define PDIR_TEST_ENTRIES	512
#define PDIR_TEST_PAGES		8
#define PDIR_TEST_SPACE		0x1234UL
#define PDIR_TEST_USER		0x00345000UL
#define PDIR_TEST_DIR		DMA_FROM_DEVICE

/* Memory without a page: somewhere, with bits in the upper half on 64-bit */
#ifdef CONFIG_64BIT
#define PDIR_TEST_PHYS		0x6543218000UL
#else
#define PDIR_TEST_PHYS		0xa3218000UL
#endif
#define PDIR_TEST_PEER		F_EXTEND(0xf4321000UL)

struct pdir_test {
	struct ioc		*ioc;
	struct device		*dev;
	struct pci_hba_data	hba;

	/* PDIR_TEST_PAGES contiguous ones */
	struct page		*pages;

	/* Where user space sees a list */
	struct mm_struct	*mm;
	struct dma_user_alias	user;

	/* What coherence_index() was asked for: the index is the result */
	struct {
		space_t		sid;
		unsigned long	va;
	} line[PDIR_TEST_INDICES];
	unsigned int		nr_lines;

	/* or what it is to return, if not 0 */
	unsigned long		index;

	/* What iommu_peer_addr() is to return */
	int			peer_ret;
	dma_addr_t		peer_offset;

	__le64			before[PDIR_TEST_ENTRIES];
};

static unsigned long pdir_test_coherence_index(space_t sid, unsigned long va)
{
	struct pdir_test *ctx = kunit_get_current_test()->priv;
	unsigned int nr = ctx->nr_lines;

	if (ctx->index)
		return ctx->index;
	if (nr == PDIR_TEST_INDICES)
		return ~0UL;

	ctx->line[nr].sid = sid;
	ctx->line[nr].va = va;
	ctx->nr_lines++;

	/* The lower bits are those of the address in its page */
	return nr << 12 | offset_in_page(va);
}

static int pdir_test_peer_addr(struct device *dev, phys_addr_t phys,
			       size_t size, dma_addr_t *dma)
{
	struct pdir_test *ctx = kunit_get_current_test()->priv;

	*dma = phys - ctx->peer_offset;
	return ctx->peer_ret;
}

static void pdir_test_free_pages(void *pages)
{
	__free_pages(pages, get_order(PDIR_TEST_PAGES * PAGE_SIZE));
}

static int pdir_test_init(struct kunit *test)
{
	struct pdir_test *ctx;
	struct ioc *ioc;

	ctx = kunit_kzalloc(test, sizeof(*ctx), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, ctx);
	test->priv = ctx;

	ctx->pages = alloc_pages(GFP_KERNEL,
				 get_order(PDIR_TEST_PAGES * PAGE_SIZE));
	KUNIT_ASSERT_NOT_NULL(test, ctx->pages);
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, pdir_test_free_pages,
						  ctx->pages));

	ctx->mm = kunit_kzalloc(test, sizeof(*ctx->mm), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, ctx->mm);
	ctx->mm->context.space_id = PDIR_TEST_SPACE;
	ctx->user.mm = ctx->mm;

	ioc = kunit_kzalloc(test, sizeof(*ioc), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, ioc);
	ctx->ioc = ioc;
	spin_lock_init(&ioc->res_lock);
	ioc->pdir_size = PDIR_TEST_ENTRIES * sizeof(u64);
	ioc->pdir_base = kunit_kzalloc(test, ioc->pdir_size, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, ioc->pdir_base);
	ioc->res_size = PDIR_TEST_ENTRIES / BITS_PER_BYTE;
	ioc->res_map = kunit_kzalloc(test, ioc->res_size, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, ioc->res_map);
	ioc->scratch = kunit_kzalloc(test, PAGE_SIZE, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, ioc->scratch);
	pdir_test_init_ioc(test, ioc);

	ctx->dev = kunit_device_register(test, "pdir_test");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, ctx->dev);
	ctx->hba.iommu = ioc;
	ctx->dev->platform_data = &ctx->hba;

	ctx->peer_offset = PDIR_TEST_PEER - 0xf4321000UL;
	kunit_activate_static_stub(test, coherence_index,
				   pdir_test_coherence_index);
	kunit_activate_static_stub(test, iommu_peer_addr, pdir_test_peer_addr);
	return 0;
}

static phys_addr_t pdir_test_page_phys(struct pdir_test *ctx, int nr)
{
	return page_to_phys(ctx->pages + nr);
}

static unsigned long pdir_test_page_va(struct pdir_test *ctx, int nr)
{
	return (unsigned long)page_address(ctx->pages + nr);
}

static void pdir_test_set_phys(struct kunit *test, struct scatterlist *sg,
			       phys_addr_t phys, unsigned int len)
{
	KUNIT_ASSERT_EQ(test, 0, sg_set_pfn(sg, PHYS_PFN(phys), len,
					    offset_in_page(phys)));
}

/* Forget the lines of mappings before. There are only so many indices. */
static int pdir_test_map_sg(struct pdir_test *ctx, struct scatterlist *sg,
			    int nents, const struct dma_user_alias *user)
{
	ctx->nr_lines = 0;
	if (user)
		return pdir_test_ops.map_sg_user(ctx->dev, sg, nents,
						 PDIR_TEST_DIR, 0, user);
	return pdir_test_ops.map_sg(ctx->dev, sg, nents, PDIR_TEST_DIR, 0);
}

static struct pdir_test_entry pdir_test_read(struct pdir_test *ctx,
					     dma_addr_t dma)
{
	return pdir_test_decode(ctx->ioc->pdir_base[pdir_test_index(ctx->ioc,
								    dma)]);
}

/* The entry of @dma leads to @phys, and keeps the lines at @va coherent */
static void pdir_test_expect(struct kunit *test, dma_addr_t dma,
			     phys_addr_t phys, space_t sid, unsigned long va,
			     unsigned long hint)
{
	struct pdir_test *ctx = test->priv;
	struct pdir_test_entry entry = pdir_test_read(ctx, dma);

	KUNIT_EXPECT_TRUE(test, entry.valid);
	KUNIT_EXPECT_EQ(test, entry.phys, (u64)(phys & IOVP_MASK));
	KUNIT_EXPECT_EQ(test, entry.hint, hint);
	KUNIT_EXPECT_EQ(test, entry.rest, 0);

	KUNIT_ASSERT_LT(test, entry.index, ctx->nr_lines);
	KUNIT_EXPECT_EQ(test, ctx->line[entry.index].sid, sid);
	KUNIT_EXPECT_EQ(test, ctx->line[entry.index].va & IOVP_MASK,
			va & IOVP_MASK);
}

/* Memory without a page whose lines are not known */
static void pdir_test_expect_mmio(struct kunit *test, dma_addr_t dma,
				  phys_addr_t phys, unsigned long hint)
{
	struct pdir_test *ctx = test->priv;

	pdir_test_expect(test, dma, phys, KERNEL_SPACE,
			 (unsigned long)ctx->ioc->scratch, hint);
}

static void pdir_test_expect_scratch(struct kunit *test, dma_addr_t dma)
{
	struct pdir_test *ctx = test->priv;

	pdir_test_expect_mmio(test, dma, virt_to_phys(ctx->ioc->scratch),
			      pdir_test_hint(DMA_BIDIRECTIONAL, true));
}

static void pdir_test_expect_page(struct kunit *test, dma_addr_t dma, int nr)
{
	struct pdir_test *ctx = test->priv;

	pdir_test_expect(test, dma, pdir_test_page_phys(ctx, nr), KERNEL_SPACE,
			 pdir_test_page_va(ctx, nr),
			 pdir_test_hint(PDIR_TEST_DIR, false));
}

static int pdir_test_nr_valid(struct pdir_test *ctx)
{
	int i, nr = 0;

	for (i = 0; i < PDIR_TEST_ENTRIES; i++)
		nr += pdir_test_decode(ctx->ioc->pdir_base[i]).valid;
	return nr;
}

static size_t pdir_test_nr_used(struct pdir_test *ctx)
{
	return memweight(ctx->ioc->res_map, ctx->ioc->res_size);
}

static void pdir_test_save(struct pdir_test *ctx)
{
	memcpy(ctx->before, ctx->ioc->pdir_base, sizeof(ctx->before));
}

static void pdir_test_expect_unchanged(struct kunit *test)
{
	struct pdir_test *ctx = test->priv;

	KUNIT_EXPECT_MEMEQ(test, ctx->before, ctx->ioc->pdir_base,
			   sizeof(ctx->before));
}

/* Each bit of an address, an index and a hint has its place, and only that */
static void pdir_test_entry_bits(struct kunit *test)
{
	struct pdir_test *ctx = test->priv;
	unsigned long hint = pdir_test_hint(PDIR_TEST_DIR, false);
	struct pdir_test_entry entry;
	unsigned int bit, i;
	__le64 pdir;

	for (bit = 12; bit < PDIR_TEST_PHYS_BITS; bit++) {
		phys_addr_t one = (phys_addr_t)1 << bit;
		phys_addr_t phys[] = {
			one,
			one | (IOVP_SIZE - 1),
			GENMASK_ULL(PDIR_TEST_PHYS_BITS - 1, 0) & ~one,
		};

		for (i = 0; i < ARRAY_SIZE(phys); i++) {
			ctx->index = i & 1 ? ~0UL : 0x1000;
			pdir = (__force __le64)~0ULL;
			pdir_test_entry_fn(&pdir, KERNEL_SPACE, 0, phys[i],
					   hint);
			entry = pdir_test_decode(pdir);
			KUNIT_EXPECT_TRUE(test, entry.valid);
			KUNIT_EXPECT_EQ(test, entry.phys,
					(u64)(phys[i] & IOVP_MASK));
			KUNIT_EXPECT_EQ(test, entry.index,
					i & 1 ? PDIR_TEST_INDEX_MASK : 1);
			KUNIT_EXPECT_EQ(test, entry.hint, hint);
			KUNIT_EXPECT_EQ(test, entry.rest, 0);
		}
	}

	for (bit = 0; bit < BITS_PER_LONG; bit++) {
		ctx->index = 1UL << bit;
		pdir = 0;
		pdir_test_entry_fn(&pdir, KERNEL_SPACE, 0, 0, hint);
		entry = pdir_test_decode(pdir);
		KUNIT_EXPECT_TRUE(test, entry.valid);
		KUNIT_EXPECT_EQ(test, entry.phys, 0);
		KUNIT_EXPECT_EQ(test, entry.index,
				(1UL << bit) >> 12 & PDIR_TEST_INDEX_MASK);
		KUNIT_EXPECT_EQ(test, entry.hint, hint);
		KUNIT_EXPECT_EQ(test, entry.rest, 0);
	}
}

/*
 * What the processor loads for a space and an address, with a space register
 * that the drivers don't use.
 */
static unsigned int pdir_test_lci(space_t sid, unsigned long va)
{
	unsigned long flags, ci;

	local_irq_save(flags);
	asm volatile("mtsp %1, %%sr2\n"
		     "\tlci %%r0(%%sr2, %2), %0\n"
		     "\tmtsp %%r0, %%sr2"
		     : "=&r" (ci) : "r" (sid), "r" (va));
	local_irq_restore(flags);

	return ci >> 12 & PDIR_TEST_INDEX_MASK;
}

/* The real instruction. Only real hardware makes something of the address. */
static void pdir_test_entry_lci(struct kunit *test)
{
	struct pdir_test *ctx = test->priv;
	struct { space_t sid; unsigned long va; } line[] = {
		{ KERNEL_SPACE,		pdir_test_page_va(ctx, 0) },
		{ KERNEL_SPACE,		pdir_test_page_va(ctx, 1) },
		{ KERNEL_SPACE,		(unsigned long)ctx->ioc->scratch },
		{ PDIR_TEST_SPACE,	PDIR_TEST_USER },
		{ PDIR_TEST_SPACE,	PDIR_TEST_USER + PAGE_SIZE },
		{ PDIR_TEST_SPACE,	0xf7654000UL },
		{ PDIR_TEST_SPACE << 1,	PDIR_TEST_USER },
	};
	unsigned long hint = pdir_test_hint(PDIR_TEST_DIR, false);
	unsigned long flags;
	__le64 pdir;
	int i;

	kunit_deactivate_static_stub(test, coherence_index);

	for (i = 0; i < ARRAY_SIZE(line); i++) {
		local_irq_save(flags);
		pdir_test_entry_fn(&pdir, line[i].sid, line[i].va,
				   PDIR_TEST_PHYS, hint);
		local_irq_restore(flags);
		KUNIT_EXPECT_EQ(test, pdir_test_decode(pdir).index,
				pdir_test_lci(line[i].sid, line[i].va));
	}
}

static void pdir_test_map_phys(struct kunit *test)
{
	struct pdir_test *ctx = test->priv;
	unsigned long hint = pdir_test_hint(PDIR_TEST_DIR, false);
	dma_addr_t dma, dma_page;
	int i;

	dma = pdir_test_ops.map_phys(ctx->dev, PDIR_TEST_PHYS, 3 * PAGE_SIZE,
				     PDIR_TEST_DIR, DMA_ATTR_MMIO);
	KUNIT_ASSERT_NE(test, dma, DMA_MAPPING_ERROR);
	for (i = 0; i < 3; i++)
		pdir_test_expect_mmio(test, dma + i * PAGE_SIZE,
				      PDIR_TEST_PHYS + i * PAGE_SIZE, hint);

	dma_page = pdir_test_ops.map_phys(ctx->dev, pdir_test_page_phys(ctx, 0),
					  2 * PAGE_SIZE, PDIR_TEST_DIR, 0);
	KUNIT_ASSERT_NE(test, dma_page, DMA_MAPPING_ERROR);
	pdir_test_expect_page(test, dma_page, 0);
	pdir_test_expect_page(test, dma_page + PAGE_SIZE, 1);
	KUNIT_EXPECT_EQ(test, pdir_test_nr_valid(ctx), 5);

	pdir_test_ops.unmap_phys(ctx->dev, dma, 3 * PAGE_SIZE, PDIR_TEST_DIR,
				 DMA_ATTR_MMIO);
	KUNIT_EXPECT_EQ(test, pdir_test_nr_valid(ctx), 2);
	pdir_test_expect_page(test, dma_page, 0);
	pdir_test_expect_page(test, dma_page + PAGE_SIZE, 1);

	pdir_test_ops.unmap_phys(ctx->dev, dma_page, 2 * PAGE_SIZE,
				 PDIR_TEST_DIR, 0);
	KUNIT_EXPECT_EQ(test, pdir_test_nr_valid(ctx), 0);
}

/* A single entry is mapped without the code for lists */
static void pdir_test_single(struct kunit *test)
{
	struct pdir_test *ctx = test->priv;
	unsigned long hint = pdir_test_hint(PDIR_TEST_DIR, true);
	phys_addr_t phys = PDIR_TEST_PHYS + 0x10c;
	struct scatterlist sg;
	int i;

	ctx->user.addr = PDIR_TEST_USER + 0x10c;
	sg_init_table(&sg, 1);
	pdir_test_set_phys(test, &sg, phys, 2 * PAGE_SIZE);

	KUNIT_ASSERT_EQ(test, pdir_test_map_sg(ctx, &sg, 1, NULL), 1);
	KUNIT_EXPECT_EQ(test, offset_in_page(sg_dma_address(&sg)), 0x10c);
	KUNIT_EXPECT_EQ(test, sg_dma_len(&sg), 2 * PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, pdir_test_nr_valid(ctx), 3);
	for (i = 0; i < 3; i++)
		pdir_test_expect_mmio(test, sg_dma_address(&sg) + i * PAGE_SIZE,
				      phys + i * PAGE_SIZE, hint);
	pdir_test_ops.unmap_sg(ctx->dev, &sg, 1, PDIR_TEST_DIR, 0);
	KUNIT_EXPECT_EQ(test, pdir_test_nr_valid(ctx), 0);

	KUNIT_ASSERT_EQ(test, pdir_test_map_sg(ctx, &sg, 1, &ctx->user), 1);
	for (i = 0; i < 3; i++)
		pdir_test_expect(test, sg_dma_address(&sg) + i * PAGE_SIZE,
				 phys + i * PAGE_SIZE, PDIR_TEST_SPACE,
				 PDIR_TEST_USER + i * PAGE_SIZE, hint);
	pdir_test_ops.unmap_sg(ctx->dev, &sg, 1, PDIR_TEST_DIR, 0);
	KUNIT_EXPECT_EQ(test, pdir_test_nr_valid(ctx), 0);

	/* User space sees it, but the kernel's lines are the ones that count */
	sg_set_page(&sg, ctx->pages, PAGE_SIZE, 0);
	KUNIT_ASSERT_EQ(test, pdir_test_map_sg(ctx, &sg, 1, &ctx->user), 1);
	pdir_test_expect_page(test, sg_dma_address(&sg), 0);
	pdir_test_ops.unmap_sg(ctx->dev, &sg, 1, PDIR_TEST_DIR, 0);
	KUNIT_EXPECT_EQ(test, pdir_test_nr_valid(ctx), 0);
}

/* Both kinds keep their order, and each its own lines */
static void __pdir_test_mixed(struct kunit *test, const struct dma_user_alias *user)
{
	struct pdir_test *ctx = test->priv;
	unsigned long hint = pdir_test_hint(PDIR_TEST_DIR, false);
	struct scatterlist sgl[5];
	dma_addr_t dma;
	int i;

	/* Pages 0 and 1 of the user's range have a page, 2 to 4 don't, ... */
	sg_init_table(sgl, ARRAY_SIZE(sgl));
	sg_set_page(&sgl[0], ctx->pages, 2 * PAGE_SIZE, 0);
	pdir_test_set_phys(test, &sgl[1], PDIR_TEST_PHYS, 3 * PAGE_SIZE);
	sg_set_page(&sgl[2], ctx->pages + 4, PAGE_SIZE, 0);
	sg_set_page(&sgl[3], ctx->pages + 6, PAGE_SIZE, 0);
	pdir_test_set_phys(test, &sgl[4], PDIR_TEST_PHYS - 5 * PAGE_SIZE,
			   PAGE_SIZE);

	/* What is next to memory without a page may be anywhere */
	KUNIT_ASSERT_EQ(test, pdir_test_map_sg(ctx, sgl, ARRAY_SIZE(sgl), user),
			2);
	KUNIT_EXPECT_EQ(test, sg_dma_len(&sgl[0]), 6 * PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, sg_dma_len(&sgl[1]), 2 * PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, sg_dma_len(&sgl[2]), 0);
	KUNIT_EXPECT_EQ(test, pdir_test_nr_valid(ctx), 8);

	dma = sg_dma_address(&sgl[0]);
	pdir_test_expect_page(test, dma, 0);
	pdir_test_expect_page(test, dma + PAGE_SIZE, 1);
	for (i = 2; i < 5; i++) {
		phys_addr_t phys = PDIR_TEST_PHYS + (i - 2) * PAGE_SIZE;

		if (user)
			pdir_test_expect(test, dma + i * PAGE_SIZE, phys,
					 PDIR_TEST_SPACE,
					 user->addr + i * PAGE_SIZE, hint);
		else
			pdir_test_expect_mmio(test, dma + i * PAGE_SIZE, phys,
					      hint);
	}
	pdir_test_expect_page(test, dma + 5 * PAGE_SIZE, 4);

	dma = sg_dma_address(&sgl[1]);
	pdir_test_expect_page(test, dma, 6);
	if (user)
		pdir_test_expect(test, dma + PAGE_SIZE,
				 PDIR_TEST_PHYS - 5 * PAGE_SIZE,
				 PDIR_TEST_SPACE, user->addr + 7 * PAGE_SIZE,
				 hint);
	else
		pdir_test_expect_mmio(test, dma + PAGE_SIZE,
				      PDIR_TEST_PHYS - 5 * PAGE_SIZE, hint);

	pdir_test_ops.unmap_sg(ctx->dev, sgl, ARRAY_SIZE(sgl), PDIR_TEST_DIR, 0);
	KUNIT_EXPECT_EQ(test, pdir_test_nr_valid(ctx), 0);
}

static void pdir_test_mixed(struct kunit *test)
{
	__pdir_test_mixed(test, NULL);
}

static void pdir_test_mixed_user(struct kunit *test)
{
	struct pdir_test *ctx = test->priv;

	ctx->user.addr = PDIR_TEST_USER;
	__pdir_test_mixed(test, &ctx->user);
}

/* Neither starts nor ends with a page */
static void pdir_test_unaligned(struct kunit *test)
{
	struct pdir_test *ctx = test->priv;
	unsigned long hint = pdir_test_hint(PDIR_TEST_DIR, true);
	struct scatterlist sgl[3];

	sg_init_table(sgl, ARRAY_SIZE(sgl));
	pdir_test_set_phys(test, &sgl[0], PDIR_TEST_PHYS + PAGE_SIZE - 4, 4);
	pdir_test_set_phys(test, &sgl[1], PDIR_TEST_PHYS - 8 * PAGE_SIZE,
			   PAGE_SIZE + 4);
	/* An offset of more than a page */
	KUNIT_ASSERT_EQ(test, 0, sg_set_pfn(&sgl[2], PHYS_PFN(PDIR_TEST_PHYS),
					    8, 4 * PAGE_SIZE + 4));

	ctx->user.addr = PDIR_TEST_USER + PAGE_SIZE - 4;
	KUNIT_ASSERT_EQ(test, pdir_test_map_sg(ctx, sgl, 3, &ctx->user), 2);

	KUNIT_EXPECT_EQ(test, offset_in_page(sg_dma_address(&sgl[0])),
			PAGE_SIZE - 4);
	KUNIT_EXPECT_EQ(test, sg_dma_len(&sgl[0]), PAGE_SIZE + 8);
	pdir_test_expect(test, sg_dma_address(&sgl[0]), PDIR_TEST_PHYS,
			 PDIR_TEST_SPACE, PDIR_TEST_USER, hint);
	pdir_test_expect(test, sg_dma_address(&sgl[0]) + 4,
			 PDIR_TEST_PHYS - 8 * PAGE_SIZE,
			 PDIR_TEST_SPACE, PDIR_TEST_USER + PAGE_SIZE, hint);
	pdir_test_expect(test, sg_dma_address(&sgl[0]) + 4 + PAGE_SIZE,
			 PDIR_TEST_PHYS - 7 * PAGE_SIZE,
			 PDIR_TEST_SPACE, PDIR_TEST_USER + 2 * PAGE_SIZE, hint);

	KUNIT_EXPECT_EQ(test, offset_in_page(sg_dma_address(&sgl[1])), 4);
	KUNIT_EXPECT_EQ(test, sg_dma_len(&sgl[1]), 8);
	pdir_test_expect(test, sg_dma_address(&sgl[1]),
			 PDIR_TEST_PHYS + 4 * PAGE_SIZE,
			 PDIR_TEST_SPACE, PDIR_TEST_USER + 2 * PAGE_SIZE, hint);

	KUNIT_EXPECT_EQ(test, pdir_test_nr_valid(ctx), 4);
	pdir_test_ops.unmap_sg(ctx->dev, sgl, 3, PDIR_TEST_DIR, 0);
	KUNIT_EXPECT_EQ(test, pdir_test_nr_valid(ctx), 0);
}

/* An entry may start pages after its page frame number: these aren't mapped */
static void pdir_test_offset(struct kunit *test)
{
	struct pdir_test *ctx = test->priv;
	unsigned long hint = pdir_test_hint(PDIR_TEST_DIR, true);
	struct scatterlist sgl[2];
	size_t used;

	sg_init_table(sgl, ARRAY_SIZE(sgl));
	pdir_test_set_phys(test, &sgl[0], PDIR_TEST_PHYS + 4, 8);
	pdir_test_set_phys(test, &sgl[1], PDIR_TEST_PHYS + 16, 8);
	KUNIT_ASSERT_EQ(test, pdir_test_map_sg(ctx, sgl, 2, NULL), 2);
	used = pdir_test_nr_used(ctx);

	KUNIT_ASSERT_EQ(test, 0, sg_set_pfn(&sgl[0], PHYS_PFN(PDIR_TEST_PHYS),
					    8, 19 * PAGE_SIZE + 4));
	KUNIT_ASSERT_EQ(test, pdir_test_map_sg(ctx, sgl, 2, NULL), 2);
	KUNIT_EXPECT_EQ(test, pdir_test_nr_used(ctx), 2 * used);
	KUNIT_EXPECT_EQ(test, pdir_test_nr_valid(ctx), 4);
	KUNIT_EXPECT_EQ(test, offset_in_page(sg_dma_address(&sgl[0])), 4);
	pdir_test_expect_mmio(test, sg_dma_address(&sgl[0]),
			      PDIR_TEST_PHYS + 19 * PAGE_SIZE, hint);
}

/* Page frames from all over the place become as few segments as may be */
static void pdir_test_scattered(struct kunit *test)
{
	struct pdir_test *ctx = test->priv;
	unsigned long hint = pdir_test_hint(PDIR_TEST_DIR, false);
	int per_segment = dma_get_max_seg_size(ctx->dev) >> PAGE_SHIFT;
	int i, nr = per_segment + 2;
	struct scatterlist *sgl;

	sgl = kunit_kcalloc(test, nr, sizeof(*sgl), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, sgl);
	sg_init_table(sgl, nr);
	for (i = 0; i < nr; i++)
		pdir_test_set_phys(test, &sgl[i], PDIR_TEST_PHYS -
				   (phys_addr_t)i * 2 * PAGE_SIZE, PAGE_SIZE);

	ctx->user.addr = PDIR_TEST_USER;
	KUNIT_ASSERT_EQ(test, pdir_test_map_sg(ctx, sgl, nr, &ctx->user), 2);
	KUNIT_EXPECT_EQ(test, sg_dma_len(&sgl[0]), per_segment * PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, sg_dma_len(&sgl[1]), 2 * PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, pdir_test_nr_valid(ctx), nr);

	for (i = 0; i < nr; i++) {
		dma_addr_t dma = i < per_segment ?
			sg_dma_address(&sgl[0]) + i * PAGE_SIZE :
			sg_dma_address(&sgl[1]) + (i - per_segment) * PAGE_SIZE;

		pdir_test_expect(test, dma, PDIR_TEST_PHYS -
				 (phys_addr_t)i * 2 * PAGE_SIZE,
				 PDIR_TEST_SPACE, PDIR_TEST_USER + i * PAGE_SIZE,
				 hint);
	}
	pdir_test_ops.unmap_sg(ctx->dev, sgl, nr, PDIR_TEST_DIR, 0);
	KUNIT_EXPECT_EQ(test, pdir_test_nr_valid(ctx), 0);
}

/* The control: pages are joined where they are contiguous, and only there */
static void pdir_test_pages(struct kunit *test)
{
	struct pdir_test *ctx = test->priv;
	struct scatterlist sgl[4];
	dma_addr_t dma;

	sg_init_table(sgl, ARRAY_SIZE(sgl));
	sg_set_page(&sgl[0], ctx->pages, PAGE_SIZE, 0);
	sg_set_page(&sgl[1], ctx->pages + 1, PAGE_SIZE, 0);
	sg_set_page(&sgl[2], ctx->pages + 5, PAGE_SIZE, 0);
	sg_set_page(&sgl[3], ctx->pages + 3, PAGE_SIZE, 0);

	KUNIT_ASSERT_EQ(test, pdir_test_map_sg(ctx, sgl, 4, NULL), 3);
	dma = sg_dma_address(&sgl[0]);
	KUNIT_EXPECT_EQ(test, sg_dma_len(&sgl[0]), 2 * PAGE_SIZE);
	pdir_test_expect_page(test, dma, 0);
	pdir_test_expect_page(test, dma + PAGE_SIZE, 1);
	KUNIT_EXPECT_EQ(test, sg_dma_len(&sgl[1]), PAGE_SIZE);
	pdir_test_expect_page(test, sg_dma_address(&sgl[1]), 5);
	KUNIT_EXPECT_EQ(test, sg_dma_len(&sgl[2]), PAGE_SIZE);
	pdir_test_expect_page(test, sg_dma_address(&sgl[2]), 3);
	KUNIT_EXPECT_EQ(test, sg_dma_len(&sgl[3]), 0);

	pdir_test_ops.unmap_sg(ctx->dev, sgl, 4, PDIR_TEST_DIR, 0);
	KUNIT_EXPECT_EQ(test, pdir_test_nr_valid(ctx), 0);
}

/* What is in I/O space has its bus address, and no entry */
static void pdir_test_peer(struct kunit *test)
{
	struct pdir_test *ctx = test->priv;
	unsigned long hint = pdir_test_hint(PDIR_TEST_DIR, false);
	struct scatterlist sgl[5];
	dma_addr_t dma;

	dma = pdir_test_ops.map_phys(ctx->dev, PDIR_TEST_PEER, 5 * PAGE_SIZE,
				     PDIR_TEST_DIR, DMA_ATTR_MMIO);
	KUNIT_EXPECT_EQ(test, dma, 0xf4321000UL);
	KUNIT_EXPECT_EQ(test, pdir_test_nr_used(ctx), 0);
	pdir_test_ops.unmap_phys(ctx->dev, dma, 5 * PAGE_SIZE, PDIR_TEST_DIR,
				 DMA_ATTR_MMIO);

	sg_init_table(sgl, ARRAY_SIZE(sgl));
	sg_set_page(&sgl[0], ctx->pages, PAGE_SIZE, 0);
	sg_set_page(&sgl[1], ctx->pages + 1, PAGE_SIZE, 0);
	pdir_test_set_phys(test, &sgl[2], PDIR_TEST_PEER, PAGE_SIZE);
	pdir_test_set_phys(test, &sgl[3], PDIR_TEST_PHYS, PAGE_SIZE);
	pdir_test_set_phys(test, &sgl[4], PDIR_TEST_PEER + PAGE_SIZE,
			   /* as much as one likes */ 2 * DMA_CHUNK_SIZE);

	ctx->user.addr = PDIR_TEST_USER;
	KUNIT_ASSERT_EQ(test, pdir_test_map_sg(ctx, sgl, 5, &ctx->user), 4);
	KUNIT_EXPECT_EQ(test, sg_dma_len(&sgl[0]), 2 * PAGE_SIZE);
	pdir_test_expect_page(test, sg_dma_address(&sgl[0]), 0);
	pdir_test_expect_page(test, sg_dma_address(&sgl[0]) + PAGE_SIZE, 1);
	KUNIT_EXPECT_EQ(test, sg_dma_address(&sgl[1]), 0xf4321000UL);
	KUNIT_EXPECT_EQ(test, sg_dma_len(&sgl[1]), PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, sg_dma_len(&sgl[2]), PAGE_SIZE);
	pdir_test_expect(test, sg_dma_address(&sgl[2]), PDIR_TEST_PHYS,
			 PDIR_TEST_SPACE, PDIR_TEST_USER + 3 * PAGE_SIZE, hint);
	KUNIT_EXPECT_EQ(test, sg_dma_address(&sgl[3]), 0xf4322000UL);
	KUNIT_EXPECT_EQ(test, sg_dma_len(&sgl[3]), 2 * DMA_CHUNK_SIZE);
	KUNIT_EXPECT_EQ(test, sg_dma_len(&sgl[4]), 0);
	KUNIT_EXPECT_EQ(test, pdir_test_nr_valid(ctx), 3);

	/* Nothing keeps a peer from being written to */
	KUNIT_EXPECT_FALSE(test, pdir_test_ops.can_revoke_sg(ctx->dev, sgl, 5));
	pdir_test_save(ctx);
	KUNIT_EXPECT_EQ(test, pdir_test_ops.revoke_sg(ctx->dev, sgl, 5,
						      PDIR_TEST_DIR, 0),
			-EOPNOTSUPP);
	pdir_test_expect_unchanged(test);

	pdir_test_ops.unmap_sg(ctx->dev, sgl, 5, PDIR_TEST_DIR, 0);
	KUNIT_EXPECT_EQ(test, pdir_test_nr_valid(ctx), 0);
}

/* A list that can't be mapped, with something before that could */
static void pdir_test_expect_error(struct kunit *test, phys_addr_t phys,
				   unsigned int len, int error)
{
	struct pdir_test *ctx = test->priv;
	size_t used = pdir_test_nr_used(ctx);
	struct scatterlist sgl[4];

	sg_init_table(sgl, ARRAY_SIZE(sgl));
	sg_set_page(&sgl[0], ctx->pages, PAGE_SIZE, 0);
	sg_set_page(&sgl[1], ctx->pages + 2, PAGE_SIZE, 16);
	pdir_test_set_phys(test, &sgl[2], phys, len);
	pdir_test_set_phys(test, &sgl[3], PDIR_TEST_PHYS, PAGE_SIZE);

	pdir_test_save(ctx);
	KUNIT_EXPECT_EQ(test, pdir_test_map_sg(ctx, sgl, 4, NULL), error);
	KUNIT_EXPECT_EQ(test, pdir_test_nr_used(ctx), used);
	KUNIT_EXPECT_EQ(test, pdir_test_map_sg(ctx, &sgl[2], 1, NULL), error);
	KUNIT_EXPECT_EQ(test, pdir_test_ops.map_phys(ctx->dev, phys, len,
						     PDIR_TEST_DIR,
						     DMA_ATTR_MMIO),
			DMA_MAPPING_ERROR);
	KUNIT_EXPECT_EQ(test, pdir_test_nr_used(ctx), used);
	pdir_test_expect_unchanged(test);
}

static void pdir_test_unreachable(struct kunit *test)
{
	struct pdir_test *ctx = test->priv;
	phys_addr_t end = ctx->ioc->max_phys + 1;

	/* Both in memory and beyond */
	pdir_test_expect_error(test, end - PAGE_SIZE, PAGE_SIZE + 1, -EIO);

	/* More than one mapping can have */
	pdir_test_expect_error(test, PDIR_TEST_PHYS, DMA_CHUNK_SIZE + 1, -EIO);
	pdir_test_expect_error(test, PDIR_TEST_PHYS + 16, DMA_CHUNK_SIZE, -EIO);

	ctx->peer_ret = -EREMOTEIO;
	pdir_test_expect_error(test, PDIR_TEST_PEER, PAGE_SIZE, -EREMOTEIO);
	ctx->peer_ret = -EIO;
	pdir_test_expect_error(test, PDIR_TEST_PEER, PAGE_SIZE, -EIO);
	pdir_test_expect_error(test, end, PAGE_SIZE, -EIO);
}

/* The last that can be reached */
static void pdir_test_reachable(struct kunit *test)
{
	struct pdir_test *ctx = test->priv;
	unsigned long hint = pdir_test_hint(PDIR_TEST_DIR, false);
	phys_addr_t phys = ctx->ioc->max_phys + 1 - 2 * PAGE_SIZE;
	dma_addr_t dma;

	dma = pdir_test_ops.map_phys(ctx->dev, phys, 2 * PAGE_SIZE,
				     PDIR_TEST_DIR, DMA_ATTR_MMIO);
	KUNIT_ASSERT_NE(test, dma, DMA_MAPPING_ERROR);
	pdir_test_expect_mmio(test, dma, phys, hint);
	pdir_test_expect_mmio(test, dma + PAGE_SIZE, phys + PAGE_SIZE, hint);
	pdir_test_ops.unmap_phys(ctx->dev, dma, 2 * PAGE_SIZE, PDIR_TEST_DIR,
				 DMA_ATTR_MMIO);

	dma = pdir_test_ops.map_phys(ctx->dev, PDIR_TEST_PHYS, DMA_CHUNK_SIZE,
				     PDIR_TEST_DIR, DMA_ATTR_MMIO);
	KUNIT_ASSERT_NE(test, dma, DMA_MAPPING_ERROR);
	KUNIT_EXPECT_EQ(test, pdir_test_nr_valid(ctx),
			DMA_CHUNK_SIZE / PAGE_SIZE);
	pdir_test_ops.unmap_phys(ctx->dev, dma, DMA_CHUNK_SIZE, PDIR_TEST_DIR,
				 DMA_ATTR_MMIO);
	KUNIT_EXPECT_EQ(test, pdir_test_nr_valid(ctx), 0);
}

/* I/O addresses for the first entry only */
static void pdir_test_exhausted(struct kunit *test)
{
	struct pdir_test *ctx = test->priv;
	struct ioc *ioc = ctx->ioc;
	struct scatterlist sgl[2];
	size_t used;

	memset(ioc->res_map, 0xff, ioc->res_size);
	memset(ioc->res_map + 2 * sizeof(long), 0, sizeof(long));
	used = pdir_test_nr_used(ctx);

	sg_init_table(sgl, ARRAY_SIZE(sgl));
	pdir_test_set_phys(test, &sgl[0], PDIR_TEST_PHYS, DMA_CHUNK_SIZE);
	sg_set_page(&sgl[1], ctx->pages, PAGE_SIZE - 32, 16);

	KUNIT_EXPECT_EQ(test, pdir_test_map_sg(ctx, sgl, 2, NULL), -ENOMEM);
	KUNIT_EXPECT_EQ(test, pdir_test_nr_used(ctx), used);
	KUNIT_EXPECT_EQ(test, pdir_test_nr_valid(ctx), 0);

	KUNIT_ASSERT_EQ(test, pdir_test_map_sg(ctx, sgl, 1, NULL), 1);
	KUNIT_EXPECT_EQ(test, pdir_test_map_sg(ctx, &sgl[1], 1, NULL), -ENOMEM);
	KUNIT_EXPECT_EQ(test, pdir_test_ops.map_phys(ctx->dev, PDIR_TEST_PHYS,
						     16, PDIR_TEST_DIR,
						     DMA_ATTR_MMIO),
			DMA_MAPPING_ERROR);
	pdir_test_ops.unmap_sg(ctx->dev, sgl, 1, PDIR_TEST_DIR, 0);
	KUNIT_EXPECT_EQ(test, pdir_test_nr_valid(ctx), 0);
}

static void pdir_test_revoke(struct kunit *test)
{
	struct pdir_test *ctx = test->priv;
	unsigned long hint = pdir_test_hint(PDIR_TEST_DIR, false);
	struct scatterlist sgl[3], other;
	dma_addr_t dma0, dma1;
	size_t used;
	int again;

	/* A segment with both kinds of memory, one of pages, and a bystander */
	sg_init_table(sgl, ARRAY_SIZE(sgl));
	sg_set_page(&sgl[0], ctx->pages, PAGE_SIZE, 0);
	pdir_test_set_phys(test, &sgl[1], PDIR_TEST_PHYS, 3 * PAGE_SIZE - 8);
	sg_set_page(&sgl[2], ctx->pages + 5, PAGE_SIZE, 16);
	sg_init_table(&other, 1);
	pdir_test_set_phys(test, &other, PDIR_TEST_PHYS, PAGE_SIZE);

	ctx->user.addr = PDIR_TEST_USER;
	KUNIT_ASSERT_EQ(test, pdir_test_map_sg(ctx, sgl, 3, &ctx->user), 2);
	KUNIT_ASSERT_EQ(test, pdir_test_map_sg(ctx, &other, 1, NULL), 1);
	KUNIT_ASSERT_EQ(test, pdir_test_nr_valid(ctx), 7);
	used = pdir_test_nr_used(ctx);
	dma0 = sg_dma_address(&sgl[0]);
	dma1 = sg_dma_address(&sgl[1]);

	for (again = 0; again < 2; again++) {
		KUNIT_EXPECT_TRUE(test, pdir_test_ops.can_revoke_sg(ctx->dev,
								    sgl, 3));
		pdir_test_expect_mmio(test, sg_dma_address(&other),
				      PDIR_TEST_PHYS, hint);

		KUNIT_EXPECT_EQ(test, pdir_test_ops.revoke_sg(ctx->dev, sgl, 3,
							      PDIR_TEST_DIR, 0),
				0);
		pdir_test_expect_scratch(test, dma0);
		pdir_test_expect_scratch(test, dma0 + PAGE_SIZE);
		pdir_test_expect_scratch(test, dma0 + 2 * PAGE_SIZE);
		pdir_test_expect_scratch(test, dma0 + 3 * PAGE_SIZE);
		pdir_test_expect_scratch(test, dma1);
		pdir_test_expect_scratch(test, dma1 + PAGE_SIZE);
		pdir_test_expect_purge(test, ctx->ioc, dma1 & IOVP_MASK,
				       2 * PAGE_SIZE);

		/* The addresses are still taken */
		KUNIT_EXPECT_EQ(test, pdir_test_nr_used(ctx), used);
		KUNIT_EXPECT_EQ(test, pdir_test_nr_valid(ctx), 7);
	}

	KUNIT_EXPECT_EQ(test, sg_dma_address(&sgl[0]), dma0);
	KUNIT_EXPECT_EQ(test, sg_dma_len(&sgl[0]), 4 * PAGE_SIZE - 8);
	KUNIT_EXPECT_EQ(test, sg_dma_address(&sgl[1]), dma1);
	KUNIT_EXPECT_EQ(test, sg_dma_len(&sgl[1]), PAGE_SIZE);

	pdir_test_ops.unmap_sg(ctx->dev, sgl, 3, PDIR_TEST_DIR, 0);
	KUNIT_EXPECT_EQ(test, pdir_test_nr_valid(ctx), 1);
	pdir_test_expect_mmio(test, sg_dma_address(&other), PDIR_TEST_PHYS,
			      hint);
	pdir_test_ops.unmap_sg(ctx->dev, &other, 1, PDIR_TEST_DIR, 0);
	KUNIT_EXPECT_EQ(test, pdir_test_nr_valid(ctx), 0);
}

static struct kunit_case pdir_test_cases[] = {
	KUNIT_CASE(pdir_test_entry_bits),
	KUNIT_CASE(pdir_test_entry_lci),
	KUNIT_CASE(pdir_test_map_phys),
	KUNIT_CASE(pdir_test_single),
	KUNIT_CASE(pdir_test_mixed),
	KUNIT_CASE(pdir_test_mixed_user),
	KUNIT_CASE(pdir_test_unaligned),
	KUNIT_CASE(pdir_test_offset),
	KUNIT_CASE(pdir_test_scattered),
	KUNIT_CASE(pdir_test_pages),
	KUNIT_CASE(pdir_test_peer),
	KUNIT_CASE(pdir_test_unreachable),
	KUNIT_CASE(pdir_test_reachable),
	KUNIT_CASE(pdir_test_exhausted),
	KUNIT_CASE(pdir_test_revoke),
	{}
};

static struct kunit_suite pdir_test_suite = {
	.name		= PDIR_TEST_SUITE,
	.init		= pdir_test_init,
	.test_cases	= pdir_test_cases,
};

kunit_test_suite(pdir_test_suite);
