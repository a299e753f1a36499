# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034	# tools/lab/matrix reads them
. tests/matrix/x86_64.sh
machine='q35, AMD-Vi'
# Without dma-remap no DMA arrives
qemu+=' -device amd-iommu,dma-remap=on'
implementation='dma-iommu, amd_iommu_probe_device'
