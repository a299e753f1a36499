// SPDX-License-Identifier: GPL-2.0-only
/*
 * libpfnmem.so, below this program: the file of 1 MiB that it serves memory from is
 * looked at as a file. Every test is a process of its own, with all memory free.
 *
 * usage: LD_PRELOAD=libpfnmem.so PFNMEM=FILE TEST_FILE=FILE pfnmem-unit
 */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"

#define PAGE	4096L
#define LARGE	65536L			/* what PFNMEM_MIN is by itself */
#define SIZE	(16 * LARGE)

/* Not known to the compiler, which warns of what can't be allocated. */
static volatile size_t largest = SIZE_MAX;

FIXTURE(file)
{
	int fd;
};

FIXTURE_SETUP(file)
{
	self->fd = open(getenv("TEST_FILE"), O_RDWR);
	ASSERT_LE(0, self->fd);
	/* what an earlier test has left */
	ASSERT_EQ(0, ftruncate(self->fd, 0));
	ASSERT_EQ(0, ftruncate(self->fd, SIZE));
}

FIXTURE_TEARDOWN(file)
{
	close(self->fd);
}

/* Where the file has 16 bytes like these, or -1. */
static off_t find(int fd, const void *bytes)
{
	static unsigned char contents[4096];
	off_t at;

	for (at = 0; at < SIZE; at += sizeof(contents)) {
		unsigned char *hit;

		if (pread(fd, contents, sizeof(contents), at) != sizeof(contents))
			return -1;
		hit = memmem(contents, sizeof(contents), bytes, 16);
		if (hit)
			return at + (hit - contents);
	}
	return -1;
}

TEST_F(file, large_is_in_the_file)
{
	char *first = malloc(LARGE), *second = malloc(LARGE + 1);

	ASSERT_NE(NULL, first);
	ASSERT_NE(NULL, second);
	memcpy(first, "the first block.", 16);
	memcpy(second + LARGE - 16, "the second block", 16);
	EXPECT_EQ(0, find(self->fd, "the first block."));
	EXPECT_EQ(2 * LARGE - 16, find(self->fd, "the second block"));
	EXPECT_EQ(0, (intptr_t)second % PAGE);
	EXPECT_LE(LARGE + 1, (long)malloc_usable_size(second));
}

TEST_F(file, small_is_not)
{
	char *small = malloc(LARGE - 1);

	ASSERT_NE(NULL, small);
	memcpy(small, "not in the file.", 16);
	EXPECT_EQ(-1, find(self->fd, "not in the file."));
	EXPECT_LE(LARGE - 1, (long)malloc_usable_size(small));
	free(small);
}

TEST_F(file, calloc_clears)
{
	static const char zeros[LARGE];
	char *p = malloc(LARGE), *again;

	memset(p, 0xff, LARGE);
	free(p);
	again = calloc(LARGE / 8, 8);
	EXPECT_EQ(p, again);
	EXPECT_EQ(0, memcmp(again, zeros, LARGE));
	EXPECT_EQ(NULL, calloc(largest / 2, 4));
	EXPECT_EQ(ENOMEM, errno);
}

TEST_F(file, realloc_keeps_the_contents)
{
	char *p = malloc(LARGE), *grown, *small;

	memcpy(p, "move this along.", 16);
	malloc(LARGE);
	grown = realloc(p, 2 * LARGE);
	ASSERT_NE(NULL, grown);
	EXPECT_EQ(p + 2 * LARGE, grown);
	EXPECT_EQ(0, memcmp(grown, "move this along.", 16));
	EXPECT_EQ(grown, realloc(grown, LARGE));
	memset(p, 0, 16);
	memset(grown + 16, 0, 16);
	small = realloc(grown, 16);
	ASSERT_NE(NULL, small);
	EXPECT_EQ(0, memcmp(small, "move this along.", 16));
	memset(small, 'x', 16);
	EXPECT_EQ(-1, find(self->fd, "xxxxxxxxxxxxxxxx"));
	free(small);
	/* both places are free again */
	EXPECT_EQ(p, malloc(LARGE));
	EXPECT_EQ(grown, malloc(14 * LARGE));
}

