# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034	# tools/lab/matrix reads them
# No display has memory there. A BAR has no physical address without PCI MIO
# instructions, which QEMU does not have.
kernel=s390x machine='s390-ccw-virtio, zPCI'
master='-device zpci,uid=1,target=nv0 -device nvme,id=nv0,serial=sg-pfn-kunit,drive=d0'
peer='-device zpci,uid=2,target=nv1 -device nvme,id=nv1,serial=peer,cmb_size_mb=16'
append='mem=768M dma_sg_pfn_nvme.hidden=0x34000000,16M'
implementation='dma-iommu, s390_iommu_probe_device'
