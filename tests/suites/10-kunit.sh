#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# KUnit of scatterlists, of DMA mapping, and of user pfn ranges, without an I/O
# MMU; of DMA mapping behind each one that there is. The RAM above 4 GiB is what a
# device with a 32-bit mask can't reach.
status=0

# kunit IOMMU TEXT MODULE...
kunit() {
	iommu=$1
	shift
	tools/vm --debug --memory 5G --iommu "$iommu" -- tests/v4l2/kunit "$@" ||
		status=$?
}

kunit none 'no I/O MMU' scatterlist_pfn_kunit dma_sg_pfn_kunit user_pfn_range_kunit
kunit intel VT-d dma_sg_pfn_kunit
kunit amd AMD-Vi dma_sg_pfn_kunit
kunit virtio virtio-iommu dma_sg_pfn_kunit
exit $status
