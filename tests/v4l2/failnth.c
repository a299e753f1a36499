// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every allocation and every copy on the way fails once
 *
 * A call is made again and again, and the first, the second, the third ... thing that
 * can fail in it fails: an allocation of kmalloc()'s or of pages, a copy from or to the
 * user (Documentation/fault-injection, fail-nth). That ends with the first call in which
 * nothing was left to fail. Whenever the call itself fails for it, all is as it was: the
 * counters of pinned pages, kernel mappings and DMA mappings, and the same call succeeds
 * right after it. At the end of each round nothing is left, and at the end of all of them
 * the I/O addresses are where they were.
 *
 * The capture device is vivid's, for which the CPU writes, or VT_CAMERA's, and the test
 * module's.
 *
 * Needs a kernel for debugging.
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "kselftest_harness.h"
#include "vb2test.h"

#define PAGE		4096UL
#define HUGE_SIZE	(2UL << 20)
/* No call here has as many things that can fail. */
#define MANY		4000
/* tw68 takes no fewer. */
#define BUFFERS		3

/**
 * struct counters - what a call must give back
 * @pinned: pages
 * @mappings: of the kernel
 * @dma: DMA mappings, as DMA_API_DEBUG counts them
 * @lowest: address of them that an I/O MMU translates: these are given out from the top
 */
struct counters {
	long pinned;
	long mappings;
	long dma;
	unsigned long long lowest;
};

/* One of the numbers in a line of the dump */
static unsigned long long number(const char *line, const char *name)
{
	const char *text = strstr(line, name);

	return text ? strtoull(text + strlen(name), NULL, 16) : 0;
}

/* The DMA mappings. Other devices have some as well, which come and go. */
static void count_dma(struct counters *c)
{
	const char *driver = vt_camera_uses_dma() ? getenv("VT_CAMERA") : "vb2_pfn_dev";
	FILE *f = fopen("/sys/kernel/debug/dma-api/dump", "r");
	unsigned long long address;
	char line[256];

	c->dma = 0;
	c->lowest = ~0ULL;
	if (!f)
		return;
	while (fgets(line, sizeof(line), f)) {
		if (strncmp(line, driver, strlen(driver)))
			continue;
		c->dma++;
		address = number(line, " D=");
		if (address != number(line, " P=0x") && address < c->lowest)
			c->lowest = address;
	}
	fclose(f);
}

/*
 * DMA_API_DEBUG switches itself off when an allocation of its own fails, which must not
 * happen then.
 */
static bool dma_is_counted(void)
{
	char text[8] = "";

	return vt_read_file("/sys/kernel/debug/dma-api/disabled", text, sizeof(text)) >= 0 &&
	       text[0] == 'N';
}

static void count(struct counters *c)
{
	c->pinned = vt_still_pinned();
	c->mappings = vt_kernel_mappings();
	count_dma(c);
}

static bool is_more(const struct counters *a, const struct counters *b)
{
	return a->pinned > b->pinned || a->mappings > b->mappings ||
	       a->dma > b->dma;
}

static void log_counters(struct __test_metadata *const _metadata, unsigned int n,
			 const struct counters *before, const struct counters *after)
{
	TH_LOG("number %u: pinned pages %ld, %ld, kernel mappings %ld, %ld, DMA %ld, %ld",
	       n, before->pinned, after->pinned, before->mappings,
	       after->mappings, before->dma, after->dma);
}

static int open_fail_nth(void)
{
	/* I/O addresses are kept for each CPU */
	cpu_set_t first = { { 1 } };
	int ret = vt_allow_failing();

	if (ret)
		return ret;
	if (sched_setaffinity(0, sizeof(first), &first))
		return -errno;
	ret = open("/proc/thread-self/fail-nth", O_RDWR);
	return ret < 0 ? -errno : ret;
}

/**
 * struct call - a call and what is around it. Each returns 0 or a negative errno.
 * @ready: what comes before it, or NULL
 * @call: what fails
 * @over: makes everything undone
 * @is_done: has it been done, though it was an error? NULL: no, or it does no harm to
 *	do it once more
 * @error: what it may return beside ENOMEM and EFAULT, or 0
 */
