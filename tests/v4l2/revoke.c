// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory that is taken away while a buffer is made of it
 *
 * Once the memory is gone it is filled with a pattern, as its next owner would,
 * through a mapping that the revocation does not touch. Not one byte of it may
 * change over several frame times. The buffer comes back flagged, queueing it
 * again looks at what is mapped then, and streaming goes on with the others.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "kselftest_harness.h"
#include "vb2test.h"

#define PAGE		4096UL
#define VICTIM		0
#define REPEAT		4

enum buf_state {
	IDLE,		/* dequeued, while streaming goes on */
	QUEUED,		/* before streaming ever started */
	STOPPED,	/* queued after streaming stopped */
	DONE,		/* filled, not dequeued yet */
	FILLING,	/* at some moment while the camera fills buffers */
};

/**
 * struct capture - a queue with one buffer that loses its memory
 * @node: the camera
 * @victim: memory of buffer VICTIM: one slot
 * @others: memory of the other buffers, of another owner
 * @reference: the picture
 * @frame: its size
 * @slot: size of a slot: the frame and at least a page more
 * @addr: where the victim's frame is
 */
struct capture {
	struct vt_node node;
	struct vt_target victim;
	struct vt_target others;
	unsigned char *reference;
	size_t frame;
	size_t slot;
	unsigned char *addr;
};

static unsigned char *buffer_addr(const struct capture *c, unsigned int index)
{
	return index == VICTIM ? c->addr :
				 c->others.map + (index - 1) * c->slot;
}

static void queue_all(struct __test_metadata *const _metadata,
		      const struct capture *c)
{
	unsigned int i;

	for (i = 0; i < VT_BUFS; i++)
		ASSERT_EQ(0, vt_qbuf(&c->node, i, buffer_addr(c, i)));
}

/* A buffer that kept its memory has the picture; then it can be used again. */
static void check_frame(struct __test_metadata *const _metadata,
			const struct capture *c, unsigned int index,
			__u32 flags)
{
	unsigned char *frame = buffer_addr(c, index);

	EXPECT_EQ(0U, flags & V4L2_BUF_FLAG_ERROR);
	EXPECT_EQ(-1, vt_find_difference(frame, c->reference, c->frame));
	memset(frame, VT_POISON, c->frame);
}

/* Take frames until @index comes; the others go back. Returns its flags. */
static __u32 dequeue_until(struct __test_metadata *const _metadata,
			   const struct capture *c, int index)
{
	unsigned int i;
	__u32 flags;
	int got;

	for (i = 0; i < 4 * VT_BUFS; i++) {
		got = vt_dqbuf(&c->node, &flags);
		ASSERT_LE(0, got);
		if (got == index)
			return flags;
		check_frame(_metadata, c, got, flags);
		ASSERT_EQ(0, vt_qbuf(&c->node, got, buffer_addr(c, got)));
	}
	ASSERT_EQ(index, got);
	return flags;
}

static bool started(enum buf_state state)
{
	return state != QUEUED && state != STOPPED;
}

static void bring_to(struct __test_metadata *const _metadata,
		     const struct capture *c, enum buf_state state)
{
	ASSERT_EQ(0, vt_reqbufs(&c->node, V4L2_MEMORY_USERPTR, VT_BUFS));
	queue_all(_metadata, c);
	if (state == QUEUED)
		return;

	ASSERT_EQ(0, vt_streamon(&c->node));
	switch (state) {
	case IDLE:
		EXPECT_EQ(0U, dequeue_until(_metadata, c, VICTIM) &
			      V4L2_BUF_FLAG_ERROR);
		break;
	case STOPPED:
		dequeue_until(_metadata, c, VICTIM);
		ASSERT_EQ(0, vt_streamoff(&c->node));
		queue_all(_metadata, c);
		break;
	case DONE:
		/* the others, too, but for the one that tw68 always keeps */
		ASSERT_EQ(0, vt_wait_done(&c->node, VICTIM));
		usleep(VT_BUFS * c->node.frame_us);
		break;
	default:
		usleep(rand() % (3 * c->node.frame_us));
	}
}

/* The next owner has it now. */
static void own(struct __test_metadata *const _metadata, struct capture *c)
{
	if (vt_target_watchable(&c->victim))
		ASSERT_EQ(0, vt_target_fill(&c->victim, 0, c->slot, VT_OWNED));
}

static void check_owned(struct __test_metadata *const _metadata,
			struct capture *c)
{
	if (vt_target_watchable(&c->victim) && !vt_kind_pinned(c->victim.kind))
		EXPECT_EQ(-1, vt_target_find_other(&c->victim, 0, c->slot,
						   VT_OWNED));
}

static void watch(struct __test_metadata *const _metadata, struct capture *c)
{
	usleep((VT_BUFS + 1) * c->node.frame_us);
	check_owned(_metadata, c);
}

/* How buffer VICTIM comes back, if it was not with the application. */
static void take_back(struct __test_metadata *const _metadata,
		      struct capture *c, enum buf_state state)
{
	__u32 flags;

	if (!started(state)) {
		ASSERT_EQ(0, vt_streamon(&c->node));
		watch(_metadata, c);
	}
	if (state == IDLE)
		return;
	flags = dequeue_until(_metadata, c, VICTIM);
	/* pages that vb2 has pinned are still there */
	if (!vt_kind_pinned(c->victim.kind))
		EXPECT_NE(0U, flags & V4L2_BUF_FLAG_ERROR);
}

/* The others go on. */
static void go_on(struct __test_metadata *const _metadata, struct capture *c)
{
	unsigned int i;

	for (i = 0; i < VT_BUFS; i++) {
		__u32 flags;
		int got = vt_dqbuf(&c->node, &flags);

		ASSERT_LT(0, got);
		check_frame(_metadata, c, got, flags);
		ASSERT_EQ(0, vt_qbuf(&c->node, got, buffer_addr(c, got)));
	}
}

