// SPDX-License-Identifier: GPL-2.0-only
/*
 * Capture device whose bus master is an NVMe controller: the controller
 *
 * One admin queue, whose answers are waited for, and one I/O queue that takes
 * nothing but READ.
 */
#include <linux/dma-mapping.h>
#include <linux/interrupt.h>
#include <linux/io.h>
#include <linux/io-64-nonatomic-lo-hi.h>
#include <linux/iopoll.h>
#include <linux/jiffies.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/pci.h>
#include <linux/string.h>
#include <linux/string_helpers.h>

#include "nvmecap.h"

/* How nvmecap.memory is divided, in pages of the controller */
enum {
	ADMIN_SQ,
	ADMIN_CQ,
	IO_SQ,
	IO_CQ,
	IDENTIFY,
	N_PAGES
};

/* Shutting down: where the controller doesn't say how long, and at most */
#define SHUTDOWN_US	(5 * USEC_PER_SEC)
#define MAX_SHUTDOWN_US	(60 * USEC_PER_SEC)

static void *page_of(struct nvmecap *nc, unsigned int page)
{
	return nc->memory + page * NVMECAP_PAGE;
}

static dma_addr_t dma_of(struct nvmecap *nc, unsigned int page)
{
	return nc->memory_dma + page * NVMECAP_PAGE;
}

static u32 nvmecap_status(struct nvmecap *nc)
{
	return readl(nc->regs + NVME_REG_CSTS);
}

/* A device that is gone reads as all ones. */
static int nvmecap_wait_status(struct nvmecap *nc, u32 mask, u32 want,
			       unsigned long timeout_us)
{
	u32 csts;
	int ret;

	ret = read_poll_timeout(nvmecap_status, csts,
				(csts & mask) == want || csts == U32_MAX,
				1000, timeout_us, false, nc);
	return csts == U32_MAX ? -ENODEV : ret;
}

static unsigned long nvmecap_ready_timeout_us(struct nvmecap *nc, u64 cap)
{
	unsigned int timeout = NVME_CAP_TIMEOUT(cap);
	u32 crto;

	/* devices are known to report less here than there */
	if (cap & NVME_CAP_CRMS_CRWMS) {
		crto = readl(nc->regs + NVME_REG_CRTO);
		timeout = max_t(u32, timeout, NVME_CRTO_CRWMT(crto));
	}

	/* in units of 500 ms; at least one, and no more than CAP could say */
	return (min(timeout, 255U) + 1) * (USEC_PER_SEC / 2);
}

/* Once it is disabled the controller has no queues, and accesses no memory. */
static int nvmecap_disable(struct nvmecap *nc)
{
	u64 cap = lo_hi_readq(nc->regs + NVME_REG_CAP);
	u32 cc = readl(nc->regs + NVME_REG_CC);

	cc &= ~(NVME_CC_SHN_MASK | NVME_CC_ENABLE);
	writel(cc, nc->regs + NVME_REG_CC);
	return nvmecap_wait_status(nc, NVME_CSTS_RDY, 0,
				   nvmecap_ready_timeout_us(nc, cap));
}

static int nvmecap_enable(struct nvmecap *nc)
{
	/* page size 0 is 4 KiB, arbitration 0 is round robin */
	u32 cc = NVME_CC_AMS_RR | NVME_CC_SHN_NONE | NVME_CC_IOSQES |
		 NVME_CC_IOCQES;
	u64 cap = lo_hi_readq(nc->regs + NVME_REG_CAP);

	if (NVME_CAP_CSS(cap) & NVME_CAP_CSS_NVM)
		cc |= NVME_CC_CSS_NVM;
	else
		cc |= NVME_CC_CSS_CSI;

	writel((nc->admin.depth - 1) << 16 | (nc->admin.depth - 1),
	       nc->regs + NVME_REG_AQA);
	lo_hi_writeq(dma_of(nc, ADMIN_SQ), nc->regs + NVME_REG_ASQ);
	lo_hi_writeq(dma_of(nc, ADMIN_CQ), nc->regs + NVME_REG_ACQ);

	writel(cc, nc->regs + NVME_REG_CC);
	/* the first write to CC may change what CAP says */
	cap = lo_hi_readq(nc->regs + NVME_REG_CAP);
	writel(cc | NVME_CC_ENABLE, nc->regs + NVME_REG_CC);

	return nvmecap_wait_status(nc, NVME_CSTS_RDY, NVME_CSTS_RDY,
				   nvmecap_ready_timeout_us(nc, cap));
}