struct call {
	int (*ready)(void *self);
	int (*call)(void *self);
	int (*over)(void *self);
	bool (*is_done)(void *self);
	int error;
};

/* Returns how many things can fail; *@refused is how many of them were an error. */
static unsigned int fail_all(struct __test_metadata *const _metadata, int fd, void *self,
			     const struct call *call, const struct counters *first,
			     unsigned int *refused)
{
	struct counters before, after;
	bool failed = true;
	unsigned int n;
	int ret;

	*refused = 0;
	for (n = 1; failed && n < MANY; n++) {
		ASSERT_EQ(0, call->ready ? call->ready(self) : 0);
		count(&before);
		ASSERT_EQ(0, vt_fail_nth(fd, n));
		ret = call->call(self);
		failed = vt_has_failed(fd);
		if (ret) {
			ASSERT_TRUE(failed) {
				TH_LOG("%d, and nothing had failed", ret);
			}
			EXPECT_TRUE(ret == -ENOMEM || ret == -EFAULT ||
				    ret == call->error) {
				TH_LOG("number %u: %d", n, ret);
			}
			(*refused)++;
			/* the last copy to the user, of what has been done */
			if (ret != -EFAULT || !call->is_done || !call->is_done(self)) {
				/* what the buffer had before may have gone */
				count(&after);
				EXPECT_FALSE(is_more(&after, &before)) {
					log_counters(_metadata, n, &before, &after);
				}
				ASSERT_EQ(0, call->call(self)) {
					TH_LOG("number %u had failed", n);
				}
			}
		}
		ASSERT_EQ(0, call->over(self));
		count(&after);
		ASSERT_FALSE(is_more(&after, first) || is_more(first, &after)) {
			log_counters(_metadata, n, first, &after);
		}
	}
	EXPECT_FALSE(failed);
	EXPECT_TRUE(dma_is_counted());
	return n - 2;
}

/* What there is when the call has been made, and nothing had failed */
static void count_done(struct __test_metadata *const _metadata, void *self,
		       const struct call *call, struct counters *done)
{
	ASSERT_EQ(0, call->ready ? call->ready(self) : 0);
	ASSERT_EQ(0, call->call(self));
	count(done);
	ASSERT_EQ(0, call->over(self));
}

static void fail_each(struct __test_metadata *const _metadata, int fd, void *self,
		      const struct call *call)
{
	struct counters first, mapped, after;
	unsigned int pass, n, refused;

	/* what is made once and kept */
	count_done(_metadata, self, call, &mapped);
	count(&first);

	/*
	 * What was lost would not be given out again, but something below it. So would be
	 * something else when one could not be had, as all that are cached are freed then;
	 * but that does not go on.
	 */
	for (pass = 0; pass < 2; pass++) {
		n = fail_all(_metadata, fd, self, call, &first, &refused);
		count_done(_metadata, self, call, &after);
		if (mapped.lowest <= after.lowest)
			break;
		TH_LOG("I/O addresses from %#llx on, from %#llx before", after.lowest,
		       mapped.lowest);
		mapped = after;
	}
	EXPECT_GT(2U, pass);
	TH_LOG("%u things can fail, %u of them are an error", n, refused);
}

/*
 * Memory of all kinds
 */

FIXTURE(memory)
{
	struct vt_node node;
	struct vt_target target;
	int fd;
};

FIXTURE_VARIANT(memory)
{
	enum vt_kind kind;
	/* the test module's device, or NULL for the camera */
	const char *device;
	/* frames of more than 2 MiB */
	bool large;
};

FIXTURE_VARIANT_ADD(memory, anonymous_for_the_camera) { .kind = VT_ANON };
/* An I/O MMU keeps a table that is not all of one mapping; huge pages need none */
FIXTURE_VARIANT_ADD(memory, large_tmpfs_for_the_camera)
	{ .kind = VT_TMPFS, .large = true };
