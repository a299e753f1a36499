// SPDX-License-Identifier: GPL-2.0-only
#include <fcntl.h>
#include <glob.h>
#include <inttypes.h>
#include <linux/fb.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "drm.h"
#include "json.h"
#include "list.h"
#include "node.h"
#include "pci.h"

/* How the list is printed */
struct list {
	bool json;
	unsigned int count;
};

static void begin(struct list *l, const char *name, const char *title)
{
	l->count = 0;
	if (l->json)
		json_open(name, '[');
	else
		printf("%s\n", title);
}

static void end(struct list *l)
{
	if (l->json)
		json_close(']');
	else if (!l->count)
		printf("  none\n");
}

/*
 * Nodes
 */

static bool list_node(const char *path, void *data)
{
	struct list *l = data;
	const struct picture *p;
	bool userptr, mmap;
	struct node n;

	if (!node_probe(&n, path))
		return false;
	userptr = node_has_memory(&n, V4L2_MEMORY_USERPTR);
	mmap = node_has_memory(&n, V4L2_MEMORY_MMAP);
	p = &n.picture;
	l->count++;
	if (l->json) {
		json_open(NULL, '{');
		json_string("path", path);
		json_string("driver", (const char *)n.cap.driver);
		json_string("card", (const char *)n.cap.card);
		json_string("bus", (const char *)n.cap.bus_info);
		json_bool("userptr", userptr);
		json_bool("mmap", mmap);
		json_bool("multiplanar", n.mplane);
		json_number("width", p->width);
		json_number("height", p->height);
		json_string("fourcc", fourcc_text(p->fourcc).s);
		json_close('}');
	} else {
		printf("  %-24s %s (%s), %s, %ux%u %s%s\n", path, (const char *)n.cap.card,
		       (const char *)n.cap.driver,
		       userptr ? "USERPTR" : mmap ? "only --method copy" : "busy or no buffers",
		       p->width, p->height, fourcc_text(p->fourcc).s,
		       n.mplane ? ", multi-planar" : "");
	}
	node_close(&n);
	return false;
}

/*
 * Targets
 */

static void list_target(struct list *l, const char *spec, uint64_t size, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

static void list_target(struct list *l, const char *spec, uint64_t size, const char *fmt, ...)
{
	char what[256];
	va_list args;

	va_start(args, fmt);
	vsnprintf(what, sizeof(what), fmt, args);
	va_end(args);
	l->count++;
	if (!l->json) {
		printf("  %-24s %-10s %s\n", spec, size ? size_text(size).s : "", what);
		return;
	}
	json_open(NULL, '{');
	json_string("spec", spec);
	if (size)
		json_number("size", size);
	else
		json_null("size");
	json_string("what", what);
	json_close('}');
}

static void each(struct list *l, const char *pattern,
		 void (*one)(struct list *l, const char *path, const char *name))
{
	glob_t g;
	size_t i;

	if (glob(pattern, 0, NULL, &g))
		return;
	for (i = 0; i < g.gl_pathc; i++)
		one(l, g.gl_pathv[i], strrchr(g.gl_pathv[i], '/') + 1);
	globfree(&g);
}

static void list_pci(struct list *l, const char *path, const char *name)
{
	uint64_t vendor = 0, device = 0;
	struct bar bars[PCI_BARS];
	char driver[64], spec[64], file[256];
	int i;

	if (pci_bars(name, bars))
		return;
	pci_driver(name, driver, sizeof(driver));
	snprintf(file, sizeof(file), "%s/vendor", path);
	read_number(file, &vendor);
	snprintf(file, sizeof(file), "%s/device", path);
	read_number(file, &device);
	for (i = 0; i < PCI_BARS; i++) {
		if (!bars[i].memory || bars[i].size < (uint64_t)sysconf(_SC_PAGESIZE))
			continue;
		snprintf(spec, sizeof(spec), "pci:%.40s:%d", name, i);
		list_target(l, spec, bars[i].size, "%04" PRIx64 ":%04" PRIx64 "%s, %s%s", vendor,
			    device, bars[i].prefetchable ? ", prefetchable" : "",
			    *driver ? "driver " : "no driver", driver);
	}
}

static void list_fb(struct list *l, const char *path, const char *name)
{
	struct fb_fix_screeninfo fix;
	struct fb_var_screeninfo var;
	int fd = open(path, O_RDWR | O_CLOEXEC);

	(void)name;
	if (fd < 0)
		return;
	if (!xioctl(fd, FBIOGET_FSCREENINFO, &fix) && !xioctl(fd, FBIOGET_VSCREENINFO, &var))
		list_target(l, path, fix.smem_len, "%.16s, %ux%u, %u bits per pixel%s", fix.id,
			    var.xres, var.yres, var.bits_per_pixel,
			    strstr(fix.id, "drmfb") ? ", only --method copy: use drm:" : "");
	close(fd);
}

static void list_drm(struct list *l, const char *path, const char *name)
{
	char text[128], spec[64];

	(void)name;
	if (drm_describe(path, text, sizeof(text)))
		return;
	snprintf(spec, sizeof(spec), "drm:%.48s", path);
	list_target(l, spec, 0, "%s", text);
}

static void list_uio(struct list *l, const char *path, const char *name)
{
	char file[256], driver[64] = "", spec[64];
	uint64_t size;
	int i;

	snprintf(file, sizeof(file), "/sys/class/uio/%.64s/name", name);
	read_line(file, driver, sizeof(driver));
	for (i = 0; i < 5; i++) {
		snprintf(file, sizeof(file), "/sys/class/uio/%.64s/maps/map%d/size", name, i);
		if (read_number(file, &size) || !size)
			continue;
		snprintf(spec, sizeof(spec), i ? "%.48s:%d" : "%.48s", path, i);
		list_target(l, spec, size, "%s", driver);
	}
}

static void list_udmabuf(struct list *l, const char *path, const char *name)
{
	char file[256], spec[64];
	uint64_t size;

	snprintf(file, sizeof(file), "%s/size", path);
	if (read_number(file, &size))
		return;
	snprintf(spec, sizeof(spec), "/dev/%.48s", name);
	list_target(l, spec, size, "u-dma-buf");
}

static void list_dax(struct list *l, const char *path, const char *name)
{
	char file[256];
	uint64_t size = 0;

	snprintf(file, sizeof(file), "/sys/bus/dax/devices/%.64s/size", name);
	read_number(file, &size);
	list_target(l, path, size, "device-dax");
}

void list(bool json)
{
	struct list l = { .json = json };

	if (json)
		json_open(NULL, '{');
	begin(&l, "nodes", "Video nodes that capture:");
	node_each(list_node, &l);
	end(&l);
	begin(&l, "targets", "Memory to capture into (besides /dev/mem:START+SIZE, files, anon):");
	each(&l, PCI_SYSFS "/*", list_pci);
	each(&l, "/dev/fb[0-9]*", list_fb);
	each(&l, "/dev/dri/card[0-9]*", list_drm);
	each(&l, "/dev/uio[0-9]*", list_uio);
	each(&l, "/sys/class/u-dma-buf/*", list_udmabuf);
	each(&l, "/dev/dax[0-9]*", list_dax);
	end(&l);
	if (json) {
		json_close('}');
		putchar('\n');
	}
}
