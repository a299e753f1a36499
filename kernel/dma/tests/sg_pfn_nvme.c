// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests: a device transfers to and from memory without a page.
 *
 * The other tests look at DMA addresses. Here a bus master uses them, since an
 * address can look right and lead nowhere, or worse, somewhere. The device is
 * one of QEMU's, an NVMe controller or on buses other than PCI a SCSI controller.
 * They report success for transfers that were lost, so nothing but the bytes
 * counts: all of them are compared, those that must not have changed included.
 *
 * There are four windows of memory. Lists are made of pieces of the first three,
 * with memory that no transfer may touch around each piece:
 *
 *  - ordinary pages (P), the control;
 *  - RAM that was hidden from the kernel with mem= (H);
 *  - part of a BAR of another device, or of what stands for one (B);
 *  - pages that what was written to the disk is read back to.
 *
 * tests/matrix/disk makes the disk and tools/lab/matrix starts the machines.
 */
#include <kunit/test.h>
#include <linux/dma-map-ops.h>
#include <linux/dma-mapping.h>
#include <linux/gfp.h>
#include <linux/hash.h>
#include <linux/highmem.h>
#include <linux/io.h>
#include <linux/ioport.h>
#include <linux/iommu.h>
#include <linux/iommu-dma.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/of.h>
#include <linux/of_platform.h>
#include <linux/pci.h>
#include <linux/pci-p2pdma.h>
#include <linux/platform_device.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/swiotlb.h>
#include <linux/vmalloc.h>

#include "sg_pfn_disk.h"

/* Built in, the parameters need no longer a prefix than the suite's name */
#ifndef MODULE
#undef MODULE_PARAM_PREFIX
#define MODULE_PARAM_PREFIX	"dma_sg_pfn_nvme."
#endif

static char *hidden;
module_param(hidden, charp, 0444);
MODULE_PARM_DESC(hidden, "RAM that the kernel was not told of, as ADDRESS,SIZE");

static char *unreached = "";
module_param(unreached, charp, 0444);
MODULE_PARM_DESC(unreached, "Kinds of memory (B) that the emulator keeps from devices: only the DMA addresses are checked");

static bool bounces;
module_param(bounces, bool, 0444);
MODULE_PARM_DESC(bounces, "The implementation, not dma-direct, always bounces");

static char *merges = "";
module_param(merges, charp, 0444);
MODULE_PARM_DESC(merges, "Kinds of memory (P, H, B) whose scattered pages the I/O MMU makes contiguous");

static char *way = "";
module_param(way, charp, 0444);
MODULE_PARM_DESC(way, "What pci_p2pdma has to say of the BAR: bus (its bus address is to be used), host (it is behind the host bridge) or refused; it is not asked otherwise");

static unsigned int mask_bits = 64;
module_param(mask_bits, uint, 0444);
MODULE_PARM_DESC(mask_bits, "What the device can address (some choose between direct mapping and I/O MMU by that)");

/* A pattern on the disk that is read, and space for what is written */
#define DISK_BLOCKS	2048U
#define SCRATCH_BLOCK	DISK_BLOCKS
#define SCRATCH_BLOCKS	2048U

#define WINDOW_SIZE	SZ_1M
#define MAX_PIECES	64
#define CANARY_CHUNK	SZ_64K
#define CANARY_CHUNKS	256

enum window_id { PAGES, HIDDEN, BAR, COPY, N_WINDOWS };

/**
 * struct window - contiguous memory that transfers go to
 * @missing: why this machine does not have it, or NULL
 * @phys: where it is
 * @bus: where it is on the bus, in BAR only, if the emulator keeps devices from it
 * @pages: its pages, in PAGES and COPY only
 * @virt: its address for the CPU, in HIDDEN only
 * @io: its address for the CPU, in BAR only
 * @want: what is to be in it
 */
struct window {
	const char *missing;
	phys_addr_t phys;
	dma_addr_t bus;
	struct page *pages;
	void *virt;
	void __iomem *io;
	__le32 *want;
};

/**
 * struct piece - part of a window in a list
 * @window: which window
 * @offset: start of the piece in the window, in bytes
 * @length: its length in bytes
 */
struct piece {
	enum window_id window;
	unsigned int offset;
	unsigned int length;
};

/**
 * struct test_list - a list of pieces and how it is mapped
 * @sgt: the list
 * @pieces: what it was made from
 * @n: number of @pieces
 * @bytes: sum of their lengths
 * @mapped: it is mapped
 * @dir: with this direction
 * @attrs: to be unmapped with these attributes
 */
struct test_list {
	struct sg_table sgt;
	struct piece pieces[MAX_PIECES];
	unsigned int n;
	size_t bytes;
	bool mapped;
	enum dma_data_direction dir;
	unsigned long attrs;
};

/**
 * struct list_param - what a list consists of
 * @name: for the reader
 * @order: a letter for the window that each piece is from
 * @scattered: single pages, none of which follows the one before. @order is
 *	repeated until there are enough.
 */
