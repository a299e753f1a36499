// SPDX-License-Identifier: GPL-2.0-only
/*
 * A bus master for the KUnit tests on machines with SBus: the ESP SCSI controller
 * of QEMU's sun4m, with the DMA engine in front of it.
 *
 * Each DMA segment is a transfer of its own in the data phase of one command, so
 * that segments may have any length up to what the transfer counter can count.
 * What only real hardware needs, such as timing, is left out. No disk is written
 * to but the one that was made for the tests.
 */
#include <linux/device.h>
#include <linux/dma-mapping.h>
#include <linux/err.h>
#include <linux/interrupt.h>
#include <linux/io.h>
#include <linux/iopoll.h>
#include <linux/log2.h>
#include <linux/module.h>
#include <linux/of.h>
#include <linux/platform_device.h>
#include <linux/string.h>
#include <linux/unaligned.h>
#include <scsi/scsi_proto.h>

#include <asm/dma.h>
#include <asm/prom.h>

/* The registers: see the Makefile */
#include "esp_scsi.h"
#include "sg_pfn_disk.h"

#define TARGETS			7	/* 7 is the controller itself */
#define IDENTIFY		0x80	/* LUN 0, and it won't disconnect */
#define VPD_SERIAL		0x80
#define MAX_SEGMENT		SZ_64K
#define BUFFER_SIZE		64
#define COMMAND_TIMEOUT_US	(10 * USEC_PER_SEC)

/**
 * struct test_esp - an ESP and its DMA engine
 * @disk: what the tests see
 * @regs: its registers
 * @dma_regs: those of the DMA engine
 * @buffer: memory for what the disk tells about itself
 * @buffer_dma: where the DMA engine sees @buffer
 * @target: SCSI ID of the disk
 * @phase: phase of the SCSI bus at the last interrupt
 * @block_shift: from the tests' blocks to those of the disk, as a power of two
 */
struct test_esp {
	struct test_disk disk;
	void __iomem *regs;
	void __iomem *dma_regs;
	void *buffer;
	dma_addr_t buffer_dma;
	u8 target;
	u8 phase;
	unsigned int block_shift;
};

static u8 esp_read(struct test_esp *esp, unsigned long reg)
{
	return sbus_readb(esp->regs + reg * 4);
}

static void esp_write(struct test_esp *esp, u8 val, unsigned long reg)
{
	sbus_writeb(val, esp->regs + reg * 4);
}

/* Held in reset the controller accesses no memory */
static void hold_in_reset(struct test_esp *esp)
{
	sbus_writel(DMA_RST_SCSI, esp->dma_regs + DMA_CSR);
}

/* It has no interrupt enabled: it is polled */
static void reset(struct test_esp *esp)
{
	hold_in_reset(esp);
	sbus_writel(0, esp->dma_regs + DMA_CSR);
	esp_write(esp, ESP_CMD_RC, ESP_CMD);
	esp_write(esp, ESP_CMD_NULL, ESP_CMD);
}

/*
 * Give the controller a command and wait until it has done that. Returns why it
 * interrupts, or a negative error code.
 */
static int run(struct test_esp *esp, u8 cmd)
{
	u32 csr;
	int ret;

	esp_write(esp, cmd, ESP_CMD);
	ret = read_poll_timeout(sbus_readl, csr,
				csr & (DMA_HNDL_INTR | DMA_HNDL_ERROR), 10,
				COMMAND_TIMEOUT_US, false,
				esp->dma_regs + DMA_CSR);
	if (ret || csr & DMA_HNDL_ERROR) {
		dev_err(esp->disk.dev, "command %#x: %s\n", cmd,
			ret ? "no answer" : "DMA error");
		/* It may be about to write: nobody knows where and when */
		esp->disk.dead = true;
		hold_in_reset(esp);
		return ret ?: -EIO;
	}
	esp->phase = esp_read(esp, ESP_STATUS) & ESP_STAT_PMASK;
	return esp_read(esp, ESP_INTRPT);
}

static int run_dma(struct test_esp *esp, struct scatterlist *sg,
		   enum dma_data_direction dir)
{
	u32 len = sg_dma_len(sg);
	int ret;

