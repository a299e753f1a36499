# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034	# tools/lab/matrix reads them
. tests/matrix/x86_64.sh
machine='q35, Xen dom0'
xen='com1=115200,8n1 console=com1 dom0_mem=1G,max:1G'
# RAM of the domain, whose machine addresses are others
append="console=hvc0 memmap=16M\$0x30000000 dma_sg_pfn_nvme.hidden=0x30000000,16M"
implementation=xen_swiotlb_map_sg