struct list_param {
	const char *name;
	const char *order;
	bool scattered;
};

static struct test_disk *disk;
static struct device *dev;
static struct pci_dev *peer;
static int peer_bar;
static struct window windows[N_WINDOWS];
static struct page *canary[CANARY_CHUNKS];
static void *scratch;
static unsigned int generation;
static unsigned int next_block;
static unsigned int next_scratch;

/*
 * The words are all different, in all blocks. Blocks that are not on the disk
 * serve as poison. The same as in tests/matrix/disk.
 */
static __le32 pattern(unsigned int block, size_t word)
{
	return cpu_to_le32((block * (TEST_BLOCK / 4) + (u32)word) *
			   GOLDEN_RATIO_32);
}

static bool is_pages(enum window_id id)
{
	return id == PAGES || id == COPY;
}

/* Copy the window to, or from, memory that is easier to deal with */
static void window_read(enum window_id id, void *to)
{
	struct window *w = &windows[id];
	size_t i;

	if (w->virt)
		invalidate_kernel_vmap_range(w->virt, WINDOW_SIZE);
	for (i = 0; i < WINDOW_SIZE; i += PAGE_SIZE) {
		if (w->io)
			memcpy_fromio(to + i, w->io + i, PAGE_SIZE);
		else if (w->virt)
			memcpy(to + i, w->virt + i, PAGE_SIZE);
		else
			memcpy_from_page(to + i, w->pages + i / PAGE_SIZE, 0,
					 PAGE_SIZE);
	}
}

static void window_write(enum window_id id, const void *from)
{
	struct window *w = &windows[id];
	size_t i;

	for (i = 0; i < WINDOW_SIZE; i += PAGE_SIZE) {
		if (w->io)
			memcpy_toio(w->io + i, from + i, PAGE_SIZE);
		else if (w->virt)
			memcpy(w->virt + i, from + i, PAGE_SIZE);
		else
			memcpy_to_page(w->pages + i / PAGE_SIZE, 0, from + i,
				       PAGE_SIZE);
	}
	if (w->virt)
		flush_kernel_vmap_range(w->virt, WINDOW_SIZE);
}

/* Fill all windows with what was neither there nor on the disk before */
static void poison(void)
{
	const unsigned int blocks = WINDOW_SIZE / TEST_BLOCK;
	unsigned int block = DISK_BLOCKS + SCRATCH_BLOCKS;
	enum window_id id;
	size_t i;

	block += generation++ * N_WINDOWS * blocks;
	for (id = 0; id < N_WINDOWS; id++, block += blocks) {
		if (windows[id].missing)
			continue;
		for (i = 0; i < WINDOW_SIZE / 4; i++)
			windows[id].want[i] = pattern(block, i);
		window_write(id, windows[id].want);
	}
}

static void expect_window(struct kunit *test, enum window_id id)
{
	static const char * const names[] = { "pages", "hidden RAM", "BAR", "copy" };
	struct window *w = &windows[id];
	const __le32 *have = scratch;
	size_t i, n = 0, first = 0;

	if (w->missing)
		return;
	window_read(id, scratch);
	if (!memcmp(scratch, w->want, WINDOW_SIZE))
		return;
	for (i = 0; i < WINDOW_SIZE / 4; i++) {
		if (have[i] == w->want[i])
			continue;
		if (!n++)
			first = i;
	}
	KUNIT_FAIL(test, "%s: %zu words are wrong, from %#zx on: %08x, not %08x",
		   names[id], n, first * 4, le32_to_cpu(have[first]),
		   le32_to_cpu(w->want[first]));
}

static void expect_windows(struct kunit *test)
{
	enum window_id id;

	for (id = 0; id < N_WINDOWS; id++)
		expect_window(test, id);
}

/* The list's memory is to hold what is on the disk from @block on */
static void want_blocks(struct test_list *l, unsigned int block)
{
	unsigned int i;
	size_t word = 0, j;

	for (i = 0; i < l->n; i++) {
		struct piece *p = &l->pieces[i];
		__le32 *want = windows[p->window].want + p->offset / 4;

		for (j = 0; j < p->length / 4; j++)
			want[j] = pattern(block, word++);
	}
}

/* Blocks that the test that came before did not use */
static unsigned int take_blocks(struct test_list *l)
{
	unsigned int n = l->bytes / TEST_BLOCK, block = next_block;

	if (block + n > DISK_BLOCKS)
		block = 0;
	next_block = block + n;
	return block;
}

static unsigned int take_scratch(struct test_list *l)
{
	unsigned int n = l->bytes / TEST_BLOCK, block = next_scratch;

	if (block + n > SCRATCH_BLOCK + SCRATCH_BLOCKS || block < SCRATCH_BLOCK)
		block = SCRATCH_BLOCK;
	next_scratch = block + n;
	return block;
}

static void unmap(struct test_list *l)
{
	if (l->mapped)
		dma_unmap_sgtable(dev, &l->sgt, l->dir, l->attrs);
	l->mapped = false;
	l->attrs = 0;
}

