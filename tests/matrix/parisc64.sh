# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034	# tools/lab/matrix reads them
kernel=parisc64 machine='A400'
qemu='-machine A400'
append='mem=768M dma_sg_pfn_nvme.hidden=0x34000000,16M'
# Ordinary pages only where they are neighbours, and a BAR by its bus address
merges=H
implementation='sba_map_sg'
