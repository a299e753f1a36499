# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034	# tools/lab/matrix reads them
kernel=jazz machine='Jazz'
compiled=arch/mips/jazz/jazzdma.o
implementation=jazz_dma_map_sg
only='the machine needs ARC firmware'
