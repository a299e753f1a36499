#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Memory that is taken away while the NVMe capture device transfers to it, without
# an I/O MMU and behind each of them: INFLIGHT times each, 1,000 by default.
set -u
# shellcheck source=tests/v4l2/need-video
. tests/v4l2/need-video

status=0
revocations=${INFLIGHT:-1000}

# inflight TEXT [VM-OPTION...] -- [PARAMETER...]
inflight() {
	local options=()
	echo "# $1"
	shift
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	tests/v4l2/nvmecap-host --timeout 7200 "${options[@]}" -- "$@" -- \
		build/tests/inflight -r "$revocations" -m "$MIB" || status=1
}

inflight 'no I/O MMU' --
inflight 'no I/O MMU, every revocation resets the controller' -- revoke_timeout_ms=0
inflight VT-d --iommu intel --
inflight AMD-Vi --iommu amd --
inflight virtio-iommu --iommu virtio --
inflight 'VT-d, no buf_revoke' --iommu intel -- revocable=0

echo '# SMMUv3'
TIMEOUT=7200 tools/lab/arm64 \
	-drive "file=$video,if=none,id=video,format=raw,snapshot=on" \
	-device nvme,serial=video,drive=video \
	-- /inflight -r "$revocations" -m "$MIB" || status=1
exit $status
