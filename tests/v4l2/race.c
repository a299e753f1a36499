// SPDX-License-Identifier: GPL-2.0-only
/*
 * Everything at once, for a while
 *
 * Threads queue, dequeue, start, stop, free buffers, and take memory away and
 * bring it back, without any order. No single call has a right result here; the
 * kernel must neither complain nor leak, and capture works afterwards. Run it on
 * a kernel for debugging.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "kselftest_harness.h"
#include "vb2test.h"

#define PAGE	4096UL

FIXTURE(race)
{
	struct vt_node node;
	struct vt_target target;
	struct vt_target anonymous;
	unsigned char *reference;
	size_t frame;
	size_t slot;
	unsigned int seconds;
	atomic_bool stop;
	atomic_uint frames;
	atomic_uint revoked;
};

FIXTURE_VARIANT(race)
{
	enum vt_kind kind;
};

FIXTURE_VARIANT_ADD(race, bar) { VT_BAR };
FIXTURE_VARIANT_ADD(race, bar_huge) { VT_BAR_HUGE };
FIXTURE_VARIANT_ADD(race, hidden_ram_not_faulted_in) { VT_HIDDEN_LAZY };
FIXTURE_VARIANT_ADD(race, dma_mmap_coherent) { VT_COHERENT };
FIXTURE_VARIANT_ADD(race, bar_and_anonymous) { VT_BAR_THEN_ANON };

FIXTURE_SETUP(race)
{
	/* all variants together; VT_SECONDS=30 is what counts */
	const char *seconds = getenv("VT_SECONDS");
	int ret;

	self->seconds = seconds ? atoi(seconds) : 30;
	ASSERT_EQ(0, vt_open_camera(&self->node, 320, 180));
	self->frame = vt_frame_size(&self->node);
	self->slot = (self->frame + PAGE - 1) & -PAGE;
	self->reference = vt_reference(&self->node);
	ASSERT_NE(NULL, self->reference);
	ret = vt_target_map(&self->target, variant->kind, self->slot, VT_BUFS);
	if (ret == -ENODEV)
		SKIP(return, "%s", self->target.why);
	ASSERT_EQ(0, ret);
	ASSERT_EQ(0, vt_target_map(&self->anonymous, VT_ANON, self->slot,
				   VT_BUFS));
}

FIXTURE_TEARDOWN(race)
{
	vt_close(&self->node);
	vt_target_unmap(&self->target);
	vt_target_unmap(&self->anonymous);
	free(self->reference);
}

static unsigned int pick(unsigned int *seed, unsigned int n)
{
	return rand_r(seed) % n;
}

static void *queuer(void *arg)
{
	FIXTURE_DATA(race) * self = arg;
	unsigned int seed = 1;

	while (!self->stop) {
		struct vt_target *t = pick(&seed, 4) ? &self->target :
						       &self->anonymous;

		vt_qbuf(&self->node, pick(&seed, VT_BUFS),
			t->map + pick(&seed, VT_BUFS) * self->slot);
	}
	return NULL;
}

static void *dequeuer(void *arg)
{
	FIXTURE_DATA(race) * self = arg;
	struct timespec pause = { .tv_nsec = 1000000 };
	__u32 flags;

	while (!self->stop) {
		if (vt_dqbuf(&self->node, &flags) < 0)
			nanosleep(&pause, NULL);
		else if (flags & V4L2_BUF_FLAG_ERROR)
			self->revoked++;
		else
			self->frames++;
	}
	return NULL;
}

static void *starter(void *arg)
{
	FIXTURE_DATA(race) * self = arg;
	struct timespec pause = {};
	unsigned int seed = 3;

	while (!self->stop) {
		switch (pick(&seed, 8)) {
		case 0:
			vt_streamoff(&self->node);
			break;
		case 1:
			vt_streamoff(&self->node);
			vt_reqbufs(&self->node, V4L2_MEMORY_USERPTR, 0);
			vt_reqbufs(&self->node, V4L2_MEMORY_USERPTR, VT_BUFS);
			break;
		default:
			vt_streamon(&self->node);
		}
		pause.tv_nsec = 1000 * pick(&seed, 100000);
		nanosleep(&pause, NULL);
	}
	return NULL;
}

