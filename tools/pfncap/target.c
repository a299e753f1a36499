// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory that is a file to map: what the kinds have in common, and those kinds that
 * need no more than a few lines
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "target.h"

#define PAGE	((size_t)sysconf(_SC_PAGESIZE))

const char *kind_name(enum kind kind)
{
	static const char *const names[] = {
		[KIND_ANON] = "anonymous",
		[KIND_FILE] = "file",
		[KIND_BLOCK] = "block device",
		[KIND_RANGE] = "range of a character device",
		[KIND_PCI] = "PCI BAR",
		[KIND_FB] = "framebuffer",
		[KIND_DRM] = "DRM dumb buffers",
		[KIND_UIO] = "UIO memory",
		[KIND_UDMABUF] = "u-dma-buf",
		[KIND_DAX] = "device-dax",
	};

	return names[kind];
}

bool target_is_display(const struct target *t)
{
	return t->formats;
}

/*
 * Slots
 */

void layout_make(struct layout *l, const struct picture *p, const struct target *t,
		 bool guards, bool overlap)
{
	/* what is shown begins at the display's first byte, and at whole lines */
	bool display = target_is_display(t);
	size_t unit = display ? least_common_multiple(PAGE, t->pitch) : PAGE;
	size_t at = guards && !display ? PAGE : 0;
	unsigned int i;

	memset(l, 0, sizeof(*l));
	l->planes = p->planes;
	for (i = 0; i < p->planes; i++) {
		l->plane_offset[i] = at;
		l->plane_size[i] = p->sizeimage[i];
		at += p->sizeimage[i];
		l->used = at;
		if (guards) {
			at = round_up_to(at, PAGE) + PAGE;
			l->used = at;
		}
		at = round_up_to(at, PAGE);
	}
	l->size = overlap ? 0 : round_up_to(at, unit);
}

unsigned int target_capacity(const struct target *t, const struct layout *l)
{
	uint64_t room, slots;

	if (!t->size)
		return MAX_BUFFERS;
	if (t->offset >= t->size)
		return 0;
	room = t->size - t->offset;
	if (room < l->used)
		return 0;
	if (!l->size)
		return MAX_BUFFERS;
	slots = 1 + (room - l->used) / l->size;
	return slots < MAX_BUFFERS ? slots : MAX_BUFFERS;
}

void target_planes(const struct target *t, const struct layout *l, unsigned int buffer,
		   unsigned char *addr[MAX_PLANES])
{
	unsigned int i;

	for (i = 0; i < l->planes; i++)
		addr[i] = t->slot[buffer] + l->plane_offset[i];
}

/*
 * Mapping
 */

/* A file gets as long as it has to be. */
static int extend(struct target *t, uint64_t end, struct failure *f)
{
	struct stat st;
	int error;

	if (fstat(t->fd, &st))
		return fail_call(f, STATUS_FAILURE, "fstat", errno, "%s", t->path);
	if ((uint64_t)st.st_size >= end)
		return 0;
	/* not sparse: there must be room now, not when the frame arrives */
	error = posix_fallocate(t->fd, 0, end);
	if (error)
		return fail_call(f, STATUS_FAILURE, "posix_fallocate", error,
				 "%s can't be made %s long", t->path, size_text(end).s);
	t->made = false;
	return 0;
}

static void explain_map(const struct target *t, struct failure *f)
{
	if (f->error == EPERM && t->kind == KIND_RANGE) {
		fail_meaning(f, "the kernel keeps programs away from this range "
			     "(CONFIG_STRICT_DEVMEM, or lockdown)");
		fail_help(f, "only ranges that the kernel does not use as RAM can be mapped; "
			  "for those of a driver boot with iomem=relaxed; lockdown "
			  "(Secure Boot) forbids /dev/mem altogether");
	} else if (f->error == EPERM) {
		fail_meaning(f, "kernel lockdown, or a security module, forbids the mapping");
	} else if (f->error == EINVAL && t->kind == KIND_PCI) {
		fail_meaning(f, "the range is beyond the BAR, or the kernel keeps it for the "
			     "driver of the device (CONFIG_IO_STRICT_DEVMEM)");
		fail_help(f, "unbind the driver, or boot with iomem=relaxed");
	} else if (f->error == ENODEV) {
		fail_meaning(f, "this file can't be mapped");
	} else if (f->error == ENXIO || f->error == EINVAL) {
		fail_meaning(f, "the file can't be mapped at this offset and length");
	}
}

static int map_linear(struct target *t, const struct layout *l, unsigned int buffers,
		      struct failure *f)
{
	uint64_t from = t->start + t->offset, end = from + (buffers - 1) * l->size + l->used;
	uint64_t first = from / t->align * t->align;
	unsigned int i;
	int flags = t->fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED;