static void free_list(void *data)
{
	struct test_list *l = data;

	unmap(l);
	sg_free_table(&l->sgt);
}

/*
 * All that a list of PRPs allows: it starts and ends within a page of the
 * controller. Some pieces are neighbours, and none is near the window's ends.
 */
static const struct {
	unsigned int offset;
	unsigned int length;
} layout[] = {
	{ SZ_64K + 0x1c4,      3 * SZ_4K - 0x1c4 },
	{ SZ_128K,             SZ_4K },
	{ SZ_128K + SZ_4K,     2 * SZ_4K },
	{ 3 * SZ_64K + SZ_4K,  3 * SZ_4K },
	{ SZ_256K,             SZ_4K },
	{ SZ_256K + 11 * SZ_4K, SZ_4K },
	{ 5 * SZ_64K,          2 * SZ_4K },
	{ SZ_512K,             SZ_4K + 0x1c4 },
};

static enum window_id window_of(char letter)
{
	switch (letter) {
	case 'H':
		return HIDDEN;
	case 'B':
		return BAR;
	default:
		return PAGES;
	}
}

static void make_pieces(struct test_list *l, const struct list_param *p)
{
	unsigned int i, letters = strlen(p->order);

	l->n = ARRAY_SIZE(layout);
	if (p->scattered)
		l->n = min3((size_t)MAX_PIECES, disk->max_bytes / PAGE_SIZE,
			    WINDOW_SIZE / 2 / PAGE_SIZE);

	for (i = 0; i < l->n; i++) {
		struct piece *piece = &l->pieces[i];

		piece->window = window_of(p->order[i % letters]);
		if (p->scattered) {
			/* A permutation, as the number of pages is a power of 2 */
			piece->offset = SZ_256K +
				(i * (l->n / 2 + 1)) % l->n * PAGE_SIZE;
			piece->length = PAGE_SIZE;
		} else {
			piece->offset = layout[i].offset;
			piece->length = layout[i].length;
		}
		l->bytes += piece->length;
	}
}

static struct test_list *list_of(struct kunit *test, struct test_list *l)
{
	struct scatterlist *sg;
	unsigned int i;

	KUNIT_ASSERT_EQ(test, 0, sg_alloc_table(&l->sgt, l->n, GFP_KERNEL));
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, free_list, l));
	for_each_sgtable_sg(&l->sgt, sg, i) {
		struct piece *p = &l->pieces[i];
		struct window *w = &windows[p->window];
		phys_addr_t phys = w->phys + p->offset;

		if (w->missing)
			kunit_skip(test, "%s", w->missing);
		if (is_pages(p->window))
			sg_set_page(sg, w->pages + p->offset / PAGE_SIZE,
				    p->length, offset_in_page(p->offset));
		else
			KUNIT_ASSERT_EQ(test, 0,
					sg_set_pfn(sg, PHYS_PFN(phys), p->length,
						   offset_in_page(phys)));
	}
	return l;
}

static struct test_list *alloc_list(struct kunit *test,
				    const struct list_param *p)
{
	struct test_list *l = kunit_kzalloc(test, sizeof(*l), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, l);
	make_pieces(l, p);
	return list_of(test, l);
}

/* One range of pages to read back what was written */
static struct test_list *alloc_copy(struct kunit *test, size_t bytes)
{
	struct test_list *l = kunit_kzalloc(test, sizeof(*l), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, l);
	l->n = 1;
	l->bytes = bytes;
	l->pieces[0] = (struct piece){ COPY, SZ_64K, bytes };
	return list_of(test, l);
}

static bool always_bounces(void)
{
	return bounces || (!use_dma_iommu(dev) && !get_dma_ops(dev) &&
			   is_swiotlb_force_bounce(dev));
}

static bool list_has(struct test_list *l, enum window_id id)
{
	unsigned int i;

	for (i = 0; i < l->n; i++)
		if (l->pieces[i].window == id)
			return true;
	return false;
}

static int try_map(struct test_list *l, enum dma_data_direction dir)
{
	int ret = *way ? pci_p2pdma_route_sgtable(dev, &l->sgt) : 0;

	if (!ret)
		ret = dma_map_sgtable(dev, &l->sgt, dir, DMA_ATTR_NO_WARN);
	l->mapped = !ret;
	l->dir = dir;
	return ret;
}

/*
 * A peer is reached by its address on the bus. Where the emulator does not send
 * there what a device transfers, the address has to be proof enough.
 */
static void expect_bus_addresses(struct kunit *test, struct test_list *l)
{
	dma_addr_t bus = windows[BAR].bus;
	struct scatterlist *sg;
	unsigned int i, j;

	for (i = 0; i < l->n; i++) {
		struct piece *p = &l->pieces[i];
		bool found = false;

		if (p->window != BAR)
			continue;
		for_each_sgtable_dma_sg(&l->sgt, sg, j)
			found |= sg_dma_address(sg) == bus + p->offset &&
				 sg_dma_len(sg) == p->length;
		KUNIT_EXPECT_TRUE_MSG(test, found, "not at bus address %pad",
				      &(dma_addr_t){ bus + p->offset });
	}
}