/*
 * Queues
 */

/* Forget everything, while the controller is disabled. */
static void nvmecap_clear_queue(struct nvmecap_queue *queue)
{
	memset(queue->sqes, 0, queue->depth * sizeof(*queue->sqes));
	memset(queue->cqes, 0, queue->depth * sizeof(*queue->cqes));
	bitmap_zero(queue->busy, NVMECAP_MAX_DEPTH);
	queue->tail = 0;
	queue->head = 0;
	queue->phase = 1;
}

static void nvmecap_set_queue(struct nvmecap *nc, struct nvmecap_queue *queue,
			      u64 cap, unsigned int id, unsigned int sq,
			      unsigned int cq)
{
	void __iomem *doorbells = nc->regs + NVME_REG_DBS;
	unsigned int stride = 4 << NVME_CAP_STRIDE(cap);

	queue->sqes = page_of(nc, sq);
	queue->cqes = page_of(nc, cq);
	queue->sq_doorbell = doorbells + 2 * id * stride;
	queue->cq_doorbell = doorbells + (2 * id + 1) * stride;
	queue->depth = min(NVME_CAP_MQES(cap) + 1, NVMECAP_MAX_DEPTH);
	nvmecap_clear_queue(queue);
}

static void nvmecap_admin_answered(struct nvmecap *nc, u16 status, u32 result)
{
	nc->admin_status = status;
	nc->admin_result = result;
	nc->admin_done = true;
}

static int nvmecap_set_queues(struct nvmecap *nc, u64 cap)
{
	resource_size_t end = NVME_REG_DBS +
			      4 * (4ULL << NVME_CAP_STRIDE(cap));

	if (pci_resource_len(nc->pdev, 0) < end) {
		dev_err(&nc->pdev->dev, "BAR 0 ends before the doorbells\n");
		return -ENODEV;
	}

	guard(spinlock_irqsave)(&nc->lock);
	nc->admin.complete = nvmecap_admin_answered;
	nc->io.complete = nvmecap_frame_answered;
	nvmecap_set_queue(nc, &nc->admin, cap, 0, ADMIN_SQ, ADMIN_CQ);
	nvmecap_set_queue(nc, &nc->io, cap, 1, IO_SQ, IO_CQ);
	return 0;
}

/* Returns false if there are as many commands in flight as the queue takes. */
static bool nvmecap_submit(struct nvmecap_queue *queue,
			   const struct nvme_command *cmd)
{
	struct nvme_command *sqe = &queue->sqes[queue->tail];
	unsigned int id;

	/* a queue with one free entry is full */
	id = find_first_zero_bit(queue->busy, queue->depth - 1);
	if (id == queue->depth - 1)
		return false;

	__set_bit(id, queue->busy);
	*sqe = *cmd;
	sqe->common.command_id = id;
	if (++queue->tail == queue->depth)
		queue->tail = 0;
	return true;
}

/* Also orders the entries, the PRPs and the data before the doorbell */
static void nvmecap_ring_sq(struct nvmecap_queue *queue)
{
	writel(queue->tail, queue->sq_doorbell);
}

