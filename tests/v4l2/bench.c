// SPDX-License-Identifier: GPL-2.0-only
/*
 * How much work it is to capture into memory: counted, not timed
 *
 * bench ITEM: measure what ITEM names.
 * bench first|again ALLOCATOR MEMORY BYTES: only that, once. The machine stops before
 * and afterwards, for somebody who wants to trace it.
 * tools/lab/bench runs it in a guest whose time stamp counter counts instructions
 * (QEMU's -icount shift=0), and makes a table of what it prints:
 *
 *	ITEM ALLOCATOR MEMORY BYTES N MINIMUM MEDIAN MAXIMUM
 *
 * The devices are those of the test module vb2_bench, which take no time. While
 * instructions are counted interrupts have to wait and nobody else runs, so that a
 * count is that of the call and of nothing else.
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <x86intrin.h>

#include "vb2test.h"

#define ARRAY_LEN(a)	(sizeof(a) / sizeof((a)[0]))
#define ROUNDS		11
#define MIB		(1UL << 20)
#define PAGE		4096UL

static void die(const char *what, int ret)
{
	fprintf(stderr, "bench: %s: %s\n", what, strerror(-ret));
	exit(1);
}

static void must(const char *what, int ret)
{
	if (ret < 0)
		die(what, ret);
}

/*
 * Counting
 */

#define LAPIC_BASE	0xfee00000
#define LAPIC_TPR	0x80
#define LAPIC_ALL	0xff

static volatile __u32 *task_priority;
static __u64 empty;

/* Interrupts stay pending as long as this task has the highest priority. */
static __u64 count_begin(void)
{
	*task_priority = LAPIC_ALL;
	return __rdtsc();
}

static __u64 count_end(__u64 begin)
{
	__u64 n = __rdtsc() - begin;

	*task_priority = 0;
	return n - empty;
}

static void count_init(void)
{
	struct sched_param param = { .sched_priority = 1 };
	int fd = open("/dev/mem", O_RDWR | O_SYNC | O_CLOEXEC), i;
	void *map;

	must("/dev/mem", fd < 0 ? -errno : 0);
	map = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		   LAPIC_BASE);
	must("the local APIC", map == MAP_FAILED ? -errno : 0);
	close(fd);
	task_priority = map + LAPIC_TPR;
	must("mlockall()", mlockall(MCL_CURRENT) ? -errno : 0);
	must("sched_setscheduler()",
	     sched_setscheduler(0, SCHED_FIFO, &param) ? -errno : 0);
	for (i = 0; i < 3; i++) {
		empty = 0;
		empty = count_end(count_begin());
	}
}

/**
 * struct counts - what the rounds of one measurement took
 * @n: number of rounds
 * @value: of each
 */
struct counts {
	unsigned int n;
	__u64 value[ROUNDS];
};