static bool is_refused(struct test_list *l)
{
	return list_has(l, BAR) && !strcmp(way, "refused");
}

/* The bus address is used for what it is to be used for, and for nothing else */
static void expect_way(struct kunit *test, struct test_list *l)
{
	bool bus = !strcmp(way, "bus");
	struct scatterlist *sg;
	unsigned int i, want = 0, have = 0;

	for (i = 0; i < l->n; i++)
		want += bus && l->pieces[i].window == BAR;
	for_each_sgtable_dma_sg(&l->sgt, sg, i)
		have += sg_dma_is_bus_address(sg);
	KUNIT_EXPECT_EQ(test, want, have);
}

/*
 * Map, unless this machine bounces all that it maps, or the BAR is out of reach:
 * then it must be an error, and memory is as it was. False if that's all there is
 * to be tested.
 */
static bool map(struct kunit *test, struct test_list *l,
		enum dma_data_direction dir)
{
	bool pageless = list_has(l, HIDDEN) || list_has(l, BAR);
	int ret = try_map(l, dir);

	if (pageless && always_bounces()) {
		KUNIT_EXPECT_EQ(test, -EIO, ret);
		expect_windows(test);
		return false;
	}
	if (is_refused(l)) {
		KUNIT_EXPECT_EQ(test, -EREMOTEIO, ret);
		KUNIT_EXPECT_GT(test, 0, pci_p2pdma_distance(peer, dev, false));
		expect_windows(test);
		return false;
	}
	KUNIT_ASSERT_EQ(test, 0, ret);
	if (*way)
		expect_way(test, l);
	if (list_has(l, BAR) && strchr(unreached, 'B')) {
		expect_bus_addresses(test, l);
		kunit_skip(test, "mapped, but the emulator keeps devices from it");
	}
	return true;
}

static const struct list_param list_params[] = {
	{ "pages",                  "PPPPPPPP" },
	{ "hidden RAM",             "HHHHHHHH" },
	{ "BAR",                    "BBBBBBBB" },
	{ "pages and hidden RAM",   "PHHPHPPH" },
	{ "hidden RAM and pages",   "HPPHPHHP" },
	{ "pages and BAR",          "PBBPBPPB" },
	{ "hidden RAM and BAR",     "HBBHBHHB" },
	{ "all three",              "PHHBPBHP" },
	{ "scattered pages",        "P",   true },
	{ "scattered hidden RAM",   "H",   true },
	{ "scattered BAR",          "B",   true },
	{ "scattered pages and hidden RAM", "PH", true },
	{ "all three, scattered",   "PHB", true },
};

KUNIT_ARRAY_PARAM_DESC(list, list_params, name);

/* Two transfers to one mapping, with the syncs in between */
static void disk_read(struct kunit *test)
{
	const struct list_param *p = test->param_value;
	struct test_list *l = alloc_list(test, p);
	unsigned int block;

	if (!map(test, l, DMA_FROM_DEVICE))
		return;
	if (p->scattered) {
		kunit_info(test, "%u pages became %u DMA segments", l->n,
			   l->sgt.nents);
		if (use_dma_iommu(dev) || strpbrk(p->order, merges))
			KUNIT_EXPECT_LT(test, l->sgt.nents, l->n);
	}

	block = take_blocks(l);
	KUNIT_EXPECT_EQ(test, 0, test_disk_read(disk, block, &l->sgt));
	want_blocks(l, block);
	dma_sync_sgtable_for_cpu(dev, &l->sgt, DMA_FROM_DEVICE);
	expect_windows(test);

	dma_sync_sgtable_for_device(dev, &l->sgt, DMA_FROM_DEVICE);
	block = take_blocks(l);
	KUNIT_EXPECT_EQ(test, 0, test_disk_read(disk, block, &l->sgt));
	want_blocks(l, block);
	unmap(l);
	expect_windows(test);
}

static void read_copy(struct kunit *test, struct test_list *copy,
		      unsigned int block)
{
	KUNIT_ASSERT_EQ(test, 0, try_map(copy, DMA_FROM_DEVICE));
	KUNIT_EXPECT_EQ(test, 0, test_disk_read(disk, block, &copy->sgt));
	unmap(copy);
}

/* From the list's memory to the disk, and from there to the copy */
static void disk_write(struct kunit *test)
{
	struct test_list *l = alloc_list(test, test->param_value);
	struct test_list *copy = alloc_copy(test, l->bytes);
	__le32 *to = windows[COPY].want + copy->pieces[0].offset / 4;
	unsigned int block = take_scratch(l);
	unsigned int i;

	if (!map(test, l, DMA_TO_DEVICE))
		return;
	KUNIT_EXPECT_EQ(test, 0, test_disk_write(disk, block, &l->sgt));
	unmap(l);
	expect_windows(test);

	read_copy(test, copy, block);
	for (i = 0; i < l->n; i++) {
		struct piece *p = &l->pieces[i];

		memcpy(to, windows[p->window].want + p->offset / 4, p->length);
		to += p->length / 4;
	}
	expect_windows(test);
}