static void nvmecap_take_answer(struct nvmecap *nc, struct nvmecap_queue *queue)
{
	struct nvme_completion *cqe = &queue->cqes[queue->head];
	u16 status = le16_to_cpu(cqe->status) >> 1;
	u16 id = cqe->command_id;

	if (id >= queue->depth || !__test_and_clear_bit(id, queue->busy)) {
		dev_err_ratelimited(&nc->pdev->dev,
				    "answer to command %u, which is not in flight\n",
				    id);
		return;
	}
	queue->complete(nc, status, le32_to_cpu(cqe->result.u32));
}

static bool nvmecap_answer_pending(const struct nvmecap_queue *queue)
{
	__le16 status = READ_ONCE(queue->cqes[queue->head].status);

	return (le16_to_cpu(status) & 1) == queue->phase;
}

static bool nvmecap_poll_queue(struct nvmecap *nc, struct nvmecap_queue *queue)
{
	bool found = false;

	while (nvmecap_answer_pending(queue)) {
		found = true;
		/* the phase first, then the rest of the entry and the data */
		dma_rmb();
		nvmecap_take_answer(nc, queue);
		if (++queue->head == queue->depth) {
			queue->head = 0;
			queue->phase ^= 1;
		}
	}

	if (found)
		writel(queue->head, queue->cq_doorbell);
	return found;
}

/**
 * nvmecap_ctrl_poll() - take the controller's answers
 * @nc: the device
 *
 * Context: any, with nvmecap.lock held.
 * Return: true if there was an answer.
 */
bool nvmecap_ctrl_poll(struct nvmecap *nc)
{
	bool found;

	lockdep_assert_held(&nc->lock);

	found = nvmecap_poll_queue(nc, &nc->admin);
	if (nvmecap_poll_queue(nc, &nc->io)) {
		nvmecap_frame_advance(nc);
		found = true;
	}
	return found;
}

static irqreturn_t nvmecap_irq(int irq, void *data)
{
	struct nvmecap *nc = data;

	guard(spinlock_irqsave)(&nc->lock);
	return IRQ_RETVAL(nvmecap_ctrl_poll(nc));
}

/**
 * nvmecap_ctrl_read() - put a READ command into the I/O queue
 * @nc: the device
 * @slba: first logical block
 * @bytes: how much, a multiple of the size of a logical block
 * @dptr: where to
 *
 * The controller does not know before nvmecap_ctrl_ring(). Each command is
 * answered by nvmecap_frame_answered(), unless the controller is stopped.
 *
 * Context: any, with nvmecap.lock held.
 * Return: true, or false if the queue is full or the controller is not running.
 */
bool nvmecap_ctrl_read(struct nvmecap *nc, u64 slba, size_t bytes,
		       const union nvme_data_ptr *dptr)
{
	struct nvme_command cmd = {
		.rw.opcode = nvme_cmd_read,
		.rw.nsid = cpu_to_le32(nc->config.nsid),
		.rw.dptr = *dptr,
		.rw.slba = cpu_to_le64(slba),
		.rw.length = cpu_to_le16((bytes >> nc->geometry.lba_shift) - 1),
	};

	lockdep_assert_held(&nc->lock);

	return nc->state == NVMECAP_LIVE && nvmecap_submit(&nc->io, &cmd);
}

/**
 * nvmecap_ctrl_ring() - let the controller see what is in the I/O queue
 * @nc: the device
 *
 * Context: any, with nvmecap.lock held.
 */
void nvmecap_ctrl_ring(struct nvmecap *nc)
{
	lockdep_assert_held(&nc->lock);
	nvmecap_ring_sq(&nc->io);
}

/**
 * nvmecap_ctrl_failed() - can the controller not be expected to answer?
 * @nc: the device
 *
 * Context: any.
 * Return: true if it has reported a fatal error or is not there any more.
 */
bool nvmecap_ctrl_failed(struct nvmecap *nc)
{
	/* the bit is set in what an absent device reads as, too */
	return nvmecap_status(nc) & NVME_CSTS_CFS;
}

