# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034	# tools/lab/matrix reads them
. tests/matrix/ppc64.sh
# The window has only the RAM that the kernel knows
machine='pseries, direct window'
append='mem=768M dma_sg_pfn_nvme.hidden=0x34000000,16M'
may_refuse=H
implementation='dma-direct beside dma_iommu_map_sg'