FIXTURE_VARIANT_ADD(memory, anonymous_for_a_device)
	{ .kind = VT_ANON, .device = "revocable" };
FIXTURE_VARIANT_ADD(memory, tmpfs_for_the_camera) { .kind = VT_TMPFS };
FIXTURE_VARIANT_ADD(memory, tmpfs_for_a_device)
	{ .kind = VT_TMPFS, .device = "revocable" };
FIXTURE_VARIANT_ADD(memory, bar_for_the_camera) { .kind = VT_BAR };
FIXTURE_VARIANT_ADD(memory, bar_for_a_device) { .kind = VT_BAR, .device = "revocable" };
FIXTURE_VARIANT_ADD(memory, bar_not_faulted_in_for_the_camera) { .kind = VT_BAR_LAZY };
FIXTURE_VARIANT_ADD(memory, bar_not_faulted_in_for_a_device)
	{ .kind = VT_BAR_LAZY, .device = "revocable" };
FIXTURE_VARIANT_ADD(memory, bar_huge_for_the_camera) { .kind = VT_BAR_HUGE };
FIXTURE_VARIANT_ADD(memory, bar_huge_for_a_device)
	{ .kind = VT_BAR_HUGE, .device = "revocable" };
FIXTURE_VARIANT_ADD(memory, two_bars_for_the_camera) { .kind = VT_TWO_BARS };
FIXTURE_VARIANT_ADD(memory, two_bars_for_a_device)
	{ .kind = VT_TWO_BARS, .device = "revocable" };
FIXTURE_VARIANT_ADD(memory, bar_and_anonymous_for_the_camera)
	{ .kind = VT_BAR_THEN_ANON };
FIXTURE_VARIANT_ADD(memory, bar_and_anonymous_for_a_device)
	{ .kind = VT_BAR_THEN_ANON, .device = "revocable" };
FIXTURE_VARIANT_ADD(memory, hidden_ram_for_the_camera) { .kind = VT_HIDDEN };
FIXTURE_VARIANT_ADD(memory, hidden_ram_for_a_device)
	{ .kind = VT_HIDDEN, .device = "revocable" };
FIXTURE_VARIANT_ADD(memory, pages_for_the_camera) { .kind = VT_PAGES };
FIXTURE_VARIANT_ADD(memory, pages_for_a_device)
	{ .kind = VT_PAGES, .device = "revocable" };
FIXTURE_VARIANT_ADD(memory, dma_mmap_coherent_for_the_camera) { .kind = VT_COHERENT };
FIXTURE_VARIANT_ADD(memory, dma_mmap_coherent_for_a_device)
	{ .kind = VT_COHERENT, .device = "revocable" };

static size_t slot_of(const struct vt_node *node)
{
	return (vt_frame_size(node) + PAGE - 1) & -PAGE;
}

FIXTURE_SETUP(memory)
{
	int ret;

	self->fd = open_fail_nth();
	if (self->fd == -ENOENT)
		SKIP(return, "the kernel has no fault injection");
	ASSERT_LE(0, self->fd);
	if (variant->large)
		ret = vt_open_camera(&self->node, 1280, 720);
	else if (variant->device)
		ret = vt_open_dev(&self->node, variant->device);
	else
		ret = vt_open_camera(&self->node, 320, 180);
	ASSERT_EQ(0, ret);
	if (variant->large && vt_frame_size(&self->node) < HUGE_SIZE)
		SKIP(return, "the camera has no frames of 2 MiB");
	ret = vt_target_map(&self->target, variant->kind, slot_of(&self->node), 1);
	if (ret == -ENODEV)
		SKIP(return, "%s", self->target.why);
	ASSERT_EQ(0, ret);
}

FIXTURE_TEARDOWN(memory)
{
	vt_close(&self->node);
	vt_target_unmap(&self->target);
	close(self->fd);
}

static bool is_queued(const struct vt_node *node, __u32 memory)
{
	__u32 flags;

	return !vt_buffer_flags(node, 0, memory, &flags) &&
	       flags & V4L2_BUF_FLAG_QUEUED;
}

