# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034	# tools/lab/matrix reads them
kernel=parisc32 machine='U2/Uturn'
compiled=drivers/parisc/ccio-dma.o
implementation=ccio_map_sg
only='QEMU has no such I/O MMU'
