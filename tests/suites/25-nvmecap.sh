#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The NVMe capture device. v4l2-compliance with each allocator in one kernel: what
# passes with dma-contig and dma-sg has to pass with dma-pfn. Every byte of every
# frame in all formats, in memory of all kinds, with and without an I/O MMU, and as a
# device without scatter-gather; and namespaces and controllers that don't work, or that
# the driver does not take. With SHORT only frames, without and with an I/O MMU.
set -u
# shellcheck source=tests/v4l2/need-video
. tests/v4l2/need-video

status=0

# frames IOMMU PARAMETER...
frames() {
	local iommu=$1
	shift
	echo "# frames: I/O MMU $iommu, $*"
	tests/v4l2/nvmecap-host --iommu "$iommu" -- "$@" -- build/tests/nvmecap ||
		status=1
}

if [ "${SHORT-}" ]; then
	frames none allocators=2
	frames intel contiguous=1 revocable=0
	exit $status
fi

drive="file=$video,format=raw,snapshot=on,if=none"
echo '# v4l2-compliance'
tests/v4l2/nvmecap-host \
	--qemu -drive --qemu "$drive,id=sg" --device nvme,serial=sg,drive=sg \
	--qemu -drive --qemu "$drive,id=pfn" --device nvme,serial=pfn,drive=pfn \
	-- allocators=1,3,2 -- \
	tests/v4l2/nvmecap-compliance /dev/video0 /dev/video1 /dev/video2 ||
	status=1

frames none allocators=2
frames none contiguous=1
frames none revocable=0
frames intel allocators=1
frames intel allocators=2
frames intel contiguous=1 revocable=0
frames amd allocators=2
frames virtio allocators=2

# defective DEFECT TEST
defective() {
	tests/v4l2/nvmecap-host "--$1" -- allocators=2 -- build/tests/nvmecap -t "$2" ||
		status=1
}

defective slow no_answer
defective bad bad_block

echo '# what is refused'
null() { echo "--qemu -blockdev --qemu driver=null-co,node-name=$1,size=$2"; }
nvme() { echo "--device nvme,id=$1,addr=$2.0,serial=$1${3-}"; }
# shellcheck disable=SC2046	# options
tools/vm --memory 1G --device bochs-display,addr=0f.0 \
	$(null good 67108864) $(nvme good 10) --device nvme-ns,drive=good,bus=good \
	$(null metadata 67108864) $(nvme metadata 11) --device nvme-ns,drive=metadata,bus=metadata,ms=8 \
	$(null blocks 67108864) $(nvme blocks 12 ,mdts=1) \
	--device nvme-ns,drive=blocks,bus=blocks,logical_block_size=16384,physical_block_size=16384 \
	$(null small 4096) $(nvme small 13) --device nvme-ns,drive=small,bus=small \
	-- tests/v4l2/nvmecap-refused || status=1
exit $status