/*
 * Admin commands, one at a time
 */

static bool nvmecap_admin_poll(struct nvmecap *nc)
{
	guard(spinlock_irqsave)(&nc->lock);
	nvmecap_ctrl_poll(nc);
	return nc->admin_done;
}

static int nvmecap_admin(struct nvmecap *nc, const struct nvme_command *cmd)
{
	bool done;
	int ret;

	scoped_guard(spinlock_irqsave, &nc->lock) {
		nc->admin_done = false;
		nvmecap_submit(&nc->admin, cmd);
		nvmecap_ring_sq(&nc->admin);
	}

	ret = read_poll_timeout(nvmecap_admin_poll, done,
				done || nvmecap_ctrl_failed(nc), 100,
				NVMECAP_TIMEOUT_MS * USEC_PER_MSEC, false, nc);
	if (!ret && !done)
		ret = -EIO;
	if (!ret && nc->admin_status & NVME_SCT_SC_MASK) {
		dev_err(&nc->pdev->dev, "admin command %#x: status %#x\n",
			cmd->common.opcode, nc->admin_status);
		return -EIO;
	}
	if (ret)
		dev_err(&nc->pdev->dev, "no answer to admin command %#x\n",
			cmd->common.opcode);
	return ret;
}

static int nvmecap_identify(struct nvmecap *nc, u8 cns, u32 nsid)
{
	struct nvme_command cmd = {
		.identify.opcode = nvme_admin_identify,
		.identify.nsid = cpu_to_le32(nsid),
		.identify.dptr.prp1 = cpu_to_le64(dma_of(nc, IDENTIFY)),
		.identify.cns = cns,
	};

	memset(page_of(nc, IDENTIFY), 0, NVMECAP_PAGE);
	return nvmecap_admin(nc, &cmd);
}

static int nvmecap_identify_ctrl(struct nvmecap *nc,
				 struct nvmecap_geometry *geometry)
{
	const struct nvme_id_ctrl *id = page_of(nc, IDENTIFY);
	unsigned int max_mdts = ilog2(NVMECAP_MAX_TRANSFER / NVMECAP_PAGE);
	int ret;

	ret = nvmecap_identify(nc, NVME_ID_CNS_CTRL, 0);
	if (ret)
		return ret;

	/* 0: older than the field */
	if (id->cntrltype && id->cntrltype != NVME_CTRL_IO) {
		dev_err(&nc->pdev->dev, "not an I/O controller (type %u)\n",
			id->cntrltype);
		return -ENODEV;
	}

	geometry->max_transfer = NVMECAP_MAX_TRANSFER;
	if (id->mdts && id->mdts < max_mdts)
		geometry->max_transfer = NVMECAP_PAGE << id->mdts;
	nc->shutdown_timeout_us = clamp_t(unsigned long, le32_to_cpu(id->rtd3e),
					  SHUTDOWN_US, MAX_SHUTDOWN_US);
	memcpy(nc->model, id->mn, sizeof(id->mn));
	strim(nc->model);
	return 0;
}

static int nvmecap_identify_ns(struct nvmecap *nc,
			       struct nvmecap_geometry *geometry)
{
	const struct nvme_id_ns *id = page_of(nc, IDENTIFY);
	const struct nvme_lbaf *lbaf;
	int ret;

	ret = nvmecap_identify(nc, NVME_ID_CNS_NS, nc->config.nsid);
	if (ret)
		return ret;

	if (!id->nsze) {
		dev_err(&nc->pdev->dev, "there is no namespace %u\n",
			nc->config.nsid);
		return -ENODEV;
	}

