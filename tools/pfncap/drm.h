/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef PFNCAP_DRM_H
#define PFNCAP_DRM_H

#include <stddef.h>

/* What there is to say about the card in a list. 0, or a negative errno. */
int drm_describe(const char *path, char *text, size_t size);

#endif /* PFNCAP_DRM_H */
