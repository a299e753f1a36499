/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Capture device whose bus master is an NVMe controller
 *
 * The controller (nvmecap-ctrl.c) runs one command queue and knows nothing of
 * pictures; the video node (nvmecap-video.c) turns a buffer into READ commands
 * and a frame rate into buffers. One spinlock, nvmecap.lock, protects both: what
 * is queued, what is in transfer, and whether the controller is running.
 *
 * Lock order: queue lock, nvmecap.reset_lock, nvmecap.lock. vb2_ops.buf_revoke is
 * called with mmap_lock or worse held. It takes nvmecap.lock, and reset_lock if
 * nobody has it. Nothing is allocated and no user memory is accessed under them.
 */
#ifndef _NVMECAP_H
#define _NVMECAP_H

#include <linux/bitmap.h>
#include <linux/hrtimer.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/nvme.h>
#include <linux/sizes.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include <media/v4l2-dev.h>
#include <media/v4l2-device.h>
#include <media/videobuf2-v4l2.h>

struct dentry;
struct pci_dev;

/* What the controller counts memory in, whatever the size of our own pages */
#define NVMECAP_PAGE		SZ_4K

/* With these, each queue fills one of the controller's pages at most. */
#define NVMECAP_MAX_DEPTH	(NVMECAP_PAGE / sizeof(struct nvme_command))

/* A command has one page of PRP entries at most. */
#define NVMECAP_MAX_TRANSFER	(NVMECAP_PAGE / sizeof(__le64) * NVMECAP_PAGE)

/* How long a command may take */
#define NVMECAP_TIMEOUT_MS	5000

/**
 * enum nvmecap_allocator - values of the module parameter "allocators"
 * @NVMECAP_DMA_CONTIG: videobuf2-dma-contig
 * @NVMECAP_DMA_PFN: videobuf2-dma-pfn
 * @NVMECAP_DMA_SG: videobuf2-dma-sg
 *
 * The numbers are those of vivid, whose 0 is vmalloc: memory that a device can't
 * reach.
 */
enum nvmecap_allocator {
	NVMECAP_DMA_CONTIG = 1,
	NVMECAP_DMA_PFN = 2,
	NVMECAP_DMA_SG = 3,
};

/**
 * enum nvmecap_state - what the controller can be asked for
 * @NVMECAP_STOPPED: it is being reset, accesses no memory and takes no commands
 * @NVMECAP_LIVE: it takes commands
 * @NVMECAP_DEAD: it could not be brought up again; also accesses no memory
 */
enum nvmecap_state {
	NVMECAP_STOPPED,
	NVMECAP_LIVE,
	NVMECAP_DEAD,
};

/**
 * struct nvmecap_stats - what debugfs shows
 * @frames: frames that were captured without an error
 * @dropped: frames for which there was no buffer, no time or no controller
 * @errors: buffers that came back with an error, revoked ones included
 * @bytes: bytes of @frames
 * @submitted: READ commands given to the controller
 * @completed: READ commands that the controller has answered
 * @failed: those of @completed with an error
 * @timeouts: frames that made no progress for %NVMECAP_TIMEOUT_MS
 * @resets: how often the controller was stopped because of an error
 * @revoked_queued: buffers that lost their memory before their turn came
 * @revoked_active: buffers that lost their memory in transfer
 * @revoke_calls: calls of &vb2_ops.buf_revoke
 * @revoke_waits: those that had to wait for the controller
 * @revoke_resets: those that had to stop the controller
 */
struct nvmecap_stats {
	u64 frames;
	u64 dropped;
	u64 errors;
	u64 bytes;
	u64 submitted;
	u64 completed;
	u64 failed;
	u64 timeouts;
	u64 resets;
	u64 revoked_queued;
	u64 revoked_active;
	u64 revoke_calls;
	u64 revoke_waits;
	u64 revoke_resets;
};

/**
 * struct nvmecap_config - what the module parameters say about one device
 * @nsid: namespace that the video is on
 * @allocator: one of &enum nvmecap_allocator
 * @contiguous: the device needs one DMA range per buffer
 * @revocable: implement &vb2_ops.buf_revoke
 */
struct nvmecap_config {
	u32 nsid;
	enum nvmecap_allocator allocator;
	bool contiguous;
	bool revocable;
};

/**
 * struct nvmecap_geometry - what the commands for a frame depend on
 * @ns_bytes: size of the namespace
 * @lba_shift: size of a logical block, as a power of two
 * @max_transfer: bytes that a READ command transfers at most, a power of two
 */
struct nvmecap_geometry {
	u64 ns_bytes;
	u32 lba_shift;
	u32 max_transfer;
};

struct nvmecap;

/**
 * struct nvmecap_queue - a submission queue and its completion queue
 * @sqes: the submission queue, which the controller reads
 * @cqes: the completion queue, which it writes
 * @sq_doorbell: register for the tail of the submission queue
 * @cq_doorbell: register for the head of the completion queue
 * @complete: called for each command that was answered, under nvmecap.lock
 * @busy: identifiers of the commands in flight
 * @depth: number of entries of both queues
 * @tail: next entry of @sqes to be filled
 * @head: next entry of @cqes to be looked at
 * @phase: what the phase bit of that entry will be once it's there
 */
struct nvmecap_queue {
	struct nvme_command *sqes;
	struct nvme_completion *cqes;
	void __iomem *sq_doorbell;
	void __iomem *cq_doorbell;
	void (*complete)(struct nvmecap *nc, u16 status, u32 result);
	DECLARE_BITMAP(busy, NVMECAP_MAX_DEPTH);
	u16 depth;
	u16 tail;
	u16 head;
	u16 phase;
};

