# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034	# tools/lab/matrix reads them
# The last 200 MiB and more are highmem
kernel=arm machine='virt, LPAE, not coherent'
qemu='-m 1G'
append='mem=960M dma_sg_pfn_nvme.hidden=0x7c800000,16M'
dtb='qemu-system-arm'
dtb_edit='/dma-coherent/d'
implementation='dma-direct, not coherent'