/* Memory is there again, at c->addr: so are the pictures, twice. */
static void use_again(struct __test_metadata *const _metadata,
		      struct capture *c)
{
	unsigned int i;

	for (i = 0; i < 2; i++) {
		memset(c->addr, VT_POISON, c->slot);
		ASSERT_EQ(0, vt_qbuf(&c->node, VICTIM, c->addr));
		check_frame(_metadata, c, VICTIM,
			    dequeue_until(_metadata, c, VICTIM));
		EXPECT_EQ(-1, vt_find_other(c->addr + c->frame,
					    c->slot - c->frame, VT_POISON));
	}
}

static void stop(struct __test_metadata *const _metadata, struct capture *c)
{
	ASSERT_EQ(0, vt_streamoff(&c->node));
	ASSERT_EQ(0, vt_reqbufs(&c->node, V4L2_MEMORY_USERPTR, 0));
}

/**
 * struct way - a way to take memory away
 * @take: does it
 * @again: what VIDIOC_QBUF then answers, 0 if there is something to capture to
 * @give: makes it accessible again at the same address, with the old contents or
 *	others; NULL if it is already
 * @refaults: the owner may let a page fault bring the same memory back at once,
 *	as DRM does for a device that is gone; then @again does not count
 */
struct way {
	int (*take)(struct capture *c);
	int again;
	int (*give)(struct capture *c);
	bool refaults;
};

/* Can the application still read its memory? */
static bool readable(const unsigned char *addr)
{
	int status = -1;
	pid_t pid = fork();

	if (!pid) {
		*(volatile const unsigned char *)addr;
		_exit(0);
	}
	return waitpid(pid, &status, 0) == pid && !status;
}

static void run(struct __test_metadata *const _metadata, struct capture *c,
		enum buf_state state, const struct way *way)
{
	unsigned int i;
	bool same;
	int again;

	for (i = 0; i < (state == FILLING ? REPEAT : 1); i++) {
		bring_to(_metadata, c, state);
		ASSERT_EQ(0, way->take(c));
		own(_metadata, c);
		watch(_metadata, c);
		take_back(_metadata, c, state);

		same = way->refaults && readable(c->addr);
		again = same ? 0 : way->again;
		EXPECT_EQ(again, vt_qbuf(&c->node, VICTIM, c->addr));
		if (!again)
			check_frame(_metadata, c, VICTIM,
				    dequeue_until(_metadata, c, VICTIM));
		else
			go_on(_metadata, c);
		if (!same)
			check_owned(_metadata, c);

		if (way->give)
			ASSERT_EQ(0, way->give(c));
		use_again(_metadata, c);
		stop(_metadata, c);
		vt_target_fill(&c->victim, 0, c->slot, VT_POISON);
	}
}

/* 0, or -ENODEV with the reason in @why */
static int capture_open_size(struct __test_metadata *const _metadata,
			     struct capture *c, enum vt_kind kind,
			     unsigned int width, unsigned int height, char *why)
{
	const char *lacking = vt_kind_lacks(kind, vt_camera_uses_dma());
	int ret;

	srand(getpid());
	if (lacking) {
		strcpy(why, lacking);
		return -ENODEV;
	}
	ASSERT_EQ(0, vt_open_camera(&c->node, width, height));
	c->frame = vt_frame_size(&c->node);
	c->slot = (c->frame + 2 * PAGE - 1) & -PAGE;
	c->reference = vt_reference(&c->node);
	ASSERT_NE(NULL, c->reference);

	ret = vt_target_map(&c->victim, kind, c->slot, 1);
	if (!ret) {
		c->addr = c->victim.map;
		ret = vt_target_map(&c->others, VT_PAGES, c->slot,
				    VT_BUFS - 1);
		if (ret == -ENODEV)
			strcpy(why, c->others.why);
	} else if (ret == -ENODEV) {
		strcpy(why, c->victim.why);
	}
	ASSERT_TRUE(!ret || ret == -ENODEV) TH_LOG("%s: %s",
						   vt_kind_name(kind),
						   strerror(-ret));
	return ret;
}

static int capture_open(struct __test_metadata *const _metadata,
			struct capture *c, enum vt_kind kind, char *why)
{
	return capture_open_size(_metadata, c, kind, 320, 180, why);
}

static void capture_close(struct capture *c)
{
	vt_close(&c->node);
	vt_target_unmap(&c->victim);
	vt_target_unmap(&c->others);
	free(c->reference);
}

/*
 * What the application does with its own mapping
 */

FIXTURE(mapping)
{
	struct capture c;
};

FIXTURE_VARIANT(mapping)
{
	enum vt_kind kind;
	enum buf_state state;
};

