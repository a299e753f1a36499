// SPDX-License-Identifier: GPL-2.0-only
/* An ESP on SBus: QEMU's sun4m has one */
#include <linux/device.h>
#include <linux/err.h>
#include <linux/interrupt.h>
#include <linux/io.h>
#include <linux/module.h>
#include <linux/of.h>
#include <linux/platform_device.h>

#include <asm/dma.h>
#include <asm/prom.h>

#include "esp_scsi.h"
#include "sg_pfn_esp.h"

static u8 sbus_read(struct test_esp *esp, unsigned int reg)
{
	return sbus_readb(esp->regs + reg * 4);
}

static void sbus_write(struct test_esp *esp, u8 val, unsigned int reg)
{
	sbus_writeb(val, esp->regs + reg * 4);
}

static int sbus_poll(struct test_esp *esp)
{
	u32 csr = sbus_readl(esp->dma_regs + DMA_CSR);

	if (csr & DMA_HNDL_ERROR)
		return -EIO;
	return csr & DMA_HNDL_INTR;
}

static void sbus_start_dma(struct test_esp *esp, dma_addr_t addr, u32 len,
			   enum dma_data_direction dir)
{
	sbus_writel(DMA_ENABLE | (dir == DMA_FROM_DEVICE ? DMA_ST_WRITE : 0),
		    esp->dma_regs + DMA_CSR);
	sbus_writel(addr, esp->dma_regs + DMA_ADDR);
}

static void sbus_stop_dma(struct test_esp *esp)
{
	sbus_writel(0, esp->dma_regs + DMA_CSR);
}

/* Held in reset the controller accesses no memory */
static void sbus_stop(struct test_esp *esp)
{
	sbus_writel(DMA_RST_SCSI, esp->dma_regs + DMA_CSR);
}

static const struct test_esp_ops sbus_ops = {
	.read		= sbus_read,
	.write		= sbus_write,
	.poll		= sbus_poll,
	.start_dma	= sbus_start_dma,
	.stop_dma	= sbus_stop_dma,
	.stop		= sbus_stop,
};

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
	esp = test_esp_alloc(&pdev->dev, &sbus_ops);
	if (IS_ERR(esp))
		return PTR_ERR(esp);

	esp->regs = of_ioremap(&pdev->resource[0], 0, SBUS_ESP_REG_SIZE, "ESP");
	esp->dma_regs = of_ioremap(&dma->resource[0], 0,
				   resource_size(&dma->resource[0]), "espdma");
	ret = esp->regs && esp->dma_regs ? test_esp_start(esp) : -ENOMEM;
	if (ret) {
		if (esp->dma_regs)
			sbus_stop(esp);
		unmap_regs(pdev, esp);
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
	struct test_esp *esp = platform_get_drvdata(pdev);

	test_disk_found(NULL);
	sbus_stop(esp);
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

int test_scsi_register(void)
{
	return platform_driver_register(&test_esp_driver);
}

void test_scsi_unregister(void)
{
	platform_driver_unregister(&test_esp_driver);
}
