/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef PFNCAP_PNG_H
#define PFNCAP_PNG_H

#include <stdint.h>
#include <stdio.h>

/* Write 8 bit RGB as PNG. 0, or a negative errno. */
int png_write(FILE *file, const unsigned char *rgb, uint32_t width, uint32_t height);

#endif /* PFNCAP_PNG_H */