FIXTURE_VARIANT_ADD(mapping, bar_idle) { VT_BAR, IDLE };
FIXTURE_VARIANT_ADD(mapping, bar_queued) { VT_BAR, QUEUED };
FIXTURE_VARIANT_ADD(mapping, bar_stopped) { VT_BAR, STOPPED };
FIXTURE_VARIANT_ADD(mapping, bar_done) { VT_BAR, DONE };
FIXTURE_VARIANT_ADD(mapping, bar_filling) { VT_BAR, FILLING };
FIXTURE_VARIANT_ADD(mapping, bar_huge_idle) { VT_BAR_HUGE, IDLE };
FIXTURE_VARIANT_ADD(mapping, bar_huge_queued) { VT_BAR_HUGE, QUEUED };
FIXTURE_VARIANT_ADD(mapping, bar_huge_filling) { VT_BAR_HUGE, FILLING };
FIXTURE_VARIANT_ADD(mapping, hidden_ram_idle) { VT_HIDDEN, IDLE };
FIXTURE_VARIANT_ADD(mapping, hidden_ram_queued) { VT_HIDDEN, QUEUED };
FIXTURE_VARIANT_ADD(mapping, hidden_ram_filling) { VT_HIDDEN, FILLING };
FIXTURE_VARIANT_ADD(mapping, ram_pfnmap_idle) { VT_COHERENT, IDLE };
FIXTURE_VARIANT_ADD(mapping, ram_pfnmap_queued) { VT_COHERENT, QUEUED };
FIXTURE_VARIANT_ADD(mapping, ram_pfnmap_done) { VT_COHERENT, DONE };
FIXTURE_VARIANT_ADD(mapping, ram_pfnmap_filling) { VT_COHERENT, FILLING };
FIXTURE_VARIANT_ADD(mapping, anonymous_idle) { VT_ANON, IDLE };
FIXTURE_VARIANT_ADD(mapping, anonymous_queued) { VT_ANON, QUEUED };
FIXTURE_VARIANT_ADD(mapping, anonymous_filling) { VT_ANON, FILLING };

FIXTURE_SETUP(mapping)
{
	char why[160];

	if (capture_open(_metadata, &self->c, variant->kind, why))
		SKIP(return, "%s", why);
}

FIXTURE_TEARDOWN(mapping)
{
	capture_close(&self->c);
}

static int take_munmap(struct capture *c)
{
	return munmap(c->addr, c->slot);
}

static int give_remap(struct capture *c)
{
	return vt_target_remap(&c->victim, 0, c->slot);
}

TEST_F(mapping, munmap)
{
	static const struct way way = { take_munmap, -EFAULT, give_remap, false };

	run(_metadata, &self->c, variant->state, &way);
}

static int take_page(struct capture *c)
{
	return munmap(c->addr + c->frame / 2 / PAGE * PAGE, PAGE);
}

TEST_F(mapping, munmap_one_page)
{
	static const struct way way = { take_page, -EFAULT, give_remap, false };

	run(_metadata, &self->c, variant->state, &way);
}

/* Where mremap() moves it: the other half of a reserved range. */
static unsigned char *moved_to;

static int take_mremap(struct capture *c)
{
	moved_to = mmap(NULL, c->slot, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
			-1, 0);
	return mremap(c->addr, c->slot, c->slot, MREMAP_MAYMOVE | MREMAP_FIXED,
		      moved_to) == MAP_FAILED;
}

static int give_mremap(struct capture *c)
{
	return mremap(moved_to, c->slot, c->slot, MREMAP_MAYMOVE | MREMAP_FIXED,
		      c->addr) == MAP_FAILED;
}

TEST_F(mapping, mremap)
{
	static const struct way way = { take_mremap, -EFAULT, give_mremap, false };

	run(_metadata, &self->c, variant->state, &way);
}

static int take_access(struct capture *c)
{
	return mprotect(c->addr, c->slot, PROT_NONE);
}

static int take_write(struct capture *c)
{
	return mprotect(c->addr, c->slot, PROT_READ);
}

static int give_access(struct capture *c)
{
	return mprotect(c->addr, c->slot, PROT_READ | PROT_WRITE);
}

TEST_F(mapping, mprotect_none)
{
	static const struct way way = { take_access, -EFAULT, give_access, false };

	run(_metadata, &self->c, variant->state, &way);
}

TEST_F(mapping, mprotect_read_only)
{
	static const struct way way = { take_write, -EFAULT, give_access, false };

	run(_metadata, &self->c, variant->state, &way);
}

static int take_cover(struct capture *c)
{
	return mmap(c->addr, c->slot, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) ==
	       MAP_FAILED;
}

/* The new memory at the old address is what the frames go to. */
TEST_F(mapping, mmap_on_top)
{
	static const struct way way = { take_cover, 0, give_remap, false };

	run(_metadata, &self->c, variant->state, &way);
}

/* Changes beside the frame are none of the buffer's business. */
TEST_F(mapping, munmap_neighbour)
{
	struct capture *c = &self->c;

	bring_to(_metadata, c, variant->state);
	/* a huge entry is gone as a whole when it is split */
	if (variant->kind != VT_BAR_HUGE)
		ASSERT_EQ(0, munmap(c->addr + c->slot - PAGE, PAGE));
	ASSERT_EQ(0, mprotect(c->others.map + (VT_BUFS - 1) * c->slot - PAGE,
			      PAGE, PROT_NONE));
	if (!started(variant->state))
		ASSERT_EQ(0, vt_streamon(&c->node));
	if (variant->state != IDLE)
		check_frame(_metadata, c, VICTIM,
			    dequeue_until(_metadata, c, VICTIM));
	ASSERT_EQ(0, vt_target_remap(&c->victim, c->slot - PAGE, PAGE));
	use_again(_metadata, c);
	go_on(_metadata, c);
	stop(_metadata, c);
}

/*
 * What the owner of the memory does
 */

FIXTURE(owner)
{
	struct capture c;
};

FIXTURE_VARIANT(owner)
{
	enum vt_kind kind;
	enum buf_state state;
	const struct way *way;
};

static int take_zap(struct capture *c)
{
	return vt_target_zap(&c->victim);
}

static int give_restore(struct capture *c)
{
	return vt_target_restore(&c->victim);
}

static int give_reopen(struct capture *c)
{
	int ret = vt_target_reopen(&c->victim);

	return ret ? ret : vt_target_remap(&c->victim, 0, c->slot);
}

static int take_device(struct capture *c)
{
	return vt_write_file(c->victim.device, "remove", "1");
}