	lbaf = &id->lbaf[nvme_lbaf_index(id->flbas)];
	if (lbaf->ms) {
		dev_err(&nc->pdev->dev,
			"namespace %u has metadata, which is not supported\n",
			nc->config.nsid);
		return -EOPNOTSUPP;
	}
	if (lbaf->ds < SECTOR_SHIFT || lbaf->ds > ilog2(geometry->max_transfer)) {
		dev_err(&nc->pdev->dev, "logical blocks of 2^%u bytes are not supported\n",
			lbaf->ds);
		return -EOPNOTSUPP;
	}

	if (le64_to_cpu(id->nsze) > U64_MAX >> lbaf->ds)
		return -EOVERFLOW;

	geometry->lba_shift = lbaf->ds;
	geometry->ns_bytes = le64_to_cpu(id->nsze) << lbaf->ds;
	return 0;
}

/* After a reset, the buffers that exist must still fit. */
static int nvmecap_identify_all(struct nvmecap *nc)
{
	struct nvmecap_geometry geometry = {};
	int ret;

	ret = nvmecap_identify_ctrl(nc, &geometry);
	if (!ret)
		ret = nvmecap_identify_ns(nc, &geometry);
	if (ret)
		return ret;

	if (nc->geometry.ns_bytes &&
	    memcmp(&nc->geometry, &geometry, sizeof(geometry))) {
		dev_err(&nc->pdev->dev, "namespace %u is not what it was\n",
			nc->config.nsid);
		return -ENODEV;
	}
	nc->geometry = geometry;
	return 0;
}

static int nvmecap_create_io_queue(struct nvmecap *nc)
{
	const struct nvme_command one_queue = {
		.features.opcode = nvme_admin_set_features,
		.features.fid = cpu_to_le32(NVME_FEAT_NUM_QUEUES),
	};
	const struct nvme_command cq = {
		.create_cq.opcode = nvme_admin_create_cq,
		.create_cq.prp1 = cpu_to_le64(dma_of(nc, IO_CQ)),
		.create_cq.cqid = cpu_to_le16(1),
		.create_cq.qsize = cpu_to_le16(nc->io.depth - 1),
		.create_cq.cq_flags = cpu_to_le16(NVME_QUEUE_PHYS_CONTIG |
						  NVME_CQ_IRQ_ENABLED),
	};
	const struct nvme_command sq = {
		.create_sq.opcode = nvme_admin_create_sq,
		.create_sq.prp1 = cpu_to_le64(dma_of(nc, IO_SQ)),
		.create_sq.sqid = cpu_to_le16(1),
		.create_sq.qsize = cpu_to_le16(nc->io.depth - 1),
		.create_sq.sq_flags = cpu_to_le16(NVME_QUEUE_PHYS_CONTIG),
		.create_sq.cqid = cpu_to_le16(1),
	};
	int ret;

	ret = nvmecap_admin(nc, &one_queue);
	if (!ret)
		ret = nvmecap_admin(nc, &cq);
	if (!ret)
		ret = nvmecap_admin(nc, &sq);
	return ret;
}

/*
 * Starting and stopping
 */

static void nvmecap_set_state(struct nvmecap *nc, enum nvmecap_state state)
{
	guard(spinlock_irqsave)(&nc->lock);
	nc->state = state;
}

/**
 * nvmecap_ctrl_stop() - stop the controller, whatever it is doing
 * @nc: the device
 *
 * Whatever the result, the controller does not access memory any more when this
 * function returns, and the frame that was in transfer has failed. A device that
 * does not stop by itself is kept from the bus.
 *
 * Context: process context, with nvmecap.reset_lock held. Sleeps, no longer than
 *	the controller says that it may take. Allocates nothing.
 * Return: 0, -ENODEV if the device is gone, -ETIMEDOUT if it doesn't obey.
 */
int nvmecap_ctrl_stop(struct nvmecap *nc)
{
	int ret;

	lockdep_assert_held(&nc->reset_lock);

	nvmecap_set_state(nc, NVMECAP_STOPPED);
	ret = nvmecap_disable(nc);
	pci_clear_master(nc->pdev);
	/* what it has posted before arrives before the answer to this */
	nvmecap_status(nc);

	guard(spinlock_irqsave)(&nc->lock);
	nvmecap_clear_queue(&nc->admin);
	nvmecap_clear_queue(&nc->io);
	nvmecap_frame_abort(nc);
	return ret;
}

