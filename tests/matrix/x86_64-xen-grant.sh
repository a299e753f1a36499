# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034	# tools/lab/matrix reads them
kernel=x86_64 machine='Xen guest, virtio'
compiled=drivers/xen/grant-dma-ops.o
implementation=xen_grant_dma_map_sg
only='needs a Xen hypervisor; refuses what has no page'
