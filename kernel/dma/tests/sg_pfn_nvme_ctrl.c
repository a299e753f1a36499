// SPDX-License-Identifier: GPL-2.0-only
/*
 * The bus master for the KUnit tests on machines with PCI: QEMU's NVMe
 * controller. No other is driven, and no disk but the one that was made for the
 * tests: they write to it.
 */
#include <linux/dma-mapping.h>
#include <linux/err.h>
#include <linux/io.h>
#include <linux/io-64-nonatomic-lo-hi.h>
#include <linux/iopoll.h>
#include <linux/jiffies.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/nvme.h>
#include <linux/pci.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "sg_pfn_disk.h"

#define QEMU_NVME	0x0010

/* What the controller counts memory in */
#define NVME_PAGE	SZ_4K

/* How the coherent memory is divided, in pages of the controller */
enum {
	ADMIN_SQ,
	ADMIN_CQ,
	IO_SQ,
	IO_CQ,
	PRPS,
	IDENTIFY,
	N_PAGES
};

#define QUEUE_DEPTH	16
#define MAX_PRPS	(NVME_PAGE / sizeof(__le64))
#define COMMAND_TIMEOUT	(10 * HZ)

/**
 * struct test_nvme_queue - a submission queue and its completion queue
 * @sqes: the submission queue, which the controller reads
 * @cqes: the completion queue, which it writes
 * @sq_doorbell: register for the tail of the submission queue
 * @cq_doorbell: register for the head of the completion queue
 * @tail: next entry of @sqes to be filled
 * @head: next entry of @cqes to be looked at
 * @phase: what the phase bit of that entry will be once it's there
 */
struct test_nvme_queue {
	struct nvme_command *sqes;
	struct nvme_completion *cqes;
	void __iomem *sq_doorbell;
	void __iomem *cq_doorbell;
	u16 tail;
	u16 head;
	u16 phase;
};

/**
 * struct test_nvme - the controller
 * @disk: what the tests see
 * @regs: its registers
 * @timeout_us: how long it may take to start and to stop
 * @memory: queues, the list of PRPs and a buffer for what identifies it
 * @memory_dma: where it sees @memory
 * @admin: the admin queues
 * @io: the only I/O queues
 * @prps: the list of PRPs in @memory
 * @last_id: identifier of the last command
 * @lba_shift: size of a logical block of the disk, as a power of two
 */
struct test_nvme {
	struct test_disk disk;
	void __iomem *regs;
	unsigned long timeout_us;
	void *memory;
	dma_addr_t memory_dma;
	struct test_nvme_queue admin;
	struct test_nvme_queue io;
	__le64 *prps;
	u16 last_id;
	unsigned int lba_shift;
};

static void *page_of(struct test_nvme *nvme, unsigned int page)
{
	return nvme->memory + page * NVME_PAGE;
}

static dma_addr_t dma_of(struct test_nvme *nvme, unsigned int page)
{
	return nvme->memory_dma + page * NVME_PAGE;
}

static int wait_status(struct test_nvme *nvme, u32 mask, u32 want)
{
	u32 csts;

	return readl_poll_timeout(nvme->regs + NVME_REG_CSTS, csts,
				  (csts & mask) == want, 1000,
				  nvme->timeout_us);
}

/* Once it is disabled the controller has no queues, and accesses no memory */
static int disable(struct test_nvme *nvme)
{
	writel(0, nvme->regs + NVME_REG_CC);
	return wait_status(nvme, NVME_CSTS_RDY, 0);
}

static void set_queue(struct test_nvme *nvme, struct test_nvme_queue *queue,
		      unsigned int id, unsigned int sq, unsigned int cq)
{
	u64 cap = lo_hi_readq(nvme->regs + NVME_REG_CAP);
	void __iomem *doorbells = nvme->regs + NVME_REG_DBS;
	unsigned int stride = 4 << NVME_CAP_STRIDE(cap);

	queue->sqes = page_of(nvme, sq);
	queue->cqes = page_of(nvme, cq);
	queue->sq_doorbell = doorbells + 2 * id * stride;
	queue->cq_doorbell = doorbells + (2 * id + 1) * stride;
	queue->tail = 0;
	queue->head = 0;
	queue->phase = 1;
}