	/* The counter's 0 is 64 KiB */
	esp_write(esp, len, ESP_TCLOW);
	esp_write(esp, len >> 8, ESP_TCMED);
	sbus_writel(DMA_ENABLE | (dir == DMA_FROM_DEVICE ? DMA_ST_WRITE : 0),
		    esp->dma_regs + DMA_CSR);
	sbus_writel(sg_dma_address(sg), esp->dma_regs + DMA_ADDR);
	ret = run(esp, ESP_CMD_TI | ESP_CMD_DMA);
	if (ret >= 0)
		sbus_writel(0, esp->dma_regs + DMA_CSR);
	return ret;
}

/* All of a SCSI command. Returns the disk's status or a negative error code. */
static int command(struct test_esp *esp, const u8 *cdb, unsigned int len,
		   struct scatterlist *sgl, unsigned int nents,
		   enum dma_data_direction dir)
{
	u8 data_phase = dir == DMA_FROM_DEVICE ? ESP_DIP : ESP_DOP;
	struct scatterlist *sg;
	unsigned int i;
	int ret, status;

	esp_write(esp, ESP_CMD_FLUSH, ESP_CMD);
	esp_write(esp, IDENTIFY, ESP_FDATA);
	for (i = 0; i < len; i++)
		esp_write(esp, cdb[i], ESP_FDATA);
	esp_write(esp, esp->target, ESP_BUSID);
	ret = run(esp, ESP_CMD_SELA);
	if (ret < 0)
		return ret;
	if (ret & ESP_INTR_DC)
		return -ENODEV;

	for_each_sg(sgl, sg, nents, i) {
		/* It's the disk that ends the phase, also too early */
		if (esp->phase != data_phase)
			break;
		ret = run_dma(esp, sg, dir);
		if (ret < 0)
			return ret;
	}
	if (esp->phase != ESP_STATP) {
		reset(esp);
		return -EPROTO;
	}

	ret = run(esp, ESP_CMD_ICCSEQ);
	if (ret < 0)
		return ret;
	status = esp_read(esp, ESP_FDATA);
	ret = run(esp, ESP_CMD_MOK);
	if (ret < 0)
		return ret;
	return status || i == nents ? status : -EIO;
}

/* Get what a command returns into @buffer. Errors don't happen here. */
static int get(struct test_esp *esp, const u8 *cdb, unsigned int len, u8 bytes)
{
	struct scatterlist sg;
	int ret;

	memset(esp->buffer, 0, BUFFER_SIZE);
	sg_init_table(&sg, 1);
	sg_dma_address(&sg) = esp->buffer_dma;
	sg_dma_len(&sg) = bytes;
	ret = command(esp, cdb, len, &sg, 1, DMA_FROM_DEVICE);
	return ret > 0 ? -EIO : ret;
}

static bool is_test_disk(struct test_esp *esp)
{
	static const u8 cdb[6] = { INQUIRY, 1, VPD_SERIAL, 0, BUFFER_SIZE };

	return !get(esp, cdb, sizeof(cdb), BUFFER_SIZE) &&
	       !strncmp(esp->buffer + 4, TEST_DISK_SERIAL,
			strlen(TEST_DISK_SERIAL));
}

static int get_size(struct test_esp *esp)
{
	static const u8 ready_cdb[6] = { TEST_UNIT_READY };
	static const u8 cdb[10] = { READ_CAPACITY };
	u32 block_size;
	int ret, i = 0;

	/* First of all it tells that it was reset, once for each time */
	do {
		ret = command(esp, ready_cdb, sizeof(ready_cdb), NULL, 0,
			      DMA_NONE);
	} while (ret == SAM_STAT_CHECK_CONDITION && i++ < 10);
	if (!ret)
		ret = get(esp, cdb, sizeof(cdb), 8);
	if (ret)
		return ret < 0 ? ret : -EIO;

	block_size = get_unaligned_be32(esp->buffer + 4);
	if (!is_power_of_2(block_size) || block_size > TEST_BLOCK)
		return -EIO;
	esp->block_shift = ilog2(TEST_BLOCK) - ilog2(block_size);
	esp->disk.blocks = (get_unaligned_be32(esp->buffer) + 1ULL) >>
			   esp->block_shift;
	return 0;
}

