/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the USERPTR tests share: a video node with a static picture,
 * and memory of every kind to capture it into
 *
 * Functions that return int return 0 or a negative errno, unless they say
 * otherwise.
 */
#ifndef VB2TEST_H
#define VB2TEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <linux/fb.h>
#include <linux/videodev2.h>

#define VT_BUFS		4
#define VT_PLANES	3
#define VT_RANGES	4

/* Marks memory that nobody has written to. */
#define VT_POISON	0xa5
/* Marks memory that now belongs to somebody else. */
#define VT_OWNED	0x3c

/*
 * Video nodes
 */

struct vt_target;

/**
 * struct vt_node - an open video node
 * @fd: the file
 * @type: buffer type of its queue
 * @mplane: it has the multi-planar API
 * @output: it takes pictures instead of giving them
 * @num_planes: planes of a buffer
 * @size: bytes of each plane
 * @frame_us: time between two frames
 * @timeout_ms: how long vt_dqbuf() waits, 0 for as the descriptor does
 */
struct vt_node {
	int fd;
	__u32 type;
	bool mplane;
	bool output;
	unsigned int num_planes;
	size_t size[VT_PLANES];
	unsigned int frame_us;
	int timeout_ms;
};

int vt_open_node(const char *driver, const char *bus_info, __u32 caps);
int vt_open_vivid(struct vt_node *node, unsigned int instance,
		  unsigned int width, unsigned int height, __u32 fourcc);
int vt_open_camera(struct vt_node *node, unsigned int width,
		   unsigned int height);
/* Does the camera write by DMA? */
bool vt_camera_uses_dma(void);
int vt_open_output(struct vt_node *node, unsigned int instance);
int vt_open_loop(struct vt_node *camera, struct vt_node *output);
int vt_open_dev(struct vt_node *node, const char *kind);
int vt_open_bench(struct vt_node *node, const char *allocator,
		  unsigned int width, unsigned int height, __u32 fourcc);
int vt_open_capture(struct vt_node *node, const char *driver,
		    unsigned int width, unsigned int height, __u32 fourcc,
		    unsigned int fps);
void vt_close(struct vt_node *node);
int vt_set_ctrl(int fd, const char *name, __s32 value);
size_t vt_frame_size(const struct vt_node *node);

int vt_reqbufs(const struct vt_node *node, __u32 memory, unsigned int count);
int vt_qbuf_planes(const struct vt_node *node, unsigned int index,
		   void *const addr[], const size_t length[]);
int vt_qbuf(const struct vt_node *node, unsigned int index, void *addr);
/* Queue the first @count buffers, each in its slot of the target. */
int vt_qbuf_slots(const struct vt_node *node, const struct vt_target *target,
		  unsigned int count);
int vt_prepare(const struct vt_node *node, unsigned int index, void *addr);
int vt_udmabuf(size_t size, bool scattered);
int vt_export(const struct vt_node *node, unsigned int index);
int vt_qbuf_mmap(const struct vt_node *node, unsigned int index);
int vt_qbuf_dmabuf(const struct vt_node *node, unsigned int index, int fd);
int vt_dqbuf(const struct vt_node *node, __u32 *flags);
int vt_dqbuf_dmabuf(const struct vt_node *node, __u32 *flags,
		    __u32 *sequence);
int vt_dqbuf_sequence(const struct vt_node *node, __u32 *flags,
		      __u32 *sequence);
int vt_buffer_flags(const struct vt_node *node, unsigned int index,
		    __u32 memory, __u32 *flags);
int vt_wait_done(const struct vt_node *node, unsigned int index);
int vt_streamon(const struct vt_node *node);
int vt_streamoff(const struct vt_node *node);

unsigned char *vt_reference(const struct vt_node *node);

/*
 * A frame of the video that tests/v4l2/video makes: the number of the frame, or -1
 * if a byte of it is wrong.
 */
