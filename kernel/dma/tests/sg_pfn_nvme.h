/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _SG_PFN_NVME_H
#define _SG_PFN_NVME_H

#include <linux/scatterlist.h>
#include <linux/sizes.h>
#include <linux/types.h>

struct pci_dev;

/* What the tests count the disk in, and the controller the memory */
#define NVME_BLOCK	SZ_4K

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
 * struct test_nvme - the bus master of the tests
 * @pdev: the controller
 * @regs: its registers
 * @timeout_us: how long it may take to start and to stop
 * @memory: queues, the list of PRPs and a buffer for what identifies it
 * @memory_dma: where it sees @memory
 * @admin: the admin queues
 * @io: the only I/O queues
 * @prps: the list of PRPs in @memory
 * @last_id: identifier of the last command
 * @dead: it did not answer in time, and was stopped
 * @max_bytes: most that it transfers with one command
 * @lba_shift: size of a logical block of the disk, as a power of two
 * @blocks: size of the disk in NVME_BLOCK
 */
struct test_nvme {
	struct pci_dev *pdev;
	void __iomem *regs;
	unsigned long timeout_us;
	void *memory;
	dma_addr_t memory_dma;
	struct test_nvme_queue admin;
	struct test_nvme_queue io;
	__le64 *prps;
	u16 last_id;
	bool dead;
	size_t max_bytes;
	unsigned int lba_shift;
	u64 blocks;
};

int test_nvme_register(unsigned int mask_bits);
void test_nvme_unregister(void);
struct test_nvme *test_nvme_get(void);
int test_nvme_read(struct test_nvme *nvme, u64 block, struct sg_table *sgt);
int test_nvme_write(struct test_nvme *nvme, u64 block, struct sg_table *sgt);

#endif /* _SG_PFN_NVME_H */