static int compare(const void *a, const void *b)
{
	const __u64 *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static void print(const char *item, const char *allocator, const char *memory,
		  size_t size, unsigned int n, struct counts *counts)
{
	qsort(counts->value, counts->n, sizeof(counts->value[0]), compare);
	printf("%s %s %s %zu %u %llu %llu %llu\n", item, allocator, memory,
	       size, n, counts->value[0], counts->value[counts->n / 2],
	       counts->value[counts->n - 1]);
}

/* What can't be had here is said, and no failure */
static void print_missing(const char *item, const char *allocator,
			  const char *memory, size_t size, int error)
{
	printf("%s %s %s %zu - %s\n", item, allocator, memory, size,
	       strerror(-error));
}

/*
 * Memory
 */

struct memory {
	const char *name;
	enum vt_kind kind;
};

static const struct memory anon = { "anonymous", VT_ANON };
static const struct memory huge_page = { "huge-page", VT_HUGETLB };
static const struct memory bar = { "BAR", VT_BAR };
static const struct memory bar_huge = { "BAR-huge", VT_BAR_HUGE };
static const struct memory bar_vfio = { "BAR-vfio", VT_VFIO };
static const struct memory hidden = { "hidden", VT_HIDDEN };

static void touch_page(struct vt_target *t, size_t at)
{
	*(volatile unsigned char *)(t->map + at) = 0;
}

static void touch(struct vt_target *t)
{
	size_t at;

	for (at = 0; at < t->size; at += PAGE)
		touch_page(t, at);
}

/*
 * Ordinary memory of which no page follows the one before: another mapping gets every
 * other page.
 */
static void map_scattered(struct vt_target *t, size_t slot, unsigned int slots)
{
	struct vt_target other;
	size_t at;

	must("map", vt_target_map(t, VT_ANON, slot, slots));
	must("map", vt_target_map(&other, VT_ANON, slot, slots));
	madvise(t->map, t->size, MADV_NOHUGEPAGE);
	madvise(other.map, other.size, MADV_NOHUGEPAGE);
	for (at = 0; at < t->size; at += PAGE) {
		touch_page(t, at);
		touch_page(&other, at);
	}
	vt_target_unmap(&other);
}

/* All of its pages are there. */
static int map_memory(struct vt_target *t, const struct memory *memory,
		      size_t slot, unsigned int slots)
{
	int ret;

	if (memory->kind == VT_ANON) {
		map_scattered(t, slot, slots);
		return 0;
	}
	ret = vt_target_map(t, memory->kind, slot, slots);
	if (!ret)
		touch(t);
	return ret;
}

/*
 * The devices
 */

static int open_bench(struct vt_node *node, const char *allocator, size_t size)
{
	/* lines of 4 KiB, a byte a pixel */
	return vt_open_bench(node, allocator, PAGE, size / PAGE,
			     V4L2_PIX_FMT_GREY);
}

static int qbuf(const struct vt_node *node, __u32 memory, unsigned int index,
		void *addr, int fd)
{
	struct v4l2_buffer b = {
		.type = node->type,
		.memory = memory,
		.index = index,
		.length = node->size[0],
	};

	if (memory == V4L2_MEMORY_DMABUF)
		b.m.fd = fd;
	else
		b.m.userptr = (unsigned long)addr;
	return ioctl(node->fd, VIDIOC_QBUF, &b) ? -errno : 0;
}

static int dqbuf(const struct vt_node *node, __u32 memory)
{
	struct v4l2_buffer b = {
		.type = node->type,
		.memory = memory,
	};

	return ioctl(node->fd, VIDIOC_DQBUF, &b) ? -errno : (int)b.index;
}

static void set_hold(bool hold)
{
	must("hold", vt_write_file("/sys/module/vb2_bench/parameters", "hold",
				   hold ? "1" : "0"));
}

/*
 * First QBUF, and what it takes to give the memory back
 */

static int first_counts(const struct vt_node *node, void *addr,
			struct counts *first, struct counts *put)
{
	unsigned int i;
	__u64 begin;
	int ret;

	first->n = 0;
	put->n = 0;
	for (i = 0; i < ROUNDS + 2; i++) {
		must("REQBUFS", vt_reqbufs(node, V4L2_MEMORY_USERPTR, 1));
		begin = count_begin();
		ret = qbuf(node, V4L2_MEMORY_USERPTR, 0, addr, -1);
		begin = count_end(begin);
		if (ret)
			return ret;
		/* the first two rounds fill the caches of the allocators */
		if (i >= 2)
			first->value[first->n++] = begin;
		begin = count_begin();
		ret = vt_reqbufs(node, V4L2_MEMORY_USERPTR, 0);
		begin = count_end(begin);
		must("REQBUFS 0", ret);
		if (i >= 2)
			put->value[put->n++] = begin;
	}
	return 0;
}

/* The buffer comes back at once, and is queued again. */
static int again_counts(const struct vt_node *node, __u32 memory, void *addr,
			int fd, struct counts *counts)
{
	unsigned int i;
	__u64 begin;
	int ret;

	counts->n = 0;
	must("REQBUFS", vt_reqbufs(node, memory, 1));
	must("STREAMON", vt_streamon(node));
	for (i = 0; i < ROUNDS + 2; i++) {
		begin = count_begin();
		ret = qbuf(node, memory, 0, addr, fd);
		begin = count_end(begin);
		if (ret)
			break;
		if (i >= 2)
			counts->value[counts->n++] = begin;
		must("DQBUF", dqbuf(node, memory));
	}
	must("STREAMOFF", vt_streamoff(node));
	must("REQBUFS 0", vt_reqbufs(node, memory, 0));
	return ret;
}

static void first_one(const char *allocator, const char *memory, void *addr,
		      size_t size)
{
	struct counts first, put, again;
	struct vt_node node;
	int ret;

	ret = open_bench(&node, allocator, size);
	if (ret == -ENODEV)
		return;
	must(allocator, ret);
	ret = first_counts(&node, addr, &first, &put);
	if (!ret)
		ret = again_counts(&node, V4L2_MEMORY_USERPTR, addr, -1, &again);
	vt_close(&node);
	if (ret) {
		print_missing("first", allocator, memory, size, ret);
		return;
	}
	print("first", allocator, memory, size, 1, &first);
	print("put", allocator, memory, size, 1, &put);
	print("again", allocator, memory, size, 1, &again);
}

static const size_t sizes[] = {
	64 << 10, 256 << 10, MIB, 4 * MIB, 16 * MIB, 64 * MIB, 256 * MIB,
};

/* The allocators that are compared get the very same pages. */
static void first_memory(const struct memory *memory,
			 const char *const allocators[], size_t size)
{
	struct vt_target target;

	must(memory->name, map_memory(&target, memory, size, 1));
	for (; *allocators; allocators++)
		first_one(*allocators, memory->name, target.map, size);
	vt_target_unmap(&target);
}

static void item_first(void)
{
	static const struct {
		const struct memory *memory;
		const char *allocators[7];
	} cases[] = {
		{ &anon, { "vmalloc", "dma-pfn-cpu", "dma-sg", "dma-contig", "dma-pfn" } },
		{ &huge_page, { "vmalloc", "dma-pfn-cpu", "dma-sg", "dma-contig", "dma-pfn" } },
		{ &bar, { "dma-pfn-cpu", "dma-pfn", "unrevocable" } },
		{ &bar_huge, { "dma-pfn", "unrevocable" } },
		{ &bar_vfio, { "dma-pfn" } },
		{ &hidden, { "dma-pfn" } },
	};
	unsigned int i, j;

	for (i = 0; i < ARRAY_LEN(cases); i++)
		for (j = 0; j < ARRAY_LEN(sizes); j++)
			first_memory(cases[i].memory, cases[i].allocators,
				     sizes[j]);
}

static void item_mmap(void)
{
	static const char * const allocators[] = {
		"vmalloc", "dma-sg", "dma-contig", "dma-pfn",
	};
	struct counts counts;
	struct vt_node node;
	unsigned int i, j;
	int ret;

	for (i = 0; i < ARRAY_LEN(allocators); i++) {
		for (j = 0; j < ARRAY_LEN(sizes) && sizes[j] <= 4 * MIB; j++) {
			ret = open_bench(&node, allocators[i], sizes[j]);
			if (ret == -ENODEV)
				break;
			must(allocators[i], ret);
			ret = again_counts(&node, V4L2_MEMORY_MMAP, NULL, -1,
					   &counts);
			must("MMAP", ret);
			print("mmap", allocators[i], "MMAP", sizes[j], 1,
			      &counts);
			vt_close(&node);
		}
	}
}

/* More pointers than buffers */
#define ROTATE_BUFS	4
#define ROTATE_POINTERS	8

static void rotate_one(const char *allocator, const struct memory *memory)
{
	struct counts counts = { 0 };
	struct vt_target target;
	struct vt_node node;
	size_t size = 4 * MIB;
	unsigned int round;
	__u64 begin;
	int ret;

	ret = open_bench(&node, allocator, size);
	if (ret == -ENODEV)
		return;
	must(allocator, ret);
	must(memory->name, map_memory(&target, memory, size, ROTATE_POINTERS));
	must("REQBUFS", vt_reqbufs(&node, V4L2_MEMORY_USERPTR, ROTATE_BUFS));
	must("STREAMON", vt_streamon(&node));
	for (round = 0; round < 2 * ROTATE_POINTERS + ROUNDS; round++) {
		begin = count_begin();
		ret = qbuf(&node, V4L2_MEMORY_USERPTR, round % ROTATE_BUFS,
			   target.map + round % ROTATE_POINTERS * size, -1);
		begin = count_end(begin);
		must("QBUF", ret);
		if (round >= 2 * ROTATE_POINTERS)
			counts.value[counts.n++] = begin;
		must("DQBUF", dqbuf(&node, V4L2_MEMORY_USERPTR));
	}
	print("rotate", allocator, memory->name, size, ROTATE_POINTERS, &counts);
	vt_close(&node);
	vt_target_unmap(&target);
}

static void item_rotate(void)
{
	rotate_one("dma-sg", &anon);
	rotate_one("dma-pfn", &anon);
	rotate_one("dma-pfn", &bar);
	rotate_one("dma-pfn", &bar_huge);
}

/*
 * A frame in a BAR: captured there, or captured elsewhere and copied
 */

static const struct {
	unsigned int width;
	unsigned int height;
} frames[] = {
	{ 640, 480 }, { 1280, 720 }, { 1920, 1080 }, { 3840, 2160 }, { 7680, 4320 },
};

static void *map_buffer(const struct vt_node *node, unsigned int index)
{
	struct v4l2_buffer b = {
		.type = node->type,
		.memory = V4L2_MEMORY_MMAP,
		.index = index,
	};
	void *map;

	must("QUERYBUF", ioctl(node->fd, VIDIOC_QUERYBUF, &b) ? -errno : 0);
	map = mmap(NULL, node->size[0], PROT_READ | PROT_WRITE,
		   MAP_SHARED | MAP_POPULATE, node->fd, b.m.offset);
	must("mmap()", map == MAP_FAILED ? -errno : 0);
	return map;
}

#define FRAME_BUFS	2

/* DQBUF, the copy if there has to be one, QBUF */
static void frame_counts(const struct vt_node *node, __u32 memory,
			 unsigned char *to, struct counts *counts)
{
	size_t slot = (node->size[0] + PAGE - 1) & -PAGE;
	void *buffer[FRAME_BUFS];
	unsigned int i;
	__u64 begin;
	int index;

	must("REQBUFS", vt_reqbufs(node, memory, FRAME_BUFS));
	for (i = 0; i < FRAME_BUFS; i++) {
		buffer[i] = memory == V4L2_MEMORY_MMAP ? map_buffer(node, i) :
							 to + i * slot;
		must("QBUF", qbuf(node, memory, i, buffer[i], -1));
	}
	must("STREAMON", vt_streamon(node));
	counts->n = 0;
	for (i = 0; i < ROUNDS + 2; i++) {
		begin = count_begin();
		index = dqbuf(node, memory);
		must("DQBUF", index);
		if (memory == V4L2_MEMORY_MMAP)
			memcpy(to, buffer[index], node->size[0]);
		must("QBUF", qbuf(node, memory, index, buffer[index], -1));
		begin = count_end(begin);
		if (i >= 2)
			counts->value[counts->n++] = begin;
	}
	must("STREAMOFF", vt_streamoff(node));
	for (i = 0; memory == V4L2_MEMORY_MMAP && i < FRAME_BUFS; i++)
		munmap(buffer[i], node->size[0]);
	must("REQBUFS 0", vt_reqbufs(node, memory, 0));
}

static void item_frame(void)
{
	static const struct {
		const char *allocator;
		const char *name;
		__u32 memory;
	} cases[] = {
		{ "vmalloc", "copied", V4L2_MEMORY_MMAP },
		{ "dma-sg", "copied", V4L2_MEMORY_MMAP },
		{ "dma-pfn", "BAR", V4L2_MEMORY_USERPTR },
	};
	struct vt_target target;
	struct counts counts;
	struct vt_node node;
	unsigned int c, f;
	size_t slot;
	int ret;

	for (c = 0; c < ARRAY_LEN(cases); c++) {
		for (f = 0; f < ARRAY_LEN(frames); f++) {
			ret = vt_open_bench(&node, cases[c].allocator,
					    frames[f].width, frames[f].height,
					    V4L2_PIX_FMT_YUYV);
			if (ret == -ENODEV)
				break;
			must(cases[c].allocator, ret);
			slot = (node.size[0] + PAGE - 1) & -PAGE;
			ret = map_memory(&target, &bar, slot, FRAME_BUFS);
			must("the BAR", ret);
			frame_counts(&node, cases[c].memory, target.map,
				     &counts);
			print("frame", cases[c].allocator, cases[c].name,
			      node.size[0], frames[f].height, &counts);
			vt_target_unmap(&target);
			vt_close(&node);
		}
	}
}

/*
 * Memory that is taken away while the device has it
 */

static void revoke_one(const char *allocator, const struct memory *memory,
		       size_t size)
{
	struct counts counts = { 0 };
	struct vt_target target;
	struct vt_node node;
	unsigned int i;
	__u64 begin;
	int ret;

	ret = open_bench(&node, allocator ?: "dma-pfn", size);
	if (ret == -ENODEV)
		return;
	must("open", ret);
	must("map", map_memory(&target, memory, size, 1));
	for (i = 0; i < ROUNDS + 2; i++) {
		if (allocator) {
			must("REQBUFS", vt_reqbufs(&node, V4L2_MEMORY_USERPTR, 1));
			must("STREAMON", vt_streamon(&node));
			ret = qbuf(&node, V4L2_MEMORY_USERPTR, 0, target.map, -1);
			if (ret)
				break;
		}
		begin = count_begin();
		munmap(target.map, size);
		begin = count_end(begin);
		if (i >= 2)
			counts.value[counts.n++] = begin;
		if (allocator) {
			must("STREAMOFF", vt_streamoff(&node));
			must("REQBUFS 0", vt_reqbufs(&node, V4L2_MEMORY_USERPTR, 0));
		}
		must("map again", vt_target_remap(&target, 0, size));
		touch(&target);
	}
	if (ret)
		print_missing("revoke", allocator, memory->name, size, ret);
	else
		print("revoke", allocator ?: "none", memory->name, size, 1,
		      &counts);
	vt_close(&node);
	vt_target_unmap(&target);
}

static void item_revoke(void)
{
	static const struct {
		const char *allocator;
		const struct memory *memory;
	} cases[] = {
		{ NULL, &bar },
		{ "dma-pfn", &bar },
		{ "unrevocable", &bar },
		{ NULL, &bar_huge },
		{ "dma-pfn", &bar_huge },
		{ "unrevocable", &bar_huge },
	};
	unsigned int i, j;

	set_hold(true);
	for (i = 0; i < ARRAY_LEN(cases); i++)
		for (j = 0; j < ARRAY_LEN(sizes); j++)
			revoke_one(cases[i].allocator, cases[i].memory,
				   sizes[j]);
	set_hold(false);
}

/*
 * The same with a driver that has to finish first what it is writing: vivid, whose
 * frames the CPU makes. munmap() comes at another moment of the frame each time, and
 * what else the machine does meanwhile counts as well.
 */
static void flight_one(unsigned int width, unsigned int height)
{
	struct counts counts = { 0 };
	struct vt_target target;
	struct vt_node node;
	unsigned int i, j;
	size_t slot;
	__u64 begin;

	must("vivid", vt_open_vivid(&node, 0, width, height,
				    V4L2_PIX_FMT_RGB24));
	slot = (node.size[0] + PAGE - 1) & -PAGE;
	must("map", map_memory(&target, &bar, slot, VT_BUFS));
	for (i = 0; i < ROUNDS; i++) {
		must("REQBUFS", vt_reqbufs(&node, V4L2_MEMORY_USERPTR, VT_BUFS));
		for (j = 0; j < VT_BUFS; j++)
			must("QBUF", vt_qbuf(&node, j, target.map + j * slot));
		must("STREAMON", vt_streamon(&node));
		must("DQBUF", vt_dqbuf(&node, NULL));
		usleep(node.frame_us * (i + 1) / ROUNDS);
		begin = __rdtsc();
		munmap(target.map, target.size);
		counts.value[counts.n++] = __rdtsc() - begin;
		must("STREAMOFF", vt_streamoff(&node));
		must("REQBUFS 0", vt_reqbufs(&node, V4L2_MEMORY_USERPTR, 0));
		must("map again", vt_target_remap(&target, 0, target.size));
		touch(&target);
	}
	print("flight", "vivid", bar.name, node.size[0], node.frame_us, &counts);
	vt_close(&node);
	vt_target_unmap(&target);
}

static void item_flight(void)
{
	flight_one(640, 480);
	flight_one(1280, 720);
	flight_one(1920, 1080);
}

/*
 * The same BAR as a dma-buf of vfio-pci
 */

static int import_counts(const struct vt_node *node, int fd,
			 struct counts *first)
{
	unsigned int i;
	__u64 begin;
	int ret;

	first->n = 0;
	for (i = 0; i < ROUNDS + 2; i++) {
		must("REQBUFS", vt_reqbufs(node, V4L2_MEMORY_DMABUF, 1));
		begin = count_begin();
		ret = qbuf(node, V4L2_MEMORY_DMABUF, 0, NULL, fd);
		begin = count_end(begin);
		if (ret)
			return ret;
		if (i >= 2)
			first->value[first->n++] = begin;
		must("REQBUFS 0", vt_reqbufs(node, V4L2_MEMORY_DMABUF, 0));
	}
	return 0;
}

static void item_import(void)
{
	struct counts first, again;
	const size_t offset = 0;
	struct vt_target target;
	struct vt_node node;
	unsigned int j;
	int ret, fd;

	for (j = 0; j < ARRAY_LEN(sizes); j++) {
		ret = vt_target_map(&target, VT_VFIO, sizes[j], 1);
		if (ret) {
			print_missing("import", "dma-pfn", "BAR-vfio", sizes[j],
				      ret);
			return;
		}
		must("open", open_bench(&node, "dma-pfn", sizes[j]));
		fd = vt_target_dmabuf(&target, &offset, sizes[j], 1);
		must("dma-buf", fd);
		ret = import_counts(&node, fd, &first);
		if (!ret)
			ret = again_counts(&node, V4L2_MEMORY_DMABUF, NULL, fd,
					   &again);
		if (ret) {
			print_missing("import", "dma-pfn", "BAR-vfio", sizes[j],
				      ret);
		} else {
			print("import", "dma-pfn", "BAR-vfio", sizes[j], 1,
			      &first);
			print("import-again", "dma-pfn", "BAR-vfio", sizes[j],
			      1, &again);
		}
		close(fd);
		vt_close(&node);
		vt_target_unmap(&target);
	}
}

/*
 * How it grows: with the runs of page frames, with the number of buffers
 */

/* Runs of page frames that follow each other behind @size bytes at @addr */
static unsigned int count_runs(const void *addr, size_t size)
{
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	__u64 entry, next = 0;
	unsigned int n = 0;
	size_t page;

	must("pagemap", fd < 0 ? -errno : 0);
	for (page = 0; page < size / PAGE; page++) {
		if (pread(fd, &entry, sizeof(entry),
			  ((unsigned long)addr / PAGE + page) *
			  sizeof(entry)) != sizeof(entry))
			die("pagemap", -EIO);
		entry &= (1ULL << 55) - 1;
		n += entry != next;
		next = entry + 1;
	}
	close(fd);
	return n;
}

static void item_runs(void)
{
	struct counts first, put, again;
	struct vt_target target;
	struct vt_node node;
	unsigned long pages;

	for (pages = 1; pages <= 65536; pages *= 4) {
		if (open_bench(&node, "dma-pfn", pages * PAGE))
			return;
		must("map", map_memory(&target, &anon, pages * PAGE, 1));
		if (count_runs(target.map, target.size) != pages)
			fprintf(stderr, "bench: %lu pages are %u runs\n", pages,
				count_runs(target.map, target.size));
		must("QBUF", first_counts(&node, target.map, &first, &put));
		must("QBUF", again_counts(&node, V4L2_MEMORY_USERPTR,
					  target.map, -1, &again));
		print("runs", "dma-pfn", anon.name, pages * PAGE, pages,
		      &first);
		print("runs-put", "dma-pfn", anon.name, pages * PAGE, pages,
		      &put);
		print("runs-again", "dma-pfn", anon.name, pages * PAGE, pages,
		      &again);
		vt_close(&node);
		vt_target_unmap(&target);
	}
}

#define SMALL	(64UL << 10)

static void buffers_round(const struct vt_node *node, struct vt_target *t,
			  unsigned int n, struct counts counts[3], bool record)
{
	unsigned int i;
	__u64 begin[3];
	int index;

	must("REQBUFS", vt_reqbufs(node, V4L2_MEMORY_USERPTR, n));
	must("STREAMON", vt_streamon(node));
	for (i = 0; i + 1 < n; i++)
		must("QBUF", qbuf(node, V4L2_MEMORY_USERPTR, i,
				  t->map + i * SMALL, -1));
	begin[0] = count_begin();
	index = qbuf(node, V4L2_MEMORY_USERPTR, i, t->map + i * SMALL, -1);
	begin[0] = count_end(begin[0]);
	must("QBUF", index);

	index = dqbuf(node, V4L2_MEMORY_USERPTR);
	must("DQBUF", index);
	begin[1] = count_begin();
	qbuf(node, V4L2_MEMORY_USERPTR, index, t->map + index * SMALL, -1);
	begin[1] = count_end(begin[1]);

	begin[2] = count_begin();
	munmap(t->map + i * SMALL, SMALL);
	begin[2] = count_end(begin[2]);
	must("map again", vt_target_remap(t, i * SMALL, SMALL));

	must("STREAMOFF", vt_streamoff(node));
	must("REQBUFS 0", vt_reqbufs(node, V4L2_MEMORY_USERPTR, 0));
	for (i = 0; record && i < 3; i++)
		counts[i].value[counts[i].n++] = begin[i];
}

static void item_buffers(void)
{
	struct vt_target target;
	struct counts counts[3];
	struct vt_node node;
	unsigned int n, i;
	int ret;

	ret = open_bench(&node, "dma-pfn", SMALL);
	if (ret == -ENODEV)
		return;
	must("open", ret);
	for (n = 1; n <= 1000; n *= 10) {
		must("map", map_memory(&target, &bar, SMALL, n));
		memset(counts, 0, sizeof(counts));
		for (i = 0; i < ROUNDS + 2; i++)
			buffers_round(&node, &target, n, counts, i >= 2);
		print("buffers", "dma-pfn", bar.name, SMALL, n, &counts[0]);
		print("buffers-again", "dma-pfn", bar.name, SMALL, n,
		      &counts[1]);
		print("buffers-revoke", "dma-pfn", bar.name, SMALL, n,
		      &counts[2]);
		vt_target_unmap(&target);
	}
	vt_close(&node);
}

/*
 * Memory of the kernel's: pages that are not free, those in the CPU's own list
 * included
 */

static long free_pages(void)
{
	char line[256];
	long n, sum = 0;
	FILE *f;

	vt_write_file("/proc/sys/vm", "stat_refresh", "1");
	f = fopen("/proc/zoneinfo", "r");
	if (!f)
		die("/proc/zoneinfo", -errno);
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, " nr_free_pages %ld", &n) == 1 ||
		    sscanf(line, " count: %ld", &n) == 1)
			sum += n;
	fclose(f);
	return sum;
}