/* The same memory as one range, without a list around it */
static void disk_map_phys(struct kunit *test)
{
	const struct list_param *p = test->param_value;
	enum window_id id = window_of(p->order[0]);
	struct piece piece = { id, SZ_128K + 0x1c4, 3 * SZ_4K };
	struct test_list *l = kunit_kzalloc(test, sizeof(*l), GFP_KERNEL);
	phys_addr_t phys = windows[id].phys + piece.offset;
	unsigned int block;
	dma_addr_t addr;

	KUNIT_ASSERT_NOT_NULL(test, l);
	l->pieces[0] = piece;
	l->n = 1;
	l->bytes = piece.length;
	list_of(test, l);

	addr = dma_map_phys(dev, phys, piece.length, DMA_FROM_DEVICE,
			    DMA_ATTR_MMIO | DMA_ATTR_NO_WARN);
	if (always_bounces()) {
		KUNIT_EXPECT_EQ(test, DMA_MAPPING_ERROR, addr);
		return;
	}
	KUNIT_ASSERT_FALSE(test, dma_mapping_error(dev, addr));

	if (id == BAR && strchr(unreached, 'B')) {
		KUNIT_EXPECT_EQ(test, windows[BAR].bus + piece.offset,
				addr);
		dma_unmap_phys(dev, addr, piece.length, DMA_FROM_DEVICE,
			       DMA_ATTR_MMIO);
		kunit_skip(test, "mapped, but the emulator keeps devices from it");
	}

	/* For the controller's sake the address is in a list after all */
	sg_dma_address(l->sgt.sgl) = addr;
	sg_dma_len(l->sgt.sgl) = piece.length;
	l->sgt.nents = 1;
	block = take_blocks(l);
	KUNIT_EXPECT_EQ(test, 0, test_disk_read(disk, block, &l->sgt));
	want_blocks(l, block);
	dma_unmap_phys(dev, addr, piece.length, DMA_FROM_DEVICE, DMA_ATTR_MMIO);
	expect_windows(test);
}

static const struct list_param phys_params[] = {
	{ "hidden RAM", "H" },
	{ "BAR",        "B" },
};

KUNIT_ARRAY_PARAM_DESC(phys, phys_params, name);

static const struct list_param revoke_params[] = {
	{ "pages",                "PPPPPPPP" },
	{ "hidden RAM",           "HHHHHHHH" },
	{ "BAR",                  "BBBBBBBB" },
	{ "pages and hidden RAM", "PHHPHPPH" },
	{ "all three",            "PHHBPBHP" },
	{ "scattered hidden RAM", "H", true },
};

KUNIT_ARRAY_PARAM_DESC(revoke, revoke_params, name);

/* How many words of the copy are what is in the list's memory */
static size_t leaked(struct test_list *l, struct test_list *copy)
{
	const __le32 *have = scratch + copy->pieces[0].offset;
	size_t n = 0, j;
	unsigned int i;

	window_read(COPY, scratch);
	for (i = 0; i < l->n; i++) {
		struct piece *p = &l->pieces[i];
		const __le32 *was = windows[p->window].want + p->offset / 4;

		for (j = 0; j < p->length / 4; j++)
			n += *have++ == was[j];
	}
	return n;
}

/*
 * The device goes on with the DMA addresses that it was given, as a device does
 * that nobody told. What becomes of these transfers is nobody's business, as
 * long as it leaves the memory, which is somebody else's by now, alone.
 */