	t->map_size = round_up_to(end - first, t->align);
	if (t->kind == KIND_FILE && extend(t, first + t->map_size, f))
		return -1;
	t->map = mmap(NULL, t->map_size, PROT_READ | PROT_WRITE, flags, t->fd,
		      t->fd < 0 ? 0 : first);
	if (t->map == MAP_FAILED) {
		t->map = NULL;
		fail_call(f, STATUS_FAILURE, "mmap", errno, "%s can't be mapped (%zu bytes)",
			  t->name, t->map_size);
		explain_map(t, f);
		return -1;
	}
	for (i = 0; i < buffers; i++)
		t->slot[i] = (unsigned char *)t->map + (from - first) + i * l->size;
	return 0;
}

int target_map(struct target *t, const struct layout *l, unsigned int buffers,
	       struct failure *f)
{
	if (t->ops->map)
		return t->ops->map(t, l, buffers, f);
	return map_linear(t, l, buffers, f);
}

int target_open_file(struct target *t, int flags, struct failure *f)
{
	t->fd = open(t->path, O_RDWR | O_CLOEXEC | flags, 0666);
	if (t->fd >= 0)
		return 0;
	fail_call(f, STATUS_FAILURE, "open", errno, "%s can't be opened", t->path);
	if (f->error == EPERM && !geteuid())
		fail_meaning(f, "kernel lockdown (Secure Boot), or a security module, forbids it");
	else if (f->error == EACCES || f->error == EPERM)
		fail_help(f, "capturing into memory of a device needs its permission: "
			  "run it as root");
	return -1;
}

/*
 * The simple kinds
 */

static void close_linear(struct target *t)
{
	struct stat st;

	if (t->map)
		munmap(t->map, t->map_size);
	/* made for a capture that came to nothing before it was needed */
	if (t->made && t->fd >= 0 && !fstat(t->fd, &st) && !st.st_size)
		unlink(t->path);
	if (t->fd >= 0)
		close(t->fd);
}

static int open_anon(struct target *t, const struct options *o, struct failure *f)
{
	(void)o;
	(void)f;
	snprintf(t->name, sizeof(t->name), "anonymous memory");
	return 0;
}

/*
 * A character device that is cached unless it is opened with O_SYNC: /dev/mem (on most
 * architectures), u-dma-buf
 */
static int open_cached(struct target *t, const struct options *o, struct failure *f)
{
	t->mapping = o->mapping == MAPPING_UNCACHED ? "uncached" : "cached";
	t->strict = o->mapping == MAPPING_UNCACHED;
	return target_open_file(t, t->strict ? O_SYNC : 0, f);
}

static int open_file(struct target *t, const struct options *o, struct failure *f)
{
	struct statfs fs;

	(void)o;
	snprintf(t->name, sizeof(t->name), "%s", t->path);
	t->made = access(t->path, F_OK);
	if (target_open_file(t, O_CREAT, f))
		return -1;
	if (!fstatfs(t->fd, &fs) && fs.f_type == HUGETLBFS_MAGIC)
		t->align = fs.f_bsize;
	return 0;
}

static int open_block(struct target *t, const struct options *o, struct failure *f)
{
	int ret;

	(void)o;
	snprintf(t->name, sizeof(t->name), "%s", t->path);
	if (target_open_file(t, 0, f))
		return -1;
	ret = xioctl(t->fd, BLKGETSIZE64, &t->size);
	if (ret || !t->size)
		return fail_call(f, STATUS_FAILURE, "BLKGETSIZE64", ret, "%s has no size",
				 t->path);
	return 0;
}

static int open_range(struct target *t, const struct options *o, struct failure *f)
{
	if (!t->size) {
		fail(f, STATUS_USAGE, "%s: which part of it?", t->path);
		fail_help(f, "%s:START+SIZE, for instance %s:0x30000000+64M", t->path, t->path);
		return -1;
	}
	snprintf(t->name, sizeof(t->name), "%s of %s from %#llx on", size_text(t->size).s,
		 t->path, (unsigned long long)t->start);
	return open_cached(t, o, f);
}

static int open_udmabuf(struct target *t, const struct options *o, struct failure *f)
{
	static const char *const classes[] = { "u-dma-buf", "udmabuf" };
	const char *name = strrchr(t->path, '/') + 1;
	char file[128];
	size_t i;

	snprintf(t->name, sizeof(t->name), "u-dma-buf %.64s", name);
	for (i = 0; i < ARRAY_LEN(classes) && !t->size; i++) {
		snprintf(file, sizeof(file), "/sys/class/%s/%.64s/size", classes[i], name);
		read_number(file, &t->size);
	}
	return open_cached(t, o, f);
}

