#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# All interleavings of the state machine of a buffer and the MMU notifier, as
# tests/spin/revocation.pml has it: no stray write, no deadlock. Every statement of the
# model has to be reached, and what is there for a reason is missed as soon as it is
# taken out. ROUNDS is how often each owner takes the memory away, CALLS the length of
# the application's program: each more makes it a few times larger.
set -u
# shellcheck source=tools/lab/lib.sh
. tools/lab/lib.sh

: "${ROUNDS:=1}" "${CALLS:=5}"
writers=(CPU DEVICE IOMMU BOTH)
# What is taken out, and for which writers it has to be missed
defects=(
	'NO_REVOKE CPU DEVICE IOMMU BOTH'
	'COMMIT_ANYWAY CPU DEVICE IOMMU BOTH'
	'MARK_LATE CPU DEVICE IOMMU BOTH'
	'FIRST_ONLY CPU DEVICE IOMMU BOTH'
	'NO_SECTION CPU BOTH'
	'NO_CHECK CPU DEVICE BOTH'
	'UNMAP_FIRST IOMMU BOTH'
	'LOCK_IN_SECTION CPU BOTH'
	'LOCK_IN_REVOKE CPU DEVICE IOMMU BOTH'
	'IGNORE_EAGAIN CPU BOTH'
	'NO_WAIT CPU DEVICE IOMMU BOTH'
	'DONE_ANYWAY IOMMU'
	'FORGET_CPU BOTH'
	'UNLOCKED_START DEVICE'
)

tree=$("$LAB/tree" --spin) || exit
work=$TOP/build/spin
mkdir -p "$work"
status=0

# verify DEFINITION...: what the verifier says. It ends with 0 whatever it found.
verify() {
	# shellcheck disable=SC2016	# expanded in the tree
	in_tree "$tree" -b "$TOP/tests/spin:/lab/spin" -b "$work:/lab/work" sh -ec '
		cd /lab/work && rm -f pan*
		spin "$@" -a /lab/spin/revocation.pml >&2
		gcc -O -w -DSAFETY -DCOLLAPSE -o pan pan.c
		./pan -m1000000' verify "-DROUNDS=$ROUNDS" "-DCALLS=$CALLS" "$@" 2>&1
}

echo 'KTAP version 1'
for writer in "${writers[@]}"; do
	for may_block in true false; do
		said=$(verify -DWRITER="$writer" -DMAY_BLOCK=$may_block)
		grep -q 'errors: 0$' <<<"$said" && ! grep -qE 'too small|out of memory|not completed' <<<"$said"
		result $? "$writer writes, the second owner may $([ $may_block = true ] || echo 'not ')sleep: $(
			sed -nE 's/^ *([0-9]+) states, stored.*/\1 states/p' <<<"$said")" "$said"
		# the writers never end
		unreached=$(grep -E '^\s.*\.pml:[0-9]+, state' <<<"$said" | grep -v '"-end-"')
		grep -q '^unreached in' <<<"$said" && [ ! "$unreached" ]
		result $? "$writer writes: all of the model is reached" "$unreached"
	done
done
for defect in "${defects[@]}"; do
	read -r name where <<<"$defect"
	[ ! "${SHORT-}" ] || where=${where##* }
	for writer in $where; do
		may_block=true
		[ "$name" != IGNORE_EAGAIN ] || may_block=false
		said=$(verify -DWRITER="$writer" -DMAY_BLOCK=$may_block -DDEFECT="$name")
		grep -qE '^pan:1: (assertion violated|invalid end state)' <<<"$said"
		result $? "$writer writes: $name is missed" "$said"
	done
done
exit $status