static void disk_revoke(struct kunit *test)
{
	const enum dma_data_direction dir = DMA_BIDIRECTIONAL;
	struct test_list *l = alloc_list(test, test->param_value);
	struct test_list *copy = alloc_copy(test, l->bytes);
	unsigned int block, scratch_block;
	int ret;

	if (!map(test, l, dir))
		return;
	block = take_blocks(l);
	KUNIT_EXPECT_EQ(test, 0, test_disk_read(disk, block, &l->sgt));
	want_blocks(l, block);
	dma_sync_sgtable_for_cpu(dev, &l->sgt, dir);
	expect_windows(test);
	dma_sync_sgtable_for_device(dev, &l->sgt, dir);

	ret = dma_revoke_sgtable(dev, &l->sgt, dir, 0);
	if (ret == -EOPNOTSUPP) {
		/* Then it has changed nothing */
		block = take_blocks(l);
		KUNIT_EXPECT_EQ(test, 0, test_disk_read(disk, block, &l->sgt));
		want_blocks(l, block);
		unmap(l);
		expect_windows(test);
		kunit_skip(test, "nothing here can revoke it: %pe",
			   ERR_PTR(ret));
	}
	KUNIT_ASSERT_EQ(test, 0, ret);
	l->attrs = DMA_ATTR_SKIP_CPU_SYNC;

	poison();
	scratch_block = take_scratch(l);
	KUNIT_EXPECT_GE(test, test_disk_write(disk, scratch_block, &l->sgt), 0);
	read_copy(test, copy, scratch_block);
	KUNIT_EXPECT_EQ(test, 0, leaked(l, copy));

	poison();
	KUNIT_EXPECT_GE(test, test_disk_read(disk, take_blocks(l), &l->sgt), 0);
	expect_windows(test);

	/* To revoke it once more changes nothing, nor is unmapping different */
	KUNIT_EXPECT_EQ(test, 0, dma_revoke_sgtable(dev, &l->sgt, dir, 0));
	KUNIT_EXPECT_GE(test, test_disk_read(disk, take_blocks(l), &l->sgt), 0);
	expect_windows(test);
	unmap(l);
	expect_windows(test);

	/* The addresses serve for other memory, and that memory for others */
	KUNIT_ASSERT_EQ(test, 0, try_map(l, dir));
	block = take_blocks(l);
	KUNIT_EXPECT_EQ(test, 0, test_disk_read(disk, block, &l->sgt));
	want_blocks(l, block);
	unmap(l);
	expect_windows(test);
}

/*
 * What unmapping forgets runs out: 1 GiB is more room than most of the
 * architectures' I/O MMUs have here. dma-iommu has more than can be tried.
 */
static void map_often(struct kunit *test, bool revoke)
{
	static const struct list_param scattered = { "", "HP", true };
	struct test_list *l = alloc_list(test, &scattered);
	size_t i, times = (get_dma_ops(dev) ? SZ_1G : SZ_16M) / l->bytes + 1;
	unsigned int block;
	int ret;

	if (!map(test, l, DMA_BIDIRECTIONAL))
		return;
	for (i = 0; i < times; i++) {
		if (revoke) {
			ret = dma_revoke_sgtable(dev, &l->sgt,
						 DMA_BIDIRECTIONAL, 0);
			if (ret == -EOPNOTSUPP)
				kunit_skip(test, "nothing here can revoke it: %pe",
					   ERR_PTR(ret));
			KUNIT_ASSERT_EQ(test, 0, ret);
			l->attrs = DMA_ATTR_SKIP_CPU_SYNC;
		}
		unmap(l);
		ret = try_map(l, DMA_BIDIRECTIONAL);
		KUNIT_ASSERT_EQ_MSG(test, 0, ret, "after %zu times", i);
		cond_resched();
	}
	block = take_blocks(l);
	KUNIT_EXPECT_EQ(test, 0, test_disk_read(disk, block, &l->sgt));
	want_blocks(l, block);
	unmap(l);
	expect_windows(test);
}

static void disk_map_often(struct kunit *test)
{
	map_often(test, false);
}

static void disk_revoke_often(struct kunit *test)
{
	map_often(test, true);
}

static void set_mask(void *mask)
{
	WARN_ON(dma_set_mask(dev, *(u64 *)mask));
}

/*
 * A device that can't address the memory reaches it with the help of an I/O MMU,
 * by an address that it can, or not at all.
 */
static void disk_beyond_mask(struct kunit *test)
{
	static const struct list_param param = { "", "HHHHHHHH" };
	struct test_list *l = alloc_list(test, &param);
	u64 mask = DMA_BIT_MASK(fls64(windows[HIDDEN].phys) - 1);
	u64 *was = kunit_kzalloc(test, sizeof(*was), GFP_KERNEL);
	struct scatterlist *sg;
	unsigned int i, block;
	int ret;

	KUNIT_ASSERT_NOT_NULL(test, was);
	*was = dma_get_mask(dev);
	if (dma_set_mask(dev, mask))
		kunit_skip(test, "this machine has no use for a device with mask %#llx",
			   mask);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, set_mask, was));

	ret = try_map(l, DMA_FROM_DEVICE);
	if (ret) {
		KUNIT_EXPECT_LT(test, ret, 0);
		kunit_info(test, "refused: %pe", ERR_PTR(ret));
		expect_windows(test);
		return;
	}
	for_each_sgtable_dma_sg(&l->sgt, sg, i)
		KUNIT_EXPECT_LE(test, sg_dma_address(sg) + sg_dma_len(sg) - 1,
				mask);
	block = take_blocks(l);
	KUNIT_EXPECT_EQ(test, 0, test_disk_read(disk, block, &l->sgt));
	want_blocks(l, block);
	unmap(l);
	expect_windows(test);
}

/* Stray transfers have gone to ordinary memory: some of it is watched */
static void fill_canary(void)
{
	unsigned int i;

	for (i = 0; i < CANARY_CHUNKS; i++) {
		canary[i] = alloc_pages(GFP_KERNEL | __GFP_NOWARN |
					__GFP_NORETRY, get_order(CANARY_CHUNK));
		if (!canary[i])
			break;
		memset(page_address(canary[i]), 0xca, CANARY_CHUNK);
	}
}

