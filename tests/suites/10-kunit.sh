#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# KUnit of scatterlists and of DMA mapping, without an I/O MMU and with one. The
# RAM above 4 GiB is what a device with a 32-bit mask can't reach.
#
# The lock that lockdep misses in dev_iommu_get() belongs to the I/O MMU core and
# is not exported, so the test's own I/O MMU can't take it.
modules='scatterlist_pfn_kunit dma_sg_pfn_kunit'
allow='WARNING: at dev_iommu_get'
status=0

# shellcheck disable=SC2086	# one word each
tools/vm --debug --memory 5G --allow "$allow" -- tests/v4l2/kunit 'no I/O MMU' $modules ||
	status=$?
# shellcheck disable=SC2086
tools/vm --debug --memory 5G --iommu intel --allow "$allow" -- \
	tests/v4l2/kunit 'VT-d' $modules || status=$?
exit $status
