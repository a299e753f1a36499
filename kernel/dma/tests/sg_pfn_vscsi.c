// SPDX-License-Identifier: GPL-2.0-only
/*
 * A bus master for the KUnit tests on the virtual I/O bus of pSeries machines: the
 * virtual SCSI adapter, which has a TCE table of its own.
 *
 * Commands are information units of the SCSI RDMA protocol (SRP). The adapter is
 * told of them, and answers, by the command/response queue (CRQ): it then fetches
 * the unit, the table of the DMA segments and the data itself, at I/O addresses.
 * Migration, reservation and what only a real VIO server needs are left out, see
 * drivers/scsi/ibmvscsi for that.
 */
#include <linux/device.h>
#include <linux/dma-mapping.h>
#include <linux/iopoll.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/string.h>
#include <linux/unaligned.h>
#include <scsi/viosrp.h>

#include <asm/vio.h>

#include "sg_pfn_scsi.h"

#define DISK_LUN		0x8000	/* The first of the first target */
#define CRQ_SIZE		SZ_4K
#define MAX_BYTES		SZ_512K
#define MAX_DESCRIPTORS		128

/* QEMU keeps its place in the memory of a descriptor in 16 bits */
#define MAX_DESCRIPTOR_BYTES	SZ_64K

#define ANSWER_TIMEOUT_US	(10 * USEC_PER_SEC)

/**
 * struct test_vscsi_memory - what the adapter accesses, beside the tests' lists
 * @crq: the queue of what it has to say
 * @iu: a command, and then the response to it
 * @table: where the data of the command is to go
 * @data: memory for what the disk tells about itself
 */
struct test_vscsi_memory {
	struct viosrp_crq crq[CRQ_SIZE / sizeof(struct viosrp_crq)];
	union srp_iu iu;
	struct srp_direct_buf table[MAX_DESCRIPTORS];
	u8 data[TEST_SCSI_BUFFER_SIZE];
};

/**
 * struct test_vscsi - an adapter
 * @scsi: what there is of any SCSI controller
 * @parms: of how much it takes in one piece
 * @unit: the hypervisor's name for it
 * @mem: memory that it accesses
 * @dma: where it sees @mem
 * @next: where in the queue its next message will be
 */
struct test_vscsi {
	struct test_scsi scsi;
	struct device_dma_parameters parms;
	u32 unit;
	struct test_vscsi_memory *mem;
	dma_addr_t dma;
	unsigned int next;
};

#define dma_of(vscsi, member) \
	((vscsi)->dma + offsetof(struct test_vscsi_memory, member))

/* Without a queue the adapter accesses no memory */
static void stop(struct test_vscsi *vscsi)
{
	long rc;

	if (read_poll_timeout(plpar_hcall_norets, rc,
			      rc != H_BUSY && !H_IS_LONG_BUSY(rc), 1000,
			      ANSWER_TIMEOUT_US, false, H_FREE_CRQ,
			      vscsi->unit))
		dev_err(vscsi->scsi.disk.dev, "the queue can't be freed\n");
}

/* Send a message and wait for the answer, which takes its place */
static int exchange(struct test_vscsi *vscsi, struct viosrp_crq *msg)
{
	struct viosrp_crq *answer = &vscsi->mem->crq[vscsi->next];
	int timeout = 0;
	u8 valid;
	long rc;

	/* What the message leads to has to be in memory before the message */
	mb();
	rc = plpar_hcall_norets(H_SEND_CRQ, vscsi->unit,
				be64_to_cpu(msg->high),
				be64_to_cpu(msg->IU_data_ptr));
	if (!rc)
		timeout = read_poll_timeout(READ_ONCE, valid,
					    valid != VIOSRP_CRQ_FREE, 10,
					    ANSWER_TIMEOUT_US, false,
					    answer->valid);
	if (rc || timeout) {
		dev_err(vscsi->scsi.disk.dev, "%s (%ld)\n",
			timeout ? "no answer" : "a message is not taken", rc);
		/* It may be about to write: nobody knows where and when */
		vscsi->scsi.disk.dead = true;
		stop(vscsi);
		return timeout ?: -EIO;
	}

	/* The rest of the answer is not older than its first byte */
	dma_rmb();
	*msg = *answer;
	memset(answer, 0, sizeof(*answer));
	vscsi->next = (vscsi->next + 1) % ARRAY_SIZE(vscsi->mem->crq);
	return 0;
}