/*
 * Returns the status that the controller answered, which is 0 if all is well, or
 * a negative error code if it did not answer.
 */
static int run(struct test_nvme *nvme, struct test_nvme_queue *queue,
	       struct nvme_command *cmd)
{
	struct nvme_completion *cqe = &queue->cqes[queue->head];
	unsigned long deadline;
	u16 status;

	if (nvme->disk.dead)
		return -ENODEV;

	cmd->common.command_id = ++nvme->last_id;
	queue->sqes[queue->tail] = *cmd;
	queue->tail = (queue->tail + 1) % QUEUE_DEPTH;
	/* Also orders the entry, the PRPs and the data before the doorbell */
	writel(queue->tail, queue->sq_doorbell);

	deadline = jiffies + COMMAND_TIMEOUT;
	while (status = le16_to_cpu(READ_ONCE(cqe->status)),
	       (status & 1) != queue->phase) {
		if (time_after(jiffies, deadline)) {
			dev_err(nvme->disk.dev, "no answer to command %#x\n",
				cmd->common.opcode);
			/* It may be about to write: nobody knows where and when */
			nvme->disk.dead = true;
			disable(nvme);
			return -ETIMEDOUT;
		}
		usleep_range(10, 100);
	}
	dma_rmb();
	if (cqe->command_id != cmd->common.command_id)
		return -EPROTO;

	queue->head = (queue->head + 1) % QUEUE_DEPTH;
	if (!queue->head)
		queue->phase ^= 1;
	writel(queue->head, queue->cq_doorbell);
	return status >> 1;
}

/* Errors of the controller don't happen while it is set up */
static int run_admin(struct test_nvme *nvme, struct nvme_command *cmd)
{
	int ret = run(nvme, &nvme->admin, cmd);

	return ret > 0 ? -EIO : ret;
}

static int enable(struct test_nvme *nvme)
{
	int ret;

	ret = disable(nvme);
	if (ret)
		return ret;

	set_queue(nvme, &nvme->admin, 0, ADMIN_SQ, ADMIN_CQ);
	writel((QUEUE_DEPTH - 1) << 16 | (QUEUE_DEPTH - 1),
	       nvme->regs + NVME_REG_AQA);
	lo_hi_writeq(dma_of(nvme, ADMIN_SQ), nvme->regs + NVME_REG_ASQ);
	lo_hi_writeq(dma_of(nvme, ADMIN_CQ), nvme->regs + NVME_REG_ACQ);

	/* Page size 0 is 4 KiB, whatever the size of our own pages */
	writel(NVME_CC_ENABLE | NVME_CC_CSS_NVM | NVME_CC_IOSQES |
	       NVME_CC_IOCQES, nvme->regs + NVME_REG_CC);
	return wait_status(nvme, NVME_CSTS_RDY, NVME_CSTS_RDY);
}

static int identify(struct test_nvme *nvme, u8 cns, u32 nsid)
{
	struct nvme_command cmd = {
		.identify.opcode = nvme_admin_identify,
		.identify.nsid = cpu_to_le32(nsid),
		.identify.dptr.prp1 = cpu_to_le64(dma_of(nvme, IDENTIFY)),
		.identify.cns = cns,
	};

	memset(page_of(nvme, IDENTIFY), 0, NVME_PAGE);
	return run_admin(nvme, &cmd);
}

/* From our blocks to the disk's */
static unsigned int block_shift(struct test_nvme *nvme)
{
	return ilog2(TEST_BLOCK) - nvme->lba_shift;
}

static int find_disk(struct test_nvme *nvme)
{
	struct nvme_id_ctrl *ctrl = page_of(nvme, IDENTIFY);
	struct nvme_id_ns *ns = page_of(nvme, IDENTIFY);
	int ret;

	ret = identify(nvme, NVME_ID_CNS_CTRL, 0);
	if (ret)
		return ret;
	if (strncmp(ctrl->sn, TEST_DISK_SERIAL, strlen(TEST_DISK_SERIAL)))
		return -ENODEV;
	nvme->disk.max_bytes = MAX_PRPS * NVME_PAGE;
	if (ctrl->mdts)
		nvme->disk.max_bytes = min(nvme->disk.max_bytes,
					   (size_t)NVME_PAGE << ctrl->mdts);

	ret = identify(nvme, NVME_ID_CNS_NS, 1);
	if (ret)
		return ret;
	nvme->lba_shift = ns->lbaf[ns->flbas & NVME_NS_FLBAS_LBA_MASK].ds;
	if (nvme->lba_shift < 9 || BIT(nvme->lba_shift) > TEST_BLOCK)
		return -ENODEV;
	nvme->disk.blocks = le64_to_cpu(ns->nsze) >> block_shift(nvme);
	return 0;
}

