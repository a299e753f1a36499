// SPDX-License-Identifier: GPL-2.0-only
/*
 * libpfnmem.so: an unmodified program's large buffers in the memory of a device
 *
 * Programs that capture by V4L2_MEMORY_USERPTR take the memory from malloc(), and
 * know no other. With this library in LD_PRELOAD requests of at least PFNMEM_MIN
 * bytes are served from a mapping of the file PFNMEM, each at the start of a page:
 *
 *	LD_PRELOAD=libpfnmem.so PFNMEM=/sys/bus/pci/devices/0000:00:04.0/resource0 \
 *		v4l2-ctl --stream-user=3 --stream-count=60
 *
 * PFNMEM		what is mapped: a PCI BAR, /dev/fb0, /dev/uio0, /dev/dax0.0
 * PFNMEM_OFFSET	where in it the mapping begins (default 0)
 * PFNMEM_SIZE		bytes (default: what the file has)
 * PFNMEM_MIN		smallest request that is served from there (default 65536, at
 *			least a page)
 * PFNMEM_VERBOSE	tell about each of them on stderr
 *
 * When the mapping is full such a request fails with ENOMEM: the program would
 * otherwise seem to use the device's memory and not do it. A setting that can't be
 * followed ends the program with status 127 before it has begun.
 *
 * The memory is this one program's: others that it starts don't have it, but a child
 * that goes on without exec() shares it with its parent.
 *
 * Everything else is glibc's, through the names that it has for its own allocator.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libc.h"

#define MAX_BLOCKS	256

/**
 * struct block - a piece of the mapping that is in use
 * @start: offset in the mapping
 * @size: bytes, whole pages
 */
struct block {
	size_t start;
	size_t size;
};

/*
 * The blocks are in the order of their addresses. A program has a handful of such
 * buffers.
 */
static struct {
	pthread_mutex_t lock;
	unsigned char *base;
	size_t size;
	size_t page;
	size_t min;
	int verbose;
	struct block blocks[MAX_BLOCKS];
	unsigned int n;
} mem = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* Without malloc(), which stdio may call. */
__attribute__((format(printf, 1, 2)))
static void say(const char *format, ...)
{
	char text[256];
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (n >= (int)sizeof(text))
		n = sizeof(text) - 1;
	/* nobody to tell that it can't be told */
	if (write(STDERR_FILENO, text, n) < 0)
		return;
}

static size_t number(const char *name, size_t otherwise)
{
	const char *text = getenv(name);
	unsigned long long value;
	char *end;

	if (!text)
		return otherwise;
	errno = 0;
	value = strtoull(text, &end, 0);
	if (errno || end == text || *end || strchr(text, '-')) {
		say("pfnmem: %s=%s: not a number\n", name, text);
		_exit(127);
	}
	return value;
}

static void map_file(const char *path)
{
	size_t offset = number("PFNMEM_OFFSET", 0);
	struct stat st;
	size_t size;
	int fd;

	mem.page = sysconf(_SC_PAGESIZE);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st)) {
		say("pfnmem: %s: %s\n", path, strerror(errno));
		_exit(127);
	}
	size = number("PFNMEM_SIZE", (size_t)st.st_size > offset ?
				     st.st_size - offset : 0);
	if (size < mem.page || offset % mem.page) {
		say("pfnmem: %s: no whole pages; PFNMEM_OFFSET, PFNMEM_SIZE?\n",
		    path);
		_exit(127);
	}
	/* of a device node nothing is known */
	if (st.st_size && size > st.st_size - offset) {
		say("pfnmem: %s: it has %lld bytes\n", path, (long long)st.st_size);
		_exit(127);
	}
	size &= -mem.page;
	mem.base = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
			offset);
	if (mem.base == MAP_FAILED) {
		say("pfnmem: %s: %zu bytes can't be mapped: %s\n", path, size,
		    strerror(errno));
		_exit(127);
	}
	close(fd);
	mem.min = number("PFNMEM_MIN", 65536);
	if (mem.min < mem.page) {
		say("pfnmem: PFNMEM_MIN=%zu: less than a page\n", mem.min);
		_exit(127);
	}
	mem.verbose = !!getenv("PFNMEM_VERBOSE");
	/* from here on requests are served */
	__atomic_store_n(&mem.size, size, __ATOMIC_RELEASE);
}

__attribute__((constructor))
static void init(void)
{
	const char *path = getenv("PFNMEM");

	if (path && *path) {
		map_file(path);
		unsetenv("PFNMEM");
	}
}

