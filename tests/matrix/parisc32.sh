# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034	# tools/lab/matrix reads them
# Its firmware halts if it is to find room for a BAR of 1 MiB and more
kernel=parisc32 machine='B160L'
qemu='-machine B160L -m 512'
peer=''
append='mem=384M dma_sg_pfn_nvme.hidden=0x1a000000,16M'
implementation='dma-direct, not coherent'
