# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034	# tools/lab/matrix reads them
. tests/matrix/x86_64.sh
machine='q35, VT-d'
# Without caching-mode QEMU refuses to start
qemu+=' -device intel-iommu,caching-mode=on'
append+=' intel_iommu=on'
implementation='dma-iommu, intel_iommu_probe_device'