/* Slabs without an object are kept for the next one. */
static void shrink_slabs(void)
{
	glob_t g;
	size_t i;

	if (glob("/sys/kernel/slab/*", 0, NULL, &g))
		die("/sys/kernel/slab", -ENOENT);
	for (i = 0; i < g.gl_pathc; i++)
		vt_write_file(g.gl_pathv[i], "shrink", "1");
	globfree(&g);
}

static void memory_one(const char *allocator, const struct memory *memory,
		       size_t size, unsigned int bufs)
{
	struct counts counts = { 0 };
	struct vt_target target;
	struct vt_node node;
	unsigned int i, round;
	long before;
	int ret;

	ret = open_bench(&node, allocator, size);
	if (ret == -ENODEV)
		return;
	must("open", ret);
	must("map", map_memory(&target, memory, size, bufs));
	for (round = 0; round < 3; round++) {
		must("REQBUFS", vt_reqbufs(&node, V4L2_MEMORY_USERPTR, bufs));
		shrink_slabs();
		before = free_pages();
		for (i = 0; !ret && i < bufs; i++)
			ret = qbuf(&node, V4L2_MEMORY_USERPTR, i,
				   target.map + i * size, -1);
		counts.value[counts.n++] = (before - free_pages()) * PAGE / bufs;
		must("REQBUFS 0", vt_reqbufs(&node, V4L2_MEMORY_USERPTR, 0));
	}
	must("QBUF", ret);
	print("memory", allocator, memory->name, size,
	      bufs, &counts);
	vt_close(&node);
	vt_target_unmap(&target);
}