static bool memory_is_queued(void *arg)
{
	FIXTURE_DATA(memory) * self = arg;

	return is_queued(&self->node, V4L2_MEMORY_USERPTR);
}

static int request(void *arg)
{
	FIXTURE_DATA(memory) * self = arg;

	return vt_reqbufs(&self->node, V4L2_MEMORY_USERPTR, BUFFERS);
}

static int queue(void *arg)
{
	FIXTURE_DATA(memory) * self = arg;

	return vt_qbuf(&self->node, 0, self->target.map);
}

static int free_buffers(void *arg)
{
	FIXTURE_DATA(memory) * self = arg;
	int ret = vt_streamoff(&self->node);

	return ret ? ret : vt_reqbufs(&self->node, V4L2_MEMORY_USERPTR, 0);
}

TEST_F_TIMEOUT(memory, queue, 600)
{
	bool uses_dma = variant->device || vt_camera_uses_dma();
	struct counters before, after;

	fail_each(_metadata, self->fd, self,
		  &(struct call) {
			.ready = request,
			.call = queue,
			.over = free_buffers,
			.is_done = memory_is_queued,
		  });

	/* what was counted is what there is */
	count(&before);
	ASSERT_EQ(0, request(self));
	ASSERT_EQ(0, queue(self));
	count(&after);
	EXPECT_EQ(uses_dma, after.dma > before.dma);
	EXPECT_EQ(!uses_dma, after.mappings > before.mappings);
	EXPECT_EQ(vt_kind_pinned(variant->kind) || variant->kind == VT_BAR_THEN_ANON,
		  after.pinned > before.pinned);
	ASSERT_EQ(0, free_buffers(self));
}

/* The memory is taken away and comes back. */
static int queue_and_revoke(void *arg)
{
	FIXTURE_DATA(memory) * self = arg;
	int ret = request(self);

	if (!ret)
		ret = queue(self);
	if (!ret)
		ret = vt_streamoff(&self->node);
	if (!ret && munmap(self->target.map, self->target.size))
		ret = -errno;
	return ret ? ret : vt_target_remap(&self->target, 0, self->target.size);
}

TEST_F_TIMEOUT(memory, queue_after_it_was_taken_away, 600)
{
	fail_each(_metadata, self->fd, self,
		  &(struct call) {
			.ready = queue_and_revoke,
			.call = queue,
			.over = free_buffers,
			.is_done = memory_is_queued,
		  });
}

static int request_and_queue(void *arg)
{
	FIXTURE_DATA(memory) * self = arg;
	int ret = request(arg);

	/* tw68 does not begin with one */
	if (!ret)
		ret = vt_qbuf(&self->node, 1, self->target.map);
	return ret ? ret : queue(arg);
}

static int start(void *arg)
{
	FIXTURE_DATA(memory) * self = arg;

	return vt_streamon(&self->node);
}

TEST_F_TIMEOUT(memory, start, 600)
{
	fail_each(_metadata, self->fd, self,
		  &(struct call) {
			.ready = request_and_queue,
			.call = start,
			.over = free_buffers,
		  });
}

static int queue_and_start(void *arg)
{
	int ret = request_and_queue(arg);

	return ret ? ret : start(arg);
}

/* munmap() may be refused. If it is not, nobody writes there any more. */
static int take_away(void *arg)
{
	FIXTURE_DATA(memory) * self = arg;

	return munmap(self->target.map, self->target.size) ? -errno : 0;
}

static int look(void *arg)
{
	FIXTURE_DATA(memory) * self = arg;
	struct vt_target *target = &self->target;
	int ret;

	/* what is pinned stays the device's */
	if (!vt_kind_pinned(target->kind) && vt_target_watchable(target)) {
		ret = vt_target_fill(target, 0, target->size, VT_OWNED);
		if (ret)
			return ret;
		usleep(3 * self->node.frame_us);
		if (vt_target_find_other(target, 0, target->size, VT_OWNED) >= 0)
			return -EILSEQ;
	}
	ret = free_buffers(self);
	return ret ? ret : vt_target_remap(target, 0, target->size);
}