static int take_driver(struct capture *c)
{
	return vt_write_file("/sys/bus/pci/drivers/bochs-drm", "unbind",
			     strrchr(c->victim.device, '/') + 1);
}

/*
 * Whatever is missing of a display that had the driver bochs-drm, or had none: 6.12
 * gives it one, whatever drivers_autoprobe says.
 */
static int give_driver(struct capture *c)
{
	const char *name = strrchr(c->victim.device, '/') + 1;
	int ret = vt_write_file("/sys/bus/pci", "rescan", "1");

	if (!ret && c->victim.kind == VT_DUMB)
		ret = vt_write_file("/sys/bus/pci/drivers/bochs-drm", "bind",
				    name);
	else if (!ret)
		vt_write_file("/sys/bus/pci/drivers/bochs-drm", "unbind", name);
	return ret ? ret : give_reopen(c);
}

/* The mapping is gone, and the next page fault brings it back. */
static int take_blink(struct capture *c)
{
	return vt_target_blink(&c->victim);
}

static const struct way zap = { take_zap, -EFAULT, give_restore, false };
static const struct way rm_dumb = { take_device, -EFAULT, give_driver, true };
static const struct way rm_bar = { take_device, -EFAULT, give_driver, false };
static const struct way unbind = { take_driver, -EFAULT, give_driver, true };
static const struct way blink = { take_blink, 0, NULL, true };

FIXTURE_VARIANT_ADD(owner, zap_bar_idle) { VT_BAR_LAZY, IDLE, &zap };
FIXTURE_VARIANT_ADD(owner, zap_bar_queued) { VT_BAR_LAZY, QUEUED, &zap };
FIXTURE_VARIANT_ADD(owner, zap_bar_done) { VT_BAR_LAZY, DONE, &zap };
FIXTURE_VARIANT_ADD(owner, zap_bar_filling) { VT_BAR_LAZY, FILLING, &zap };
FIXTURE_VARIANT_ADD(owner, zap_bar_huge_idle) { VT_BAR_HUGE, IDLE, &zap };
FIXTURE_VARIANT_ADD(owner, zap_bar_huge_queued) { VT_BAR_HUGE, QUEUED, &zap };
FIXTURE_VARIANT_ADD(owner, zap_bar_huge_filling) { VT_BAR_HUGE, FILLING, &zap };
FIXTURE_VARIANT_ADD(owner, zap_hidden_ram_idle) { VT_HIDDEN_LAZY, IDLE, &zap };
FIXTURE_VARIANT_ADD(owner, zap_hidden_ram_filling) { VT_HIDDEN_LAZY, FILLING, &zap };
FIXTURE_VARIANT_ADD(owner, zap_ram_idle) { VT_PAGES, IDLE, &zap };
FIXTURE_VARIANT_ADD(owner, zap_ram_queued) { VT_PAGES, QUEUED, &zap };
FIXTURE_VARIANT_ADD(owner, zap_ram_filling) { VT_PAGES, FILLING, &zap };
FIXTURE_VARIANT_ADD(owner, remove_device_idle) { VT_DUMB, IDLE, &rm_dumb };
FIXTURE_VARIANT_ADD(owner, remove_device_queued) { VT_DUMB, QUEUED, &rm_dumb };
FIXTURE_VARIANT_ADD(owner, remove_device_stopped) { VT_DUMB, STOPPED, &rm_dumb };
FIXTURE_VARIANT_ADD(owner, remove_device_filling) { VT_DUMB, FILLING, &rm_dumb };
FIXTURE_VARIANT_ADD(owner, remove_bar_idle) { VT_BAR, IDLE, &rm_bar };
FIXTURE_VARIANT_ADD(owner, remove_bar_queued) { VT_BAR, QUEUED, &rm_bar };
FIXTURE_VARIANT_ADD(owner, remove_bar_stopped) { VT_BAR, STOPPED, &rm_bar };
FIXTURE_VARIANT_ADD(owner, remove_bar_filling) { VT_BAR, FILLING, &rm_bar };
FIXTURE_VARIANT_ADD(owner, vfio_off_idle) { VT_VFIO, IDLE, &blink };
FIXTURE_VARIANT_ADD(owner, vfio_off_queued) { VT_VFIO, QUEUED, &blink };
FIXTURE_VARIANT_ADD(owner, vfio_off_done) { VT_VFIO, DONE, &blink };
FIXTURE_VARIANT_ADD(owner, vfio_off_filling) { VT_VFIO, FILLING, &blink };
FIXTURE_VARIANT_ADD(owner, unbind_driver_idle) { VT_DUMB, IDLE, &unbind };
FIXTURE_VARIANT_ADD(owner, unbind_driver_queued) { VT_DUMB, QUEUED, &unbind };
FIXTURE_VARIANT_ADD(owner, unbind_driver_stopped) { VT_DUMB, STOPPED, &unbind };
FIXTURE_VARIANT_ADD(owner, unbind_driver_filling) { VT_DUMB, FILLING, &unbind };

FIXTURE_SETUP(owner)
{
	const char *lacking = vt_kernel_lacks(VT_DUMB_TAKEN);
	char why[160];

	if (variant->kind == VT_DUMB && lacking)
		SKIP(return, "%s", lacking);
	if (capture_open(_metadata, &self->c, variant->kind, why))
		SKIP(return, "%s", why);
}

FIXTURE_TEARDOWN(owner)
{
	/* a test that failed may have left it like this */
	if (variant->way->give == give_driver)
		give_driver(&self->c);
	capture_close(&self->c);
}

TEST_F(owner, takes_it)
{
	run(_metadata, &self->c, variant->state, variant->way);
}

/*
 * What becomes of processes and files
 */

FIXTURE(process)
{
	struct capture c;
};

