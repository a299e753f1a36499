#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The mainline driver tw68 with dma-pfn, on a model of its card, which writes by
# DMA: v4l2-compliance compared with mainline's allocator, all formats, every kind
# of memory, and memory that is taken away in the middle of a frame. With SHORT only
# the latter, behind one I/O MMU.
set -u

out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
status=0

# tw68 [MODEL-OPTION...] -- VM [VM-OPTION...] -- COMMAND...
tw68() { tests/v4l2/tw68 "$@" || status=$?; }

# peers reach each other through EPYC's host bridge only, says the kernel
machine=(tests/v4l2/host --accel tcg --cpu EPYC)
program=(-- env VT_CAMERA=tw68 tests/v4l2/guest)

# captures IOMMU PROGRAM ARGUMENT...
#
# virtio-iommu does not tell QEMU's vfio-user of what is mapped without a page: the
# card writes there by message, which may be on its way when the card is stopped.
# On a bus the answer to the last register access would have waited for it. So
# nothing may be left mapped for a while after its end.
captures() {
	local iommu=$1 gaps=()
	shift
	[ "$iommu" != virtio ] || gaps=(--gaps)
	echo "# I/O MMU: $iommu"
	tw68 "${gaps[@]}" -- "${machine[@]}" --append iommu.strict=1 --debug --timeout 1800 \
		--iommu "$iommu" "${program[@]}" "$@"
}

if [ "${SHORT-}" ]; then
	captures intel revoke -f flight
	exit $status
fi

# mainline's results. Its driver may die of an interrupt that comes when it has just
# given the buffers back, which the series mends: nobody's result, so again then.
mainline() {
	local tries=3
	until tests/v4l2/tw68 -- tools/vm --timeout 1800 --append oops=panic --kernel mainline \
		-- tests/v4l2/tw68-compliance >"$out/mainline" 2>"$out/mainline.log"; do
		[ $? = 125 ] && [ $((--tries)) != 0 ] || return
		sed 's/^[^#]/# &/' "$out/mainline.log"
		echo "# mainline's kernel died, once more"
	done
}

mainline
tw68 -- tools/vm --timeout 1800 -- tests/v4l2/tw68-compliance >"$out/ours" 2>"$out/ours.log"
sed 's/^[^#]/# &/' "$out"/*.log
# the card's account
grep -E '^(not )?ok' "$out/ours"
tests/v4l2/compliance-compare "$out/mainline" "$out/ours" || status=1

tw68 -- tools/vm -- tests/v4l2/tw68-formats

for iommu in none intel amd virtio; do
	# without what tw68 has no frames of, and what only vivid has
	captures $iommu userptr -F planes -V bar_1080p -V bar_huge_1080p
	captures $iommu revoke -F output -F large -F loop
done

# The test finds a card that goes on writing.
tests/v4l2/tw68 --no-stop -- "${machine[@]}" "${program[@]}" revoke \
	-V bar -V bar_huge -V ram_pfnmap -f flight >"$out/defect" 2>&1
if grep -q '^not ok.*flight.hidden_ram.comes_and_goes' "$out/defect"; then
	echo 'ok - a card that does not stop is noticed'
else
	sed 's/^/# /' "$out/defect"
	echo 'not ok - a card that does not stop is noticed'
	status=1
fi
exit $status
