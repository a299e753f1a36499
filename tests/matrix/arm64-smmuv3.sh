# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034	# tools/lab/matrix reads them
. tests/matrix/arm64.sh
machine='virt, SMMUv3'
qemu+=' -machine virt,iommu=smmuv3'
implementation='dma-iommu, arm_smmu_probe_device'