FIXTURE_VARIANT(process)
{
	enum vt_kind kind;
};

FIXTURE_VARIANT_ADD(process, bar) { VT_BAR };
FIXTURE_VARIANT_ADD(process, bar_huge) { VT_BAR_HUGE };
FIXTURE_VARIANT_ADD(process, hidden_ram) { VT_HIDDEN };
FIXTURE_VARIANT_ADD(process, ram_pfnmap) { VT_COHERENT };
FIXTURE_VARIANT_ADD(process, anonymous) { VT_ANON };
FIXTURE_VARIANT_ADD(process, bar_and_anonymous) { VT_BAR_THEN_ANON };

FIXTURE_SETUP(process)
{
	char why[160];

	if (capture_open(_metadata, &self->c, variant->kind, why))
		SKIP(return, "%s", why);
}

FIXTURE_TEARDOWN(process)
{
	capture_close(&self->c);
}

static bool has_private_memory(enum vt_kind kind)
{
	return kind == VT_ANON || kind == VT_BAR_THEN_ANON;
}

/*
 * fork() of a process that captures takes nothing from it. Memory that it shares
 * with the child keeps getting frames, without an error; private memory stays
 * with the parent (copy-on-write may have cost it the buffer, once), and the
 * child's copy is the child's.
 */
static void run_fork(struct __test_metadata *const _metadata,
		     struct capture *c, enum buf_state state, bool child_stays)
{
	bool private = has_private_memory(c->victim.kind);
	size_t own = c->victim.half == c->slot ? 0 : c->victim.half;
	__u32 flags;
	int status;
	pid_t pid;

	bring_to(_metadata, c, state);
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		if (!child_stays)
			_exit(0);
		if (!private)
			own = c->slot;
		memset(c->addr + own, VT_OWNED, c->slot - own);
		usleep(3 * (VT_BUFS + 1) * c->node.frame_us);
		_exit(vt_find_other(c->addr + own, c->slot - own, VT_OWNED) >=
		      0);
	}
	if (!child_stays) {
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		EXPECT_EQ(0, status);
	}
	if (!started(state))
		ASSERT_EQ(0, vt_streamon(&c->node));
	if (state != IDLE) {
		flags = dequeue_until(_metadata, c, VICTIM);
		if (!private || !(flags & V4L2_BUF_FLAG_ERROR))
			check_frame(_metadata, c, VICTIM, flags);
	}
	use_again(_metadata, c);
	if (child_stays) {
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		EXPECT_EQ(0, status) TH_LOG("the child's memory was written to");
	}
	use_again(_metadata, c);
	stop(_metadata, c);
}

TEST_F(process, fork_child_exits)
{
	run_fork(_metadata, &self->c, IDLE, false);
	run_fork(_metadata, &self->c, QUEUED, false);
	run_fork(_metadata, &self->c, FILLING, false);
}

TEST_F(process, fork_child_stays)
{
	run_fork(_metadata, &self->c, IDLE, true);
	run_fork(_metadata, &self->c, QUEUED, true);
	run_fork(_metadata, &self->c, FILLING, true);
}

/* The buffers were lost with the memory of their process, all of them. */
static void start_again(struct __test_metadata *const _metadata,
			struct capture *c)
{
	unsigned int i;

	ASSERT_EQ(0, vt_streamoff(&c->node));
	for (i = 0; i < VT_BUFS; i++)
		memset(buffer_addr(c, i), VT_POISON, c->frame);
	queue_all(_metadata, c);
	ASSERT_EQ(0, vt_streamon(&c->node));
	check_frame(_metadata, c, VICTIM, dequeue_until(_metadata, c, VICTIM));
	use_again(_metadata, c);
	stop(_metadata, c);
}

/* A child is ready, and its parent goes on. */
static void tell_parent(int ready)
{
	if (write(ready, "", 1) != 1)
		_exit(1);
}

static void wait_for_child(struct __test_metadata *const _metadata, const int ready[2])
{
	char byte;

	close(ready[1]);
	ASSERT_EQ(1, read(ready[0], &byte, 1));
	close(ready[0]);
}

/*
 * The process dies while the video node stays open in another one, so that only
 * the end of the address space can stop the capture. The parent's mapping is at
 * the same address, but that is not what the buffer was made of.
 */
static void run_death(struct __test_metadata *const _metadata,
		      struct capture *c, enum buf_state state, bool kill_it)
{
	int ready[2], status;
	pid_t pid;

	ASSERT_EQ(0, pipe(ready));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		close(ready[0]);
		bring_to(_metadata, c, state);
		tell_parent(ready[1]);
		while (kill_it)
			pause();
		_exit(0);
	}
	wait_for_child(_metadata, ready);
	if (kill_it) {
		usleep(rand() % (2 * c->node.frame_us));
		ASSERT_EQ(0, kill(pid, SIGKILL));
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	own(_metadata, c);
	watch(_metadata, c);

	start_again(_metadata, c);
}

TEST_F(process, killed)
{
	run_death(_metadata, &self->c, IDLE, true);
	run_death(_metadata, &self->c, QUEUED, true);
	run_death(_metadata, &self->c, FILLING, true);
}

TEST_F(process, exits)
{
	run_death(_metadata, &self->c, IDLE, false);
	run_death(_metadata, &self->c, QUEUED, false);
	run_death(_metadata, &self->c, FILLING, false);
}

/* The process has not come to its end, but the OOM killer has come to it. */
static void run_reaped(struct __test_metadata *const _metadata,
		       struct capture *c, enum buf_state state)
{
	int ready[2];
	pid_t pid;

