#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The DKMS package on Debian's unmodified kernels: dpkg installs it in a tree with both
# kernels' headers, dkms builds the modules, and guests with the packaged images run
# what our own kernel is tested with. What a kernel can't do is skipped with the
# reason, or it is tested that it is refused; the table is in
# dkms/dma-pfn-dkms.rst.
#
# DKMS_ON names the kernels, both by default, and DKMS_PARTS what is run on them, all
# by default. With SHORT there is one boot with vivid, and one with pfncap.
set -u
# shellcheck source=tools/lab/lib.sh
. tools/lab/lib.sh

status=0
parts=${DKMS_PARTS:-vivid pfncap uvc tw68 peers nvmecap inflight}
[ -z "${SHORT-}" ] || parts=short

# on [VM-OPTION...] -- COMMAND...: in a guest of tests/v4l2/host
on() {
	local options
	before_dashes options "$@"
	shift $((${#options[@]} + 1))
	"${card[@]}" tests/v4l2/host --kernel "$image" --timeout 1800 "${options[@]}" \
		-- env VT_STOCK="$kernel" "$@" || status=$?
}

# pfncap WORD...: those tests, see tests/pfncap/guest
pfncap() {
	tests/pfncap/host --kernel "$image" -- tests/pfncap/guest "$@" || status=$?
}

# tw68 IOMMU PROGRAM ARGUMENT...: with the card, which writes more often where nothing
# is mapped, as there is no scratch page
tw68() {
	local card=(tests/v4l2/tw68 --gaps --) iommu=$1
	shift
	on --accel tcg --cpu EPYC --iommu "$iommu" -- \
		env VT_CAMERA=tw68 tests/v4l2/guest "$@"
}

# peers TEXT CLIENT WAY WAY VM-OPTION...: an NVMe controller on the root bus or one below
# a switch is the device that captures, and there is a display beside each.
peers() {
	local text="Linux $kernel, $1" client=$2 ways=("11.0=$3" "14.0/00.0/01.0/00.0=$4")
	shift 4
	tools/vm --kernel "$image" --memory 1G --accel tcg \
		--device nvme,serial=10,addr=10.0 --device bochs-display,addr=11.0 \
		--device pcie-root-port,id=p14,chassis=14,addr=14.0 \
		--device x3130-upstream,id=u14,bus=p14 \
		--device xio3130-downstream,id=d0,bus=u14,chassis=14,slot=1,addr=0.0 \
		--device xio3130-downstream,id=d1,bus=u14,chassis=14,slot=2,addr=1.0 \
		--device nvme,serial=14,bus=d0 --device bochs-display,bus=d1 "$@" \
		-- tests/v4l2/peers "$text" "$client" "${ways[@]}" || status=$?
}

# inflight TEXT MIB VM-OPTION... -- [PARAMETER...]: memory is taken away while the NVMe
# controller transfers to it
inflight() {
	local text="Linux $kernel, $1" mib=$2 options
	shift 2
	before_dashes options "$@"
	shift $((${#options[@]} + 1))
	tests/v4l2/nvmecap-host "${options[@]}" --kernel "$image" --timeout 1800 -- \
		"$@" -- env VT_STOCK="$kernel" build/tests/inflight -r 200 -s 1280x720 \
		-m "$mib" -n "$text" || status=$?
}

root=10.0 below=14.0/00.0/00.0/00.0

# run PART
run() {
	local iommu
	case $1 in
	short)
		on -- sh -c 'tests/v4l2/guest userptr -V bar_1080p -V bar_huge_1080p &&
			tests/v4l2/guest revoke -v bar_queued -v bar_filling -v zap_ram_filling &&
			tests/v4l2/guest errno'
		pfncap 'verify u-dma-buf' 'verify dma' 'owner takes'
		;;
	vivid)
		on -- tests/v4l2/guest errno
		on --device VGA --append vga=0x342 -- tests/v4l2/guest userptr
		on -- tests/v4l2/guest revoke
		;;
	pfncap)
		pfncap verify u-dma-buf UIO 'owner takes' 'out of reach' 'moved all' \
			'not contiguous' 'memory of the kernel' 'locked down'
		;;
	uvc)
		on -- tests/uvc/guest 1 tests/v4l2/guest userptr -f userptr
		on -- tests/uvc/guest 1 tests/v4l2/guest metadata
		on -- tests/uvc/guest 1 tests/v4l2/guest revoke -f mapping -f owner -f process
		;;
	tw68)
		for iommu in none intel; do
			tw68 "$iommu" userptr -F planes -V bar_1080p -V bar_huge_1080p
			tw68 "$iommu" revoke -F output -F large -F loop
		done
		;;
	peers)
		if [ "$kernel" = 6.12 ]; then
			peers Zen "$root" refused refused --cpu EPYC
			peers 'Zen, from a switch' "$below" refused refused --cpu EPYC
			return
		fi
		peers Zen "$root" host host --cpu EPYC
		peers 'Zen, VT-d' "$root" host host --cpu EPYC --iommu intel
		peers 'Zen, VT-d, from a switch' "$below" host refused --cpu EPYC --iommu intel
		peers 'unlisted bridge' "$root" refused refused --cpu max
		peers 'unlisted bridge, from a switch' "$below" refused bus --cpu max
		;;
	nvmecap)
		# without an I/O MMU 6.12 has no memory for one range: it has no CMA
		tests/v4l2/nvmecap-host --kernel "$image" --iommu intel -- \
			contiguous=1 revocable=0 -- env VT_STOCK="$kernel" \
			build/tests/nvmecap || status=$?
		;;
	inflight)
		inflight 'no I/O MMU' 256 --paced --
		[ "$kernel" != 6.12 ] || return
		inflight VT-d 0 --zeros --iommu intel --
		inflight 'VT-d, no buf_revoke' 0 --zeros --iommu intel -- revocable=0
		;;
	*)
		result 1 "$1 is no part of this suite"
		;;
	esac
}

for kernel in ${DKMS_ON:-7.3 6.12}; do
	card=()
	if ! image=$(tools/lab/deb --kernel "$kernel"); then
		result 1 "the package installs for Linux $kernel"
		continue
	fi
	result 0 "the package installs for Linux $kernel"
	sed 's/^/# /' "$image/warnings"
	[ ! -s "$image/warnings" ]
	result $? "W=1 says nothing of our files with Linux $kernel"

	for part in $parts; do
		started=$SECONDS
		echo "# Linux $kernel: $part"
		run "$part"
		echo "# Linux $kernel: $part took $((SECONDS - started)) s"
	done
done
exit $status
