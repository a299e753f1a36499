#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Memory that is taken away while the NVMe capture device transfers to it, without
# an I/O MMU and behind each of them: INFLIGHT times each, 1,000 by default.
# INFLIGHT_ON names the machines, all by default. With SHORT there are a few on the
# machines that need no other kernel.
set -u
# shellcheck source=tests/v4l2/need-video
. tests/v4l2/need-video

status=0
revocations=${INFLIGHT:-${SHORT:+36}}
revocations=${revocations:-1000}
machines='none reset intel unrevocable amd virtio smmuv3'
[ -z "${SHORT-}" ] || machines='none intel amd virtio'
test=(-r "$revocations" -s 1280x720)

# inflight TEXT MIB [HOST-OPTION...] -- [PARAMETER...]: see tests/v4l2/nvmecap-host
inflight() {
	local text=$1 mib=$2 options=()
	shift 2
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	tests/v4l2/nvmecap-host "${options[@]}" --debug --timeout 7200 -- "$@" -- \
		build/tests/inflight "${test[@]}" -m "$mib" -n "$text" || status=1
}

for machine in ${INFLIGHT_ON:-$machines}; do
	echo "# $machine"
	case $machine in
	none) inflight 'no I/O MMU' $MIB --paced -- ;;
	reset) inflight 'no I/O MMU, always reset' $MIB --paced -- revoke_timeout_ms=0 ;;
	intel) inflight VT-d 0 --zeros --iommu intel -- ;;
	unrevocable) inflight 'VT-d, no buf_revoke' 0 --zeros --iommu intel -- revocable=0 ;;
	amd) inflight AMD-Vi 0 --zeros --iommu amd -- ;;
	virtio) inflight virtio-iommu 0 --zeros --iommu virtio -- ;;
	smmuv3)
		TIMEOUT=7200 tools/lab/arm64 "${zeros_namespace[@]}" \
			-device "bochs-display,vgamem=128M,romfile=" -- \
			/inflight "${test[@]}" -m 0 -n SMMUv3 || status=1
		;;
	*)
		echo "not ok - $machine is no machine of this suite"
		status=1
		;;
	esac
done
exit $status
