# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034	# tools/lab/matrix reads them
kernel=ppc64 machine='pseries VIO'
compiled=arch/powerpc/platforms/pseries/vio.o
implementation=vio_dma_iommu_map_sg
only='no VIO device of QEMU that transfers at a given address'
