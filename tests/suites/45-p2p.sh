#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Peer to peer: root bus, root ports and PCIe switches, host bridges that pci_p2pdma
# knows and does not know, with and without an I/O MMU. First what VIDIOC_QBUF and
# the importer of vfio-pci's dma-bufs say to each pair of devices, and the frames that
# the NVMe capture device leaves there; then the KUnit tests of the DMA mapping, which
# also see what is a bus address. With SHORT one machine of each.
set -u
# shellcheck source=tests/v4l2/need-video
. tests/v4l2/need-video

status=0

# QEMU's host bridge is not on pci_p2pdma's list, but with AMD's Zen all are good
# enough. What the host's processor is must not matter.
unlisted='--accel tcg --cpu max'
zen='--accel tcg --cpu EPYC'

# devices DEVICE...: the options that add them
devices() {
	local device
	for device; do
		printf -- '--device\n%s\n' "$device"
	done
}

# port ADDRESS: a root port. switch ADDRESS: a switch of two ports below one.
port() { devices "pcie-root-port,id=p$1,chassis=$1,addr=$1.0"; }
switch() {
	port "$1"
	devices "x3130-upstream,id=u$1,bus=p$1" \
		"xio3130-downstream,id=d$1.0,bus=u$1,chassis=$1,slot=1,addr=0.0" \
		"xio3130-downstream,id=d$1.1,bus=u$1,chassis=$1,slot=2,addr=1.0"
}

# drive ID FILE
drive() {
	printf -- '--qemu\n-drive\n--qemu\n%s\n' \
		"if=none,id=$1,format=raw,snapshot=on,file=$2"
}

disk=$TOP/build/p2p.img
in_tree "$("$LAB/tree")" -b "$TOP:/lab/top" \
	/lab/top/tests/matrix/disk /lab/top/build/p2p.img || exit

#
# What is said, and captured
#

# peers VM-OPTION... -- GUEST-COMMANDS. The clients are NVMe controllers with the
# video; the devices are the same in all machines:
#
#	10.0				client
#	11.0				display
#	12.0/00.0, 00.1			client and display, functions of one device
#	13.0/00.0			display below a root port
#	14.0/00.0/00.0/00.0		client below a switch
#	14.0/00.0/01.0/00.0		display below the same switch
#	15.0/00.0/00.0/00.0		display below another switch
#	15.0/00.0/01.0/00.0		display with vfio-pci, beside it
peers() {
	local options
	before_dashes options "$@"
	shift $((${#options[@]} + 1))
	mapfile -t -O ${#options[@]} options < <(
		drive v10 "$video"
		drive v12 "$video"
		drive v14 "$video"
		devices nvme,serial=10,drive=v10,addr=10.0 \
			bochs-display,addr=11.0
		port 12
		devices nvme,serial=12,drive=v12,bus=p12,addr=0.0,multifunction=on \
			bochs-display,bus=p12,addr=0.1
		port 13
		devices bochs-display,bus=p13
		switch 14
		devices nvme,serial=14,drive=v14,bus=d14.0 \
			bochs-display,bus=d14.1
		switch 15
		devices bochs-display,bus=d15.0 bochs-display,bus=d15.1
	)
	tools/vm --debug --memory 1G "${options[@]}" \
		-- env "VT_VIDEO=$MIB" bash -c "$1" || status=$?
}

# line TEXT CLIENT ROOT FUNCTION PORT SAME OTHER: one line of GUEST-COMMANDS
line() {
	echo "tests/v4l2/peers '$1' $2 11.0=$3 12.0/00.1=$4 13.0/00.0=$5" \
		"14.0/00.0/01.0/00.0=$6 15.0/00.0/00.0/00.0=$7" \
		"vfio:15.0/00.0/01.0/00.0=$7 || status=1"
}
root=10.0 function=12.0/00.0 below=14.0/00.0/00.0/00.0

# shellcheck disable=SC2086	# options
answers_short() {
	peers $zen --iommu intel -- "$(line 'Zen, VT-d, from the root bus' $root \
		host host host host host)
exit \${status-0}"
}

# shellcheck disable=SC2086	# options
answers() {
	peers $unlisted -- "status=0
	$(line 'unlisted bridge, from the root bus' $root \
		refused refused refused refused refused)
	$(line 'unlisted bridge, from a function' $function \
		refused bus refused refused refused)
	$(line 'unlisted bridge, from a switch' $below \
		refused refused refused bus refused)
	exit \$status"

	peers $zen -- "status=0
	$(line 'Zen, from the root bus' $root host host host host host)
	$(line 'Zen, from a function' $function host bus host host host)
	$(line 'Zen, from a switch' $below host host host bus host)
	exit \$status"

	# With an I/O MMU in use root ports send everything up (ACS), and do not let the
	# functions of one device talk to each other. QEMU's switches know no ACS. What they
	# pass on in hardware goes through the I/O MMU in QEMU all the same, so that there are
	# no frames of what has a bus address.
	peers $unlisted --iommu intel -- "status=0
	$(line 'unlisted bridge, VT-d, from a function' $function \
		refused refused refused refused refused)
	unset VT_VIDEO
	$(line 'unlisted bridge, VT-d, from a switch' $below \
		refused refused refused bus refused)
	exit \$status"

	peers $zen --iommu intel -- "status=0
	$(line 'Zen, VT-d, from the root bus' $root host host host host host)
	$(line 'Zen, VT-d, from a function' $function host host host host host)
	unset VT_VIDEO
	$(line 'Zen, VT-d, from a switch' $below host host host bus host)
	exit \$status"

	# unless they are told to
	peers $unlisted --iommu intel --append 'pci=disable_acs_redir=pci:1b36:000c' -- \
		"status=0
	unset VT_VIDEO
	$(line 'no ACS redirect, VT-d, from a function' $function \
		refused bus refused refused refused)
	exit \$status"
}

#
# What is transferred
#

# bytes TEXT WAY VM-OPTION...: one controller with the tests' disk, id=disk, and one
# display
bytes() {
	local module=dma_sg_pfn_nvme_kunit text=$1 way=$2
	shift 2
	# shellcheck disable=SC2046	# options
	tools/vm --debug --memory 1G $(drive disk "$disk") "$@" \
		--append "mem=768M iommu.strict=1 $module.hidden=0x34000000,16M" \
		--append "$module.way=$way" \
		-- tests/v4l2/kunit "$text" $module || status=$?
}

nvme=nvme,serial=sg-pfn-kunit,drive=disk

# shellcheck disable=SC2046,SC2086	# options
transfers_short() {
	bytes 'unlisted bridge, one switch' bus $unlisted \
		$(switch 14; devices $nvme,bus=d14.0 bochs-display,bus=d14.1)
}

# shellcheck disable=SC2046,SC2086	# options
transfers() {
	transfers_short
	bytes 'unlisted bridge, root bus' refused $unlisted \
		$(devices $nvme bochs-display)
	bytes 'Zen, two root ports' host $zen \
		$(port 12; port 13; devices $nvme,bus=p12 bochs-display,bus=p13)
	bytes 'Zen, VT-d, two root ports' host $zen --iommu intel \
		$(port 12; port 13; devices $nvme,bus=p12 bochs-display,bus=p13)
}

if [ "${SHORT-}" ]; then
	answers_short
	transfers_short
else
	answers
	transfers
fi
exit $status
