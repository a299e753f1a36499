// SPDX-License-Identifier: GPL-2.0-only
/*
 * How many instructions dma_map_sgtable() and dma_unmap_sgtable() take for a list
 * of pages. It is built with the unmodified kernel as well, to compare.
 *
 * With QEMU's -icount shift=0 the time stamp counter counts them: one nanosecond
 * of the machine's time is one instruction, whatever the host is doing meanwhile.
 * Interrupts are off, so that the counts are those of the two functions.
 */
#include <linux/dma-mapping.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/scatterlist.h>
#include <linux/sort.h>
#include <linux/timex.h>

#define MAX_ENTRIES	256
#define ROUNDS		101

static unsigned int vendor = 0x1234;
module_param(vendor, uint, 0444);
MODULE_PARM_DESC(vendor, "Vendor of the PCI device that the lists are mapped for");

static unsigned int device = 0x1111;
module_param(device, uint, 0444);
MODULE_PARM_DESC(device, "That device");

static int cmp_cycles(const void *a, const void *b)
{
	cycles_t x = *(const cycles_t *)a, y = *(const cycles_t *)b;

	return x < y ? -1 : x > y;
}

/*
 * The first rounds fill the caches of the IOVA allocator and make page tables;
 * the median is one that finds them.
 */
static int measure(struct device *dev, struct page *pages, unsigned int entries)
{
	static cycles_t cycles[ROUNDS];
	struct scatterlist *sg;
	unsigned long flags;
	struct sg_table sgt;
	unsigned int i;
	int ret;

	ret = sg_alloc_table(&sgt, entries, GFP_KERNEL);
	if (ret)
		return ret;

	/* Every other page: no two of them are neighbours */
	for_each_sgtable_sg(&sgt, sg, i)
		sg_set_page(sg, pages + 2 * i, PAGE_SIZE, 0);

	for (i = 0; i < ROUNDS; i++) {
		local_irq_save(flags);
		cycles[i] = get_cycles();
		ret = dma_map_sgtable(dev, &sgt, DMA_FROM_DEVICE, 0);
		if (!ret)
			dma_unmap_sgtable(dev, &sgt, DMA_FROM_DEVICE, 0);
		cycles[i] = get_cycles() - cycles[i];
		local_irq_restore(flags);
		if (ret)
			break;
	}
	if (!ret) {
		sort(cycles, ROUNDS, sizeof(*cycles), cmp_cycles, NULL);
		pr_info("dma_map_cost: %u %llu\n", entries,
			(unsigned long long)cycles[ROUNDS / 2]);
	}
	sg_free_table(&sgt);
	return ret;
}

static int __init dma_map_cost_init(void)
{
	static const unsigned int entries[] = { 1, 16, MAX_ENTRIES };
	struct pci_dev *pdev = pci_get_device(vendor, device, NULL);
	unsigned int order = get_order(2 * MAX_ENTRIES * PAGE_SIZE), i;
	struct page *pages;
	int ret;

	if (!pdev)
		return -ENODEV;
	ret = dma_set_mask(&pdev->dev, DMA_BIT_MASK(64));
	if (ret)
		goto put;
	pages = alloc_pages(GFP_KERNEL, order);
	if (!pages) {
		ret = -ENOMEM;
		goto put;
	}
	for (i = 0; i < ARRAY_SIZE(entries) && !ret; i++)
		ret = measure(&pdev->dev, pages, entries[i]);
	__free_pages(pages, order);
put:
	pci_dev_put(pdev);
	return ret;
}

static void __exit dma_map_cost_exit(void)
{
}

module_init(dma_map_cost_init);
module_exit(dma_map_cost_exit);

MODULE_DESCRIPTION("Instructions that it takes to map a scatterlist of pages");
MODULE_LICENSE("GPL");
