// SPDX-License-Identifier: GPL-2.0-only
/*
 * BARs of a PCI device that is removed go from user space
 *
 * A stock kernel leaves a process the mapping of a BAR when the device is removed
 * (the project's kernel does not: "PCI: take the BARs of a device that is removed
 * from user space"), so nobody would be told to stop writing there. All mappings of
 * I/O memory are in one address space. It is not exported, but found here as soon as
 * the first of them is looked up.
 */
#include <linux/fs.h>
#include <linux/magic.h>
#include <linux/mm.h>
#include <linux/notifier.h>
#include <linux/pci.h>

#include "compat.h"

/* Set once, never freed: the inode lives as long as the kernel. */
static struct address_space *iomem_mapping;

/* Called for every raw mapping before any of its page frames is used. */
void compat_watch_iomem(const struct vm_area_struct *vma)
{
	struct address_space *mapping;

	if (!vma->vm_file || READ_ONCE(iomem_mapping))
		return;

	mapping = vma->vm_file->f_mapping;
	if (mapping->host->i_sb->s_magic == DEVMEM_MAGIC)
		WRITE_ONCE(iomem_mapping, mapping);
}

/* The files in sysfs are gone by then, so that nobody maps the BARs again. */
static int device_removed(struct notifier_block *nb, unsigned long action,
			  void *data)
{
	struct address_space *mapping = READ_ONCE(iomem_mapping);
	struct pci_dev *pdev = to_pci_dev(data);
	int i;

	if (action != BUS_NOTIFY_REMOVED_DEVICE || !mapping)
		return NOTIFY_DONE;

	for (i = 0; i < PCI_STD_NUM_BARS; i++) {
		struct resource *res = &pdev->resource[i];

		if (res->parent && resource_type(res) == IORESOURCE_MEM)
			unmap_mapping_range(mapping, res->start,
					    resource_size(res), 1);
	}
	return NOTIFY_OK;
}

static struct notifier_block device_notifier = {
	.notifier_call = device_removed,
};

static int __init compat_iomem_init(void)
{
	return bus_register_notifier(&pci_bus_type, &device_notifier);
}
module_init(compat_iomem_init);

static void __exit compat_iomem_exit(void)
{
	bus_unregister_notifier(&pci_bus_type, &device_notifier);
}
module_exit(compat_iomem_exit);