static void item_memory(void)
{
	static const char * const allocators[] = { "dma-sg", "dma-pfn" };
	unsigned long pages;
	unsigned int i;

	memory_one("dma-pfn", &bar, SMALL, 1000);
	for (i = 0; i < ARRAY_LEN(allocators); i++)
		for (pages = 16; pages <= 65536; pages *= 16)
			memory_one(allocators[i], &anon, pages * PAGE,
				   65536 / pages < 1000 ? 65536 / pages : 1000);
}

/* What most of the goals need, of one size */
static void item_short(void)
{
	static const char *const dma[] = { "dma-sg", "dma-pfn", NULL };
	static const char *const cpu[] = { "vmalloc", "dma-pfn-cpu", NULL };

	first_memory(&anon, dma, 4 * MIB);
	first_memory(&anon, cpu, 4 * MIB);
	first_memory(&huge_page, dma, 4 * MIB);
	first_memory(&bar, dma + 1, 4 * MIB);
	first_memory(&bar_huge, dma + 1, 4 * MIB);
	item_mmap();
	item_frame();
}

/*
 * A single call, to be traced
 */

/* QEMU stops when its device pvpanic-pci is told of a panic. */
static volatile unsigned char *map_stop(void)
{
	char dir[128], path[192];
	int fd;
	void *map;

	must("pvpanic-pci", vt_find_pci("pci:v00001B36d00000011*", NULL, 0, dir, sizeof(dir)));
	must("enable", vt_write_file(dir, "enable", "1"));
	snprintf(path, sizeof(path), "%s/resource0", dir);
	fd = open(path, O_RDWR | O_SYNC | O_CLOEXEC);
	must(path, fd < 0 ? -errno : 0);
	map = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	must(path, map == MAP_FAILED ? -errno : 0);
	close(fd);
	return map;
}

