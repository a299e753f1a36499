// SPDX-License-Identifier: GPL-2.0-only
/*
 * A bus master for the KUnit tests on machines without PCI: the ESP SCSI
 * controller of QEMU's sun4m and Jazz, with the DMA engine in front of it.
 *
 * Each DMA segment is a transfer of its own in the data phase of one command, so
 * that segments may have any length up to what the transfer counter can count.
 * What only real hardware needs, such as timing, is left out.
 */
#include <linux/device.h>
#include <linux/dma-mapping.h>
#include <linux/err.h>
#include <linux/interrupt.h>
#include <linux/iopoll.h>

/* The registers: see the Makefile */
#include "esp_scsi.h"
#include "sg_pfn_esp.h"

#define TARGETS			7	/* 7 is the controller itself */
#define IDENTIFY		0x80	/* LUN 0, and it won't disconnect */
#define MAX_SEGMENT		SZ_64K
#define COMMAND_TIMEOUT_US	(10 * USEC_PER_SEC)

static u8 esp_read(struct test_esp *esp, unsigned int reg)
{
	return esp->ops->read(esp, reg);
}

static void esp_write(struct test_esp *esp, u8 val, unsigned int reg)
{
	esp->ops->write(esp, val, reg);
}

/* It has no interrupt enabled: it is polled */
static void reset(struct test_esp *esp)
{
	esp->ops->stop(esp);
	esp->ops->stop_dma(esp);
	esp_write(esp, ESP_CMD_RC, ESP_CMD);
	esp_write(esp, ESP_CMD_NULL, ESP_CMD);
}

/*
 * Give the controller a command and wait until it has done that. Returns why it
 * interrupts, or a negative error code.
 */
static int run(struct test_esp *esp, u8 cmd)
{
	int ret, timeout;

	esp_write(esp, cmd, ESP_CMD);
	timeout = read_poll_timeout(esp->ops->poll, ret, ret, 10,
				    COMMAND_TIMEOUT_US, false, esp);
	if (timeout || ret < 0) {
		dev_err(esp->scsi.disk.dev, "command %#x: %s\n", cmd,
			timeout ? "no answer" : "DMA error");
		/* It may be about to write: nobody knows where and when */
		esp->scsi.disk.dead = true;
		esp->ops->stop(esp);
		return timeout ?: ret;
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
	esp->ops->start_dma(esp, sg_dma_address(sg), len, dir);
	ret = run(esp, ESP_CMD_TI | ESP_CMD_DMA);
	if (ret >= 0)
		esp->ops->stop_dma(esp);
	return ret;
}

/* All of a SCSI command. Returns the disk's status or a negative error code. */
static int command(struct test_scsi *scsi, const u8 *cdb, unsigned int len,
		   struct scatterlist *sgl, unsigned int nents, size_t bytes,
		   enum dma_data_direction dir)
{
	struct test_esp *esp = container_of(scsi, struct test_esp, scsi);
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

/* Memory for the driver of a controller, freed with the device */
struct test_esp *test_esp_alloc(struct device *dev,
				const struct test_esp_ops *ops)
{
	struct test_esp *esp = devm_kzalloc(dev, sizeof(*esp), GFP_KERNEL);
	int ret;

	if (!esp)
		return ERR_PTR(-ENOMEM);
	ret = test_disk_claim(dev);
	if (ret)
		return ERR_PTR(ret);
	esp->ops = ops;
	esp->scsi.disk.dev = dev;
	esp->scsi.disk.max_bytes = MAX_SEGMENT;
	esp->scsi.disk.transfer = test_scsi_transfer;
	esp->scsi.command = command;
	esp->scsi.buffer = dmam_alloc_coherent(dev, TEST_SCSI_BUFFER_SIZE,
					       &esp->scsi.buffer_dma, GFP_KERNEL);
	return esp->scsi.buffer ? esp : ERR_PTR(-ENOMEM);
}

/* Find the disk of the tests. Returns -ENODEV if there is none. */
int test_esp_start(struct test_esp *esp)
{
	reset(esp);
	for (esp->target = 0; esp->target < TARGETS; esp->target++) {
		if (test_scsi_is_disk(&esp->scsi))
			return test_scsi_get_size(&esp->scsi);
		if (esp->scsi.disk.dead)
			return -EIO;
	}
	return -ENODEV;
}
