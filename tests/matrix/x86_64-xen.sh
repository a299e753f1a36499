# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034	# tools/lab/matrix reads them
kernel=x86_64 machine='Xen dom0'
compiled=drivers/xen/swiotlb-xen.o
implementation=xen_swiotlb_map_sg
only='needs a Xen hypervisor'
