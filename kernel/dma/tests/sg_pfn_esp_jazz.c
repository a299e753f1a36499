// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ESP of Jazz machines: QEMU's Magnum has one. A channel of the R4030, which
 * also translates the addresses, is the DMA engine.
 */
#include <linux/device.h>
#include <linux/err.h>
#include <linux/interrupt.h>
#include <linux/io.h>
#include <linux/module.h>
#include <linux/platform_device.h>

#include <asm/dma.h>
#include <asm/jazz.h>
#include <asm/jazzdma.h>

#include "esp_scsi.h"
#include "sg_pfn_esp.h"

static u8 jazz_read(struct test_esp *esp, unsigned int reg)
{
	return readb(esp->regs + reg);
}

static void jazz_write(struct test_esp *esp, u8 val, unsigned int reg)
{
	writeb(val, esp->regs + reg);
}

static int jazz_poll(struct test_esp *esp)
{
	u32 enable = r4030_read_reg32(JAZZ_R4030_CHNL_ENABLE +
				      (JAZZ_SCSI_DMA << 5));

	if (enable & (R4030_MEM_INTR | R4030_ADDR_INTR))
		return -EIO;
	return jazz_read(esp, ESP_STATUS) & ESP_STAT_INTR;
}

static void jazz_start_dma(struct test_esp *esp, dma_addr_t addr, u32 len,
			   enum dma_data_direction dir)
{
	vdma_set_mode(JAZZ_SCSI_DMA, dir == DMA_FROM_DEVICE ? DMA_MODE_READ :
							      DMA_MODE_WRITE);
	vdma_set_addr(JAZZ_SCSI_DMA, addr);
	vdma_set_count(JAZZ_SCSI_DMA, len);
	vdma_enable(JAZZ_SCSI_DMA);
}

static void jazz_stop_dma(struct test_esp *esp)
{
	vdma_disable(JAZZ_SCSI_DMA);
}

static const struct test_esp_ops jazz_ops = {
	.read		= jazz_read,
	.write		= jazz_write,
	.poll		= jazz_poll,
	.start_dma	= jazz_start_dma,
	.stop_dma	= jazz_stop_dma,
	.stop		= jazz_stop_dma,
};

static int test_esp_probe(struct platform_device *pdev)
{
	struct test_esp *esp;
	int ret;

	esp = test_esp_alloc(&pdev->dev, &jazz_ops);
	if (IS_ERR(esp))
		return PTR_ERR(esp);
	/* That is where the machine's TLB has them */
	esp->regs = (void __iomem *)JAZZ_SCSI_BASE;

	ret = test_esp_start(esp);
	if (ret) {
		jazz_stop_dma(esp);
		if (ret != -ENODEV)
			test_disk_found(ERR_PTR(ret));
		return ret;
	}
	platform_set_drvdata(pdev, esp);
	test_disk_found(&esp->scsi.disk);
	return 0;
}

static void test_esp_remove(struct platform_device *pdev)
{
	test_disk_found(NULL);
	jazz_stop_dma(platform_get_drvdata(pdev));
}

static const struct platform_device_id test_esp_ids[] = {
	{ "jazz_esp" },
	{}
};

static struct platform_driver test_esp_driver = {
	.driver = {
		.name = "dma_sg_pfn_esp",
		.probe_type = PROBE_FORCE_SYNCHRONOUS,
		.suppress_bind_attrs = true,
	},
	.id_table = test_esp_ids,
	.probe = test_esp_probe,
	.remove = test_esp_remove,
};

int test_scsi_register(void)
{
	return platform_driver_register(&test_esp_driver);
}

void test_scsi_unregister(void)
{
	platform_driver_unregister(&test_esp_driver);
}