static int is_large(size_t size)
{
	return __atomic_load_n(&mem.size, __ATOMIC_ACQUIRE) && size >= mem.min;
}

static int is_ours(const void *p)
{
	size_t size = __atomic_load_n(&mem.size, __ATOMIC_ACQUIRE);

	return size && (uintptr_t)p - (uintptr_t)mem.base < size;
}

/* The first gap that is large enough. With the lock held. */
static void *take(size_t size)
{
	size_t start = 0;
	unsigned int i;

	for (i = 0; i < mem.n; i++) {
		if (start <= mem.blocks[i].start &&
		    size <= mem.blocks[i].start - start)
			break;
		start = mem.blocks[i].start + mem.blocks[i].size;
	}
	if (start > mem.size || size > mem.size - start || mem.n == MAX_BLOCKS)
		return NULL;
	memmove(&mem.blocks[i + 1], &mem.blocks[i],
		(mem.n - i) * sizeof(mem.blocks[0]));
	mem.blocks[i] = (struct block){ start, size };
	mem.n++;
	return mem.base + start;
}

static void *get(size_t size, size_t alignment)
{
	size_t whole = (size + mem.page - 1) & -mem.page;
	void *p = NULL;

	/* the mapping itself begins at a page and no more */
	if (whole >= size && alignment <= mem.page) {
		pthread_mutex_lock(&mem.lock);
		p = take(whole);
		pthread_mutex_unlock(&mem.lock);
	}
	if (!p) {
		say("pfnmem: no room for %zu bytes at a multiple of %zu\n", size,
		    alignment);
		errno = ENOMEM;
	} else if (mem.verbose) {
		say("pfnmem: %zu bytes at offset %#tx of the mapping\n", size,
		    (unsigned char *)p - mem.base);
	}
	return p;
}

static struct block *find(const void *p)
{
	size_t start = (const unsigned char *)p - mem.base;
	unsigned int i;

	for (i = 0; i < mem.n; i++)
		if (mem.blocks[i].start == start)
			return &mem.blocks[i];
	say("pfnmem: %p was not allocated\n", p);
	abort();
}

static size_t size_of(const void *p)
{
	size_t size;

	pthread_mutex_lock(&mem.lock);
	size = find(p)->size;
	pthread_mutex_unlock(&mem.lock);
	return size;
}

static void put(void *p)
{
	struct block *block;

	pthread_mutex_lock(&mem.lock);
	block = find(p);
	mem.n--;
	memmove(block, block + 1,
		(&mem.blocks[mem.n] - block) * sizeof(*block));
	pthread_mutex_unlock(&mem.lock);
}

/*
 * What the program calls
 */

void *malloc(size_t size)
{
	return is_large(size) ? get(size, 1) : __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
	size_t total;
	void *p;

	if (__builtin_mul_overflow(n, size, &total) || !is_large(total))
		return __libc_calloc(n, size);
	p = get(total, 1);
	if (p)
		memset(p, 0, total);
	return p;
}

void free(void *p)
{
	int saved = errno;

	if (is_ours(p))
		put(p);
	else
		__libc_free(p);
	errno = saved;
}

void *realloc(void *p, size_t size)
{
	size_t old;
	void *new;

	if (!is_ours(p))
		/* it has been small so far, and is no capture buffer */
		return __libc_realloc(p, size);
	if (!size) {
		put(p);
		return NULL;
	}
	old = size_of(p);
	if (size <= old && is_large(size))
		return p;
	new = malloc(size);
	if (!new)
		return NULL;
	memcpy(new, p, size < old ? size : old);
	put(p);
	return new;
}

void *memalign(size_t alignment, size_t size)
{
	return is_large(size) ? get(size, alignment) :
				__libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
	return memalign(alignment, size);
}

int posix_memalign(void **p, size_t alignment, size_t size)
{
	int saved = errno, error = EINVAL;
	void *new;

	if (alignment && !(alignment % sizeof(void *)) &&
	    !(alignment & (alignment - 1))) {
		new = memalign(alignment, size);
		error = new ? 0 : ENOMEM;
		if (new)
			*p = new;
	}
	errno = saved;
	return error;
}

void *valloc(size_t size)
{
	return memalign(sysconf(_SC_PAGESIZE), size);
}

size_t malloc_usable_size(void *p)
{
	size_t (*libc)(void *p);

	if (is_ours(p))
		return size_of(p);
	*(void **)&libc = dlsym(RTLD_NEXT, "malloc_usable_size");
	return libc ? libc(p) : 0;
}