long vt_numbered_frame(const void *frame, size_t size);

/*
 * Memory
 */

enum vt_kind {
	VT_ANON,		/* malloc()'s kind */
	VT_HUGETLB,
	VT_TMPFS,
	VT_DAX,			/* persistent memory: /dev/dax* */
	VT_BAR,			/* sysfs' resource0 */
	VT_BAR_WC,		/* sysfs' resource0_wc */
	VT_TWO_BARS,		/* the frame straddles the BARs of two devices */
	VT_BAR_THEN_ANON,	/* ... a BAR and anonymous memory */
	VT_ANON_THEN_BAR,
	VT_BAR_LAZY,		/* a BAR, one page per page fault */
	VT_BAR_HUGE,		/* a BAR in PMD entries, by page fault */
	VT_VFIO,		/* a BAR as vfio-pci maps it */
	VT_HIDDEN,		/* RAM hidden by mem=, through /dev/mem */
	VT_HIDDEN_LAZY,		/* the same, one page per page fault */
	VT_COHERENT,		/* dma_mmap_coherent() */
	VT_PAGES,		/* the kernel's pages, remap_pfn_range() */
	VT_PAGES_LAZY,		/* the same, by page fault */
	VT_PAGES_HUGE,		/* the same in PMD entries */
	VT_DUMB,		/* DRM dumb buffer */
	VT_FB,			/* /dev/fb of vesafb: a BAR */
	VT_FB_RAM,		/* /dev/fb of vivid: RAM */
};

/**
 * struct vt_target - a mapping to capture into, in slots of equal size
 * @kind: what it is
 * @map: where it is mapped
 * @size: length of the mapping
 * @slot: length of a slot. Each slot of VT_TWO_BARS and of a mixed kind has the
 *	one memory in its first half and the other one in its second half.
 * @half: offset in a slot at which the second memory begins, or @slot
 * @memory: the one or two memories
 * @memory.fd: what is mapped, or -1 for anonymous memory
 * @memory.alias_fd: the way round every revocation, or -1 if there is none
 * @memory.phys: physical address, 0 if it is not known
 * @memory.base: offset in @memory.fd
 * @memory.alias_base: offset in @memory.alias_fd
 * @alias: a second mapping of the same memory, which survives what happens to
 *	@map, or NULL
 * @device: sysfs directory of the PCI device that owns the memory, or ""
 * @files: other files that must stay open, or -1
 * @why: why vt_target_map() could not make it
 */
struct vt_target {
	enum vt_kind kind;
	unsigned char *map;
	size_t size;
	size_t slot;
	size_t half;
	struct {
		int fd;
		int alias_fd;
		__u64 phys;
		off_t base;
		off_t alias_base;
	} memory[2];
	unsigned char *alias;
	char device[128];
	int files[2];
	char why[160];
};

const char *vt_kind_name(enum vt_kind kind);
bool vt_kind_pinned(enum vt_kind kind);
bool vt_kind_exporter(enum vt_kind kind);
/*
 * What keeps frames from such memory on the running kernel, NULL if nothing does; @dma
 * says that a device writes them, not the CPU.
 */
const char *vt_kind_lacks(enum vt_kind kind, bool dma);

/*
 * 0; -ENODEV if this machine has no such memory, @target->why says what is
 * missing; another error is a failure.
 */
int vt_target_map(struct vt_target *target, enum vt_kind kind, size_t slot,
		  unsigned int slots);
/* Map @size bytes at @offset again, where they were. */
int vt_target_remap(struct vt_target *target, size_t offset, size_t size);
/* Take the place of every descriptor, after the device came back. */
int vt_target_reopen(struct vt_target *target);
void vt_target_unmap(struct vt_target *target);

/* Access the memory whatever became of the mapping. */
bool vt_target_watchable(const struct vt_target *target);
int vt_target_fill(struct vt_target *target, size_t offset, size_t size,
		   unsigned char byte);