	ASSERT_EQ(0, pipe(ready));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		ASSERT_EQ(0, vt_make_private(c->addr, c->frame));
		bring_to(_metadata, c, state);
		tell_parent(ready[1]);
		for (;;)
			pause();
	}
	wait_for_child(_metadata, ready);
	usleep(rand() % (2 * c->node.frame_us));
	ASSERT_LE(0, vt_reap(pid, c->node.frame_us / 20));
	own(_metadata, c);
	watch(_metadata, c);
	ASSERT_EQ(0, vt_bury(pid));
	watch(_metadata, c);
	start_again(_metadata, c);
}

TEST_F(process, reaped)
{
	unsigned int i;

	run_reaped(_metadata, &self->c, IDLE);
	run_reaped(_metadata, &self->c, QUEUED);
	for (i = 0; i < REPEAT; i++)
		run_reaped(_metadata, &self->c, FILLING);
}

/* Who closes the video node gets all of the memory back, at once. */
static void run_close(struct __test_metadata *const _metadata,
		      struct capture *c, enum buf_state state)
{
	bring_to(_metadata, c, state);
	vt_close(&c->node);
	memset(c->addr, VT_OWNED, c->slot);
	usleep((VT_BUFS + 1) * c->node.frame_us);
	EXPECT_EQ(-1, vt_find_other(c->addr, c->slot, VT_OWNED));
	ASSERT_EQ(0, munmap(c->addr, c->slot));
	ASSERT_EQ(0, give_remap(c));
	ASSERT_EQ(0, vt_open_camera(&c->node, 320, 180));
}

TEST_F(process, closes_node_first)
{
	run_close(_metadata, &self->c, IDLE);
	run_close(_metadata, &self->c, QUEUED);
	run_close(_metadata, &self->c, DONE);
	run_close(_metadata, &self->c, FILLING);
	bring_to(_metadata, &self->c, IDLE);
	use_again(_metadata, &self->c);
	stop(_metadata, &self->c);
}

/*
 * The stream goes on while its memory comes and goes at random moments, most of
 * them in the middle of a frame.
 */

FIXTURE(flight)
{
	struct capture c;
	unsigned int times;
};

FIXTURE_VARIANT(flight)
{
	enum vt_kind kind;
};

FIXTURE_VARIANT_ADD(flight, bar) { VT_BAR };
FIXTURE_VARIANT_ADD(flight, bar_huge) { VT_BAR_HUGE };
FIXTURE_VARIANT_ADD(flight, hidden_ram) { VT_HIDDEN };
FIXTURE_VARIANT_ADD(flight, ram_pfnmap) { VT_COHERENT };

FIXTURE_SETUP(flight)
{
	const char *times = getenv("VT_REVOCATIONS");
	char why[160];

	self->times = times ? atoi(times) : 20;
	if (capture_open_size(_metadata, &self->c, variant->kind, 640, 360,
			      why))
		SKIP(return, "%s", why);
}

FIXTURE_TEARDOWN(flight)
{
	capture_close(&self->c);
}

/* Long for its many rounds, not for any of them. */
TEST_F_TIMEOUT(flight, comes_and_goes, 1800)
{
	struct capture *c = &self->c;
	unsigned int i;

	bring_to(_metadata, c, FILLING);
	for (i = 0; i < self->times; i++) {
		usleep(rand() % (2 * c->node.frame_us));
		ASSERT_EQ(0, take_munmap(c));
		own(_metadata, c);
		usleep(3 * c->node.frame_us / 2);
		check_owned(_metadata, c);
		EXPECT_NE(0U, dequeue_until(_metadata, c, VICTIM) &
			      V4L2_BUF_FLAG_ERROR);
		check_owned(_metadata, c);
		ASSERT_EQ(0, give_remap(c));
		memset(c->addr, VT_POISON, c->slot);
		ASSERT_EQ(0, vt_qbuf(&c->node, VICTIM, c->addr));
	}
	check_frame(_metadata, c, VICTIM, dequeue_until(_metadata, c, VICTIM));
	use_again(_metadata, c);
	stop(_metadata, c);
}

/*
 * A frame so large that vivid copies most of the time: what it is writing when
 * the memory goes must have stopped before munmap() returns. It writes from the
 * first line to the last one, so the end of the frame tells.
 */

#define TAIL	(16 * PAGE)

FIXTURE(large)
{
	struct vt_node node;
	struct vt_target target;
	size_t frame;
	size_t slot;
};

FIXTURE_SETUP(large)
{
	int ret;

	srand(getpid());
	ASSERT_EQ(0, vt_open_vivid(&self->node, 0, 3840, 2160,
				   V4L2_PIX_FMT_RGB24));
	self->frame = vt_frame_size(&self->node);
	self->slot = (self->frame + PAGE - 1) & -PAGE;
	ret = vt_target_map(&self->target, VT_HIDDEN, self->slot, 2);
	if (ret == -ENODEV)
		SKIP(return, "%s", self->target.why);
	ASSERT_EQ(0, ret);
}

FIXTURE_TEARDOWN(large)
{
	vt_close(&self->node);
	vt_target_unmap(&self->target);
}

/* The next owner has the end of both frames. */
static void own_tails(struct __test_metadata *const _metadata,
		      FIXTURE_DATA(large) * self)
{
	unsigned int i;

	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, vt_target_fill(&self->target,
					    i * self->slot + self->frame - TAIL, TAIL,
					    VT_OWNED));
}

static void watch_tails(struct __test_metadata *const _metadata,
			FIXTURE_DATA(large) * self)
{
	unsigned int i;

	usleep(3 * self->node.frame_us);
	for (i = 0; i < 2; i++)
		EXPECT_EQ(-1, vt_target_find_other(&self->target,
						   i * self->slot + self->frame - TAIL,
						   TAIL, VT_OWNED));
}

