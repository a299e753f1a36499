#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# uvcvideo with a camera on an emulated bus: v4l2-compliance with dma-pfn fails
# nothing that it passes with vmalloc; frames arrive in every kind of memory, byte
# by byte; and memory is taken away while pictures or metadata are captured into it.
set -u

out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
status=0

for allocator in 0 1; do
	if ! tools/vm -- tests/uvc/guest $allocator tests/uvc/compliance \
		>"$out/$allocator" 2>"$out/$allocator.log"; then
		sed 's/^/# /' "$out/$allocator" "$out/$allocator.log"
		echo "not ok - v4l2-compliance on uvcvideo allocator=$allocator"
		status=1
	fi
	sed "s/^/# $allocator /" "$out/$allocator.log"
done

awk -F'\t' '
	BEGIN { name[0] = "video"; name[1] = "metadata" }
	/^#/ { next }
	FNR == NR {
		if ($4 != "FAIL")
			good[$1, $2, $3] = $4
		next
	}
	{
		key = $1 SUBSEP $2 SUBSEP $3
		total[$1]++
		if (key in good) {
			if ($4 == "FAIL" || ($4 == "NONE" && good[key] == "OK"))
				bad[$1] = bad[$1] "; " $2 ", " $3 " (" $4 ")"
			delete good[key]
		}
	}
	END {
		for (key in good) {
			split(key, k, SUBSEP)
			bad[k[1]] = bad[k[1]] "; " k[2] ", " k[3] " (not run)"
		}
		print "1..2"
		for (i = 0; i < 2; i++) {
			if (bad[i] || !total[i])
				print "not ok " i + 1 " dma-pfn, " name[i] " node: " \
					(bad[i] ? substr(bad[i], 3) : "nothing was run")
			else
				print "ok " i + 1 " dma-pfn, " name[i] " node (" \
					total[i] " tests)"
			failed += bad[i] || !total[i]
		}
		exit failed > 0
	}' "$out/0" "$out/1" || status=1

# on PROGRAM OPTION...: the guest of tests/v4l2/host
on() {
	tools/vm --memory 1G --append mem=768M --device bochs-display \
		--device bochs-display --device bochs-display \
		--device bochs-display -- \
		tests/uvc/guest 1 tests/v4l2/guest "$@" || status=$?
}

on userptr -f userptr
on revoke -f mapping -f owner -f process
on metadata
exit $status
