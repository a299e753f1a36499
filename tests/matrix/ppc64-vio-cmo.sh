# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034	# tools/lab/matrix reads them
# The TCE tables of ppc64-vio, with an account of what is mapped
kernel=ppc64 machine='pseries, VIO bus with CMO'
compiled=arch/powerpc/platforms/pseries/vio.o
implementation=vio_dma_iommu_map_sg
only='QEMU has no cooperative memory overcommitment (CMO)'