static void expect_canary(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < CANARY_CHUNKS && canary[i]; i++) {
		void *from = page_address(canary[i]);
		void *bad = memchr_inv(from, 0xca, CANARY_CHUNK);

		if (!bad)
			continue;
		KUNIT_FAIL(test, "memory changed that is in no list, at %#llx",
			   (u64)virt_to_phys(bad));
		memset(from, 0xca, CANARY_CHUNK);
	}
}

static int disk_case_init(struct kunit *test)
{
	if (!disk)
		kunit_skip(test, "no controller with the tests' disk");
	if (disk->dead)
		return -EIO;
	poison();
	return 0;
}

static void disk_case_exit(struct kunit *test)
{
	if (disk)
		expect_canary(test);
}

/*
 * RAM that nobody uses can't be told from its address. There may or may not be a
 * struct page for it, and parisc and sparc64 register all RAM as the kernel's,
 * whatever mem= says. But what the kernel hands out has a page that is not
 * reserved: that finds a machine that was started without the right mem=.
 */
static bool is_unused(phys_addr_t phys)
{
	unsigned long pfn = PHYS_PFN(phys), end = pfn + WINDOW_SIZE / PAGE_SIZE;

	for (; pfn < end; pfn++)
		if (pfn_valid(pfn) && !PageReserved(pfn_to_page(pfn)))
			return false;
	return true;
}

/*
 * Whether the architecture has a linear map of RAM that it was not told of, and
 * whether memremap() returns pointers, is different everywhere. Page tables are
 * the same.
 */
static int find_hidden(struct window *w)
{
	struct vmap_phys_range range = {
		.size = WINDOW_SIZE,
		.prot = dev_is_dma_coherent(dev) ? PAGE_KERNEL :
			pgprot_dmacoherent(PAGE_KERNEL),
	};
	unsigned long long phys, size;
	char *end;

	if (!hidden) {
		w->missing = "no RAM is hidden: see mem= and dma_sg_pfn_nvme.hidden=";
		return 0;
	}
	phys = memparse(hidden, &end);
	if (*end != ',')
		return -EINVAL;
	size = memparse(end + 1, &end);
	if (*end || size < WINDOW_SIZE || phys % PAGE_SIZE)
		return -EINVAL;
	w->phys = phys;
	if (w->phys != phys || !is_unused(phys))
		return -EBUSY;

	range.phys = phys;
	w->virt = vmap_phys_ranges(&range, 1);
	return w->virt ? 0 : -ENOMEM;
}

#define BOCHS_VENDOR	0x1234
#define BOCHS_DEVICE	0x1111

/*
 * The memory of a display; where the machine takes none, the controller memory
 * buffer of another NVMe controller, which QEMU has in BAR 2.
 */
static struct pci_dev *find_peer(void)
{
	struct pci_dev *pdev = pci_get_device(BOCHS_VENDOR, BOCHS_DEVICE, NULL);

	peer_bar = 0;
	if (pdev)
		return pdev;
	peer_bar = 2;
	while ((pdev = pci_get_class(PCI_CLASS_STORAGE_EXPRESS, pdev)))
		if (&pdev->dev != dev)
			break;
	return pdev;
}

/* As a user's mapping of the BAR has it */
static void find_bar_address(struct window *w)
{
#ifdef CONFIG_ALPHA
	struct pci_controller *hose = peer->sysdata;
	struct pci_bus_region region;

	/* There, resources are bus addresses: see arch/alpha/kernel/pci-sysfs.c */
	pcibios_resource_to_bus(peer->bus, &region,
				pci_resource_n(peer, peer_bar));
	w->bus = region.start;
	w->phys = hose->dense_mem_base + region.start;
#else
	w->phys = pci_resource_start(peer, peer_bar);
#endif
}

/* On the SBus, the memory of a display stands for a BAR */
static int find_sbus_memory(struct window *w)
{
	struct device_node *node = of_find_node_by_name(NULL, "SUNW,tcx");
	struct platform_device *pdev = NULL;

	if (node)
		pdev = of_find_device_by_node(node);
	of_node_put(node);
	if (!pdev) {
		w->missing = "no other device with memory";
		return 0;
	}
	if (pdev->dev.driver || resource_size(&pdev->resource[0]) < WINDOW_SIZE) {
		w->missing = "the other device's memory can't be used";
	} else {
		w->phys = pdev->resource[0].start;
		w->io = ioremap(w->phys, WINDOW_SIZE);
	}
	put_device(&pdev->dev);
	return w->missing || w->io ? 0 : -ENOMEM;
}

