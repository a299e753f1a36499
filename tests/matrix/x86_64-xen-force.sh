# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034	# tools/lab/matrix reads them
. tests/matrix/x86_64-xen.sh
append+=' swiotlb=force dma_sg_pfn_nvme.bounces=1'
implementation+=', always bounced'
