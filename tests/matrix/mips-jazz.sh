# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034	# tools/lab/matrix reads them
# No PCI, so no NVMe and no BAR: the SCSI controller is the bus master
kernel=jazz machine='Magnum'
append='mem=96M dma_sg_pfn_nvme.hidden=0x06000000,16M'
master='-device scsi-hd,serial=sg-pfn-kunit,drive=d0' peer=''
implementation='jazz_dma_map_sg'
