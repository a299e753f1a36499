# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034	# tools/lab/matrix reads them
kernel=ppc64 machine='ibmebus'
compiled=arch/powerpc/platforms/pseries/ibmebus.o
implementation=ibmebus_map_sg
only='QEMU has no such bus'
