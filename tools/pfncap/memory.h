/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Access to memory of a device, which may vanish at any moment
 */
#ifndef PFNCAP_MEMORY_H
#define PFNCAP_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

/*
 * memcpy() to or from the target. @strict: by aligned words only, as far as that is
 * possible. Returns whether the memory was there all the time.
 */
bool memory_copy(void *to, const void *from, size_t size, bool strict);

#endif /* PFNCAP_MEMORY_H */
