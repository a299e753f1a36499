# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034	# tools/lab/matrix reads them
. tests/matrix/x86_64-xen.sh
# RAM that Xen does not know either, where all addresses are machine addresses.
# Dom0 may map it as any MMIO, unlike what mem= hides from Xen.
machine+=', RAM unknown to Xen'
qemu+=',slots=1,maxmem=6G -object memory-backend-ram,id=hidden,size=128M'
qemu+=' -device pc-dimm,memdev=hidden'
append='console=hvc0 dma_sg_pfn_nvme.hidden=0x1c0000000,16M'