static int open_dax(struct target *t, const struct options *o, struct failure *f)
{
	const char *name = strrchr(t->path, '/') + 1;
	char file[128];
	uint64_t align = 2 << 20;

	(void)o;
	snprintf(t->name, sizeof(t->name), "device-dax %s", t->path);
	snprintf(file, sizeof(file), "/sys/bus/dax/devices/%.64s/size", name);
	if (read_number(file, &t->size) || !t->size)
		return fail(f, STATUS_FAILURE, "%s says no size", file);
	snprintf(file, sizeof(file), "/sys/bus/dax/devices/%.64s/align", name);
	read_number(file, &align);
	t->align = align;
	return target_open_file(t, 0, f);
}

/* mmap() selects a memory of UIO by the offset: its number, in pages */
static int open_uio(struct target *t, const struct options *o, struct failure *f)
{
	const char *name = strrchr(t->path, '/') + 1;
	unsigned long long number = t->start;
	char file[128];

	(void)o;
	snprintf(t->name, sizeof(t->name), "memory %llu of %s", number, t->path);
	snprintf(file, sizeof(file), "/sys/class/uio/%.64s/maps/map%llu/size", name, number);
	if (read_number(file, &t->size) || !t->size) {
		fail(f, STATUS_FAILURE, "%s has no memory %llu", t->path, number);
		fail_help(f, "its driver offers none to map (uio_pci_generic never does; "
			  "pci:... takes the BAR itself), or another one: %s:MAP, see --list",
			  t->path);
		return -1;
	}
	t->strict = true;
	return target_open_file(t, 0, f);
}

static int map_uio(struct target *t, const struct layout *l, unsigned int buffers,
		   struct failure *f)
{
	uint64_t number = t->start, offset = t->offset;
	unsigned int i;

	/* all of it from its beginning, as there is no offset within it */
	t->map_size = round_up_to(t->size, PAGE);
	t->map = mmap(NULL, t->map_size, PROT_READ | PROT_WRITE, MAP_SHARED, t->fd,
		      number * PAGE);
	if (t->map == MAP_FAILED) {
		t->map = NULL;
		return fail_call(f, STATUS_FAILURE, "mmap", errno, "%s can't be mapped",
				 t->name);
	}
	for (i = 0; i < buffers; i++)
		t->slot[i] = (unsigned char *)t->map + offset + i * l->size;
	return 0;
}

static const struct target_ops anon_ops = { .open = open_anon, .close = close_linear };
static const struct target_ops file_ops = { .open = open_file, .close = close_linear };
static const struct target_ops block_ops = { .open = open_block, .close = close_linear };
static const struct target_ops range_ops = { .open = open_range, .close = close_linear };
static const struct target_ops dax_ops = { .open = open_dax, .close = close_linear };
static const struct target_ops udmabuf_ops = {
	.open = open_udmabuf,
	.close = close_linear,
};

static const struct target_ops uio_ops = {
	.open = open_uio,
	.map = map_uio,
	.close = close_linear,
};

/*
 * What the user means
 */

static const struct {
	const char *prefix;
	enum kind kind;
	const struct target_ops *ops;
} devices[] = {
	{ "/dev/fb", KIND_FB, &fb_ops },
	{ "/dev/uio", KIND_UIO, &uio_ops },
	{ "/dev/dax", KIND_DAX, &dax_ops },
	{ "/dev/udmabuf", KIND_UDMABUF, &udmabuf_ops },
	{ "/dev/dri/card", KIND_DRM, &drm_ops },
};

enum suffix {
	SUFFIX_NONE,
	SUFFIX_RANGE,
	SUFFIX_NUMBER,
};

/* "PATH:START+SIZE" and "/dev/uioN:MAP": cut it off. */
static int parse_suffix(struct target *t, enum suffix *suffix, struct failure *f)
{
	char *colon = strrchr(t->path, ':'), *plus;

	*suffix = SUFFIX_NONE;
	if (!colon || strncmp(t->path, "/dev/", 5) || !access(t->path, F_OK))
		return 0;
	*colon++ = '\0';
	plus = strchr(colon, '+');
	if (plus) {
		*plus++ = '\0';
		*suffix = SUFFIX_RANGE;
		if (parse_size(colon, &t->start) && parse_size(plus, &t->size) && t->size)
			return 0;
	} else {
		*suffix = SUFFIX_NUMBER;
		if (parse_number(colon, 1 << 10, &t->start))
			return 0;
	}
	return fail(f, STATUS_USAGE, "%s: neither PATH:START+SIZE nor PATH:NUMBER", t->spec);
}

