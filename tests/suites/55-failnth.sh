#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Every allocation and every copy on the way fails once: for the CPU (vivid) and the test
# module's device, for the NVMe capture device and tw68, each without an I/O MMU and behind
# some; and the probe of the former's driver. FAILNTH_ON names the machines, all by default.
# With SHORT only what differs most, on the first one.
set -u
# shellcheck source=tests/v4l2/need-video
. tests/v4l2/need-video

status=0
# dma_buf_vmap() warns of any exporter who has no memory for it.
vm=(--debug --timeout 3600 --allow "at dma_buf_vmap\+")

# camera KIND...: the variants in which the capture device takes memory of that kind, and
# its own buffers
camera() { printf -- '-v\n%s_for_the_camera\n' "$@"; printf -- '-v\nfor_the_camera\n'; }

machines='vivid binding nvmecap:none nvmecap:intel nvmecap:amd tw68:none tw68:intel tw68:virtio'
some=()
mapfile -t bus_master < <(camera anonymous large_tmpfs bar bar_huge \
	bar_and_anonymous hidden_ram pages)
if [ "${SHORT-}" ]; then
	machines=vivid
	mapfile -t some < <(camera anonymous bar)
	some+=(-v bar_and_anonymous_for_a_device -v for_a_device)
	mapfile -t bus_master < <(camera bar bar_huge)
fi

# vivid ARGUMENT...
vivid() { tests/v4l2/host "${vm[@]}" -- tests/v4l2/guest failnth "$@" || status=1; }

# nvmecap IOMMU ARGUMENT...: see tests/v4l2/need-video for what QEMU gets wrong behind one.
# I/O addresses come from above 4 GiB for good when none below could be had: so do all.
nvmecap() {
	local iommu=$1 namespace=()
	shift
	[ "$iommu" = none ] || namespace=(--zeros)
	tests/v4l2/nvmecap-host "${namespace[@]}" --iommu "$iommu" \
		--append 'iommu.strict=1 iommu.forcedac=1' "${vm[@]}" -- allocators=2 -- \
		env VT_CAMERA=nvmecap build/tests/failnth "$@" || status=1
}

# tw68 IOMMU ARGUMENT...: see tests/suites/70-tw68.sh
tw68() {
	local iommu=$1 gaps=()
	shift
	[ "$iommu" != virtio ] || gaps=(--gaps)
	tests/v4l2/tw68 "${gaps[@]}" -- tests/v4l2/host --accel tcg --cpu EPYC \
		--iommu "$iommu" --append iommu.strict=1 "${vm[@]}" -- \
		env VT_CAMERA=tw68 tests/v4l2/guest failnth "$@" || status=1
}

for machine in ${FAILNTH_ON:-$machines}; do
	echo "# $machine"
	case $machine in
	vivid) vivid "${some[@]}" ;;
	binding) nvmecap none -f binding ;;
	nvmecap:*) nvmecap "${machine#*:}" "${bus_master[@]}" ;;
	tw68:*) tw68 "${machine#*:}" "${bus_master[@]}" ;;
	*)
		echo "not ok - $machine is no machine of this suite"
		status=1
		;;
	esac
done
exit $status
