// SPDX-License-Identifier: GPL-2.0-only
/*
 * BARs of PCI devices, as sysfs maps them
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/pci_regs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "pci.h"
#include "target.h"

/* of the third number in a line of the file "resource": include/linux/ioport.h */
#define RESOURCE_MEM		0x00000200
#define RESOURCE_PREFETCH	0x00002000

struct pci {
	char address[32];
	unsigned int bar;
	bool enabled;
};

int pci_bars(const char *address, struct bar bars[PCI_BARS])
{
	uint64_t start, end, flags;
	char path[128];
	FILE *file;
	int i;

	snprintf(path, sizeof(path), PCI_SYSFS "/%s/resource", address);
	file = fopen(path, "r");
	if (!file)
		return -errno;
	memset(bars, 0, PCI_BARS * sizeof(bars[0]));
	for (i = 0; i < PCI_BARS; i++) {
		if (fscanf(file, "%" SCNx64 " %" SCNx64 " %" SCNx64, &start, &end, &flags) != 3)
			break;
		if (!start)
			continue;
		bars[i].size = end - start + 1;
		bars[i].memory = flags & RESOURCE_MEM;
		bars[i].prefetchable = flags & RESOURCE_PREFETCH;
	}
	fclose(file);
	return 0;
}

void pci_driver(const char *address, char *name, size_t size)
{
	char path[128];

	snprintf(path, sizeof(path), PCI_SYSFS "/%s/driver", address);
	if (link_name(path, name, size))
		snprintf(name, size, "%s", "");
}

/* "pci:0000:00:04.0:0"; the domain may be left out */
static bool parse(const char *spec, struct pci *pci)
{
	unsigned int domain = 0, bus, device, function;
	int end = 0;

	if (sscanf(spec, "pci:%x:%x:%x.%x:%u%n", &domain, &bus, &device, &function, &pci->bar,
		   &end) != 5) {
		domain = 0;
		end = 0;
		if (sscanf(spec, "pci:%x:%x.%x:%u%n", &bus, &device, &function, &pci->bar,
			   &end) != 4)
			return false;
	}
	if (spec[end] || bus > 0xff || device > 0x1f || function > 7 || pci->bar >= PCI_BARS)
		return false;
	snprintf(pci->address, sizeof(pci->address), "%04x:%02x:%02x.%x", domain, bus, device,
		 function);
	return true;
}

/* Whoever switched it on switches it off again: sysfs counts. */
static int enable(struct target *t, struct pci *pci, struct failure *f)
{
	char path[128], driver[64];
	uint64_t on;
	int ret;

	snprintf(path, sizeof(path), PCI_SYSFS "/%s/enable", pci->address);
	pci_driver(pci->address, driver, sizeof(driver));
	ret = read_number(path, &on);
	if (!ret && on) {
		if (*driver)
			snprintf(t->note, sizeof(t->note),
				 "%s is in use by the driver %s, which may write to the same memory",
				 pci->address, driver);
		return 0;
	}
	if (!ret)
		ret = write_line(path, "1");
	if (ret)
		return fail_call(f, STATUS_FAILURE, "write", ret, "%s: can't enable the device",
				 path);
	pci->enabled = true;
	snprintf(t->note, sizeof(t->note), "%s was disabled; enabled it until the end",
		 pci->address);
	return 0;
}

static int no_bar(const struct pci *pci, const struct bar bars[], struct failure *f)
{
	char have[128] = "none";
	size_t len = 0;
	int i;

	for (i = 0; i < PCI_BARS; i++)
		if (bars[i].memory)
			len += snprintf(have + len, sizeof(have) - len, "%s%d (%s)",
					len ? ", " : "", i, size_text(bars[i].size).s);
	fail(f, STATUS_FAILURE, "%s has no memory BAR %u%s", pci->address, pci->bar,
	     bars[pci->bar].size ? ": that one is I/O ports" : "");
	fail_help(f, "its memory BARs: %s", have);
	return -1;
}

/*
 * A driver that fills buffers with the CPU writes through a mapping of the same type,
 * and write-combining is much faster: so take that where there is one.
 */
static int open_bar(struct target *t, struct pci *pci, enum mapping mapping, struct failure *f)
{
	int len = snprintf(t->path, sizeof(t->path), PCI_SYSFS "/%s/resource%u", pci->address,
			   pci->bar);

	if (mapping != MAPPING_UNCACHED) {
		snprintf(t->path + len, sizeof(t->path) - len, "_wc");
		if (!access(t->path, F_OK)) {
			t->mapping = "write-combining";
			return target_open_file(t, 0, f);
		}
		if (mapping == MAPPING_WC) {
			fail(f, STATUS_FAILURE, "BAR %u of %s can't be mapped write-combining: "
			     "no %s", pci->bar, pci->address, t->path);
			fail_help(f, "only prefetchable BARs can, on some architectures; "
				  "--mapping uncached takes the other file");
			return -1;
		}
		t->path[len] = '\0';
	}
	t->mapping = "uncached";
	t->strict = true;
	return target_open_file(t, 0, f);
}

static int pci_open(struct target *t, const struct options *o, struct failure *f)
{
	struct pci *pci = calloc(1, sizeof(*pci));
	struct bar bars[PCI_BARS];
	int ret;

	if (!pci)
		return fail_call(f, STATUS_FAILURE, "malloc", ENOMEM, "out of memory");
	t->private = pci;
	if (!parse(t->spec, pci)) {
		fail(f, STATUS_USAGE, "%s: not pci:DOMAIN:BUS:DEVICE.FUNCTION:BAR", t->spec);
		fail_help(f, "for instance pci:0000:00:04.0:0; --list shows all");
		return -1;
	}
	ret = pci_bars(pci->address, bars);
	if (ret) {
		fail_call(f, STATUS_FAILURE, "open", ret, "there is no PCI device %s",
			  pci->address);
		fail_help(f, "--list shows all");
		return -1;
	}
	if (!bars[pci->bar].memory)
		return no_bar(pci, bars, f);
	t->size = bars[pci->bar].size;
	snprintf(t->name, sizeof(t->name), "BAR %u of %s", pci->bar, pci->address);
	if (enable(t, pci, f))
		return -1;
	return open_bar(t, pci, o->mapping, f);
}

static void pci_close(struct target *t)
{
	struct pci *pci = t->private;
	char path[128];

	if (t->map)
		munmap(t->map, t->map_size);
	if (t->fd >= 0)
		close(t->fd);
	if (pci && pci->enabled) {
		snprintf(path, sizeof(path), PCI_SYSFS "/%s/enable", pci->address);
		write_line(path, "0");
	}
	free(pci);
}

const struct target_ops pci_ops = { .open = pci_open, .close = pci_close };
