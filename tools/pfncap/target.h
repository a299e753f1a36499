/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory to capture into
 */
#ifndef PFNCAP_TARGET_H
#define PFNCAP_TARGET_H

#include "node.h"
#include "options.h"
#include "picture.h"
#include "util.h"

enum kind {
	KIND_ANON,
	KIND_FILE,
	KIND_BLOCK,
	KIND_RANGE,	/* of a character device: /dev/mem */
	KIND_PCI,
	KIND_FB,
	KIND_DRM,
	KIND_UIO,
	KIND_UDMABUF,
	KIND_DAX,
};

/**
 * struct layout - where things are in a slot, which is what one buffer gets
 * @size: distance of two slots, 0 if all are at the same place
 * @used: how much of a slot is needed
 * @planes: memory planes
 * @plane_offset: where each begins; whatever is between them is nobody's
 * @plane_size: how long each is
 */
struct layout {
	size_t size;
	size_t used;
	unsigned int planes;
	size_t plane_offset[MAX_PLANES];
	size_t plane_size[MAX_PLANES];
};

struct target;

/**
 * struct target_ops - what kinds of memory do differently
 * @open: set @fd, @start, @size and whatever else there is to know
 * @fit: a display: prepare for a picture of that size and format, and set @pitch
 * @adopt: a display: try to have lines of @pitch bytes, as the driver can't do else.
 *	Returns whether that worked.
 * @map: set @slot of every buffer; NULL for one behind the other in one mapping
 * @show: a display: show this buffer
 * @close: undo it all
 */
struct target_ops {
	int (*open)(struct target *t, const struct options *o, struct failure *f);
	int (*fit)(struct target *t, const struct picture *p, struct failure *f);
	bool (*adopt)(struct target *t, size_t pitch);
	int (*map)(struct target *t, const struct layout *l, unsigned int buffers,
		   struct failure *f);
	void (*show)(struct target *t, unsigned int buffer);
	void (*close)(struct target *t);
};

/**
 * struct target - memory to capture into
 * @spec: as the user named it
 * @kind: what it is
 * @path: of the file that is mapped
 * @name: what to call it in messages
 * @mapping: how the mapping is cached, "" if there is no choice
 * @fd: the file, -1 if there is none
 * @start: where the memory begins in the file
 * @size: how much there is, 0 if it is made as it is needed
 * @offset: where to begin in it
 * @align: of mappings
 * @made: a file that was not there before, and has nothing yet
 * @strict: device memory, which wants aligned accesses
 * @note: something the user should know, or ""
 * @formats: a display: V4L2 formats that it shows, the best one first, 0 ends
 * @max_width: a display: size of the largest picture
 * @max_height: the same
 * @pitch: a display: distance of two lines; 0 if it is no display
 * @flips: a display: @show decides which buffer is seen
 * @slot: where each buffer is mapped
 * @private: of the kind
 */
struct target {
	const char *spec;
	enum kind kind;
	const struct target_ops *ops;
	char path[256];
	char name[320];
	const char *mapping;
	int fd;
	uint64_t start;
	uint64_t size;
	uint64_t offset;
	size_t align;
	bool made;
	bool strict;
	char note[512];
	const uint32_t *formats;
	unsigned int max_width;
	unsigned int max_height;
	size_t pitch;
	bool flips;
	unsigned char *slot[MAX_BUFFERS];
	void *map;
	size_t map_size;
	void *private;
};

extern const struct target_ops pci_ops;
extern const struct target_ops fb_ops;
extern const struct target_ops drm_ops;

const char *kind_name(enum kind kind);

/* On failure there is nothing to close. */
int target_open(struct target *t, const struct options *o, struct failure *f);
void target_close(struct target *t);
bool target_is_display(const struct target *t);

/* A slot for such a picture; with @guards a page before and behind each plane. */
void layout_make(struct layout *l, const struct picture *p, const struct target *t,
		 bool guards, bool overlap);
/* How many slots of @l there is room for; MAX_BUFFERS if there is no limit. */
unsigned int target_capacity(const struct target *t, const struct layout *l);
int target_map(struct target *t, const struct layout *l, unsigned int buffers,
	       struct failure *f);
/* Addresses of the planes of a buffer. */
void target_planes(const struct target *t, const struct layout *l, unsigned int buffer,
		   unsigned char *addr[MAX_PLANES]);

/* For ops->open: open @path read-write. */
int target_open_file(struct target *t, int flags, struct failure *f);

#endif /* PFNCAP_TARGET_H */
