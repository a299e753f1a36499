# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034	# tools/lab/matrix reads them
kernel=ppc64 machine='PlayStation 3'
compiled=arch/powerpc/platforms/ps3/system-bus.o
implementation=ps3_sb_map_sg
only='QEMU has no such machine'
