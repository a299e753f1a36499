/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Was every byte of the frame written, is it the right one, and nothing beside it?
 */
#ifndef PFNCAP_VERIFY_H
#define PFNCAP_VERIFY_H

#include "node.h"
#include "target.h"

/**
 * struct verify - what is known and what was found
 * @pattern: what is put in a slot before each frame: no two words of it are alike
 * @reference: a frame as MMAP captured it, in a slot
 * @have: where the slot is copied to for looking at it
 * @moves: in how many bytes two frames of MMAP differed; 0 if the picture stands still
 * @frames: how many were looked at
 * @bad: how many of them were wrong in any way
 * @different: bytes that are not as MMAP captured them
 * @unwritten: bytes that the driver left out
 * @beside: bytes outside of the frame that changed
 * @first: what was wrong in the first bad frame
 */
struct verify {
	const struct picture *picture;
	const struct layout *layout;
	unsigned char *pattern;
	unsigned char *reference;
	unsigned char *have;
	uint64_t moves;
	uint64_t frames;
	uint64_t bad;
	uint64_t different;
	uint64_t unwritten;
	uint64_t beside;
	char first[256];
};

/*
 * Capture two frames by MMAP. Fails with STATUS_UNVERIFIED if the node has no MMAP;
 * a moving picture is no failure.
 */
int verify_start(struct verify *v, struct node *n, const struct layout *l,
		 unsigned int timeout_ms, struct failure *f);
void verify_end(struct verify *v);

/* Mark the memory of a slot before a frame gets there. False if it has vanished. */
bool verify_prepare(const struct verify *v, unsigned char *slot, bool strict);
/* The same for the target that has it: look at the frame. False if it has vanished. */
bool verify_frame(struct verify *v, const unsigned char *slot, bool strict,
		  const struct frame *frame, uint64_t number);

/* Fill @v->pattern. */
void verify_make_pattern(struct verify *v);
/* Look at the slot in @v->have. */
void verify_look(struct verify *v, const size_t *used, uint64_t number);

#endif /* PFNCAP_VERIFY_H */
