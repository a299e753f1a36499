# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034	# tools/lab/matrix reads them
kernel=ppc64 machine='pseries, TCE'
qemu='-machine pseries,x-vof=on -vga none'
append='mem=768M dma_sg_pfn_nvme.hidden=0x34000000,16M disable_ddw'
# QEMU's NVRAM is empty
allow='WARNING: nvram'
implementation='dma_iommu_map_sg'
