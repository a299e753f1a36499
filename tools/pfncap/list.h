/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef PFNCAP_LIST_H
#define PFNCAP_LIST_H

#include <stdbool.h>

/* What this machine has: nodes that capture, and memory to capture into. */
void list(bool json);

#endif /* PFNCAP_LIST_H */