int vt_target_read(struct vt_target *target, size_t offset, void *buf,
		   size_t size);
/* Offset of the first byte that is not @byte, -1 if there is none. */
ssize_t vt_target_find_other(struct vt_target *target, size_t offset,
			     size_t size, unsigned char byte);

int vt_target_zap(struct vt_target *target);
int vt_target_restore(struct vt_target *target);
long vt_huge_faults(const struct vt_target *target);
/* VT_VFIO: switch the device's memory off and on again. */
int vt_target_blink(struct vt_target *target);
int vt_target_enable(struct vt_target *target, bool on);
/*
 * VT_VFIO: a dma-buf of @n parts of the BAR, from @offset[] on and @size bytes long
 * each. Returns the descriptor, or a negative errno.
 */
int vt_target_dmabuf(const struct vt_target *target, const size_t offset[],
		     size_t size, unsigned int n);

/**
 * struct vt_bar - a display's BAR, mapped as an application does it
 * @dir: sysfs directory of the display
 * @way: how the capture device gets there, from VT_WAYS, see p2p.c
 * @map: where it is mapped
 * @size: length of the mapping
 * @phys: physical address
 */
struct vt_bar {
	char dir[128];
	const char *way;
	unsigned char *map;
	size_t size;
	unsigned long phys;
};

/* The nth display without a driver; -EINVAL if VT_WAYS does not have it */
int vt_bar_map(struct vt_bar *bar, unsigned int nth, size_t size);
void vt_bar_unmap(struct vt_bar *bar);

ssize_t vt_find_other(const void *mem, size_t size, unsigned char byte);
ssize_t vt_find_difference(const void *a, const void *b, size_t size);

/*
 * The machine
 */

/* What the project's kernel can do, and a packaged one with the DKMS package may not */
enum vt_feature {
	VT_MIXED_VADDR,		/* a kernel address for two memories at once */
	VT_SCRATCH_PAGE,	/* what a device writes to after a revocation */
	VT_IOMMU,		/* an I/O MMU gathers memory, and takes it away */
	VT_PEERS,		/* a device captures into another one's BAR */
	VT_FORK_COPIED,		/* fork() with a private raw mapping that was written to */
	VT_DUMB_TAKEN,		/* a dumb buffer that goes is replaced page by page */
};

/* Why the running kernel can't, NULL if it can. VT_STOCK names a packaged one. */
const char *vt_kernel_lacks(enum vt_feature feature);

int vt_find_pci(const char *modalias, const char *driver, unsigned int nth, char *dir,
		size_t size);
int vt_find_display(const char *driver, unsigned int nth, char *dir,
		    size_t size);
int vt_enable_bar(const char *dir, uint64_t *phys);
bool vt_is_at(const char *dir, const char *place);
int vt_open_fb(const char *id, struct fb_fix_screeninfo *fix);
int vt_write_file(const char *dir, const char *name, const char *text);
int vt_read_file(const char *path, char *buf, size_t size);
long vt_still_pinned(void);
int vt_kernel_mappings(void);
int vt_allow_failing(void);
/* @fd is a thread's /proc/thread-self/fail-nth. */
int vt_fail_nth(int fd, unsigned int n);
bool vt_has_failed(int fd);
/*
 * Private memory for one page of a frame: who takes it has taken all of the buffer.
 */
int vt_make_private(unsigned char *frame, size_t size);
/*
 * Kill the child @pid, keep it from its end, and take its private memory as the OOM
 * killer does, who must not wait for anybody. Where he is told that a buffer is being
 * written to he tries again, @pause_us later. Returns how often he was told so, or a
 * negative errno.
 */
int vt_reap(pid_t pid, unsigned int pause_us);
/* Let it get to its end. */
int vt_bury(pid_t pid);
long vt_iommu_faults(unsigned long long *last_us);
long vt_dma_mappings(const char *device);

#endif /* VB2TEST_H */
