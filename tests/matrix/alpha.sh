# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034	# tools/lab/matrix reads them
kernel=alpha machine='clipper'
append='mem=768M dma_sg_pfn_nvme.hidden=0x34000000,16M'
# QEMU's chipset has only its windows to RAM
unreached=B
implementation='alpha_pci_map_sg'
