#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# 80-dma [--build]: other machines, with DMA mapping implementations of their own, and
# the page tables of VT-d and AMD-Vi.
# make matrix has them all, and takes longer.
exec tools/lab/matrix "$@" x86_64-pt arm64-noncoherent arm64-smmuv3 \
	parisc64 sparc64
