// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>

#include "memory.h"

/* A BAR whose device went away, a file that was cut off: SIGBUS tells. */
static sigjmp_buf vanished;

static void on_sigbus(int signal)
{
	(void)signal;
	siglongjmp(vanished, 1);
}

/* No compiler merges, splits or vectorizes these. */
static void copy_words(void *to, const void *from, size_t size)
{
	volatile unsigned char *d = to;
	const volatile unsigned char *s = from;

	if (!((uintptr_t)d % sizeof(uint64_t)) && !((uintptr_t)s % sizeof(uint64_t))) {
		for (; size >= sizeof(uint64_t); size -= sizeof(uint64_t)) {
			*(volatile uint64_t *)d = *(const volatile uint64_t *)s;
			d += sizeof(uint64_t);
			s += sizeof(uint64_t);
		}
	}
	while (size--)
		*d++ = *s++;
}

/* The compiler is not to keep anything in registers here that siglongjmp() forgets. */
static __attribute__((noinline)) void copy(void *to, const void *from, size_t size, bool strict)
{
	if (strict)
		copy_words(to, from, size);
	else
		memcpy(to, from, size);
}

bool memory_copy(void *to, const void *from, size_t size, bool strict)
{
	struct sigaction action = { .sa_handler = on_sigbus }, before;
	volatile bool whole = false;

	sigaction(SIGBUS, &action, &before);
	if (!sigsetjmp(vanished, 1)) {
		copy(to, from, size, strict);
		whole = true;
	}
	sigaction(SIGBUS, &before, NULL);
	return whole;
}