static int nvmecap_check_cap(struct nvmecap *nc, u64 cap)
{
	struct device *dev = &nc->pdev->dev;

	if (cap == U64_MAX)
		return -ENODEV;
	if (NVME_CAP_MPSMIN(cap)) {
		dev_err(dev, "the controller does not know pages of 4 KiB\n");
		return -EOPNOTSUPP;
	}
	if (!(NVME_CAP_CSS(cap) & (NVME_CAP_CSS_NVM | NVME_CAP_CSS_CSI))) {
		dev_err(dev, "the controller has no I/O commands\n");
		return -EOPNOTSUPP;
	}
	if (!NVME_CAP_MQES(cap)) {
		dev_err(dev, "the controller has no queue\n");
		return -EOPNOTSUPP;
	}
	return 0;
}

/**
 * nvmecap_ctrl_start() - bring the controller up
 * @nc: the device, after nvmecap_ctrl_stop() or before the first start
 *
 * Context: process context, with nvmecap.reset_lock held. Sleeps. Allocates
 *	nothing.
 * Return: 0, or an error, the controller being stopped: -ENODEV if it is gone or
 *	not the one that it was, -EOPNOTSUPP if it can't be used, -EIO or
 *	-ETIMEDOUT if it doesn't work.
 */
int nvmecap_ctrl_start(struct nvmecap *nc)
{
	u64 cap = lo_hi_readq(nc->regs + NVME_REG_CAP);
	int ret;

	lockdep_assert_held(&nc->reset_lock);

	ret = nvmecap_check_cap(nc, cap);
	/* it may have been left running, with somebody else's queues */
	if (!ret)
		ret = nvmecap_disable(nc);
	if (!ret)
		ret = nvmecap_set_queues(nc, cap);
	if (ret)
		return ret;

	pci_set_master(nc->pdev);
	ret = nvmecap_enable(nc);
	if (!ret)
		ret = nvmecap_identify_all(nc);
	if (!ret)
		ret = nvmecap_create_io_queue(nc);
	if (ret) {
		nvmecap_ctrl_stop(nc);
		return ret;
	}

	nvmecap_set_state(nc, NVMECAP_LIVE);
	return 0;
}

/**
 * nvmecap_ctrl_shut_down() - shut the controller down and stop it, for good
 * @nc: the device
 *
 * Context: process context. Sleeps.
 */
void nvmecap_ctrl_shut_down(struct nvmecap *nc)
{
	u32 cc;

	disable_work_sync(&nc->reset_work);

	guard(mutex)(&nc->reset_lock);
	if (nc->state == NVMECAP_LIVE && !nvmecap_ctrl_failed(nc)) {
		cc = readl(nc->regs + NVME_REG_CC) & ~NVME_CC_SHN_MASK;
		writel(cc | NVME_CC_SHN_NORMAL, nc->regs + NVME_REG_CC);
		nvmecap_wait_status(nc, NVME_CSTS_SHST_MASK,
				    NVME_CSTS_SHST_CMPLT,
				    nc->shutdown_timeout_us);
	}
	if (nvmecap_ctrl_stop(nc) == -ETIMEDOUT)
		dev_warn(&nc->pdev->dev, "the controller did not stop\n");
}

