/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _SG_PFN_DISK_H
#define _SG_PFN_DISK_H

#include <linux/dma-direction.h>
#include <linux/scatterlist.h>
#include <linux/sizes.h>
#include <linux/types.h>

struct device;

/* What the tests count the disk in */
#define TEST_BLOCK		SZ_4K

/* By which a disk is known to be the one that was made for the tests */
#define TEST_DISK_SERIAL	"sg-pfn-kunit"

/**
 * struct test_disk - the disk of the tests, and the bus master that it is behind
 * @dev: the bus master
 * @max_bytes: most that it transfers with one command
 * @blocks: size of the disk in TEST_BLOCK
 * @dead: it did not answer in time, and was stopped
 * @transfer: have it transfer @bytes, which is what @sgt adds up to, between the
 *	DMA segments of @sgt and the disk from @block on. Returns a status of the
 *	controller or the disk, 0 if all is well, or a negative error code.
 */
struct test_disk {
	struct device *dev;
	size_t max_bytes;
	u64 blocks;
	bool dead;
	int (*transfer)(struct test_disk *disk, u64 block, struct sg_table *sgt,
			size_t bytes, enum dma_data_direction dir);
};

/* For the tests */
int test_disk_register(unsigned int mask_bits);
void test_disk_unregister(void);
struct test_disk *test_disk_get(void);
int test_disk_read(struct test_disk *disk, u64 block, struct sg_table *sgt);
int test_disk_write(struct test_disk *disk, u64 block, struct sg_table *sgt);

/* For the drivers of the bus masters */
int test_disk_claim(struct device *dev);
void test_disk_found(struct test_disk *disk);

/* The drivers */
int test_nvme_register(void);
void test_nvme_unregister(void);
int test_scsi_register(void);
void test_scsi_unregister(void);

#endif /* _SG_PFN_DISK_H */
