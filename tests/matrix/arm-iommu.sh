# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034	# tools/lab/matrix reads them
. tests/matrix/arm.sh
machine='virt, LPAE, not coherent, virtio-iommu'
# The device tree names it by its address
qemu+=' -device virtio-iommu-pci,addr=8'
merges=PHB
implementation='arm_iommu_map_sg'
