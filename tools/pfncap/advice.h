/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef PFNCAP_ADVICE_H
#define PFNCAP_ADVICE_H

#include "node.h"
#include "target.h"

/**
 * advise - say what a refusal of VIDIOC_QBUF means for this memory, and what helps
 * @f: has the errno
 * @n: who refused
 * @t: what
 * @again: the buffer had been taken before
 * @anonymous: what the same node answers to anonymous memory: 0, a negative errno, or 1
 *	if it was not asked
 */
void advise(struct failure *f, const struct node *n, const struct target *t, bool again,
	    int anonymous);

#endif /* PFNCAP_ADVICE_H */
