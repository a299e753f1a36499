# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034	# tools/lab/matrix reads them
. tests/matrix/x86_64-xen.sh
# RAM that Xen does not know either: there, all addresses are machine addresses
xen+=' mem=4608M'
append='console=hvc0 dma_sg_pfn_nvme.hidden=0x130000000,16M'