static int create_io_queue(struct test_nvme *nvme)
{
	struct nvme_command one_queue = {
		.features.opcode = nvme_admin_set_features,
		.features.fid = cpu_to_le32(NVME_FEAT_NUM_QUEUES),
	};
	struct nvme_command cq = {
		.create_cq.opcode = nvme_admin_create_cq,
		.create_cq.prp1 = cpu_to_le64(dma_of(nvme, IO_CQ)),
		.create_cq.cqid = cpu_to_le16(1),
		.create_cq.qsize = cpu_to_le16(QUEUE_DEPTH - 1),
		.create_cq.cq_flags = cpu_to_le16(NVME_QUEUE_PHYS_CONTIG),
	};
	struct nvme_command sq = {
		.create_sq.opcode = nvme_admin_create_sq,
		.create_sq.prp1 = cpu_to_le64(dma_of(nvme, IO_SQ)),
		.create_sq.sqid = cpu_to_le16(1),
		.create_sq.qsize = cpu_to_le16(QUEUE_DEPTH - 1),
		.create_sq.sq_flags = cpu_to_le16(NVME_QUEUE_PHYS_CONTIG),
		.create_sq.cqid = cpu_to_le16(1),
	};
	int ret;

	set_queue(nvme, &nvme->io, 1, IO_SQ, IO_CQ);
	nvme->prps = page_of(nvme, PRPS);
	ret = run_admin(nvme, &one_queue);
	if (!ret)
		ret = run_admin(nvme, &cq);
	if (!ret)
		ret = run_admin(nvme, &sq);
	return ret;
}

static void delete_io_queue(struct test_nvme *nvme)
{
	struct nvme_command sq = {
		.delete_queue.opcode = nvme_admin_delete_sq,
		.delete_queue.qid = cpu_to_le16(1),
	};
	struct nvme_command cq = {
		.delete_queue.opcode = nvme_admin_delete_cq,
		.delete_queue.qid = cpu_to_le16(1),
	};

	if (!run_admin(nvme, &sq))
		run_admin(nvme, &cq);
}

static void shut_down(struct test_nvme *nvme)
{
	u32 cc = readl(nvme->regs + NVME_REG_CC);

	if (!nvme->disk.dead) {
		writel(cc | NVME_CC_SHN_NORMAL, nvme->regs + NVME_REG_CC);
		if (wait_status(nvme, NVME_CSTS_SHST_MASK,
				NVME_CSTS_SHST_CMPLT))
			dev_err(nvme->disk.dev, "does not shut down\n");
	}
	if (disable(nvme))
		dev_err(nvme->disk.dev, "can't be disabled\n");
}

static int start(struct test_nvme *nvme)
{
	u64 cap = lo_hi_readq(nvme->regs + NVME_REG_CAP);
	int ret;

	if (NVME_CAP_MPSMIN(cap))
		return -ENODEV;
	/* In units of 500 ms */
	nvme->timeout_us = (NVME_CAP_TIMEOUT(cap) + 1) * 500000UL;

	ret = enable(nvme);
	if (!ret)
		ret = find_disk(nvme);
	if (!ret)
		ret = create_io_queue(nvme);
	if (ret)
		shut_down(nvme);
	return ret;
}

/*
 * The entries of a list of PRPs are pages. Only the first may start, and only the
 * last may end, within one.
 */
static int set_prps(struct test_nvme *nvme, union nvme_data_ptr *ptr,
		    struct sg_table *sgt)
{
	unsigned int i, n = 0;
	struct scatterlist *sg;
	bool ended = false;

