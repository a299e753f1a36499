// SPDX-License-Identifier: GPL-2.0-only
/*
 * Any sequence of calls of the buffer API, with memory of every kind as the argument
 *
 * An input is a program: records of six bytes, the operation and its arguments. Every
 * string of bytes is a program, and small changes of it make small changes of what it
 * does: there is an area of address space with a few slots, a table of video nodes, one
 * of dma-bufs, and one of requests, and the arguments are indices and choices. What is
 * right for the node comes first among the choices, what is wrong comes after it.
 *
 * What must not happen, beside what the kernel says itself: memory that was taken away, or
 * is beside a target, is written to; pages stay pinned, or kernel or DMA mappings exist,
 * after everything has been closed and unmapped.
 *
 * There are two programs of it. build/tests/fuzz runs the files that it is given, with
 * KTAP as the result: the regression test. tools/lab/fuzz links it with libFuzzer, which
 * makes the inputs, guided by what KCOV says of the kernel's code.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <linux/dma-buf.h>
#include <linux/dma-heap.h>
#include <linux/kcov.h>
#include <linux/media.h>
#include <linux/udmabuf.h>

#include "vb2test.h"

#ifndef VIDIOC_REMOVE_BUFS	/* headers of user space may be older */
struct v4l2_remove_buffers {
	__u32 index;
	__u32 count;
	__u32 type;
	__u32 reserved[13];
};

#define VIDIOC_REMOVE_BUFS	_IOWR('V', 104, struct v4l2_remove_buffers)
#endif

#define PAGE		4096UL
#define SLOT		(2UL << 20)
#define SLOTS		8
/* Below everything that mmap() chooses: nobody else's memory gets into a hole here. */
#define AREA		0x200000000UL
/* Pages of a target, and of its margins, which no buffer gets */
#define BODY		128
#define MARGIN		16
#define FDS		4
#define RECORD		6
#define MAX_RECORDS	50
#define ARRAY_LEN(a)	(sizeof(a) / sizeof((a)[0]))

/* Ends the program, which has found something. */
static void stop(void);

static bool racing;		/* two threads run the program */
static bool is_child;		/* of OP_FORK */

/* Whatever came after it would be wrong as well. */
static void fail(const char *what)
{
	printf("# %s\n", what);
	stop();
}

/*
 * Memory
 */

/**
 * struct memory - what slots are mapped to
 * @kind: what it is
 * @there: this machine has it
 * @target: it; its own mapping is given up, if it has a second one that stays
 * @lock: the members below
 * @used: by this input
 * @lost: nobody may write to it: it has been taken from everybody
 * @zapped: by its owner, who can give it back
 * @salt: the pattern in it then
 */
struct memory {
	enum vt_kind kind;
	bool there;
	struct vt_target target;
	pthread_mutex_t lock;
	bool used, lost, zapped;
	uint64_t salt;
};

static struct memory memories[] = {
	{ .kind = VT_BAR },
	{ .kind = VT_PAGES },
	{ .kind = VT_HIDDEN_LAZY },
	{ .kind = VT_ANON },
	{ .kind = VT_PAGES_LAZY },
	{ .kind = VT_TMPFS },
	{ .kind = VT_COHERENT },
	{ .kind = VT_PAGES_HUGE },
	{ .kind = VT_HUGETLB },
	{ .kind = VT_VFIO },
};

static bool is_huge(const struct memory *m)
{
	return m->kind == VT_HUGETLB || m->kind == VT_PAGES_HUGE;
}

/* The first page that slots get */
static unsigned int body_of(const struct memory *m)
{
	return is_huge(m) ? 0 : MARGIN;
}

/*
 * A word at the beginning of each page, and nothing else: whoever writes a picture writes
 * to whole pages.
 */
static void put_words(struct memory *m, unsigned int first, unsigned int end)
{
	unsigned char *alias = m->target.alias;

	for (; first < end; first++) {
		uint64_t word = m->salt + first;

		if (alias)
			*(volatile uint64_t *)(alias + first * PAGE) = word;
		else if (pwrite(m->target.memory[0].fd, &word, 8, first * PAGE) != 8)
			fail("the owner can't write to its memory");
	}
}

static void check_words(struct memory *m, unsigned int first, unsigned int end,
			const char *what)
{
	unsigned char *alias = m->target.alias;
	char text[128];

	for (; first < end; first++) {
		uint64_t word = 0;

		if (alias)
			word = *(volatile uint64_t *)(alias + first * PAGE);
		else if (pread(m->target.memory[0].fd, &word, 8, first * PAGE) != 8)
			fail("the owner can't read its memory");
		if (word == m->salt + first)
			continue;
		snprintf(text, sizeof(text), "%s: page %u was written to, %s",
			 vt_kind_name(m->kind), first, what);
		fail(text);
	}
}

/* Has it been taken from everybody when nobody maps it, and can the test see it? */
static bool can_be_lost(const struct memory *m)
{
	/* what vfio-pci has given away as a dma-buf needs no mapping */
	return m->there && !vt_kind_pinned(m->kind) && m->kind != VT_VFIO;
}

static void lose(struct memory *m)
{
	if (m->lost || !can_be_lost(m))
		return;
	m->salt += 0x10000;
	put_words(m, body_of(m), body_of(m) + BODY);
	m->lost = true;
}

static void find(struct memory *m)
{
	if (m->lost)
		check_words(m, body_of(m), body_of(m) + BODY,
			    "after it was taken away");
	m->lost = false;
	if (m->zapped)
		vt_target_restore(&m->target);
	m->zapped = false;
}

static bool has_margins(const struct memory *m)
{
	return m->there && !vt_kind_pinned(m->kind) && !is_huge(m);
}

static void check_margins(struct memory *m)
{
	uint64_t salt = m->salt;

	m->salt = 0x5aa5000000000000;
	check_words(m, 0, MARGIN, "before a target");
	check_words(m, MARGIN + BODY, 2 * MARGIN + BODY, "behind a target");
	m->salt = salt;
}

static void open_memories(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_LEN(memories); i++) {
		struct memory *m = &memories[i];
		int ret = vt_target_map(&m->target, m->kind, (2 * MARGIN + BODY) * PAGE,
					1);

		pthread_mutex_init(&m->lock, NULL);
		if (ret)
			printf("# %s: %d %s\n", vt_kind_name(m->kind), ret, m->target.why);
		m->there = !ret;
		if (ret)
			continue;
		/* no mapping but those in the area */
		munmap(m->target.map, m->target.size);
		m->target.map = NULL;
		if (has_margins(m)) {
			m->salt = 0x5aa5000000000000;
			put_words(m, 0, MARGIN);
			put_words(m, MARGIN + BODY, 2 * MARGIN + BODY);
		}
	}
}

/*
 * What the programs work on
 */

/**
 * struct fuzz_node - a video node
 * @driver: and
 * @bus_info: tell which it is
 * @caps: and what it does
 * @type: type of its buffers
 * @path: of its device file; empty if it is not there
 * @v: the node, as long as it is open
 * @memory: what REQBUFS or CREATE_BUFS asked for
 * @media: the media device of its requests, or -1
 * @format: what S_FMT was given last
 */
struct fuzz_node {
	const char *driver, *bus_info;
	__u32 caps, type;
	char path[32];
	struct vt_node v;
	__u32 memory;
	int media;
	unsigned int format;
};

