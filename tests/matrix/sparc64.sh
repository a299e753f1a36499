# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034	# tools/lab/matrix reads them
kernel=sparc64 machine='sun4u'
qemu='-vga none'
master='-device nvme,serial=sg-pfn-kunit,drive=d0,bus=pciB'
peer='-device bochs-display,bus=pciB'
append='mem=768M dma_sg_pfn_nvme.hidden=0x34000000,16M'
merges=PHB
implementation='dma_4u_map_sg'
