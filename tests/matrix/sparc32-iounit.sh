# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034	# tools/lab/matrix reads them
kernel=sparc32 machine='sun4d'
compiled=arch/sparc/mm/io-unit.o
implementation=iounit_map_sg
only='QEMU has no sun4d machine; KUnit tests of its page table run in sparc32'