static void capture_large(struct __test_metadata *const _metadata,
			  FIXTURE_DATA(large) * self)
{
	ASSERT_EQ(0, vt_reqbufs(&self->node, V4L2_MEMORY_USERPTR, 2));
	ASSERT_EQ(0, vt_qbuf_slots(&self->node, &self->target, 2));
	ASSERT_EQ(0, vt_streamon(&self->node));
}

static void stop_large(struct __test_metadata *const _metadata,
		       FIXTURE_DATA(large) * self)
{
	ASSERT_EQ(0, vt_streamoff(&self->node));
	ASSERT_EQ(0, vt_reqbufs(&self->node, V4L2_MEMORY_USERPTR, 0));
}

TEST_F(large, copy_in_progress)
{
	struct vt_target *t = &self->target;
	unsigned int n;

	for (n = 0; n < 10; n++) {
		capture_large(_metadata, self);
		usleep(rand() % (2 * self->node.frame_us));
		ASSERT_EQ(0, munmap(t->map, t->size));
		own_tails(_metadata, self);
		watch_tails(_metadata, self);
		stop_large(_metadata, self);
		ASSERT_EQ(0, vt_target_remap(t, 0, t->size));
	}
}

TEST_F(large, reaped)
{
	struct vt_target *t = &self->target;
	unsigned int i, n;
	int ready[2];
	pid_t pid;

	for (n = 0; n < 10; n++) {
		ASSERT_EQ(0, pipe(ready));
		pid = fork();
		ASSERT_LE(0, pid);
		if (!pid) {
			for (i = 0; i < 2; i++)
				ASSERT_EQ(0, vt_make_private(t->map + i * self->slot,
							     self->frame));
			capture_large(_metadata, self);
			tell_parent(ready[1]);
			for (;;)
				pause();
		}
		wait_for_child(_metadata, ready);
		usleep(rand() % (2 * self->node.frame_us));
		ASSERT_LE(0, vt_reap(pid, self->node.frame_us / 20));
		own_tails(_metadata, self);
		watch_tails(_metadata, self);
		ASSERT_EQ(0, vt_bury(pid));
		stop_large(_metadata, self);
	}
}

/*
 * Output: the device reads. vivid holds on to its last buffer, so three are the
 * least that can lose one.
 */

#define OUTPUTS	3

FIXTURE(output)
{
	struct vt_node node;
	struct vt_target target;
	size_t slot;
};

FIXTURE_VARIANT(output)
{
	enum vt_kind kind;
};

FIXTURE_VARIANT_ADD(output, bar) { VT_BAR };
FIXTURE_VARIANT_ADD(output, hidden_ram_not_faulted_in) { VT_HIDDEN_LAZY };
FIXTURE_VARIANT_ADD(output, dma_mmap_coherent) { VT_COHERENT };
FIXTURE_VARIANT_ADD(output, anonymous) { VT_ANON };

FIXTURE_SETUP(output)
{
	unsigned int i;
	int ret;

	ASSERT_EQ(0, vt_open_output(&self->node, 0));
	self->slot = (vt_frame_size(&self->node) + 2 * PAGE - 1) & -PAGE;
	ret = vt_target_map(&self->target, variant->kind, self->slot,
			    OUTPUTS);
	if (ret == -ENODEV)
		SKIP(return, "%s", self->target.why);
	ASSERT_EQ(0, ret);
	/* to read is all that it needs */
	ASSERT_EQ(0, mprotect(self->target.map, self->target.size, PROT_READ));
	/*
	 * A mapping of its own for each: splitting one invalidates the 2 MiB
	 * around the place, as there might be a huge entry.
	 */
	for (i = 0; i < OUTPUTS; i++)
		ASSERT_EQ(0, munmap(self->target.map + (i + 1) * self->slot -
				    PAGE, PAGE));
	ASSERT_EQ(0, vt_reqbufs(&self->node, V4L2_MEMORY_USERPTR,
				OUTPUTS));
	ASSERT_EQ(0, vt_qbuf_slots(&self->node, &self->target, OUTPUTS));
	ASSERT_EQ(0, vt_streamon(&self->node));
}

FIXTURE_TEARDOWN(output)
{
	vt_close(&self->node);
	vt_target_unmap(&self->target);
}

static void play_one(struct __test_metadata *const _metadata,
		     const struct vt_node *node, const struct vt_target *t,
		     int from)
{
	__u32 flags;
	int got;

	got = vt_dqbuf(node, &flags);
	ASSERT_LE(from, got);
	EXPECT_EQ(0U, flags & V4L2_BUF_FLAG_ERROR);
	ASSERT_EQ(0, vt_qbuf(node, got, t->map + got * t->slot));
}

static void play_on(struct __test_metadata *const _metadata,
		    const struct vt_node *node, const struct vt_target *t,
		    int from)
{
	unsigned int i;

	for (i = 0; i < 4; i++)
		play_one(_metadata, node, t, from);
}

TEST_F(output, loses_its_memory)
{
	struct vt_target *t = &self->target;
	__u32 flags;
	int got;

	play_on(_metadata, &self->node, t, 0);
	/* all are queued now */
	ASSERT_EQ(0, munmap(t->map, self->slot - PAGE));
	while ((got = vt_dqbuf(&self->node, &flags))) {
		ASSERT_LT(0, got);
		EXPECT_EQ(0U, flags & V4L2_BUF_FLAG_ERROR);
		ASSERT_EQ(0, vt_qbuf(&self->node, got,
				     t->map + got * self->slot));
	}
	if (!vt_kind_pinned(variant->kind))
		EXPECT_NE(0U, flags & V4L2_BUF_FLAG_ERROR);
	EXPECT_EQ(-EFAULT, vt_qbuf(&self->node, 0, t->map));
	play_on(_metadata, &self->node, t, 1);

	ASSERT_EQ(0, vt_target_remap(t, 0, self->slot - PAGE));
	ASSERT_EQ(0, vt_qbuf(&self->node, 0, t->map));
	play_on(_metadata, &self->node, t, 0);
	ASSERT_EQ(0, vt_streamoff(&self->node));
	ASSERT_EQ(0, vt_reqbufs(&self->node, V4L2_MEMORY_USERPTR, 0));
	EXPECT_EQ(0, vt_still_pinned());
}