TEST_F(file, full)
{
	char *p[16];
	int i;

	for (i = 0; i < 16; i++) {
		p[i] = malloc(LARGE);
		ASSERT_NE(NULL, p[i]);
	}
	errno = 0;
	EXPECT_EQ(NULL, malloc(LARGE));
	EXPECT_EQ(ENOMEM, errno);
	free(p[7]);
	EXPECT_EQ(NULL, malloc(2 * LARGE));
	EXPECT_EQ(p[7], malloc(LARGE));
	free(p[3]);
	free(p[4]);
	EXPECT_EQ(p[3], malloc(2 * LARGE));
	EXPECT_EQ(NULL, malloc(largest));
	/* small requests have glibc's memory */
	free(malloc(LARGE - 1));
}

TEST_F(file, aligned)
{
	char *p;

	EXPECT_EQ(0, posix_memalign((void **)&p, 64, LARGE));
	memcpy(p, "a good alignment", 16);
	EXPECT_EQ(0, find(self->fd, "a good alignment"));
	p = aligned_alloc(PAGE, LARGE);
	memcpy(p, "one page's begin", 16);
	EXPECT_EQ(LARGE, find(self->fd, "one page's begin"));
	EXPECT_EQ(NULL, memalign(2 * PAGE, LARGE));
	EXPECT_EQ(EINVAL, posix_memalign((void **)&p, 3, LARGE));
	EXPECT_EQ(ENOMEM, posix_memalign((void **)&p, 2 * PAGE, LARGE));
	EXPECT_EQ(0, posix_memalign((void **)&p, 2 * PAGE, PAGE));
	free(p);
}

TEST(children_do_not_have_it)
{
	EXPECT_EQ(NULL, getenv("PFNMEM"));
}

/* The status of a program that has these settings */
static int status_with(const char *file, const char *setting)
{
	char preload[4096], pfnmem[4096];
	char *env[4] = { preload, pfnmem, (char *)setting, NULL };
	pid_t child;
	int status;

	snprintf(preload, sizeof(preload), "LD_PRELOAD=%s", getenv("LD_PRELOAD"));
	snprintf(pfnmem, sizeof(pfnmem), "PFNMEM=%s", file);
	child = fork();
	if (!child) {
		execle("/bin/true", "true", NULL, env);
		_exit(1);
	}
	return waitpid(child, &status, 0) == child && WIFEXITED(status) ?
	       WEXITSTATUS(status) : -1;
}

TEST(settings)
{
	const char *file = getenv("TEST_FILE");

	EXPECT_EQ(0, status_with(file, "PFNMEM_OFFSET=0x1000"));
	EXPECT_EQ(0, status_with(file, "PFNMEM_SIZE=4096"));
	EXPECT_EQ(0, status_with(file, "PFNMEM_MIN=4096"));
	EXPECT_EQ(0, status_with("", "PFNMEM_MIN=x"));
	EXPECT_EQ(127, status_with("/nonexistent", NULL));
	EXPECT_EQ(127, status_with("/dev/null", NULL));
	EXPECT_EQ(127, status_with("/dev/null", "PFNMEM_SIZE=4096"));
	EXPECT_EQ(127, status_with(file, "PFNMEM_OFFSET=1"));
	EXPECT_EQ(127, status_with(file, "PFNMEM_OFFSET=1048576"));
	EXPECT_EQ(127, status_with(file, "PFNMEM_OFFSET= -4096"));
	EXPECT_EQ(127, status_with(file, "PFNMEM_SIZE=1052672"));
	EXPECT_EQ(127, status_with(file, "PFNMEM_SIZE=4K"));
	EXPECT_EQ(127, status_with(file, "PFNMEM_MIN=4095"));
}

TEST_HARNESS_MAIN