static struct fuzz_node nodes[] = {
	{
		.driver = "vivid", .bus_info = "platform:vivid-000",
		.caps = V4L2_CAP_VIDEO_CAPTURE,
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
	},
	{
		.driver = "vb2_pfn_dev", .bus_info = "platform:revocable",
		.caps = V4L2_CAP_VIDEO_CAPTURE,
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
	},
	{
		.driver = "vivid", .bus_info = "platform:vivid-001",
		.caps = V4L2_CAP_VIDEO_CAPTURE_MPLANE,
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE,
	},
	{
		.driver = "vivid", .bus_info = "platform:vivid-000",
		.caps = V4L2_CAP_VIDEO_OUTPUT,
		.type = V4L2_BUF_TYPE_VIDEO_OUTPUT,
	},
	{
		.driver = "vb2_pfn_dev", .bus_info = "platform:unrevocable",
		.caps = V4L2_CAP_VIDEO_CAPTURE,
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
	},
	{
		.driver = "vb2_pfn_dev", .bus_info = "platform:contiguous",
		.caps = V4L2_CAP_VIDEO_CAPTURE,
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
	},
	{
		.driver = "vivid", .bus_info = "platform:vivid-001",
		.caps = V4L2_CAP_VIDEO_OUTPUT_MPLANE,
		.type = V4L2_BUF_TYPE_VIDEO_OUTPUT_MPLANE,
	},
	{
		.driver = "vb2_pfn_dev", .bus_info = "platform:narrow",
		.caps = V4L2_CAP_VIDEO_CAPTURE,
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
	},
};

/* Small pictures: it is not about them. The first is what a node has in the beginning. */
static const struct {
	__u32 width, height, fourcc;
} formats[] = {
	{ 320, 180, V4L2_PIX_FMT_RGB24 },
	{ 320, 180, V4L2_PIX_FMT_NV12M },
	{ 320, 180, V4L2_PIX_FMT_GREY },
	{ 640, 360, V4L2_PIX_FMT_YUYV },
	{ 320, 180, V4L2_PIX_FMT_YUV420M },
	{ 320, 180, V4L2_PIX_FMT_YUV420 },
};

static atomic_int dmabufs[FDS], requests[FDS];
static atomic_bool is_udmabuf[FDS];	/* which of the dma-bufs */
static int zero_fd, shmem_fd, heap_fd, udmabuf_fd, kmsg_fd;

static void put_fd(atomic_int *place, int fd)
{
	fd = atomic_exchange(place, fd);
	if (fd >= 0)
		close(fd);
}

static int set_format(struct fuzz_node *n, unsigned int format)
{
	struct v4l2_format f = { .type = n->type };
	unsigned int i;

	if (n->v.mplane) {
		f.fmt.pix_mp.width = formats[format].width;
		f.fmt.pix_mp.height = formats[format].height;
		f.fmt.pix_mp.pixelformat = formats[format].fourcc;
	} else {
		f.fmt.pix.width = formats[format].width;
		f.fmt.pix.height = formats[format].height;
		f.fmt.pix.pixelformat = formats[format].fourcc;
	}
	if (ioctl(n->v.fd, VIDIOC_S_FMT, &f))
		return -errno;
	n->format = format;
	n->v.num_planes = 1;
	n->v.size[0] = f.fmt.pix.sizeimage;
	if (!n->v.mplane)
		return 0;
	n->v.num_planes = f.fmt.pix_mp.num_planes <= VT_PLANES ?
			  f.fmt.pix_mp.num_planes : VT_PLANES;
	for (i = 0; i < n->v.num_planes; i++)
		n->v.size[i] = f.fmt.pix_mp.plane_fmt[i].sizeimage;
	return 0;
}

static struct fuzz_node *node_at(uint8_t which)
{
	struct fuzz_node *n = &nodes[which % ARRAY_LEN(nodes)];
	int fd, closed = -1;

