// SPDX-License-Identifier: GPL-2.0-only
/*
 * The commands that the KUnit tests have for their disk, if it is a SCSI disk.
 * Nothing is written to a disk but the one that was made for the tests.
 */
#include <linux/log2.h>
#include <linux/string.h>
#include <linux/unaligned.h>
#include <scsi/scsi_proto.h>

#include "sg_pfn_scsi.h"

#define VPD_SERIAL		0x80

/* Get what a command returns into the buffer. Errors don't happen here. */
static int get(struct test_scsi *scsi, const u8 *cdb, unsigned int len, u8 bytes)
{
	struct scatterlist sg;
	int ret;

	memset(scsi->buffer, 0, TEST_SCSI_BUFFER_SIZE);
	sg_init_table(&sg, 1);
	sg_dma_address(&sg) = scsi->buffer_dma;
	sg_dma_len(&sg) = bytes;
	ret = scsi->command(scsi, cdb, len, &sg, 1, bytes, DMA_FROM_DEVICE);
	return ret > 0 ? -EIO : ret;
}

bool test_scsi_is_disk(struct test_scsi *scsi)
{
	static const u8 cdb[6] = { INQUIRY, 1, VPD_SERIAL, 0,
				   TEST_SCSI_BUFFER_SIZE };

	return !get(scsi, cdb, sizeof(cdb), TEST_SCSI_BUFFER_SIZE) &&
	       !strncmp(scsi->buffer + 4, TEST_DISK_SERIAL,
			strlen(TEST_DISK_SERIAL));
}

/* Returns 0 or a negative error code */
int test_scsi_get_size(struct test_scsi *scsi)
{
	static const u8 ready_cdb[6] = { TEST_UNIT_READY };
	static const u8 cdb[10] = { READ_CAPACITY };
	u32 block_size;
	int ret, i = 0;

	/* First of all it tells that it was reset, once for each time */
	do {
		ret = scsi->command(scsi, ready_cdb, sizeof(ready_cdb), NULL, 0,
				    0, DMA_NONE);
	} while (ret == SAM_STAT_CHECK_CONDITION && i++ < 10);
	if (!ret)
		ret = get(scsi, cdb, sizeof(cdb), 8);
	if (ret)
		return ret < 0 ? ret : -EIO;

	block_size = get_unaligned_be32(scsi->buffer + 4);
	if (!is_power_of_2(block_size) || block_size > TEST_BLOCK)
		return -EIO;
	scsi->block_shift = ilog2(TEST_BLOCK) - ilog2(block_size);
	scsi->disk.blocks = (get_unaligned_be32(scsi->buffer) + 1ULL) >>
			    scsi->block_shift;
	return 0;
}

/* For &test_disk.transfer */
int test_scsi_transfer(struct test_disk *disk, u64 block, struct sg_table *sgt,
		       size_t bytes, enum dma_data_direction dir)
{
	struct test_scsi *scsi = container_of(disk, struct test_scsi, disk);
	u8 cdb[10] = { dir == DMA_FROM_DEVICE ? READ_10 : WRITE_10 };

	put_unaligned_be32(block << scsi->block_shift, cdb + 2);
	put_unaligned_be16(bytes / TEST_BLOCK << scsi->block_shift, cdb + 7);
	return scsi->command(scsi, cdb, sizeof(cdb), sgt->sgl, sgt->nents, bytes,
			     dir);
}
