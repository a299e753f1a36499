# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034	# tools/lab/matrix reads them
. tests/matrix/x86_64.sh
machine='q35, virtio-iommu'
qemu+=' -device virtio-iommu-pci'
implementation='dma-iommu, viommu_probe_device'
