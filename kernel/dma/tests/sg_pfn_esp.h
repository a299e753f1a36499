/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _SG_PFN_ESP_H
#define _SG_PFN_ESP_H

#include <linux/dma-direction.h>
#include <linux/types.h>

#include "sg_pfn_scsi.h"

struct test_esp;

/**
 * struct test_esp_ops - the machine around an ESP
 * @read: read a register, as numbered in esp_scsi.h
 * @write: write a register
 * @poll: 0 as long as the controller has nothing to say, a negative error code if
 *	the DMA engine has met an error
 * @start_dma: let the DMA engine transfer up to @len bytes from @addr on
 * @stop_dma: keep it from that, until it is started again
 * @stop: also in the middle of a transfer
 */
struct test_esp_ops {
	u8 (*read)(struct test_esp *esp, unsigned int reg);
	void (*write)(struct test_esp *esp, u8 val, unsigned int reg);
	int (*poll)(struct test_esp *esp);
	void (*start_dma)(struct test_esp *esp, dma_addr_t addr, u32 len,
			  enum dma_data_direction dir);
	void (*stop_dma)(struct test_esp *esp);
	void (*stop)(struct test_esp *esp);
};

/**
 * struct test_esp - an ESP and its DMA engine
 * @scsi: what there is of any SCSI controller
 * @ops: how to get at them
 * @regs: its registers
 * @dma_regs: those of the DMA engine, where it has some of its own
 * @target: SCSI ID of the disk
 * @phase: phase of the SCSI bus at the last interrupt
 */
struct test_esp {
	struct test_scsi scsi;
	const struct test_esp_ops *ops;
	void __iomem *regs;
	void __iomem *dma_regs;
	u8 target;
	u8 phase;
};

struct test_esp *test_esp_alloc(struct device *dev,
				const struct test_esp_ops *ops);
int test_esp_start(struct test_esp *esp);

#endif /* _SG_PFN_ESP_H */