/**
 * struct nvmecap_buffer - a buffer of the video node
 * @vb: what videobuf2 knows of it
 * @list: entry in nvmecap.bufs
 * @dptr: data pointer of each command that it takes to fill the buffer
 * @prps: the PRP lists of these commands
 * @prps_dma: where the controller sees @prps
 * @prps_size: size of @prps in bytes
 *
 * All but the first two are made when the memory of the buffer is mapped, and
 * serve as long as the mapping exists.
 */
struct nvmecap_buffer {
	struct vb2_v4l2_buffer vb;
	struct list_head list;
	union nvme_data_ptr *dptr;
	__le64 *prps;
	dma_addr_t prps_dma;
	size_t prps_size;
};

/**
 * struct nvmecap_frame - the frame in transfer
 * @buf: where it goes, NULL if there is none
 * @slba: first logical block of it
 * @next: number of the command to submit next
 * @in_flight: commands that were submitted and not answered
 * @deadline: when, in jiffies, to lose patience
 * @failed: submit no more commands, the buffer goes back with an error
 */
struct nvmecap_frame {
	struct nvmecap_buffer *buf;
	u64 slba;
	unsigned int next;
	unsigned int in_flight;
	unsigned long deadline;
	bool failed;
};

/**
 * struct nvmecap - one device
 * @pdev: the controller
 * @id: number of the device, the index of the module parameters
 * @config: what the module parameters say
 * @regs: registers of the controller
 * @memory: the queues, and a buffer for what identifies the controller
 * @memory_dma: where the controller sees @memory
 * @irq: the only interrupt, of both queues
 * @admin: the admin queues
 * @io: the only I/O queues
 * @admin_done: the admin command was answered
 * @admin_status: its status
 * @admin_result: its result
 * @model: name of the controller
 * @geometry: what the commands for a frame depend on
 * @shutdown_timeout_us: how long the controller may take to shut down
 * @reset_lock: serializes starting and stopping the controller
 * @reset_work: does so after an error
 * @lock: protects what follows, and all fields of @admin and @io that change
 * @state: of the controller
 * @streaming: frames are due
 * @bufs: buffers that wait for their turn
 * @frame: the frame in transfer
 * @stats: counters
 * @idle: woken when there is no frame in transfer any more
 * @timer: fires when a frame is due
 * @period: time between two frames
 * @sequence: number of the next frame
 * @nr_frames: frames that the namespace has in the current format
 * @ioctl_lock: serializes ioctls; the queue lock, too
 * @v4l2_dev: the V4L2 device
 * @vdev: the video node
 * @queue: its queue
 * @pix: the format
 * @interval: time between two frames as VIDIOC_S_PARM has it
 * @debugfs: directory of this device
 */
struct nvmecap {
	struct pci_dev *pdev;
	int id;
	struct nvmecap_config config;

	void __iomem *regs;
	void *memory;
	dma_addr_t memory_dma;
	int irq;
	struct nvmecap_queue admin;
	struct nvmecap_queue io;
	bool admin_done;
	u16 admin_status;
	u32 admin_result;

	char model[sizeof_field(struct nvme_id_ctrl, mn) + 1];
	struct nvmecap_geometry geometry;
	unsigned long shutdown_timeout_us;

	struct mutex reset_lock;	/* starting and stopping */
	struct work_struct reset_work;

	spinlock_t lock;		/* for what follows, and the queues */
	enum nvmecap_state state;
	bool streaming;
	struct list_head bufs;
	struct nvmecap_frame frame;
	struct nvmecap_stats stats;

	wait_queue_head_t idle;
	struct hrtimer timer;
	ktime_t period;
	u32 sequence;
	u32 nr_frames;

	struct mutex ioctl_lock;	/* ioctls and the queue */
	struct v4l2_device v4l2_dev;
	struct video_device vdev;
	struct vb2_queue queue;
	struct v4l2_pix_format pix;
	struct v4l2_fract interval;
	struct dentry *debugfs;
};

/* nvmecap-core.c */
unsigned int nvmecap_revoke_timeout_ms(void);

/* nvmecap-ctrl.c */
int nvmecap_ctrl_probe(struct nvmecap *nc);
void nvmecap_ctrl_remove(struct nvmecap *nc);
int nvmecap_ctrl_start(struct nvmecap *nc);
int nvmecap_ctrl_stop(struct nvmecap *nc);
void nvmecap_ctrl_shut_down(struct nvmecap *nc);
void nvmecap_ctrl_reset(struct nvmecap *nc);
bool nvmecap_ctrl_failed(struct nvmecap *nc);
bool nvmecap_ctrl_poll(struct nvmecap *nc);
bool nvmecap_ctrl_read(struct nvmecap *nc, u64 slba, size_t bytes,
		       const union nvme_data_ptr *dptr);
void nvmecap_ctrl_ring(struct nvmecap *nc);

/* nvmecap-video.c */
int nvmecap_video_register(struct nvmecap *nc);
void nvmecap_video_unregister(struct nvmecap *nc);
void nvmecap_frame_answered(struct nvmecap *nc, u16 status, u32 result);
void nvmecap_frame_advance(struct nvmecap *nc);
void nvmecap_frame_abort(struct nvmecap *nc);

#endif /* _NVMECAP_H */
