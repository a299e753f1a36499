// SPDX-License-Identifier: GPL-2.0-only
/*
 * A UIO device with each kind of memory that a driver can offer: a physical range,
 * pages, a DMA buffer. The packaged kernels have no driver that does it without its
 * hardware. The first one is the smallest: who gets it instead of another one sees that.
 */
#include <linux/dma-mapping.h>
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/sizes.h>
#include <linux/uio_driver.h>
#include <linux/vmalloc.h>

static unsigned long phys;
module_param(phys, ulong, 0444);
MODULE_PARM_DESC(phys, "address of 2 MiB that are nobody's");

static struct platform_device *vuio_pdev;
static struct uio_info vuio_info = {
	.name = KBUILD_MODNAME,
	.version = "1",
	.irq = UIO_IRQ_NONE,
};

static void vuio_free(void)
{
	const struct uio_mem *coherent = &vuio_info.mem[2];

	vfree((void *)(uintptr_t)vuio_info.mem[1].addr);
	if (coherent->addr)
		dma_free_coherent(&vuio_pdev->dev, coherent->size,
				  (void *)(uintptr_t)coherent->addr,
				  coherent->dma_addr);
}

static int vuio_alloc(struct device *dev)
{
	struct uio_mem *mem = vuio_info.mem;

	mem[0].name = "physical";
	mem[0].memtype = UIO_MEM_PHYS;
	mem[0].addr = phys;
	mem[0].size = SZ_2M;

	mem[1].name = "virtual";
	mem[1].memtype = UIO_MEM_VIRTUAL;
	mem[1].size = SZ_4M;
	mem[1].addr = (uintptr_t)vmalloc_user(mem[1].size);

	mem[2].name = "coherent";
	mem[2].memtype = UIO_MEM_DMA_COHERENT;
	mem[2].size = SZ_2M + SZ_1M;
	mem[2].addr = (uintptr_t)dma_alloc_coherent(dev, mem[2].size,
						    &mem[2].dma_addr,
						    GFP_KERNEL);
	mem[2].dma_device = dev;

	return mem[1].addr && mem[2].addr ? 0 : -ENOMEM;
}

static int __init vuio_init(void)
{
	int ret;

	if (!phys || !PAGE_ALIGNED(phys))
		return -EINVAL;
	vuio_pdev = platform_device_register_simple(KBUILD_MODNAME, -1, NULL, 0);
	if (IS_ERR(vuio_pdev))
		return PTR_ERR(vuio_pdev);

	ret = dma_set_mask_and_coherent(&vuio_pdev->dev, DMA_BIT_MASK(32));
	if (!ret)
		ret = vuio_alloc(&vuio_pdev->dev);
	if (!ret)
		ret = uio_register_device(&vuio_pdev->dev, &vuio_info);
	if (ret) {
		vuio_free();
		platform_device_unregister(vuio_pdev);
	}
	return ret;
}

static void __exit vuio_exit(void)
{
	uio_unregister_device(&vuio_info);
	vuio_free();
	platform_device_unregister(vuio_pdev);
}

module_init(vuio_init);
module_exit(vuio_exit);

MODULE_DESCRIPTION("Memory by UIO, for the tests of pfncap");
MODULE_LICENSE("GPL");
