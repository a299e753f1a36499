# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034	# tools/lab/matrix reads them
kernel=arm machine='arm_iommu'
compiled=arch/arm/mm/dma-mapping.o
implementation=arm_iommu_map_sg
only='no 32-bit machine of QEMU has an I/O MMU that uses it'
