#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A bus master transfers to memory without a page: QEMU's NVMe controller, to
# hidden RAM and to the BAR of a display, with and without an I/O MMU, and after
# dma_revoke_sgtable(). All bytes are compared.
set -u
# shellcheck source=tools/lab/lib.sh
. tools/lab/lib.sh

module=dma_sg_pfn_nvme_kunit
disk=$TOP/build/nvme.img
status=0

in_tree "$("$LAB/tree")" -b "$TOP:/lab/top" \
	/lab/top/tests/matrix/disk /lab/top/build/nvme.img || exit

# nvme IOMMU TEXT
nvme() {
	tools/vm --debug --memory 1G --iommu "$1" \
		--append "mem=768M iommu.strict=1 $module.hidden=0x34000000,16M" \
		--qemu -drive --qemu "file=$disk,if=none,id=d0,format=raw,snapshot=on" \
		--device nvme,serial=sg-pfn-kunit,drive=d0 --device bochs-display \
		-- tests/v4l2/kunit "$2" $module || status=$?
}

nvme none 'no I/O MMU'
nvme intel VT-d
nvme amd AMD-Vi
nvme virtio virtio-iommu
exit $status
