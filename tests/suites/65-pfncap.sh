#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# pfncap: what needs no device, in the tree; every target that a machine can have, on
# our kernel; and what it says on mainline. The VGA in a graphics mode is vesafb's.
set -u
# shellcheck source=tools/lab/lib.sh
. tools/lab/lib.sh

dir=$(mktemp -d "${TMPDIR:-/tmp}/pfncap.XXXXXX")
guest=''
trap 'kill $guest 2>/dev/null; rm -rf "$dir"' EXIT
truncate -s 64M "$dir/nvdimm"
mkdir "$dir/share"
status=0

echo '# without a device'
in_tree "$("$LAB/tree")" -b "$TOP:/lab/top" /lab/top/build/tests/pfncap-unit || status=1

echo '# mainline'
tools/vm --kernel mainline --device bochs-display -- tests/pfncap/guest mainline || status=1

echo '# ours'
with_screendumps "$dir" tests/pfncap/host --memory 1G,slots=4,maxmem=8G --append vga=0x342 \
	--qemu -machine --qemu nvdimm=on \
	--qemu -object \
	--qemu "memory-backend-file,id=nvdimm,size=64M,share=on,mem-path=$dir/nvdimm" \
	--device nvdimm,memdev=nvdimm \
	--device VGA,id=vga \
	--share "$dir/share" --monitor "$dir/monitor" --timeout 900 -- \
	tests/pfncap/guest || status=1
exit $status