	for_each_sgtable_dma_sg(sgt, sg, i) {
		dma_addr_t addr = sg_dma_address(sg);
		size_t left = sg_dma_len(sg);

		while (left) {
			size_t offset = addr % NVME_PAGE;
			size_t len = min(left, NVME_PAGE - offset);

			if (ended || (n && offset) || offset % 4)
				return -EINVAL;
			if (n > MAX_PRPS)
				return -E2BIG;
			if (n)
				nvme->prps[n - 1] = cpu_to_le64(addr);
			else
				ptr->prp1 = cpu_to_le64(addr);
			n++;
			ended = offset + len < NVME_PAGE;
			addr += len;
			left -= len;
		}
	}

	if (n == 2)
		ptr->prp2 = nvme->prps[0];
	else if (n > 2)
		ptr->prp2 = cpu_to_le64(dma_of(nvme, PRPS));
	return n ? 0 : -EINVAL;
}

static int nvme_transfer(struct test_disk *disk, u64 block, struct sg_table *sgt,
			 size_t bytes, enum dma_data_direction dir)
{
	struct test_nvme *nvme = container_of(disk, struct test_nvme, disk);
	struct nvme_command cmd = {
		.rw.opcode = dir == DMA_FROM_DEVICE ? nvme_cmd_read :
						      nvme_cmd_write,
		.rw.nsid = cpu_to_le32(1),
		.rw.slba = cpu_to_le64(block << block_shift(nvme)),
		.rw.length = cpu_to_le16((bytes >> nvme->lba_shift) - 1),
	};
	int ret;

	ret = set_prps(nvme, &cmd.rw.dptr, sgt);
	return ret ?: run(nvme, &nvme->io, &cmd);
}

static int test_nvme_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct test_nvme *nvme;
	int ret;

	ret = test_disk_claim(&pdev->dev);
	if (ret)
		return ret;
	nvme = devm_kzalloc(&pdev->dev, sizeof(*nvme), GFP_KERNEL);
	if (!nvme)
		return -ENOMEM;
	nvme->disk.dev = &pdev->dev;
	nvme->disk.transfer = nvme_transfer;

	ret = pcim_enable_device(pdev);
	if (ret)
		return ret;
	nvme->regs = pcim_iomap(pdev, 0, 0);
	if (!nvme->regs)
		return -ENOMEM;
	/* Or no I/O MMU joins more than 64 KiB, and bounce buffers start anywhere */
	dma_set_max_seg_size(&pdev->dev, UINT_MAX);
	dma_set_min_align_mask(&pdev->dev, NVME_PAGE - 1);
	nvme->memory = dmam_alloc_coherent(&pdev->dev, N_PAGES * NVME_PAGE,
					   &nvme->memory_dma, GFP_KERNEL);
	if (!nvme->memory)
		return -ENOMEM;

	pci_set_master(pdev);
	ret = start(nvme);
	if (ret) {
		pci_clear_master(pdev);
		if (ret != -ENODEV)
			test_disk_found(ERR_PTR(ret));
		return ret;
	}
	pci_set_drvdata(pdev, nvme);
	test_disk_found(&nvme->disk);
	return 0;
}

static void test_nvme_remove(struct pci_dev *pdev)
{
	struct test_nvme *nvme = pci_get_drvdata(pdev);

	test_disk_found(NULL);
	delete_io_queue(nvme);
	shut_down(nvme);
	pci_clear_master(pdev);
}

static const struct pci_device_id test_nvme_ids[] = {
	{ PCI_DEVICE(PCI_VENDOR_ID_REDHAT, QEMU_NVME) },
	{}
};

/*
 * A driver, and not just a device that was looked up, because what is known about
 * the device's DMA is only set up when a driver is bound to it.
 */
static struct pci_driver test_nvme_driver = {
	.name = "dma_sg_pfn_nvme",
	.id_table = test_nvme_ids,
	.probe = test_nvme_probe,
	.remove = test_nvme_remove,
	.driver.probe_type = PROBE_FORCE_SYNCHRONOUS,
	.driver.suppress_bind_attrs = true,
};

int test_nvme_register(void)
{
	return pci_register_driver(&test_nvme_driver);
}

void test_nvme_unregister(void)
{
	pci_unregister_driver(&test_nvme_driver);
}
