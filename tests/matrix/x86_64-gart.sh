# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034	# tools/lab/matrix reads them
kernel=x86_64 machine='AMD K8 with GART'
compiled=arch/x86/kernel/amd_gart_64.o
implementation=gart_map_sg
only='QEMU has no such northbridge'
