/* SPDX-License-Identifier: GPL-2.0-only */
/* glibc's own allocator, which none of its headers declares */
#ifndef PFNMEM_LIBC_H
#define PFNMEM_LIBC_H

#include <stddef.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *p);

#endif