static int esp_transfer(struct test_disk *disk, u64 block, struct sg_table *sgt,
			size_t bytes, enum dma_data_direction dir)
{
	struct test_esp *esp = container_of(disk, struct test_esp, disk);
	u8 cdb[10] = { dir == DMA_FROM_DEVICE ? READ_10 : WRITE_10 };

	put_unaligned_be32(block << esp->block_shift, cdb + 2);
	put_unaligned_be16(bytes / TEST_BLOCK << esp->block_shift, cdb + 7);
	return command(esp, cdb, sizeof(cdb), sgt->sgl, sgt->nents, dir);
}

static int start(struct test_esp *esp)
{
	reset(esp);
	for (esp->target = 0; esp->target < TARGETS; esp->target++) {
		if (is_test_disk(esp))
			return get_size(esp);
		if (esp->disk.dead)
			return -EIO;
	}
	return -ENODEV;
}

static void unmap_regs(struct platform_device *pdev, struct test_esp *esp)
{
	struct platform_device *dma = to_platform_device(pdev->dev.parent);

	if (esp->dma_regs)
		of_iounmap(&dma->resource[0], esp->dma_regs,
			   resource_size(&dma->resource[0]));
	if (esp->regs)
		of_iounmap(&pdev->resource[0], esp->regs, SBUS_ESP_REG_SIZE);
}

static int test_esp_probe(struct platform_device *pdev)
{
	struct platform_device *dma = to_platform_device(pdev->dev.parent);
	struct test_esp *esp;
	int ret;

	if (!of_node_name_eq(dma->dev.of_node, "espdma") &&
	    !of_node_name_eq(dma->dev.of_node, "dma"))
		return -ENODEV;
	esp = devm_kzalloc(&pdev->dev, sizeof(*esp), GFP_KERNEL);
	if (!esp)
		return -ENOMEM;
	ret = test_disk_claim(&pdev->dev);
	if (ret)
		return ret;
	esp->disk.dev = &pdev->dev;
	esp->disk.max_bytes = MAX_SEGMENT;
	esp->disk.transfer = esp_transfer;
	esp->buffer = dmam_alloc_coherent(&pdev->dev, BUFFER_SIZE,
					  &esp->buffer_dma, GFP_KERNEL);
	if (!esp->buffer)
		return -ENOMEM;

	esp->regs = of_ioremap(&pdev->resource[0], 0, SBUS_ESP_REG_SIZE, "ESP");
	esp->dma_regs = of_ioremap(&dma->resource[0], 0,
				   resource_size(&dma->resource[0]), "espdma");
	ret = esp->regs && esp->dma_regs ? start(esp) : -ENOMEM;
	if (ret) {
		if (esp->dma_regs)
			hold_in_reset(esp);
		unmap_regs(pdev, esp);
		if (ret != -ENODEV)
			test_disk_found(ERR_PTR(ret));
		return ret;
	}
	platform_set_drvdata(pdev, esp);
	test_disk_found(&esp->disk);
	return 0;
}

static void test_esp_remove(struct platform_device *pdev)
{
	struct test_esp *esp = platform_get_drvdata(pdev);

	test_disk_found(NULL);
	hold_in_reset(esp);
	unmap_regs(pdev, esp);
}

static const struct of_device_id test_esp_ids[] = {
	{ .name = "esp" },
	{ .name = "SUNW,esp" },
	{}
};

static struct platform_driver test_esp_driver = {
	.driver = {
		.name = "dma_sg_pfn_esp",
		.of_match_table = test_esp_ids,
		.probe_type = PROBE_FORCE_SYNCHRONOUS,
		.suppress_bind_attrs = true,
	},
	.probe = test_esp_probe,
	.remove = test_esp_remove,
};

int test_esp_register(void)
{
	return platform_driver_register(&test_esp_driver);
}

void test_esp_unregister(void)
{
	platform_driver_unregister(&test_esp_driver);
}
