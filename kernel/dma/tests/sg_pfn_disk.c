// SPDX-License-Identifier: GPL-2.0-only
/*
 * The disk of the KUnit tests, whatever bus master it is behind: the NVMe
 * controller that is in almost all of QEMU's machines, or the SCSI controller of
 * those that have no PCI, or of pSeries' virtual I/O bus. Their drivers do just
 * enough to have blocks read and written at given DMA addresses. They poll, have
 * one command at a time in flight, and wait for nothing forever.
 */
#include <linux/dma-mapping.h>
#include <linux/err.h>
#include <linux/kconfig.h>
#include <linux/scatterlist.h>

#include "sg_pfn_disk.h"

/* Where there may be a SCSI controller, of one kind only: see the Makefile */
#define HAVE_SCSI	(IS_ENABLED(CONFIG_SBUS) || IS_ENABLED(CONFIG_MACH_JAZZ) || \
			 IS_ENABLED(CONFIG_IBMVIO))

/* NULL: there is none. An error: there is, and it does not work. */
static struct test_disk *the_disk;
static u64 the_mask;

int test_disk_register(unsigned int mask_bits)
{
	int ret = 0;

	the_mask = DMA_BIT_MASK(mask_bits);
	if (IS_ENABLED(CONFIG_PCI))
		ret = test_nvme_register();
	if (ret || !HAVE_SCSI)
		return ret;
	ret = test_scsi_register();
	if (ret && IS_ENABLED(CONFIG_PCI))
		test_nvme_unregister();
	return ret;
}

void test_disk_unregister(void)
{
	if (HAVE_SCSI)
		test_scsi_unregister();
	if (IS_ENABLED(CONFIG_PCI))
		test_nvme_unregister();
	the_disk = NULL;
}

struct test_disk *test_disk_get(void)
{
	return the_disk;
}

/* First of all in probe(): one bus master is enough */
int test_disk_claim(struct device *dev)
{
	if (!IS_ERR_OR_NULL(the_disk))
		return -ENODEV;
	return dma_set_mask_and_coherent(dev, the_mask);
}

void test_disk_found(struct test_disk *disk)
{
	the_disk = disk;
}

static int transfer(struct test_disk *disk, u64 block, struct sg_table *sgt,
		    enum dma_data_direction dir)
{
	struct scatterlist *sg;
	size_t bytes = 0;
	unsigned int i;

	if (disk->dead)
		return -ENODEV;
	for_each_sgtable_dma_sg(sgt, sg, i)
		bytes += sg_dma_len(sg);
	if (!bytes || bytes > disk->max_bytes || bytes % TEST_BLOCK ||
	    block + bytes / TEST_BLOCK > disk->blocks)
		return -EINVAL;
	return disk->transfer(disk, block, sgt, bytes, dir);
}

/* Both return what the driver's transfer() does */
int test_disk_read(struct test_disk *disk, u64 block, struct sg_table *sgt)
{
	return transfer(disk, block, sgt, DMA_FROM_DEVICE);
}

int test_disk_write(struct test_disk *disk, u64 block, struct sg_table *sgt)
{
	return transfer(disk, block, sgt, DMA_TO_DEVICE);
}
