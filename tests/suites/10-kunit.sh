#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# KUnit of scatterlists, of DMA mapping, and of user pfn ranges, without an I/O
# MMU and with one. The RAM above 4 GiB is what a device with a 32-bit mask can't
# reach.
modules='scatterlist_pfn_kunit dma_sg_pfn_kunit user_pfn_range_kunit'
status=0

# shellcheck disable=SC2086	# one word each
tools/vm --debug --memory 5G -- tests/v4l2/kunit 'no I/O MMU' $modules ||
	status=$?
# shellcheck disable=SC2086
tools/vm --debug --memory 5G --iommu intel -- \
	tests/v4l2/kunit 'VT-d' $modules || status=$?
exit $status
