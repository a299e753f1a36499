/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef PFNCAP_PCI_H
#define PFNCAP_PCI_H

#include "util.h"

#define PCI_BARS	6
#define PCI_SYSFS	"/sys/bus/pci/devices"

struct bar {
	uint64_t size;
	bool memory;		/* and not I/O ports */
	bool prefetchable;
};

/* What the device @address has. 0, or a negative errno. */
int pci_bars(const char *address, struct bar bars[PCI_BARS]);
/* The driver of the device, "" if it has none. */
void pci_driver(const char *address, char *name, size_t size);

#endif /* PFNCAP_PCI_H */