/* Have the @len bytes of an information unit executed: the response is to be @op */
static int execute(struct test_vscsi *vscsi, size_t len, u8 op)
{
	struct viosrp_crq msg = {
		.valid = VIOSRP_CRQ_CMD_RSP,
		.format = VIOSRP_SRP_FORMAT,
		.IU_length = cpu_to_be16(len),
		.IU_data_ptr = cpu_to_be64(dma_of(vscsi, iu)),
	};
	int ret = exchange(vscsi, &msg);

	if (ret)
		return ret;
	if (msg.valid != VIOSRP_CRQ_CMD_RSP ||
	    msg.format != VIOSRP_SRP_FORMAT || msg.status != VIOSRP_OK ||
	    vscsi->mem->iu.rsp.opcode != op)
		return -EPROTO;
	return 0;
}

static int start(struct test_vscsi *vscsi)
{
	struct srp_login_req *login = &vscsi->mem->iu.login_req;
	struct viosrp_crq msg = {
		.valid = VIOSRP_CRQ_INIT_RSP,
		.format = VIOSRP_CRQ_INIT,
	};
	int ret;

	/* It has no interrupt enabled: it is polled */
	if (plpar_hcall_norets(H_REG_CRQ, vscsi->unit, dma_of(vscsi, crq),
			       CRQ_SIZE))
		return -EIO;
	ret = exchange(vscsi, &msg);
	if (ret)
		return ret;
	if (msg.valid != VIOSRP_CRQ_INIT_RSP ||
	    msg.format != VIOSRP_CRQ_INIT_COMPLETE)
		return -EPROTO;

	login->opcode = SRP_LOGIN_REQ;
	login->req_it_iu_len = cpu_to_be32(SRP_MAX_IU_LEN);
	login->req_buf_fmt = cpu_to_be16(SRP_BUF_FORMAT_INDIRECT);
	return execute(vscsi, sizeof(*login), SRP_LOGIN_RSP);
}

/* Write the table of the memory for the data. Returns the number of descriptors. */
static int describe(struct test_vscsi *vscsi, struct scatterlist *sgl,
		    unsigned int nents)
{
	struct srp_direct_buf *desc = vscsi->mem->table;
	struct srp_direct_buf *end = desc + MAX_DESCRIPTORS;
	struct scatterlist *sg;
	unsigned int i;

	for_each_sg(sgl, sg, nents, i) {
		dma_addr_t addr = sg_dma_address(sg);
		u32 left = sg_dma_len(sg), len;

		for (; left; left -= len, addr += len, desc++) {
			if (desc == end)
				return -EINVAL;
			len = min(left, MAX_DESCRIPTOR_BYTES);
			desc->va = cpu_to_be64(addr);
			desc->key = 0;
			desc->len = cpu_to_be32(len);
		}
	}
	return desc - vscsi->mem->table;
}

/* All of a SCSI command. Returns the disk's status or a negative error code. */
static int command(struct test_scsi *scsi, const u8 *cdb, unsigned int len,
		   struct scatterlist *sgl, unsigned int nents, size_t bytes,
		   enum dma_data_direction dir)
{
	struct test_vscsi *vscsi = container_of(scsi, struct test_vscsi, scsi);
	struct srp_cmd *cmd = &vscsi->mem->iu.cmd;
	struct srp_indirect_buf *data = (void *)cmd->add_data;
	int n, ret;

