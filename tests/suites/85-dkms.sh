#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The DKMS package on Debian's unmodified kernels: dpkg installs it in a tree with both
# kernels' headers, dkms builds the modules, and guests with the packaged images run
# what our own kernel is tested with. What a kernel can't do is skipped with the
# reason, or it is tested that it is refused; the table is in
# dkms/dma-pfn-dkms.rst. With SHORT nothing.
set -u

if [ "${SHORT-}" ]; then
	echo 'ok - the package # SKIP not in the short form: make check SUITES=85-dkms'
	exit
fi

status=0

result() {
	if [ "$1" = 0 ]; then
		echo "ok - $2"
	else
		echo "not ok - $2"
		status=1
	fi
}

# on [VM-OPTION...] -- PROGRAM [OPTION...]
on() {
	local options=()
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	"${card[@]}" tests/v4l2/host --kernel "$image" --timeout 1800 "${options[@]}" \
		-- env VT_STOCK="$kernel" ${camera:+VT_CAMERA=$camera} \
		tests/v4l2/guest "$@" || status=$?
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
	local text="Linux $kernel, $1" mib=$2 options=()
	shift 2
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	tests/v4l2/nvmecap-host "${options[@]}" --kernel "$image" --timeout 1800 -- \
		"$@" -- env VT_STOCK="$kernel" build/tests/inflight -r 200 -s 1280x720 \
		-m "$mib" -n "$text" || status=$?
}

root=10.0 below=14.0/00.0/00.0/00.0

for kernel in 7.3 6.12; do
	card=() camera=''
	if ! image=$(tools/lab/deb --kernel $kernel); then
		result 1 "the package installs for Linux $kernel"
		continue
	fi
	result 0 "the package installs for Linux $kernel"
	sed 's/^/# /' "$image/warnings"
	[ ! -s "$image/warnings" ]
	result $? "W=1 says nothing of our files with Linux $kernel"

	on -- errno
	on --device VGA --append vga=0x342 -- userptr
	on -- revoke

	inflight 'no I/O MMU' 256 --paced --
	if [ $kernel = 6.12 ]; then
		peers Zen $root refused refused --cpu EPYC
		peers 'Zen, from a switch' $below refused refused --cpu EPYC
		continue
	fi
	peers Zen $root host host --cpu EPYC
	peers 'Zen, VT-d' $root host host --cpu EPYC --iommu intel
	peers 'Zen, VT-d, from a switch' $below host refused --cpu EPYC --iommu intel
	peers 'unlisted bridge' $root refused refused --cpu max
	peers 'unlisted bridge, from a switch' $below refused bus --cpu max
	inflight VT-d 0 --zeros --iommu intel --
	inflight 'VT-d, no buf_revoke' 0 --zeros --iommu intel -- revocable=0
	# A card that writes more often where nothing is mapped
	card=(tests/v4l2/tw68 --gaps --) camera=tw68
	for iommu in none intel; do
		on --accel tcg --cpu EPYC --iommu $iommu -- revoke -f flight
	done
done
exit $status
