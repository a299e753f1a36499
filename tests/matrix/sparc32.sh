# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034	# tools/lab/matrix reads them
# No PCI: the SCSI controller is the bus master, the display on the SBus the peer.
# The top of the RAM is the firmware's.
kernel=sparc32 machine='SS-5'
qemu='-machine SS-5'
append='mem=192M dma_sg_pfn_nvme.hidden=0xd000000,16M'
master='-device scsi-hd,serial=sg-pfn-kunit,drive=d0' peer='-vga tcx'
implementation='sbus_iommu_map_sg_pflush'
