# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034	# tools/lab/matrix reads them
# Such a device does not reach the direct window, which begins at 2 GiB
. tests/matrix/alpha.sh
machine='clipper, scatter-gather window'
append+=' dma_sg_pfn_nvme.mask_bits=31'
merges=PH
