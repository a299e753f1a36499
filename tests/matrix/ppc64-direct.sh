# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034	# tools/lab/matrix reads them
. tests/matrix/ppc64.sh
# Which has only the RAM that the kernel knows: the rest takes the TCE table
machine='pseries, direct window'
append='mem=768M dma_sg_pfn_nvme.hidden=0x34000000,16M'
implementation='dma-direct beside dma_iommu_map_sg'
