/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Video nodes: one interface to both of V4L2's, the single- and the multi-planar one
 */
#ifndef PFNCAP_NODE_H
#define PFNCAP_NODE_H

#include <linux/videodev2.h>

#include "picture.h"
#include "util.h"

#define MAX_BUFFERS	32	/* VIDEO_MAX_FRAME */

/**
 * struct node - an open capture node
 * @type: buffer type of its queue
 * @mplane: it has the multi-planar API
 * @picture: its format
 * @interval: between two frames; numerator 0 if the driver does not say
 * @memory: what was asked for by node_request()
 * @buffers: how many there are
 * @map: buffers of V4L2_MEMORY_MMAP
 */
struct node {
	int fd;
	char path[64];
	struct v4l2_capability cap;
	__u32 type;
	bool mplane;
	struct picture picture;
	struct v4l2_fract interval;
	__u32 memory;
	unsigned int buffers;
	unsigned char *map[MAX_BUFFERS][MAX_PLANES];
	size_t map_size[MAX_BUFFERS][MAX_PLANES];
};

/**
 * struct frame - what VIDIOC_DQBUF gave
 * @used: bytes that were filled, of each plane
 */
struct frame {
	unsigned int index;
	__u32 sequence;
	__u32 flags;
	size_t used[MAX_PLANES];
};

/*
 * The node @path; without a name the first one that captures and has @memory. It has
 * a format afterwards.
 */
int node_open(struct node *n, const char *path, __u32 memory, struct failure *f);
void node_close(struct node *n);

/* Is it a capture node with streaming? Opens it for looking only. */
bool node_probe(struct node *n, const char *path);
bool node_has_memory(const struct node *n, __u32 memory);
/* Calls @look with every /dev/videoN in order until it returns true. */
bool node_each(bool (*look)(const char *path, void *data), void *data);

bool node_has_format(const struct node *n, __u32 fourcc);
/*
 * Ask for width, height, fourcc and bytesperline[0] (0: the driver's) of @want.
 * @n->picture is what the driver made of it.
 */
int node_set_format(struct node *n, const struct picture *want, struct failure *f);
/* -ENOTTY if the node has no such thing. Otherwise @n->interval is what it has. */
int node_set_rate(struct node *n, unsigned int fps);

/* Buffers of that memory, @count at least. The driver may want more. */
int node_request(struct node *n, __u32 memory, unsigned int count, struct failure *f);
void node_release(struct node *n);

/* 0, or a negative errno; @addr is for V4L2_MEMORY_USERPTR only. */
int node_queue(const struct node *n, unsigned int index, unsigned char *const addr[]);
int node_stream(const struct node *n, bool on);
/* -EINTR if a signal came, -ETIMEDOUT */
int node_dequeue(struct node *n, unsigned int timeout_ms, struct frame *frame);

/* The kernel module behind the node, "" if that is not known. */
void node_module(const struct node *n, char *name, size_t size);

#endif /* PFNCAP_NODE_H */