static void nvmecap_reset_work(struct work_struct *work)
{
	struct nvmecap *nc = container_of(work, struct nvmecap, reset_work);
	int ret;

	guard(mutex)(&nc->reset_lock);
	scoped_guard(spinlock_irqsave, &nc->lock)
		nc->stats.resets++;

	ret = nvmecap_ctrl_stop(nc);
	if (!ret)
		ret = nvmecap_ctrl_start(nc);
	if (!ret) {
		dev_info(&nc->pdev->dev, "the controller was reset\n");
		return;
	}

	dev_err(&nc->pdev->dev, "the controller can't be reset: %d\n", ret);
	nvmecap_set_state(nc, NVMECAP_DEAD);
	vb2_queue_error(&nc->queue);
}

/**
 * nvmecap_ctrl_reset() - have the controller reset, because it doesn't work
 * @nc: the device
 *
 * Streaming goes on afterwards, or ends with an error if the controller can't be
 * brought up again.
 *
 * Context: any.
 */
void nvmecap_ctrl_reset(struct nvmecap *nc)
{
	queue_work(system_long_wq, &nc->reset_work);
}

static int nvmecap_map(struct nvmecap *nc)
{
	struct device *dev = &nc->pdev->dev;
	int ret;

	ret = pcim_enable_device(nc->pdev);
	if (ret)
		return ret;

	ret = dma_set_mask_and_coherent(dev, DMA_BIT_MASK(64));
	if (ret)
		return ret;
	/* an I/O MMU may merge what it likes, bounce buffers keep the offset */
	dma_set_max_seg_size(dev, UINT_MAX);
	dma_set_min_align_mask(dev, NVMECAP_PAGE - 1);

	nc->regs = pcim_iomap_region(nc->pdev, 0, KBUILD_MODNAME);
	if (IS_ERR(nc->regs))
		return PTR_ERR(nc->regs);

	nc->memory = dmam_alloc_coherent(dev, N_PAGES * NVMECAP_PAGE,
					 &nc->memory_dma, GFP_KERNEL);
	return nc->memory ? 0 : -ENOMEM;
}

static int nvmecap_request_irq(struct nvmecap *nc)
{
	int ret;

	ret = pci_alloc_irq_vectors(nc->pdev, 1, 1, PCI_IRQ_ALL_TYPES);
	if (ret < 0)
		return ret;

	nc->irq = pci_irq_vector(nc->pdev, 0);
	ret = request_irq(nc->irq, nvmecap_irq, IRQF_SHARED, KBUILD_MODNAME,
			  nc);
	if (ret)
		pci_free_irq_vectors(nc->pdev);
	return ret;
}

static void nvmecap_free_irq(struct nvmecap *nc)
{
	free_irq(nc->irq, nc);
	pci_free_irq_vectors(nc->pdev);
}

/**
 * nvmecap_ctrl_probe() - take the device and bring the controller up
 * @nc: the device, with all locks initialized
 *
 * Context: the probe of the driver.
 * Return: 0, or an error as of nvmecap_ctrl_start() and whatever the resources
 *	of the device can't be had for.
 */
int nvmecap_ctrl_probe(struct nvmecap *nc)
{
	u64 cap;
	int ret;

	INIT_WORK(&nc->reset_work, nvmecap_reset_work);

	ret = nvmecap_map(nc);
	if (ret)
		return ret;

	/* the interrupt handler looks at the queues */
	cap = lo_hi_readq(nc->regs + NVME_REG_CAP);
	ret = nvmecap_check_cap(nc, cap);
	if (!ret)
		ret = nvmecap_set_queues(nc, cap);
	if (!ret)
		ret = nvmecap_request_irq(nc);
	if (ret)
		return ret;

	scoped_guard(mutex, &nc->reset_lock)
		ret = nvmecap_ctrl_start(nc);
	if (ret)
		nvmecap_free_irq(nc);
	return ret;
}

/**
 * nvmecap_ctrl_remove() - undo what nvmecap_ctrl_probe() did
 * @nc: the device
 *
 * Context: the removal of the driver.
 */
void nvmecap_ctrl_remove(struct nvmecap *nc)
{
	nvmecap_ctrl_shut_down(nc);
	nvmecap_free_irq(nc);
}
