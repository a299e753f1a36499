/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a test asks /dev/vb2_revoke for
 *
 * %VB2_REVOKE_CREATE returns a file descriptor that stands for the memory of some
 * buffers of equal size. mmap() it, and let a device capture into it by
 * V4L2_MEMORY_USERPTR: buffer n begins at offset n * size. The other ioctls are
 * those of this descriptor.
 */
#ifndef _VB2_REVOKE_H
#define _VB2_REVOKE_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define VB2_REVOKE_MAX_BUFFERS	32

/* Each buffer is one piece; otherwise each page is a piece of its own. */
#define VB2_REVOKE_CONTIGUOUS	0x1

/**
 * struct vb2_revoke_create - the memory to make
 * @size: of a buffer, in bytes, a multiple of the page size
 * @num_buffers: from 1 to %VB2_REVOKE_MAX_BUFFERS
 * @flags: %VB2_REVOKE_CONTIGUOUS or 0
 */
struct vb2_revoke_create {
	__u64 size;
	__u32 num_buffers;
	__u32 flags;
};

/**
 * struct vb2_revoke_take - take memory away from everybody who has mapped it
 * @buffers: a bit for each buffer that is taken
 * @reserved: 0
 * @took_ns: how long it took until nobody was left to wait for
 *
 * When nobody has it any more, the memory is filled with a pattern, at once.
 */
struct vb2_revoke_take {
	__u32 buffers;
	__u32 reserved;
	__u64 took_ns;
};

/**
 * struct vb2_revoke_check - has memory that was taken away been written to?
 * @buffer: the buffer
 * @reserved: 0
 * @changed: number of bytes that are not as %VB2_REVOKE_TAKE has left them
 * @first: offset of the first one in the buffer
 * @last: offset of the last one
 */
struct vb2_revoke_check {
	__u32 buffer;
	__u32 reserved;
	__u64 changed;
	__u64 first;
	__u64 last;
};

#define VB2_REVOKE_CREATE	_IOW('V', 0xe0, struct vb2_revoke_create)
#define VB2_REVOKE_TAKE		_IOWR('V', 0xe1, struct vb2_revoke_take)
#define VB2_REVOKE_CHECK	_IOWR('V', 0xe2, struct vb2_revoke_check)
/* Let the buffers of the mask be faulted in again. */
#define VB2_REVOKE_GIVE		_IOW('V', 0xe3, __u32)

#endif /* _VB2_REVOKE_H */