	if (n->v.fd >= 0 || !n->path[0])
		return n;
	n->memory = V4L2_MEMORY_USERPTR;
	fd = open(n->path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	/* the other thread may have been faster */
	if (!__atomic_compare_exchange_n(&n->v.fd, &closed, fd, false, __ATOMIC_SEQ_CST,
					 __ATOMIC_SEQ_CST))
		close(fd);
	return n;
}

static int find_media(const char *bus_info)
{
	struct media_device_info info;
	char path[32];
	int i, fd;

	for (i = 0; i < 8; i++) {
		snprintf(path, sizeof(path), "/dev/media%d", i);
		fd = open(path, O_RDWR | O_CLOEXEC);
		if (fd >= 0 && !ioctl(fd, MEDIA_IOC_DEVICE_INFO, &info) &&
		    !strcmp(info.bus_info, bus_info))
			return fd;
		if (fd >= 0)
			close(fd);
	}
	return -1;
}

static void open_nodes(void)
{
	unsigned int i;
	struct vt_node v;

	/* a static picture, and frames as fast as there are */
	for (i = 0; i < 2; i++)
		if (!vt_open_vivid(&v, i, 320, 180, V4L2_PIX_FMT_RGB24))
			vt_close(&v);

	for (i = 0; i < ARRAY_LEN(nodes); i++) {
		struct fuzz_node *n = &nodes[i];
		char link[32];
		ssize_t len;

		n->media = -1;
		n->v = (struct vt_node) {
			.type = n->type,
			.mplane = V4L2_TYPE_IS_MULTIPLANAR(n->type),
			.output = V4L2_TYPE_IS_OUTPUT(n->type),
		};
		n->v.fd = vt_open_node(n->driver, n->bus_info, n->caps);
		if (n->v.fd < 0) {
			printf("# %s has no such node: %d\n", n->bus_info, n->v.fd);
			continue;
		}
		if (set_format(n, 0))
			fail("a node does not take its format");
		snprintf(link, sizeof(link), "/proc/self/fd/%d", n->v.fd);
		len = readlink(link, n->path, sizeof(n->path) - 1);
		n->path[len > 0 ? len : 0] = '\0';
		n->media = find_media(n->bus_info);
		vt_close(&n->v);
	}
	for (i = 0; i < FDS; i++) {
		dmabufs[i] = -1;
		requests[i] = -1;
	}

	zero_fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	shmem_fd = memfd_create("fuzz", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (ftruncate(shmem_fd, BODY * PAGE) || fcntl(shmem_fd, F_ADD_SEALS, F_SEAL_SHRINK))
		fail("no shared memory");
	udmabuf_fd = open("/dev/udmabuf", O_RDWR | O_CLOEXEC);
	heap_fd = open("/dev/dma_heap/system", O_RDWR | O_CLOEXEC);
}

/*
 * Arguments
 */

static unsigned char *slot(uint8_t where)
{
	return (unsigned char *)AREA + where % SLOTS * SLOT;
}

/* Three bits for the slot, five for the page in it; @choice bends it. */
static unsigned char *address(uint8_t where, uint8_t choice)
{
	unsigned char *addr = slot(where) + (where >> 3) * PAGE;

	switch (choice % 16) {
	case 8:
		return addr + 1;
	case 9:
		return addr + 64;
	case 10:
		return addr + PAGE / 2;
	case 11:
		return addr + PAGE - 1;
	case 12:
		return addr - PAGE;
	case 13:
		return NULL;
	case 14:
		return (unsigned char *)0xffff888000000000;
	case 15:
		return (unsigned char *)0x7ffffffff000;
	default:
		return addr;
	}
}

static size_t length(size_t right, uint8_t choice)
{
	switch (choice % 16) {
	case 8:
		return right - 1;
	case 9:
		return right + 1;
	case 10:
		return (right + PAGE - 1) & -PAGE;
	case 11:
		return right / 2;
	case 12:
		return 0;
	case 13:
		return right + SLOT;
	case 14:
		return 0xffffffff;
	case 15:
		return PAGE;
	default:
		return right;
	}
}

static __u32 memory_type(const struct fuzz_node *n, bool wrong)
{
	if (!wrong)
		return n->memory;
	return n->memory == V4L2_MEMORY_DMABUF ? V4L2_MEMORY_MMAP : n->memory + 1;
}

/**
 * struct buffer - a v4l2_buffer and its planes
 * @b: the buffer
 * @planes: of the multi-planar API
 */
struct buffer {
	struct v4l2_buffer b;
	struct v4l2_plane planes[VIDEO_MAX_PLANES];
};

static void fill_plane(const struct fuzz_node *n, const struct buffer *buf,
		       struct v4l2_plane *plane, unsigned int i, const uint8_t *a)
{
	/* the planes one behind the other, or each in a slot */
	uint8_t where = a[5] & 1 ? a[2] + i : a[2];
	size_t size = n->v.size[i % VT_PLANES];

	plane->length = length(size, a[3] >> 4);
	plane->m.userptr = (unsigned long)address(where, a[3]);
	if (!(a[5] & 1))
		while (i--)
			plane->m.userptr += (n->v.size[i % VT_PLANES] + PAGE - 1) & -PAGE;
	if (buf->b.memory == V4L2_MEMORY_DMABUF)
		plane->m.fd = dmabufs[where % FDS];
	switch (a[4] & 7) {
	case 5:
		plane->bytesused = 0;
		break;
	case 6:
		plane->bytesused = size + 1;
		break;
	case 7:
		plane->bytesused = size / 2;
		break;
	default:
		plane->bytesused = size;
	}
	switch (a[4] >> 3 & 7) {
	case 5:
		plane->data_offset = 128;
		break;
	case 6:
		plane->data_offset = plane->bytesused;
		break;
	case 7:
		plane->data_offset = 0xffffffff;
		break;
	}
}

/*
 * The arguments of QBUF and the like: [1] node and index, [2] where, [3] bends address
 * and length, [4] bytesused, data_offset, flags, [5] planes and request.
 */
static struct fuzz_node *fill_buffer(struct buffer *buf, const uint8_t *a)
{
	struct fuzz_node *n = node_at(a[1]);
	unsigned int i;

	memset(buf, 0, sizeof(*buf));
	buf->b.type = n->type;
	buf->b.index = a[1] >> 3 & 7;
	buf->b.memory = memory_type(n, (a[1] >> 6) == 3);
	for (i = 0; i < VT_PLANES; i++)
		fill_plane(n, buf, &buf->planes[i], i, a);
	if (n->v.mplane) {
		buf->b.m.planes = buf->planes;
		buf->b.length = n->v.num_planes;
		if ((a[5] >> 1 & 7) == 7)
			buf->b.length = a[5] >> 4;
	} else {
		buf->b.m.userptr = buf->planes[0].m.userptr;
		if (buf->b.memory == V4L2_MEMORY_DMABUF)
			buf->b.m.fd = buf->planes[0].m.fd;
		buf->b.length = buf->planes[0].length;
		buf->b.bytesused = buf->planes[0].bytesused;
	}
	switch (a[4] >> 6) {
	case 2:
		buf->b.flags = V4L2_BUF_FLAG_NO_CACHE_INVALIDATE |
			       V4L2_BUF_FLAG_NO_CACHE_CLEAN;
		break;
	case 3:
		buf->b.flags = V4L2_BUF_FLAG_REQUEST_FD;
		buf->b.request_fd = requests[a[5] >> 4 & (FDS - 1)];
		break;
	}
	return n;
}

/*
 * Operations; each returns 0 or a negative errno
 */

static int result(long ret)
{
	return ret < 0 ? -errno : 0;
}

/* [1] slot and page, [2] memory, [3] its page, [4] number of pages, [5] how */
static int op_map(const uint8_t *a)
{
	struct memory *m = &memories[a[2] % ARRAY_LEN(memories)];
	size_t first = a[3] % BODY, pages = a[4] & 0x80 ? a[4] & 0x7f : 64;
	int flags = MAP_FIXED | (a[5] & 8 ? MAP_PRIVATE : MAP_SHARED);
	static const int prots[] = {
		PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE,
		PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE, PROT_READ, PROT_WRITE,
		PROT_NONE,
	};
	unsigned char *addr = address(a[1], 0);
	void *map;

	if (!m->there)
		return -ENODEV;
	if (first + pages > BODY)
		first = 0;
	if (is_huge(m)) {
		addr = slot(a[1]);
		first = 0;
		pages = SLOT / PAGE;
	}
	if (a[5] & 16)
		flags |= MAP_POPULATE;
	if (m->kind == VT_ANON)
		flags = (flags | MAP_ANONYMOUS) ^ (MAP_PRIVATE | MAP_SHARED);

	/* nobody may map what is being looked at; a child can't wait for threads */
	if (pthread_mutex_trylock(&m->lock))
		return -EBUSY;
	m->used = true;
	if (!m->zapped && !is_child)
		find(m);
	map = mmap(addr, pages * PAGE, prots[a[5] & 7], flags, m->target.memory[0].fd,
		   m->kind == VT_ANON ? 0 :
		   m->target.memory[0].base + (body_of(m) + first) * PAGE);
	pthread_mutex_unlock(&m->lock);
	return map == MAP_FAILED ? -errno : 0;
}

/* A part of a slot: [1] slot and first page, [2] number of pages, 0 is all of it */
static void *part(const uint8_t *a, size_t *size)
{
	*size = a[2] ? a[2] * PAGE : SLOT;
	return *size == SLOT ? slot(a[1]) : address(a[1], 0);
}

static int op_unmap(const uint8_t *a)
{
	size_t size;
	void *addr = part(a, &size);

	return result(munmap(addr, size));
}

/* As op_unmap; [3] where to, [4] how. Nothing leaves the area. */
static int op_move(const uint8_t *a)
{
	size_t size, new_size;
	void *addr = part(a, &size), *to = address(a[3], 0);

	if (size == SLOT)
		to = slot(a[3]);
	new_size = a[4] & 1 ? size / 2 & -PAGE : size;
	return mremap(addr, size, new_size ?: PAGE,
		      MREMAP_MAYMOVE | MREMAP_FIXED | (a[4] & 2 ? MREMAP_DONTUNMAP : 0),
		      to) == MAP_FAILED ? -errno : 0;
}

static int op_protect(const uint8_t *a)
{
	static const int prots[] = {
		PROT_READ, PROT_READ | PROT_WRITE, PROT_NONE, PROT_WRITE,
	};
	size_t size;
	void *addr = part(a, &size);

	return result(mprotect(addr, size, prots[a[3] % ARRAY_LEN(prots)]));
}

static int op_advise(const uint8_t *a)
{
	static const int advice[] = {
		MADV_DONTNEED, MADV_PAGEOUT, MADV_COLD, MADV_HUGEPAGE, MADV_NOHUGEPAGE,
		MADV_WILLNEED, MADV_MERGEABLE, MADV_UNMERGEABLE, MADV_DONTFORK,
		MADV_DOFORK, MADV_FREE, MADV_COLLAPSE, MADV_REMOVE, MADV_POPULATE_READ,
		MADV_POPULATE_WRITE, MADV_WIPEONFORK,
	};
	size_t size;
	void *addr = part(a, &size);

	return result(madvise(addr, size, advice[a[3] % ARRAY_LEN(advice)]));
}

/* Access by the kernel on behalf of the user: an error where he would get a signal */
static int op_touch(const uint8_t *a)
{
	return result(read(zero_fd, address(a[1], a[2]), a[3] & 1 ? 1 : 2 * PAGE));
}

/* The owner takes its memory from everybody, or gives it back. */
static int op_zap(const uint8_t *a)
{
	struct memory *m = &memories[a[1] % ARRAY_LEN(memories)];
	int ret = 0;

	if (is_child || !m->there)
		return -ENODEV;
	if (m->kind == VT_VFIO)
		return vt_target_blink(&m->target);
	if (!vt_kind_exporter(m->kind))
		return -EINVAL;

	pthread_mutex_lock(&m->lock);
	if (m->zapped) {
		find(m);
	} else {
		ret = vt_target_zap(&m->target);
		m->zapped = true;
		lose(m);
	}
	pthread_mutex_unlock(&m->lock);
	return ret;
}

/* [1] how */
static int op_unmap_all(const uint8_t *a)
{
	unsigned int i;
	int ret;

	if (a[1] & 1)
		ret = mmap(slot(0), SLOTS * SLOT, PROT_NONE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1,
			   0) == MAP_FAILED ? -errno : 0;
	else
		ret = result(munmap(slot(0), SLOTS * SLOT));
	/* another thread or process may have it still */
	if (ret || racing || is_child)
		return ret;
	for (i = 0; i < ARRAY_LEN(memories); i++)
		if (memories[i].used)
			lose(&memories[i]);
	return ret;
}

static const __u32 memory_types[] = {
	V4L2_MEMORY_USERPTR, V4L2_MEMORY_MMAP, V4L2_MEMORY_DMABUF, V4L2_MEMORY_USERPTR,
	V4L2_MEMORY_USERPTR, V4L2_MEMORY_MMAP, V4L2_MEMORY_DMABUF, V4L2_MEMORY_OVERLAY,
};

/* [1] node, [2] memory, [3] count, [4] flags */
static int op_reqbufs(const uint8_t *a)
{
	static const __u32 counts[] = { 4, 2, 1, 3, 0, 8, 0, 40 };
	struct fuzz_node *n = node_at(a[1]);
	struct v4l2_requestbuffers r = {
		.type = n->type,
		.memory = memory_types[a[2] % ARRAY_LEN(memory_types)],
		.count = counts[a[3] % ARRAY_LEN(counts)],
		.flags = a[4] & 1 ? V4L2_MEMORY_FLAG_NON_COHERENT : 0,
	};
	int ret = ioctl(n->v.fd, VIDIOC_REQBUFS, &r) ? -errno : 0;

	if (!ret && r.count)
		n->memory = r.memory;
	return ret;
}

/* As op_reqbufs; [5] bends the size */
static int op_create_bufs(const uint8_t *a)
{
	struct fuzz_node *n = node_at(a[1]);
	struct v4l2_create_buffers c = {
		.memory = memory_types[a[2] % ARRAY_LEN(memory_types)],
		.count = a[3] % 4,
		.flags = a[4] & 1 ? V4L2_MEMORY_FLAG_NON_COHERENT : 0,
		.format.type = n->type,
	};
	/* any size is allocated if it can be, so none that would be felt */
	uint8_t choice = a[5] % 16 == 14 ? 0 : a[5];
	unsigned int i;
	int ret;

	if (ioctl(n->v.fd, VIDIOC_G_FMT, &c.format))
		return -errno;
	if (n->v.mplane)
		for (i = 0; i < n->v.num_planes; i++)
			c.format.fmt.pix_mp.plane_fmt[i].sizeimage =
				length(n->v.size[i], choice);
	else
		c.format.fmt.pix.sizeimage = length(n->v.size[0], choice);
	ret = ioctl(n->v.fd, VIDIOC_CREATE_BUFS, &c) ? -errno : 0;
	if (!ret && c.count)
		n->memory = c.memory;
	return ret;
}

/* [1] node and first buffer, [2] count */
static int op_remove_bufs(const uint8_t *a)
{
	struct fuzz_node *n = node_at(a[1]);
	struct v4l2_remove_buffers r = {
		.type = n->type,
		.index = a[1] >> 3 & 7,
		.count = a[2] == 0xff ? 0xffffffff : a[2] % 5,
	};

	return result(ioctl(n->v.fd, VIDIOC_REMOVE_BUFS, &r));
}

static int op_qbuf(const uint8_t *a)
{
	struct buffer buf;
	struct fuzz_node *n = fill_buffer(&buf, a);

	return result(ioctl(n->v.fd, VIDIOC_QBUF, &buf.b));
}

static int op_prepare_buf(const uint8_t *a)
{
	struct buffer buf;
	struct fuzz_node *n = fill_buffer(&buf, a);

	return result(ioctl(n->v.fd, VIDIOC_PREPARE_BUF, &buf.b));
}

static int op_querybuf(const uint8_t *a)
{
	struct buffer buf;
	struct fuzz_node *n = fill_buffer(&buf, a);

	return result(ioctl(n->v.fd, VIDIOC_QUERYBUF, &buf.b));
}

/* As op_wait, and then dequeues. */
static int op_dqbuf(const uint8_t *a)
{
	struct buffer buf;
	struct fuzz_node *n = fill_buffer(&buf, a);
	struct pollfd p = { .fd = n->v.fd, .events = POLLIN | POLLOUT };

	if (a[2] & 0x80)
		poll(&p, 1, 20);
	return result(ioctl(n->v.fd, VIDIOC_DQBUF, &buf.b));
}

/* [1] node, [2] how long */
static int op_wait(const uint8_t *a)
{
	struct pollfd p = { .fd = node_at(a[1])->v.fd, .events = POLLIN | POLLOUT };

	return result(poll(&p, 1, a[2] % 20));
}

static int op_streamon(const uint8_t *a)
{
	struct fuzz_node *n = node_at(a[1]);

	return result(ioctl(n->v.fd, VIDIOC_STREAMON, &n->type));
}

static int op_streamoff(const uint8_t *a)
{
	struct fuzz_node *n = node_at(a[1]);

	return result(ioctl(n->v.fd, VIDIOC_STREAMOFF, &n->type));
}

/* [1] node, [2] format */
static int op_format(const uint8_t *a)
{
	struct fuzz_node *n = node_at(a[1]);

	return n->v.fd < 0 ? -ENODEV : set_format(n, a[2] % ARRAY_LEN(formats));
}

/* [1] node and buffer, [2] place in the table, [3] plane and flags */
static int op_export(const uint8_t *a)
{
	struct fuzz_node *n = node_at(a[1]);
	struct v4l2_exportbuffer e = {
		.type = n->type,
		.index = a[1] >> 3 & 7,
		.plane = a[3] & 3,
		.flags = O_CLOEXEC | (a[3] & 4 ? O_RDONLY : O_RDWR) | (a[3] & 8 ? O_APPEND : 0),
	};

	if (ioctl(n->v.fd, VIDIOC_EXPBUF, &e))
		return -errno;
	is_udmabuf[a[2] % FDS] = false;
	put_fd(&dmabufs[a[2] % FDS], e.fd);
	return 0;
}

/* A buffer of the queue's own: [1] node and buffer, [2] slot, [3] plane, [4] offset */
static int op_map_buffer(const uint8_t *a)
{
	struct buffer buf;
	const uint8_t query[RECORD] = { 0, a[1] };
	struct fuzz_node *n = fill_buffer(&buf, query);
	off_t offset;

	buf.b.memory = V4L2_MEMORY_MMAP;
	if (ioctl(n->v.fd, VIDIOC_QUERYBUF, &buf.b))
		return -errno;
	offset = n->v.mplane ? buf.planes[a[3] % VT_PLANES].m.mem_offset : buf.b.m.offset;
	if ((a[4] & 7) == 7)
		offset += PAGE;
	return mmap(slot(a[2]), (n->v.size[a[3] % n->v.num_planes] + PAGE - 1) & -PAGE,
		    PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, n->v.fd, offset) ==
	       MAP_FAILED ? -errno : 0;
}

/* Somebody else's dma-buf, or none: [1] place in the table, [2] whose, [3] how large */
static int op_dmabuf(const uint8_t *a)
{
	struct udmabuf_create shmem = {
		.memfd = shmem_fd,
		.flags = UDMABUF_FLAGS_CLOEXEC,
		.size = (a[3] & 0x80 ? a[3] & 0x7f : BODY) * PAGE,
	};
	struct dma_heap_allocation_data heap = {
		.len = shmem.size,
		.fd_flags = O_RDWR | O_CLOEXEC,
	};
	/* the last of the array, for which there may not be enough BARs */
	struct memory *vfio = &memories[ARRAY_LEN(memories) - 1];
	unsigned int n = 1 + a[3] % 2, i;
	size_t offsets[VT_RANGES];
	int fd = -1;

	/* with a gap between two */
	for (i = 0; i < n; i++)
		offsets[i] = (MARGIN + i * BODY / 2) * PAGE;

	switch (a[2] % 4) {
	case 0:
		if (!is_child && vfio->there)
			fd = vt_target_dmabuf(&vfio->target, offsets,
					      BODY / (n * n) * PAGE, n);
		break;
	case 1:
		fd = ioctl(udmabuf_fd, UDMABUF_CREATE, &shmem);
		break;
	case 2:
		if (!ioctl(heap_fd, DMA_HEAP_IOCTL_ALLOC, &heap))
			fd = heap.fd;
		break;
	}
	is_udmabuf[a[1] % FDS] = a[2] % 4 == 1;
	put_fd(&dmabufs[a[1] % FDS], fd < 0 ? -1 : fd);
	return fd < 0 ? -EINVAL : 0;
}

/* [1] place in the table, [2] how */
static int op_dmabuf_sync(const uint8_t *a)
{
	struct dma_buf_sync sync = { .flags = a[2] & 7 };

	/*
	 * udmabuf maps segments that are longer than its device claims to support, and
	 * DMA_API_DEBUG warns of it: "mapping sg segment longer than device claims".
	 */
	if (is_udmabuf[a[1] % FDS])
		return -EOPNOTSUPP;
	return result(ioctl(dmabufs[a[1] % FDS], DMA_BUF_IOCTL_SYNC, &sync));
}

/* [1] place in the table, [2] slot, [3] number of pages */
static int op_dmabuf_map(const uint8_t *a)
{
	return mmap(slot(a[2]), (a[3] % BODY + 1) * PAGE, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_FIXED, dmabufs[a[1] % FDS], 0) == MAP_FAILED ?
	       -errno : 0;
}

/* [1] place in the table, [2] what, [3] node whose media device it is */
static int op_request(const uint8_t *a)
{
	atomic_int *request = &requests[a[1] % FDS];
	struct fuzz_node *n = node_at(a[3]);
	int fd;

	switch (a[2] % 4) {
	case 0:
		if (ioctl(n->media, MEDIA_IOC_REQUEST_ALLOC, &fd))
			return -errno;
		put_fd(request, fd);
		return 0;
	case 1:
		return result(ioctl(*request, MEDIA_REQUEST_IOC_QUEUE));
	case 2:
		return result(ioctl(*request, MEDIA_REQUEST_IOC_REINIT));
	default:
		put_fd(request, -1);
		return 0;
	}
}

/* read() and write(), which bring buffers of their own: [1] node, [2] slot, [3] bends */
static int op_read(const uint8_t *a)
{
	struct fuzz_node *n = node_at(a[1]);
	void *addr = address(a[2], a[3]);
	size_t size = length(n->v.size[0], a[3] >> 4);

	return result(n->v.output ? write(n->v.fd, addr, size) :
				    read(n->v.fd, addr, size));
}

/* [1] node */
static int op_close(const uint8_t *a)
{
	/* the other thread may be about to open it */
	if (racing)
		return -EBUSY;
	vt_close(&node_at(a[1])->v);
	return 0;
}

/* Somebody else who has opened the node: [1] node, [2] what */
static int op_other(const uint8_t *a)
{
	struct buffer buf;
	struct fuzz_node *n = fill_buffer(&buf, a);
	struct v4l2_requestbuffers r = { .type = n->type, .memory = n->memory };
	int fd = open(n->path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	int ret;

	if (fd < 0)
		return -errno;
	switch (a[2] % 4) {
	case 0:
		ret = ioctl(fd, VIDIOC_REQBUFS, &r);
		break;
	case 1:
		ret = ioctl(fd, VIDIOC_QBUF, &buf.b);
		break;
	case 2:
		ret = ioctl(fd, VIDIOC_STREAMOFF, &n->type);
		break;
	default:
		ret = ioctl(fd, VIDIOC_QUERYBUF, &buf.b);
	}
	ret = result(ret);
	close(fd);
	return ret;
}

enum op_number {
	OP_MAP, OP_REQBUFS, OP_QBUF, OP_STREAMON, OP_UNMAP, OP_DQBUF, OP_ZAP, OP_MOVE,
	OP_PROTECT, OP_ADVISE, OP_TOUCH, OP_UNMAP_ALL, OP_CREATE_BUFS, OP_REMOVE_BUFS,
	OP_PREPARE_BUF, OP_QUERYBUF, OP_WAIT, OP_STREAMOFF, OP_FORMAT, OP_EXPORT,
	OP_MAP_BUFFER, OP_DMABUF, OP_DMABUF_SYNC, OP_DMABUF_MAP, OP_REQUEST, OP_READ,
	OP_CLOSE, OP_OTHER, OP_FORK, OP_RACE, OPS,
};

/**
 * struct op - an operation
 * @name: for messages
 * @call: does it
 * @node: the lowest bits of its first argument are a node
 */
static const struct op {
	const char *name;
	int (*call)(const uint8_t *a);
	bool node;
} ops[] = {
	[OP_MAP] = { .name = "map", .call = op_map },
	[OP_REQBUFS] = { .name = "reqbufs", .call = op_reqbufs, .node = true },
	[OP_QBUF] = { .name = "qbuf", .call = op_qbuf, .node = true },
	[OP_STREAMON] = { .name = "streamon", .call = op_streamon, .node = true },
	[OP_UNMAP] = { .name = "unmap", .call = op_unmap },
	[OP_DQBUF] = { .name = "dqbuf", .call = op_dqbuf, .node = true },
	[OP_ZAP] = { .name = "zap", .call = op_zap },
	[OP_MOVE] = { .name = "move", .call = op_move },
	[OP_PROTECT] = { .name = "protect", .call = op_protect },
	[OP_ADVISE] = { .name = "advise", .call = op_advise },
	[OP_TOUCH] = { .name = "touch", .call = op_touch },
	[OP_UNMAP_ALL] = { .name = "unmap all", .call = op_unmap_all },
	[OP_CREATE_BUFS] = { .name = "create_bufs", .call = op_create_bufs, .node = true },
	[OP_REMOVE_BUFS] = { .name = "remove_bufs", .call = op_remove_bufs, .node = true },
	[OP_PREPARE_BUF] = { .name = "prepare_buf", .call = op_prepare_buf, .node = true },
	[OP_QUERYBUF] = { .name = "querybuf", .call = op_querybuf, .node = true },
	[OP_WAIT] = { .name = "wait", .call = op_wait, .node = true },
	[OP_STREAMOFF] = { .name = "streamoff", .call = op_streamoff, .node = true },
	[OP_FORMAT] = { .name = "format", .call = op_format, .node = true },
	[OP_EXPORT] = { .name = "export", .call = op_export, .node = true },
	[OP_MAP_BUFFER] = { .name = "map buffer", .call = op_map_buffer, .node = true },
	[OP_DMABUF] = { .name = "dmabuf", .call = op_dmabuf },
	[OP_DMABUF_SYNC] = { .name = "dmabuf sync", .call = op_dmabuf_sync },
	[OP_DMABUF_MAP] = { .name = "dmabuf map", .call = op_dmabuf_map },
	[OP_REQUEST] = { .name = "request", .call = op_request },
	[OP_READ] = { .name = "read", .call = op_read, .node = true },
	[OP_CLOSE] = { .name = "close", .call = op_close, .node = true },
	[OP_OTHER] = { .name = "other", .call = op_other, .node = true },
	/* run() does these itself */
	[OP_FORK] = { .name = "fork" },
	[OP_RACE] = { .name = "race" },
};

/*
 * Coverage
 */

#define KCOV_WORDS	(64 << 10)

/* libFuzzer takes each of these that is not 0 for a thing that the input has reached. */
__attribute__((section("__libfuzzer_extra_counters")))
static uint8_t counters[64 << 10];

/* For the report: a table of all addresses that were seen, and a bit for each edge. */
static unsigned long seen[64 << 10];
static unsigned int nr_seen, nr_edges;
static uint8_t edges[(1 << 20) / 8];

/**
 * struct cover - KCOV of one thread
 * @fd: it
 * @area: [0] is the number of addresses that follow; NULL without KCOV
 */
struct cover {
	int fd;
	unsigned long *area;
};

static struct cover covers[2];

static void open_cover(struct cover *c)
{
	c->fd = open("/sys/kernel/debug/kcov", O_RDWR | O_CLOEXEC);
	if (c->fd < 0 || ioctl(c->fd, KCOV_INIT_TRACE, KCOV_WORDS))
		return;
	c->area = mmap(NULL, KCOV_WORDS * sizeof(*c->area), PROT_READ | PROT_WRITE,
		       MAP_SHARED, c->fd, 0);
	if (c->area == MAP_FAILED)
		c->area = NULL;
}

static void begin_cover(struct cover *c)
{
	if (c->area && ioctl(c->fd, KCOV_ENABLE, KCOV_TRACE_PC))
		fail("KCOV can't be enabled");
	if (c->area)
		__atomic_store_n(&c->area[0], 0, __ATOMIC_RELAXED);
}

static uint32_t hash(uint64_t x)
{
	return x * 0x9e3779b97f4a7c15 >> 32;
}

static void count_block(unsigned long pc)
{
	uint32_t i = hash(pc) % ARRAY_LEN(seen);

	while (seen[i] && seen[i] != pc)
		i = (i + 1) % ARRAY_LEN(seen);
	if (!seen[i])
		nr_seen++;
	seen[i] = pc;
}

/*
 * Edges, and each as often as there are operations that reach it, as syzkaller has it:
 * that QBUF and REQBUFS take the same way is news.
 */
static void take_cover(struct cover *c, unsigned int op)
{
	static int per_op = -1;
	unsigned long n, i, pc, last = 0;

	if (!c->area || is_child)
		return;
	if (per_op < 0)
		per_op = !getenv("FUZZ_EDGES");
	n = __atomic_load_n(&c->area[0], __ATOMIC_RELAXED);
	for (i = 1; i <= n; i++, last = pc) {
		uint32_t edge;

		pc = c->area[i];
		edge = hash(pc ^ hash(last));
		count_block(pc);
		if (!(edges[edge >> 12 >> 3] & 1 << (edge >> 12 & 7)))
			nr_edges++;
		edges[edge >> 12 >> 3] |= 1 << (edge >> 12 & 7);
		counters[hash(per_op ? edge + op : edge) >> 16] = 1;
	}
	__atomic_store_n(&c->area[0], 0, __ATOMIC_RELAXED);
}

/* What tools/lab/fuzz finds the functions for */
static void save_cover(const char *share)
{
	static const char *const modules[] = {
		"videobuf2_common", "videobuf2_v4l2", "videobuf2_memops",
		"videobuf2_dma_pfn", "user_pfn_range",
	};
	char path[96], text[32];
	unsigned int i;
	FILE *f;

	snprintf(path, sizeof(path), "%s/blocks", share);
	f = fopen(path, "w");
	if (!f)
		return;
	for (i = 0; i < ARRAY_LEN(modules); i++) {
		snprintf(path, sizeof(path), "/sys/module/%s/sections/.text", modules[i]);
		if (!vt_read_file(path, text, sizeof(text)))
			fprintf(f, "%s %s\n", modules[i], text);
	}
	for (i = 0; i < ARRAY_LEN(seen); i++)
		if (seen[i])
			fprintf(f, "%#lx\n", seen[i]);
	fclose(f);
}

/*
 * Running a program
 */

static bool verbose;

static void call(const uint8_t *record, struct cover *c)
{
	unsigned int op = record[0] % OPS;
	int ret;

	if (!ops[op].call)
		return;
	ret = ops[op].call(record);
	/* what is returned is news as well, and all there is without KCOV */
	counters[hash(op << 16 | (ret & 0xffff)) >> 16] = 1;
	take_cover(c, op);
	if (verbose && !is_child)
		printf("#   %s %02x %02x %02x %02x %02x: %d\n", ops[op].name, record[1],
		       record[2], record[3], record[4], record[5], ret);
}

/**
 * struct race - the second thread
 * @thread: it
 * @records: what it calls again and again
 * @n: number of them
 * @over: the first thread has come to its end
 */
struct race {
	pthread_t thread;
	const uint8_t *records;
	unsigned int n;
	atomic_bool over;
};

static void *run_race(void *arg)
{
	struct race *race = arg;
	unsigned int rounds, i;

	begin_cover(&covers[1]);
	for (rounds = 0; rounds < 100 && !race->over; rounds++)
		for (i = 0; i < race->n; i++)
			call(race->records + i * RECORD, &covers[1]);
	if (covers[1].area)
		ioctl(covers[1].fd, KCOV_DISABLE);
	return NULL;
}

/* [1] number of records for the child, which ends after them */
static void run_fork(const uint8_t *records, unsigned int n)
{
	unsigned int i;
	pid_t pid = fork();

	if (!pid) {
		is_child = true;
		for (i = 0; i < n; i++)
			call(records + i * RECORD, &covers[0]);
		_exit(0);
	}
	if (pid > 0)
		waitpid(pid, NULL, 0);
}

static void run(const uint8_t *data, unsigned int n)
{
	struct race race = {};
	unsigned int i, some;

	for (i = 0; i < n; i++) {
		const uint8_t *record = data + i * RECORD;

		some = 1 + record[1] % 4;
		if (some > n - i - 1)
			some = n - i - 1;
		switch (record[0] % OPS) {
		case OP_FORK:
			run_fork(record + RECORD, some);
			i += some;
			break;
		case OP_RACE:
			if (racing || !some)
				break;
			race.records = record + RECORD;
			race.n = some;
			i += some;
			racing = true;
			if (pthread_create(&race.thread, NULL, run_race, &race))
				fail("no thread");
			break;
		default:
			call(record, &covers[0]);
		}
	}
	race.over = true;
	if (racing)
		pthread_join(race.thread, NULL);
	racing = false;
}

/*
 * What has to be as before
 */

static long pinned_before, dma_before;
static int mappings_before;

static void close_all(void)
{
	unsigned int i;

	for (i = 0; i < FDS; i++) {
		put_fd(&requests[i], -1);
		put_fd(&dmabufs[i], -1);
	}
	for (i = 0; i < ARRAY_LEN(nodes); i++) {
		struct fuzz_node *n = &nodes[i];

		if (n->v.fd < 0 && !n->format)
			continue;
		/* the driver keeps the format, and does not change it while it has buffers */
		if (n->format) {
			vt_close(&n->v);
			if (set_format(node_at(i), 0))
				fail("a node that was closed is busy");
		}
		vt_close(&n->v);
	}
	munmap(slot(0), SLOTS * SLOT);
	for (i = 0; i < ARRAY_LEN(memories); i++) {
		struct memory *m = &memories[i];

		if (m->used && has_margins(m))
			check_margins(m);
		find(m);
		m->used = false;
	}
}

/* Of the test module's devices and of the one that most of them stand for */
static long count_dma(void)
{
	const char *device = getenv("VT_DMA_DEVICE");

	return vt_dma_mappings("vb2_pfn_dev") + (device ? vt_dma_mappings(device) : 0);
}

static void check_counters(void)
{
	unsigned int tries = 100;
	long pinned, dma;
	int mappings;
	char text[160];

	/* 9p pins what the share is read to, and gives it back a moment later */
	do {
		pinned = vt_still_pinned();
		dma = count_dma();
		mappings = vt_kernel_mappings();
		if (pinned == pinned_before && dma == dma_before &&
		    mappings == mappings_before)
			return;
		usleep(10000);
	} while (--tries);
	snprintf(text, sizeof(text),
		 "left behind: pinned pages %ld, %ld before; DMA mappings %ld, %ld before; kernel mappings %d, %d before",
		 pinned, pinned_before, dma, dma_before, mappings, mappings_before);
	fail(text);
}

static void open_log(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	kmsg_fd = open("/dev/kmsg", O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	lseek(kmsg_fd, 0, SEEK_END);
}

/* Not everything that the kernel complains about is a reason for it to panic. */
static void check_log(void)
{
	static const char *const complaints[] = {
		"WARNING: ", "BUG: ", "UBSAN: ", "DMA-API: ", "INFO: task ",
	};
	char line[1024];
	unsigned int i;
	ssize_t n;

	while ((n = read(kmsg_fd, line, sizeof(line) - 1)) > 0 || (n < 0 && errno == EPIPE)) {
		if (n < 0)
			continue;
		line[n] = '\0';
		for (i = 0; i < ARRAY_LEN(complaints); i++)
			if (strstr(line, complaints[i]))
				fail(line);
	}
}

/*
 * The last inputs, where a panic can't reach them: RING places of PLACE bytes, each the
 * number of the input, its length, and the input.
 */
#define RING	32
#define PLACE	512

static int ring_fd = -1;

static void remember(uint32_t number, const uint8_t *data, size_t size)
{
	uint8_t place[PLACE] = {};
	uint32_t length = size;

	if (ring_fd < 0)
		return;
	memcpy(place, &number, 4);
	memcpy(place + 4, &length, 4);
	memcpy(place + 8, data, size);
	if (pwrite(ring_fd, place, PLACE, number % RING * PLACE) != PLACE)
		fail("the input can't be saved");
}

/* How many inputs run before the counters are looked at, which takes longer than one */
static unsigned int check_every = 1;
static uint32_t executions;
static const char *share;

static void at_exit(void)
{
	if (share)
		save_cover(share);
}

static void prepare(void)
{
	const char *every = getenv("FUZZ_CHECK");
	char path[96];

	verbose = getenv("FUZZ_VERBOSE");
	share = getenv("FUZZ_SHARE");
	if (every)
		check_every = atoi(every);
	if (share) {
		snprintf(path, sizeof(path), "%s/ring", share);
		/* on the host when the write has returned */
		ring_fd = open(path, O_RDWR | O_CREAT | O_DSYNC | O_CLOEXEC, 0644);
	}
#ifdef LIBFUZZER
	open_log();
#endif
	open_nodes();
	open_memories();
	open_cover(&covers[0]);
	open_cover(&covers[1]);
	begin_cover(&covers[0]);
	atexit(at_exit);
	pinned_before = vt_still_pinned();
	dma_before = count_dma();
	mappings_before = vt_kernel_mappings();
}

static unsigned int count_files(const char *dir)
{
	DIR *d = opendir(dir);
	unsigned int n = 0;

	if (!d)
		return 0;
	while (readdir(d))
		n++;
	closedir(d);
	return n - 2;
}

static void progress(void)
{
	static time_t began, last;
	static uint32_t before;
	time_t now = time(NULL);
	char path[96];

	if (!began)
		began = now;
	if (!last)
		last = now;
	if (!share || now < last + 10)
		return;
	snprintf(path, sizeof(path), "%s/corpus", share);
	printf("# %ld s: %u executions (%ld/s), %u blocks, %u edges, corpus %u\n",
	       (long)(now - began), executions, (long)((executions - before) / (now - last)),
	       nr_seen, nr_edges, count_files(path));
	save_cover(share);
	before = executions;
	last = now;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool ready;

	if (!ready)
		prepare();
	ready = true;
	if (size > MAX_RECORDS * RECORD)
		return -1;
	remember(++executions, data, size);
	progress();
	run(data, size / RECORD);
	/* nothing can be closed if the camera's thread is dead */
	check_log();
	close_all();
	/* what is done here is not the input's */
	take_cover(&covers[0], OPS);
	if (executions % check_every == 0)
		check_counters();
	check_log();
	if (covers[0].area)
		__atomic_store_n(&covers[0].area[0], 0, __ATOMIC_RELAXED);
	return 0;
}

#ifdef LIBFUZZER
/*
 * Mutations that keep records whole, and sequences from which something can grow
 */

static uint32_t pick(uint32_t *state, uint32_t n)
{
	*state = *state * 1664525 + 1013904223;
	return (*state >> 8) % n;
}

static void stop(void)
{
	fflush(stdout);
	abort();
}

#define LONGEST	8

/* Node 0 is going to be another one, as is what is mapped; "Y" is a second node. */
#define Y	1
static const uint8_t sequences[][LONGEST][RECORD] = {
	/* memory is captured into, and taken away */
	{ { OP_MAP }, { OP_REQBUFS }, { OP_QBUF }, { OP_QBUF, 1 << 3 }, { OP_STREAMON },
	  { OP_DQBUF, 0, 0x80 }, { OP_UNMAP }, { OP_DQBUF, 0, 0x80 } },
	{ { OP_MAP }, { OP_REQBUFS }, { OP_STREAMON }, { OP_QBUF }, { OP_ZAP },
	  { OP_DQBUF }, { OP_QBUF }, { OP_ZAP } },
	/* after it was prepared */
	{ { OP_MAP }, { OP_REQBUFS }, { OP_PREPARE_BUF }, { OP_UNMAP_ALL }, { OP_MAP },
	  { OP_QBUF }, { OP_STREAMON } },
	/* another one's buffer: as a dma-buf, and as user memory */
	{ { OP_REQBUFS, Y, 1 }, { OP_EXPORT, Y }, { OP_REQBUFS, 0, 2 }, { OP_QBUF },
	  { OP_STREAMON }, { OP_DQBUF, 0, 0x80 } },
	{ { OP_REQBUFS, Y, 1 }, { OP_MAP_BUFFER, Y }, { OP_REQBUFS }, { OP_QBUF },
	  { OP_STREAMON } },
	/* a BAR as a dma-buf, which vfio-pci takes back */
	{ { OP_DMABUF }, { OP_REQBUFS, 0, 2 }, { OP_QBUF }, { OP_STREAMON },
	  { OP_ZAP, ARRAY_LEN(memories) - 1 }, { OP_DQBUF }, { OP_QBUF } },
	/* requests */
	{ { OP_MAP }, { OP_REQBUFS }, { OP_REQUEST }, { OP_QBUF, 0, 0, 0, 0xc0 },
	  { OP_REQUEST, 0, 1 }, { OP_STREAMON }, { OP_UNMAP_ALL }, { OP_DQBUF, 0, 0x80 } },
	/* at the same time */
	{ { OP_REQBUFS }, { OP_STREAMON }, { OP_RACE, 1 }, { OP_MAP }, { OP_UNMAP },
	  { OP_QBUF }, { OP_DQBUF }, { OP_STREAMOFF } },
};

static void set_node(uint8_t *record, unsigned int node)
{
	if (ops[record[0] % OPS].node)
		record[1] = (record[1] & ~7) | node;
}

static size_t insert(uint8_t *data, size_t n, size_t max, size_t at,
		     const uint8_t *records, size_t some)
{
	if (n + some > max)
		return n;
	memmove(data + (at + some) * RECORD, data + at * RECORD, (n - at) * RECORD);
	memcpy(data + at * RECORD, records, some * RECORD);
	return n + some;
}

static size_t insert_sequence(uint8_t *data, size_t n, size_t max, size_t at,
			      uint32_t *state)
{
	unsigned int x = pick(state, ARRAY_LEN(nodes)), y = pick(state, ARRAY_LEN(nodes));
	unsigned int kind = pick(state, ARRAY_LEN(memories)), some = LONGEST, i;
	static const uint8_t nothing[RECORD];
	uint8_t records[LONGEST][RECORD];

	memcpy(records, sequences[pick(state, ARRAY_LEN(sequences))], sizeof(records));
	/* it ends where nothing follows */
	while (some && !memcmp(records[some - 1], nothing, RECORD))
		some--;
	for (i = 0; i < some; i++) {
		uint8_t *record = records[i];

		set_node(record, record[1] & Y ? y : x);
		if (record[0] == OP_MAP)
			record[2] = kind;
		if (record[0] == OP_ZAP && !record[1])
			record[1] = kind;
		if (record[0] == OP_REQUEST)
			record[3] = x;
	}
	return insert(data, n, max, at, records[0], some);
}

/* Returns the number of records. */
static size_t mutate_records(uint8_t *data, size_t n, size_t max, uint32_t *state)
{
	size_t at = pick(state, n + 1), some, i;
	uint8_t record[RECORD];

	switch (n ? 1 + pick(state, 9) : 0) {
	case 0:
	case 1:
		return insert_sequence(data, n, max, at, state);
	case 2:
	case 3:
		record[0] = pick(state, OPS);
		/* small arguments, some of them 0, which is right */
		for (i = 1; i < RECORD; i++)
			record[i] = pick(state, 3) ? 0 : pick(state, 256);
		return insert(data, n, max, at, record, 1);
	case 4:
		some = 1 + pick(state, 3);
		if (at + some > n)
			return n;
		memmove(data + at * RECORD, data + (at + some) * RECORD,
			(n - at - some) * RECORD);
		return n - some;
	case 5:
		memcpy(record, data + pick(state, n) * RECORD, RECORD);
		return insert(data, n, max, at, record, 1);
	case 6:
		some = pick(state, ARRAY_LEN(nodes));
		for (i = at; i < n; i++)
			set_node(data + i * RECORD, some);
		return n;
	case 7:
		data[pick(state, n * RECORD)] ^= 1 << pick(state, 8);
		return n;
	default:
		data[pick(state, n * RECORD)] = pick(state, 256);
		return n;
	}
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned int seed)
{
	uint32_t state = seed;
	size_t n = size / RECORD, times = 1 + pick(&state, 3);

	max /= RECORD;
	if (max > MAX_RECORDS)
		max = MAX_RECORDS;
	while (times--)
		n = mutate_records(data, n, max, &state);
	return n * RECORD;
}

/* The beginning of one, the end of the other */
size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t a_size, const uint8_t *b,
				 size_t b_size, uint8_t *out, size_t max, unsigned int seed)
{
	uint32_t state = seed;
	size_t first = pick(&state, a_size / RECORD + 1) * RECORD;
	size_t from = pick(&state, b_size / RECORD + 1) * RECORD;
	size_t rest = b_size - from;

	if (first > max)
		first = max;
	if (rest > max - first)
		rest = max - first;
	memcpy(out, a, first);
	memcpy(out + first, b + from, rest);
	return first + rest;
}
#else
/* The file that is being run, and its number */
static const char *running;
static int number;

static void stop(void)
{
	printf("not ok %d - %s\n", number, running);
	fflush(stdout);
	_exit(1);
}

/* A thread of the kernel that has died may keep the first thread from ever coming back. */
static void *watch_log(void *arg)
{
	for (;;) {
		sleep(1);
		check_log();
	}
	return arg;
}

static void run_file(const char *path)
{
	uint8_t data[MAX_RECORDS * RECORD];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t size;

	if (fd < 0)
		fail("there is no such file");
	size = read(fd, data, sizeof(data));
	close(fd);
	if (size < 0)
		fail("the file can't be read");
	LLVMFuzzerTestOneInput(data, size);
}

int main(int argc, char *argv[])
{
	pthread_t thread;

	open_log();
	printf("KTAP version 1\n1..%d\n", argc - 1);
	if (pthread_create(&thread, NULL, watch_log, NULL))
		return 1;
	for (number = 1; number < argc; number++) {
		running = strrchr(argv[number], '/');
		running = running ? running + 1 : argv[number];
		run_file(argv[number]);
		printf("ok %d - %s\n", number, running);
	}
	return 0;
}
#endif