	n = describe(vscsi, sgl, nents);
	if (n < 0)
		return n;
	memset(&vscsi->mem->iu, 0, sizeof(vscsi->mem->iu));
	cmd->opcode = SRP_CMD;
	put_unaligned_be16(DISK_LUN, cmd->lun.scsi_lun);
	memcpy(cmd->cdb, cdb, len);
	if (dir == DMA_TO_DEVICE)
		cmd->buf_fmt = SRP_DATA_DESC_INDIRECT << 4;
	else if (dir == DMA_FROM_DEVICE)
		cmd->buf_fmt = SRP_DATA_DESC_INDIRECT;

	data->table_desc.va = cpu_to_be64(dma_of(vscsi, table));
	data->table_desc.len = cpu_to_be32(n * sizeof(vscsi->mem->table[0]));
	data->len = cpu_to_be32(bytes);

	ret = execute(vscsi, sizeof(*cmd) + sizeof(*data), SRP_RSP);
	return ret ?: vscsi->mem->iu.rsp.status;
}

static int vscsi_transfer(struct test_disk *disk, u64 block,
			  struct sg_table *sgt, size_t bytes,
			  enum dma_data_direction dir)
{
	struct test_vscsi *vscsi = container_of(disk, struct test_vscsi,
						scsi.disk);
	int ret = test_scsi_transfer(disk, block, sgt, bytes, dir);

	/* There must be nothing left, and no room for more */
	if (!ret && vscsi->mem->iu.rsp.flags)
		ret = -EIO;
	return ret;
}

static int test_vscsi_probe(struct vio_dev *vdev,
			    const struct vio_device_id *id)
{
	struct device *dev = &vdev->dev;
	struct test_vscsi *vscsi;
	int ret;

	vscsi = devm_kzalloc(dev, sizeof(*vscsi), GFP_KERNEL);
	if (!vscsi)
		return -ENOMEM;
	ret = test_disk_claim(dev);
	if (ret)
		return ret;
	vscsi->scsi.disk.dev = dev;
	vscsi->scsi.disk.max_bytes = MAX_BYTES;
	vscsi->scsi.disk.transfer = vscsi_transfer;
	vscsi->unit = vdev->unit_address;
	vscsi->mem = dmam_alloc_coherent(dev, sizeof(*vscsi->mem), &vscsi->dma,
					 GFP_KERNEL);
	if (!vscsi->mem)
		return -ENOMEM;
	vscsi->scsi.command = command;
	vscsi->scsi.buffer = vscsi->mem->data;
	vscsi->scsi.buffer_dma = dma_of(vscsi, data);

	ret = start(vscsi);
	if (!ret)
		ret = test_scsi_is_disk(&vscsi->scsi) ?
			test_scsi_get_size(&vscsi->scsi) : -ENODEV;
	if (ret) {
		stop(vscsi);
		if (ret != -ENODEV || vscsi->scsi.disk.dead)
			test_disk_found(ERR_PTR(ret));
		return ret;
	}
	dev_set_drvdata(dev, vscsi);
	/* The bus has none for its devices */
	dev->dma_parms = &vscsi->parms;
	dma_set_max_seg_size(dev, MAX_BYTES);
	test_disk_found(&vscsi->scsi.disk);
	return 0;
}

static void test_vscsi_remove(struct vio_dev *vdev)
{
	test_disk_found(NULL);
	stop(dev_get_drvdata(&vdev->dev));
	vdev->dev.dma_parms = NULL;
}

static const struct vio_device_id test_vscsi_ids[] = {
	{ "vscsi", "IBM,v-scsi" },
	{ "", "" }
};

static struct vio_driver test_vscsi_driver = {
	.name = "dma_sg_pfn_vscsi",
	.id_table = test_vscsi_ids,
	.probe = test_vscsi_probe,
	.remove = test_vscsi_remove,
	.driver = {
		.probe_type = PROBE_FORCE_SYNCHRONOUS,
		.suppress_bind_attrs = true,
	},
};

int test_scsi_register(void)
{
	return vio_register_driver(&test_vscsi_driver);
}

void test_scsi_unregister(void)
{
	vio_unregister_driver(&test_vscsi_driver);
}
