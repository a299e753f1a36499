#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Memory that is taken away while the NVMe capture device transfers to it, without
# an I/O MMU and behind each of them: INFLIGHT times each, 1,000 by default, and a
# fifth of that for what is a variant of another one.
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
size=1280x720

# inflight TEXT REVOCATIONS MIB [HOST-OPTION...] -- [PARAMETER...]: see
# tests/v4l2/nvmecap-host
inflight() {
	local text=$1 number=$2 mib=$3 options
	shift 3
	before_dashes options "$@"
	shift $((${#options[@]} + 1))
	tests/v4l2/nvmecap-host "${options[@]}" --debug --timeout 7200 -- "$@" -- \
		build/tests/inflight -r "$number" -s "$size" -m "$mib" -n "$text" || status=1
}

for machine in ${INFLIGHT_ON:-$machines}; do
	echo "# $machine"
	case $machine in
	none) inflight 'no I/O MMU' "$revocations" $MIB --paced -- ;;
	reset)
		inflight 'no I/O MMU, always reset' $((revocations / 5)) $MIB \
			--paced -- revoke_timeout_ms=0
		;;
	intel) inflight VT-d "$revocations" 0 --zeros --iommu intel -- ;;
	unrevocable)
		inflight 'VT-d, no buf_revoke' $((revocations / 5)) 0 \
			--zeros --iommu intel -- revocable=0
		;;
	amd) inflight AMD-Vi "$revocations" 0 --zeros --iommu amd -- ;;
	virtio) inflight virtio-iommu "$revocations" 0 --zeros --iommu virtio -- ;;
	smmuv3)
		TIMEOUT=7200 tools/lab/arm64 "${zeros_namespace[@]}" \
			-device "bochs-display,vgamem=128M,romfile=" -- \
			/inflight -r "$revocations" -s "$size" -m 0 -n SMMUv3 || status=1
		;;
	*)
		echo "not ok - $machine is no machine of this suite"
		status=1
		;;
	esac
done
exit $status
