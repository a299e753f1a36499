#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The NVMe capture device. v4l2-compliance with each allocator in one kernel: what
# passes with dma-contig and dma-sg has to pass with dma-pfn. Every byte of every
# frame in all formats, in memory of all kinds, with and without an I/O MMU, and as a
# device without scatter-gather; and namespaces and controllers that don't work. With
# SHORT only frames, without and with an I/O MMU.
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
exit $status