TEST_F_TIMEOUT(memory, take_away, 600)
{
	fail_each(_metadata, self->fd, self,
		  &(struct call) {
			.ready = queue_and_start,
			.call = take_away,
			.over = look,
		  });
}

/*
 * What a process watches of its memory for the first time. Each time it is a new one.
 */

FIXTURE(process)
{
	FIXTURE_DATA(memory) memory;
};

FIXTURE_VARIANT(process)
{
	enum vt_kind kind;
};

FIXTURE_VARIANT_ADD(process, bar_for_the_camera) { VT_BAR };

FIXTURE_SETUP(process)
{
	struct vt_node *node = &self->memory.node;
	int fd = open_fail_nth();

	if (fd == -ENOENT)
		SKIP(return, "the kernel has no fault injection");
	ASSERT_LE(0, fd);
	close(fd);
	ASSERT_EQ(0, vt_open_camera(node, 320, 180));
	ASSERT_EQ(0, vt_target_map(&self->memory.target, variant->kind, slot_of(node), 1));
}

FIXTURE_TEARDOWN(process)
{
	vt_close(&self->memory.node);
	vt_target_unmap(&self->memory.target);
}

#define CHILD_FAILED	1
#define CHILD_REFUSED	2

/* Queue in a child, in which the nth thing fails. Returns a mask, or what is no exit status. */
static int queue_in_child(void *memory, unsigned int n)
{
	pid_t child = fork();
	int status;

	if (!child) {
		int fd = open_fail_nth();

		if (fd < 0 || vt_fail_nth(fd, n))
			abort();
		status = queue(memory) ? CHILD_REFUSED : 0;
		_exit(status | (vt_has_failed(fd) ? CHILD_FAILED : 0));
	}
	if (waitpid(child, &status, 0) != child || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

TEST_F_TIMEOUT(process, queue, 600)
{
	FIXTURE_DATA(memory) * memory = &self->memory;
	unsigned int n, refused = 0;
	struct counters before, after;
	int mask = CHILD_FAILED;

	for (n = 1; mask & CHILD_FAILED && n < MANY; n++) {
		ASSERT_EQ(0, request(memory));
		count(&before);
		mask = queue_in_child(memory, n);
		ASSERT_LE(0, mask);
		if (mask & CHILD_REFUSED) {
			ASSERT_TRUE(mask & CHILD_FAILED);
			refused++;
		}
		/* its memory has gone with the child, or never came */
		ASSERT_EQ(0, free_buffers(memory));
		ASSERT_EQ(0, request(memory));
		count(&after);
		ASSERT_FALSE(is_more(&after, &before)) {
			log_counters(_metadata, n, &before, &after);
		}
		ASSERT_EQ(0, free_buffers(memory));
	}
	EXPECT_FALSE(mask & CHILD_FAILED);
	TH_LOG("%u things can fail, %u of them are an error", n - 2, refused);
}

/*
 * Buffers of the queue
 */

FIXTURE(queue)
{
	struct vt_node node;
	/* whose buffers are imported */
	struct vt_node exporter;
	int fd;
	int dmabuf;
	int next_fd;
	void *map;
	__u32 memory;
	struct v4l2_format format;
};

FIXTURE_VARIANT(queue)
{
	const char *device;
};

FIXTURE_VARIANT_ADD(queue, for_the_camera) { NULL };
FIXTURE_VARIANT_ADD(queue, for_a_device) { "revocable" };
FIXTURE_VARIANT_ADD(queue, contiguous) { "contiguous" };

FIXTURE_SETUP(queue)
{
	self->dmabuf = -1;
	self->fd = open_fail_nth();
	if (self->fd == -ENOENT)
		SKIP(return, "the kernel has no fault injection");
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, variant->device ? vt_open_dev(&self->node, variant->device) :
				       vt_open_camera(&self->node, 320, 180));
	self->memory = V4L2_MEMORY_MMAP;
}

FIXTURE_TEARDOWN(queue)
{
	vt_close(&self->node);
	close(self->fd);
}

static int allocate(void *arg)
{
	FIXTURE_DATA(queue) * self = arg;

	return vt_reqbufs(&self->node, self->memory, BUFFERS);
}

static int release(void *arg)
{
	FIXTURE_DATA(queue) * self = arg;

	if (self->dmabuf >= 0)
		close(self->dmabuf);
	self->dmabuf = -1;
	return vt_reqbufs(&self->node, self->memory, 0);
}

/* Fewer buffers than asked for are no error to vb2. */
static int allocate_or_release(void *arg)
{
	int ret = allocate(arg);

	if (ret)
		release(arg);
	return ret == -ENOBUFS ? -ENOMEM : ret;
}

TEST_F_TIMEOUT(queue, allocate, 600)
{
	fail_each(_metadata, self->fd, self,
		  &(struct call) {
			.call = allocate_or_release,
			.over = release,
		  });
}

static int map_buffer(void *arg)
{
	FIXTURE_DATA(queue) * self = arg;
	/* the first one has the offset 0 */
	void *map = mmap(NULL, self->node.size[0], PROT_READ | PROT_WRITE, MAP_SHARED,
			 self->node.fd, 0);

	if (map == MAP_FAILED)
		return -errno;
	self->map = map;
	return 0;
}

static int unmap_and_release(void *arg)
{
	FIXTURE_DATA(queue) * self = arg;

	if (self->map && munmap(self->map, self->node.size[0]))
		return -errno;
	self->map = NULL;
	return release(arg);
}

TEST_F_TIMEOUT(queue, map, 600)
{
	fail_each(_metadata, self->fd, self,
		  &(struct call) {
			.ready = allocate,
			.call = map_buffer,
			.over = unmap_and_release,
		  });
}

static int allocate_and_ask(void *arg)
{
	FIXTURE_DATA(queue) * self = arg;
	int ret = allocate(arg);

	self->format.type = self->node.type;
	if (!ret && ioctl(self->node.fd, VIDIOC_G_FMT, &self->format))
		ret = -errno;
	return ret;
}

static int create(void *arg)
{
	FIXTURE_DATA(queue) * self = arg;
	struct v4l2_create_buffers c = {
		.count = 1,
		.memory = self->memory,
		.format = self->format,
	};

	return ioctl(self->node.fd, VIDIOC_CREATE_BUFS, &c) ? -errno : 0;
}

static bool is_created(void *arg)
{
	FIXTURE_DATA(queue) * self = arg;
	__u32 flags;

	return !vt_buffer_flags(&self->node, BUFFERS, self->memory, &flags);
}

TEST_F_TIMEOUT(queue, create, 600)
{
	fail_each(_metadata, self->fd, self,
		  &(struct call) {
			.ready = allocate_and_ask,
			.call = create,
			.over = release,
			.is_done = is_created,
		  });
}

static int export(void *arg)
{
	FIXTURE_DATA(queue) * self = arg;

	self->dmabuf = vt_export(&self->node, 0);
	return self->dmabuf < 0 ? self->dmabuf : 0;
}

static int allocate_to_export(void *arg)
{
	FIXTURE_DATA(queue) * self = arg;
	int ret = allocate(arg);

	/* what the descriptor is going to be */
	self->next_fd = dup(self->fd);
	if (self->next_fd < 0)
		return -errno;
	close(self->next_fd);
	return ret;
}

/*
 * vb2_core_expbuf() has installed the descriptor when video_usercopy() finds that it can't
 * tell its number: the process has it nevertheless.
 */
static bool is_exported(void *arg)
{
	FIXTURE_DATA(queue) * self = arg;

	if (fcntl(self->next_fd, F_GETFD) < 0)
		return false;
	self->dmabuf = self->next_fd;
	return true;
}

/* vb2 says EINVAL whatever the allocator's reason is */
TEST_F_TIMEOUT(queue, export, 600)
{
	struct v4l2_exportbuffer nothing = { .type = self->node.type };

	if (ioctl(self->node.fd, VIDIOC_EXPBUF, &nothing) && errno == ENOTTY)
		SKIP(return, "the driver has no VIDIOC_EXPBUF");
	fail_each(_metadata, self->fd, self,
		  &(struct call) {
			.ready = allocate_to_export,
			.call = export,
			.over = release,
			.is_done = is_exported,
			.error = -EINVAL,
		  });
}

static int import(void *arg)
{
	FIXTURE_DATA(queue) * self = arg;

	return vt_qbuf_dmabuf(&self->node, 0, self->dmabuf);
}

static bool import_is_queued(void *arg)
{
	FIXTURE_DATA(queue) * self = arg;

	return is_queued(&self->node, V4L2_MEMORY_DMABUF);
}

static int request_import(void *arg)
{
	FIXTURE_DATA(queue) * self = arg;
	int ret = vt_reqbufs(&self->exporter, V4L2_MEMORY_MMAP, 1);

	if (ret)
		return ret;
	self->dmabuf = vt_export(&self->exporter, 0);
	return self->dmabuf < 0 ? self->dmabuf : allocate(self);
}

static int release_import(void *arg)
{
	FIXTURE_DATA(queue) * self = arg;
	int ret = vt_streamoff(&self->node);

	if (!ret)
		ret = release(self);
	return ret ? ret : vt_reqbufs(&self->exporter, V4L2_MEMORY_MMAP, 0);
}

TEST_F_TIMEOUT(queue, import, 600)
{
	int ret;

	if (variant->device && !strcmp(variant->device, "contiguous"))
		SKIP(return, "the exporter's buffers are scattered");
	self->memory = V4L2_MEMORY_DMABUF;
	/* the CPU writes to memory in one piece, the device to scattered pages */
	ret = vt_open_dev(&self->exporter, variant->device ? "unrevocable" : "contiguous");
	if (ret == -ENODEV)
		SKIP(return, "there is no other device that exports");
	ASSERT_EQ(0, ret);
	fail_each(_metadata, self->fd, self,
		  &(struct call) {
			.ready = request_import,
			.call = import,
			.over = release_import,
			.is_done = import_is_queued,
		  });
	vt_close(&self->exporter);
}

/*
 * What binding a driver takes of the caller. The probe itself is done by a worker of the
 * device's node, in which nothing fails. Without the worker ACPICA would fail as well, and
 * that uses what it has freed then.
 */

#define NVMECAP	"/sys/bus/pci/drivers/nvmecap"

FIXTURE(binding)
{
	int fd;
	char device[16];
};

static int bind_driver(void *arg)
{
	FIXTURE_DATA(binding) * self = arg;

	return vt_write_file(NVMECAP, "bind", self->device);
}

static int unbind_driver(void *arg)
{
	FIXTURE_DATA(binding) * self = arg;

	return vt_write_file(NVMECAP, "unbind", self->device);
}

FIXTURE_SETUP(binding)
{
	glob_t g;

	self->fd = open_fail_nth();
	if (self->fd == -ENOENT)
		SKIP(return, "the kernel has no fault injection");
	ASSERT_LE(0, self->fd);
	if (glob(NVMECAP "/0000:*", 0, NULL, &g))
		SKIP(return, "nvmecap has no device");
	snprintf(self->device, sizeof(self->device), "%s", strrchr(g.gl_pathv[0], '/') + 1);
	globfree(&g);
	ASSERT_EQ(0, unbind_driver(self));
}

FIXTURE_TEARDOWN(binding)
{
	EXPECT_EQ(0, bind_driver(self));
	close(self->fd);
}

/* the PCI core has no interrupt whatever the reason is */
TEST_F_TIMEOUT(binding, bind, 1800)
{
	fail_each(_metadata, self->fd, self,
		  &(struct call) {
			.call = bind_driver,
			.over = unbind_driver,
			.error = -ENOSPC,
		  });
}

TEST_HARNESS_MAIN