/*
 * A loop: vivid's camera copies what is shown at its output. What was taken away from
 * there may be secret then, and must not be in a picture.
 */

#define PICTURE	1	/* bytes of what is shown */

FIXTURE(loop)
{
	struct vt_node camera;
	struct vt_node output;
	struct vt_target captured;
	struct vt_target shown;
	size_t frame;
	size_t slot;
};

FIXTURE_VARIANT(loop)
{
	enum vt_kind kind;
};

FIXTURE_VARIANT_ADD(loop, bar) { VT_BAR };
FIXTURE_VARIANT_ADD(loop, hidden_ram) { VT_HIDDEN };

FIXTURE_SETUP(loop)
{
	int ret;

	srand(getpid());
	ASSERT_EQ(0, vt_open_loop(&self->camera, &self->output));
	self->frame = vt_frame_size(&self->camera);
	ASSERT_EQ(self->frame, vt_frame_size(&self->output));
	self->slot = (self->frame + PAGE - 1) & -PAGE;
	ret = vt_target_map(&self->shown, variant->kind, self->slot, OUTPUTS);
	if (ret == -ENODEV)
		SKIP(return, "%s", self->shown.why);
	ASSERT_EQ(0, ret);
	ASSERT_EQ(0, vt_target_map(&self->captured, VT_ANON, self->slot, VT_BUFS));

	ASSERT_EQ(0, vt_reqbufs(&self->output, V4L2_MEMORY_USERPTR, OUTPUTS));
	ASSERT_EQ(0, vt_reqbufs(&self->camera, V4L2_MEMORY_USERPTR, VT_BUFS));
	ASSERT_EQ(0, vt_qbuf_slots(&self->camera, &self->captured, VT_BUFS));
	ASSERT_EQ(0, vt_streamon(&self->camera));
}

FIXTURE_TEARDOWN(loop)
{
	vt_close(&self->camera);
	vt_close(&self->output);
	vt_target_unmap(&self->captured);
	vt_target_unmap(&self->shown);
}

static void show(struct __test_metadata *const _metadata,
		 FIXTURE_DATA(loop) * self)
{
	memset(self->shown.map, PICTURE, self->shown.size);
	ASSERT_EQ(0, vt_qbuf_slots(&self->output, &self->shown, OUTPUTS));
	ASSERT_EQ(0, vt_streamon(&self->output));
}

/*
 * Look at the next frame and give it back. Is it the picture that is shown? Without one
 * there is noise, in which any byte is, but not so often.
 */
static bool sees_picture(struct __test_metadata *const _metadata,
			 const FIXTURE_DATA(loop) * self)
{
	unsigned char *start, secret[256];
	bool picture;
	__u32 flags;
	int got;

	memset(secret, VT_OWNED, sizeof(secret));
	got = vt_dqbuf(&self->camera, &flags);
	ASSERT_LE(0, got);
	EXPECT_EQ(0U, flags & V4L2_BUF_FLAG_ERROR);
	start = self->captured.map + got * self->slot;
	picture = vt_find_other(start, self->frame, PICTURE) == -1;
	EXPECT_EQ(NULL, memmem(start, self->frame, secret, sizeof(secret)));
	memset(start, VT_POISON, self->frame);
	ASSERT_EQ(0, vt_qbuf(&self->camera, got, start));
	return picture;
}

static void wait_for_picture(struct __test_metadata *const _metadata,
			     const FIXTURE_DATA(loop) * self)
{
	unsigned int i;

	for (i = 0; i < 10 && !sees_picture(_metadata, self); i++)
		;
	ASSERT_GT(10U, i);
}

TEST_F(loop, has_the_picture)
{
	unsigned int i;

	show(_metadata, self);
	wait_for_picture(_metadata, self);
	for (i = 0; i < 4 * OUTPUTS; i++) {
		play_one(_metadata, &self->output, &self->shown, 0);
		EXPECT_TRUE(sees_picture(_metadata, self));
	}
}

TEST_F(loop, loses_what_it_shows)
{
	struct vt_target *t = &self->shown;
	unsigned int i, n;

	for (n = 0; n < 20; n++) {
		show(_metadata, self);
		wait_for_picture(_metadata, self);
		usleep(rand() % self->camera.frame_us);
		ASSERT_EQ(0, munmap(t->map, t->size));
		/* it copies from the first line to the last one */
		for (i = 0; i < OUTPUTS; i++)
			ASSERT_EQ(0, vt_target_fill(t, i * self->slot + self->frame - TAIL,
						    TAIL, VT_OWNED));
		ASSERT_EQ(0, vt_target_fill(t, 0, t->size, VT_OWNED));
		/* those that were complete before, and some more */
		for (i = 0; i < 2 * VT_BUFS; i++)
			sees_picture(_metadata, self);
		EXPECT_FALSE(sees_picture(_metadata, self));
		ASSERT_EQ(0, vt_streamoff(&self->output));
		ASSERT_EQ(0, vt_target_remap(t, 0, t->size));
	}
	ASSERT_EQ(0, vt_reqbufs(&self->output, V4L2_MEMORY_USERPTR, 0));
}

TEST_HARNESS_MAIN
