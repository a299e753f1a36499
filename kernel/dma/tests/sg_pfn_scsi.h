/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _SG_PFN_SCSI_H
#define _SG_PFN_SCSI_H

#include <linux/dma-direction.h>
#include <linux/types.h>

#include "sg_pfn_disk.h"

#define TEST_SCSI_BUFFER_SIZE	64

/**
 * struct test_scsi - the disk of the tests behind a SCSI controller
 * @disk: what the tests see
 * @command: all of a SCSI command: the @len bytes of @cdb, with @bytes transferred
 *	between the disk and the @nents DMA segments of @sgl. Returns the disk's
 *	status or a negative error code.
 * @buffer: memory for what the disk tells about itself
 * @buffer_dma: where the controller sees @buffer
 * @block_shift: from the tests' blocks to those of the disk, as a power of two
 */
struct test_scsi {
	struct test_disk disk;
	int (*command)(struct test_scsi *scsi, const u8 *cdb, unsigned int len,
		       struct scatterlist *sgl, unsigned int nents,
		       size_t bytes, enum dma_data_direction dir);
	void *buffer;
	dma_addr_t buffer_dma;
	unsigned int block_shift;
};

bool test_scsi_is_disk(struct test_scsi *scsi);
int test_scsi_get_size(struct test_scsi *scsi);
int test_scsi_transfer(struct test_disk *disk, u64 block, struct sg_table *sgt,
		       size_t bytes, enum dma_data_direction dir);

#endif /* _SG_PFN_SCSI_H */