static void choose_device(struct target *t)
{
	char class[320];
	size_t i;

	t->kind = KIND_RANGE;
	t->ops = &range_ops;
	/* its device tree may give a buffer any name */
	snprintf(class, sizeof(class), "/sys/class/u-dma-buf%s", strrchr(t->path, '/'));
	if (!access(class, F_OK)) {
		t->kind = KIND_UDMABUF;
		t->ops = &udmabuf_ops;
		return;
	}
	for (i = 0; i < ARRAY_LEN(devices); i++) {
		if (!strncmp(t->path, devices[i].prefix, strlen(devices[i].prefix))) {
			t->kind = devices[i].kind;
			t->ops = devices[i].ops;
		}
	}
}

/* Where devices are, nobody wants a file, but in /dev/shm and the like. */
static bool is_in_dev(const char *path)
{
	char *copy = strdup(path);
	struct stat dir, dev;
	bool same;

	same = copy && !stat(dirname(copy), &dir) && !stat("/dev", &dev) &&
	       dir.st_dev == dev.st_dev && !strncmp(path, "/dev/", 5);
	free(copy);
	return same;
}

static int choose_file(struct target *t, struct failure *f)
{
	enum suffix suffix;
	struct stat st;

	if (parse_suffix(t, &suffix, f))
		return -1;
	if (stat(t->path, &st)) {
		if (is_in_dev(t->path))
			return fail_call(f, STATUS_FAILURE, "stat", ENOENT, "%s", t->path);
		st.st_mode = S_IFREG;
	}
	if (S_ISCHR(st.st_mode)) {
		choose_device(t);
	} else if (S_ISBLK(st.st_mode)) {
		t->kind = KIND_BLOCK;
		t->ops = &block_ops;
	} else if (S_ISREG(st.st_mode)) {
		t->kind = KIND_FILE;
		t->ops = &file_ops;
	} else {
		return fail(f, STATUS_USAGE, "%s is no file or device", t->path);
	}
	if ((suffix == SUFFIX_RANGE && t->kind != KIND_RANGE) ||
	    (suffix == SUFFIX_NUMBER && t->kind != KIND_UIO)) {
		fail(f, STATUS_USAGE, "%s: a %s has no such part", t->spec, kind_name(t->kind));
		fail_help(f, "--offset begins elsewhere in it");
		return -1;
	}
	if (t->kind == KIND_UDMABUF && !strcmp(t->path, "/dev/udmabuf")) {
		fail(f, STATUS_USAGE, "/dev/udmabuf makes dma-bufs of other memory; "
		     "it has none itself");
		fail_help(f, "u-dma-buf's buffers are /dev/udmabuf0, ...");
		return -1;
	}
	return 0;
}

static int choose(struct target *t, struct failure *f)
{
	t->ops = NULL;
	if (!strcmp(t->spec, "anon")) {
		t->kind = KIND_ANON;
		t->ops = &anon_ops;
	} else if (!strncmp(t->spec, "pci:", 4)) {
		t->kind = KIND_PCI;
		t->ops = &pci_ops;
	} else if (!strncmp(t->spec, "drm:", 4)) {
		t->kind = KIND_DRM;
		t->ops = &drm_ops;
		snprintf(t->path, sizeof(t->path), "%s", t->spec + 4);
	} else {
		if (strlen(t->spec) >= sizeof(t->path))
			return fail(f, STATUS_USAGE, "the name of the target is too long");
		strcpy(t->path, t->spec);
		return choose_file(t, f);
	}
	return 0;
}

static int check_mapping(const struct target *t, const struct options *o, struct failure *f)
{
	const bool sync = t->kind == KIND_RANGE || t->kind == KIND_UDMABUF;

	switch (o->mapping) {
	case MAPPING_AUTO:
		return 0;
	case MAPPING_CACHED:
		if (sync)
			return 0;
		break;
	case MAPPING_UNCACHED:
		if (sync || t->kind == KIND_PCI)
			return 0;
		break;
	case MAPPING_WC:
		if (t->kind == KIND_PCI)
			return 0;
		break;
	}
	fail(f, STATUS_USAGE, "--mapping: %s has no such mapping", t->spec);
	fail_help(f, "pci: has wc and uncached; /dev/mem and u-dma-buf have cached and "
		  "uncached; the others are mapped as their driver likes");
	return -1;
}

int target_open(struct target *t, const struct options *o, struct failure *f)
{
	memset(t, 0, sizeof(*t));
	t->spec = o->target;
	t->fd = -1;
	t->align = PAGE;
	t->offset = o->offset;
	t->mapping = "";
	if (choose(t, f) || check_mapping(t, o, f))
		return -1;
	if (t->ops->open(t, o, f)) {
		target_close(t);
		return -1;
	}
	return 0;
}

void target_close(struct target *t)
{
	if (t->ops)
		t->ops->close(t);
	t->ops = NULL;
}