static int traced(char *argv[])
{
	const struct memory *const memories[] = {
		&anon, &huge_page, &bar, &bar_huge, &bar_vfio, &hidden,
	};
	bool first = !strcmp(argv[0], "first"), mmapped;
	size_t size = strtoul(argv[3], NULL, 0);
	struct vt_target target = {};
	__u32 type = V4L2_MEMORY_USERPTR;
	volatile unsigned char *stop = map_stop();
	struct vt_node node;
	unsigned int i;
	__u64 begin;
	int ret;

	must(argv[1], open_bench(&node, argv[1], size));
	mmapped = !strcmp(argv[2], "MMAP");
	if (mmapped)
		type = V4L2_MEMORY_MMAP;
	for (i = 0; i < ARRAY_LEN(memories); i++)
		if (!strcmp(memories[i]->name, argv[2]))
			must(argv[2], map_memory(&target, memories[i], size, 1));
	for (i = 0; i < 4; i++) {
		if (i < 1 || first)
			must("REQBUFS", vt_reqbufs(&node, type, 1));
		if (i < 1 && !first)
			must("STREAMON", vt_streamon(&node));
		begin = count_begin();
		if (i == 3)
			*stop = 1;
		ret = qbuf(&node, type, 0, target.map, -1);
		if (i == 3)
			*stop = 1;
		count_end(begin);
		must("QBUF", ret);
		if (first)
			must("REQBUFS 0", vt_reqbufs(&node, type, 0));
		else
			must("DQBUF", dqbuf(&node, type));
	}
	return 0;
}

static const struct {
	const char *name;
	void (*run)(void);
} items[] = {
	{ "first", item_first },
	{ "mmap", item_mmap },
	{ "rotate", item_rotate },
	{ "frame", item_frame },
	{ "revoke", item_revoke },
	{ "flight", item_flight },
	{ "import", item_import },
	{ "runs", item_runs },
	{ "buffers", item_buffers },
	{ "memory", item_memory },
	{ "short", item_short },
};

int main(int argc, char *argv[])
{
	unsigned int i;

	count_init();
	if (argc == 5)
		return traced(argv + 1);
	for (i = 0; i < ARRAY_LEN(items); i++) {
		if (argc > 1 && !strcmp(argv[1], items[i].name)) {
			items[i].run();
			return 0;
		}
	}
	fprintf(stderr, "usage: bench ITEM | first|again ALLOCATOR MEMORY BYTES\n");
	return 2;
}