/* Takes memory away in all ways, whole slots or parts, and brings it back. */
static void *mapper(void *arg)
{
	FIXTURE_DATA(race) * self = arg;
	struct timespec pause = {};
	unsigned int seed = 4;

	while (!self->stop) {
		struct vt_target *t = pick(&seed, 4) ? &self->target :
						       &self->anonymous;
		size_t offset = pick(&seed, VT_BUFS) * self->slot;
		size_t size = self->slot;

		if (pick(&seed, 2)) {
			offset += pick(&seed, size / PAGE) * PAGE;
			size = PAGE;
		}
		switch (pick(&seed, 6)) {
		case 0:
			mprotect(t->map + offset, size, PROT_READ);
			break;
		case 1:
			mprotect(t->map + offset, size, PROT_NONE);
			break;
		case 2:
			mmap(t->map + offset, size, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
			break;
		case 3:
			if (vt_kind_exporter(t->kind)) {
				vt_target_zap(t);
				vt_target_restore(t);
				break;
			}
			/* fall through */
		default:
			munmap(t->map + offset, size);
		}
		pause.tv_nsec = 1000 * pick(&seed, 5000);
		nanosleep(&pause, NULL);
		mprotect(t->map + offset, size, PROT_READ | PROT_WRITE);
		vt_target_remap(t, offset, size);
		nanosleep(&pause, NULL);
	}
	return NULL;
}

static void *forker(void *arg)
{
	FIXTURE_DATA(race) * self = arg;
	struct timespec pause = { .tv_nsec = 50000000 };

	while (!self->stop) {
		pid_t pid = fork();

		if (!pid)
			_exit(0);
		if (pid > 0)
			waitpid(pid, NULL, 0);
		nanosleep(&pause, NULL);
	}
	return NULL;
}

TEST_F_TIMEOUT(race, everything, 120)
{
	void *(*const jobs[])(void *) = {
		queuer, queuer, dequeuer, starter, mapper, mapper, forker,
	};
	pthread_t threads[ARRAY_SIZE(jobs)];
	int mappings = vt_kernel_mappings();
	unsigned int i;
	__u32 flags;

	ASSERT_EQ(0, fcntl(self->node.fd, F_SETFL, O_NONBLOCK));
	self->node.timeout_ms = 0;
	ASSERT_EQ(0, vt_reqbufs(&self->node, V4L2_MEMORY_USERPTR, VT_BUFS));
	for (i = 0; i < ARRAY_SIZE(jobs); i++)
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, jobs[i], self));
	sleep(self->seconds / 5 + 1);
	/* a busy host may not have come to much */
	for (i = 0; i < 60 && !(self->frames && self->revoked); i++)
		sleep(1);
	self->stop = true;
	for (i = 0; i < ARRAY_SIZE(jobs); i++)
		ASSERT_EQ(0, pthread_join(threads[i], NULL));
	TH_LOG("%u frames, %u buffers lost their memory", self->frames,
	       self->revoked);
	EXPECT_LT(0U, self->frames);
	EXPECT_LT(0U, self->revoked);

	ASSERT_EQ(0, vt_streamoff(&self->node));
	ASSERT_EQ(0, vt_reqbufs(&self->node, V4L2_MEMORY_USERPTR, 0));
	EXPECT_EQ(0, vt_still_pinned());
	EXPECT_EQ(mappings, vt_kernel_mappings());

	/* and it still works */
	ASSERT_EQ(0, fcntl(self->node.fd, F_SETFL, 0));
	self->node.timeout_ms = 5000;
	ASSERT_EQ(0, vt_target_remap(&self->target, 0, self->target.size));
	ASSERT_EQ(0, vt_reqbufs(&self->node, V4L2_MEMORY_USERPTR, 2));
	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, vt_qbuf(&self->node, i, self->target.map +
						i * self->slot));
	ASSERT_EQ(0, vt_streamon(&self->node));
	for (i = 0; i < 2; i++) {
		int index = vt_dqbuf(&self->node, &flags);

		ASSERT_LE(0, index);
		EXPECT_EQ(0U, flags & V4L2_BUF_FLAG_ERROR);
		EXPECT_EQ(-1, vt_find_difference(self->target.map +
						 index * self->slot,
						 self->reference, self->frame));
	}
}

TEST_HARNESS_MAIN
