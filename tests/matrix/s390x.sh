# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034	# tools/lab/matrix reads them
# A BAR has no physical address without PCI MIO instructions, which QEMU doesn't
# have: the resource is a cookie for the instructions that it has.
kernel=s390x machine='s390-ccw-virtio, zPCI'
master='-device zpci,uid=1,target=nv0 -device nvme,id=nv0,serial=sg-pfn-kunit,drive=d0'
peer=''
append='mem=768M dma_sg_pfn_nvme.hidden=0x34000000,16M'
implementation='dma-iommu, s390_iommu_probe_device'