static int find_bar(struct window *w)
{
	peer = find_peer();
	if (!peer)
		return find_sbus_memory(w);
	if (peer->driver || !(pci_resource_flags(peer, peer_bar) & IORESOURCE_MEM) ||
	    pci_resource_len(peer, peer_bar) < WINDOW_SIZE ||
	    pci_enable_device(peer)) {
		w->missing = "the other device's memory can't be used";
		pci_dev_put(peer);
		peer = NULL;
		return 0;
	}
	find_bar_address(w);
	w->io = pci_iomap(peer, peer_bar, WINDOW_SIZE);
	return w->io ? 0 : -ENOMEM;
}

static int alloc_window(struct window *w)
{
	w->pages = alloc_pages(GFP_HIGHUSER, get_order(WINDOW_SIZE));
	if (!w->pages)
		return -ENOMEM;
	w->phys = page_to_phys(w->pages);
	return 0;
}

/* For the table of results: what is tested here */
static void tell_implementation(struct kunit_suite *suite)
{
	const char *bounced = always_bounces() ? ", always bounced" : "";
	const struct dma_map_ops *ops = get_dma_ops(dev);

#ifdef CONFIG_IOMMU_DMA
	if (use_dma_iommu(dev)) {
		kunit_info(suite, "implementation: dma-iommu, %ps",
			   dev->iommu->iommu_dev->ops->probe_device);
		return;
	}
#endif
#ifdef CONFIG_DMA_OPS_BYPASS
	if (ops && dev_dma_ops_bypass(dev)) {
		kunit_info(suite, "implementation: dma-direct beside %ps",
			   ops->map_sg);
		return;
	}
#endif
	if (ops)
		kunit_info(suite, "implementation: %ps%s", ops->map_sg, bounced);
	else
		kunit_info(suite, "implementation: dma-direct, %scoherent%s",
			   dev_is_dma_coherent(dev) ? "" : "not ", bounced);
}

static void disk_suite_exit(struct kunit_suite *suite)
{
	unsigned int i;

	for (i = 0; i < N_WINDOWS; i++) {
		struct window *w = &windows[i];

		if (w->io && peer)
			pci_iounmap(peer, w->io);
		else if (w->io)
			iounmap(w->io);
		if (w->virt)
			vunmap(w->virt);
		if (w->pages)
			__free_pages(w->pages, get_order(WINDOW_SIZE));
		vfree(w->want);
	}
	memset(windows, 0, sizeof(windows));
	if (peer) {
		pci_disable_device(peer);
		pci_dev_put(peer);
		peer = NULL;
	}
	for (i = 0; i < CANARY_CHUNKS && canary[i]; i++)
		__free_pages(canary[i], get_order(CANARY_CHUNK));
	memset(canary, 0, sizeof(canary));
	vfree(scratch);
	scratch = NULL;
	disk = NULL;
	test_disk_unregister();
}

static int disk_suite_init(struct kunit_suite *suite)
{
	enum window_id id;
	int ret;

	if (!mask_bits || mask_bits > 64)
		return -EINVAL;
	ret = test_disk_register(mask_bits);
	if (ret)
		return ret;
	disk = test_disk_get();
	if (IS_ERR(disk)) {
		ret = PTR_ERR(disk);
		disk = NULL;
		goto out;
	}
	if (!disk)
		return 0;
	dev = disk->dev;
	if (disk->blocks < SCRATCH_BLOCK + SCRATCH_BLOCKS) {
		ret = -ENOSPC;
		goto out;
	}

	ret = alloc_window(&windows[PAGES]);
	if (!ret)
		ret = alloc_window(&windows[COPY]);
	if (!ret)
		ret = find_hidden(&windows[HIDDEN]);
	if (!ret)
		ret = find_bar(&windows[BAR]);
	if (ret)
		goto out;

	ret = -ENOMEM;
	scratch = vmalloc(WINDOW_SIZE);
	if (!scratch)
		goto out;
	for (id = 0; id < N_WINDOWS; id++) {
		windows[id].want = vmalloc(WINDOW_SIZE);
		if (!windows[id].want)
			goto out;
	}
	fill_canary();
	tell_implementation(suite);
	return 0;

out:
	/* suite_exit is not called after an error */
	disk_suite_exit(suite);
	return ret;
}

static struct kunit_case disk_cases[] = {
	KUNIT_CASE_PARAM(disk_read, list_gen_params),
	KUNIT_CASE_PARAM(disk_write, list_gen_params),
	KUNIT_CASE_PARAM(disk_map_phys, phys_gen_params),
	KUNIT_CASE_PARAM(disk_revoke, revoke_gen_params),
	KUNIT_CASE_SLOW(disk_map_often),
	KUNIT_CASE_SLOW(disk_revoke_often),
	KUNIT_CASE(disk_beyond_mask),
	{}
};

static struct kunit_suite disk_suite = {
	.name = "dma_sg_pfn_nvme",
	.suite_init = disk_suite_init,
	.suite_exit = disk_suite_exit,
	.init = disk_case_init,
	.exit = disk_case_exit,
	.test_cases = disk_cases,
};

kunit_test_suite(disk_suite);

MODULE_DESCRIPTION("KUnit tests for DMA of a device to memory without struct page");
MODULE_LICENSE("GPL");
