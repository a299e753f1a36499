#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# v4l2-compliance on vivid, compared with the mainline kernel's own allocators:
# what passes there with vmalloc (0) or dma-contig (1) must pass here with these
# two and with dma-pfn (2). One result for each node.
set -u

out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

tools/vm --memory 8G --kernel mainline -- tests/v4l2/compliance 0 1 >"$out/mainline" \
	2>"$out/mainline.log" &
tools/vm --memory 8G -- tests/v4l2/compliance 0 1 2 >"$out/ours" 2>"$out/ours.log" ||
	status=$?
wait $! || status=$?
if [ "${status-0}" != 0 ]; then
	sed 's/^/# /' "$out/mainline.log" "$out/ours.log"
	echo 'Bail out! v4l2-compliance could not be run'
	exit 1
fi
# what failed, on either side
grep -h -E '^# .*(fail|FAIL)' "$out/mainline.log" "$out/ours.log"

awk -F'\t' '
	BEGIN { name["0"] = "vmalloc"; name["1"] = "dma-contig"; name["2"] = "dma-pfn" }
	# passed here with this allocator; for dma-pfn, with any
	FNR == NR {
		split($1, run, ":")
		if ($5 != "FAIL") {
			good[run[1], run[2], $2, $3, $4] = $5
			good["2", run[2], $2, $3, $4] = $5
		}
		next
	}
	{
		split($1, run, ":")
		group = $1 "\t" $2
		if (!(group in total))
			order[++groups] = group
		total[group]++
		key = run[1] SUBSEP run[2] SUBSEP $2 SUBSEP $3 SUBSEP $4
		if (key in good) {
			if ($5 == "FAIL" || ($5 == "NONE" && good[key] == "OK"))
				bad[group] = bad[group] "; " $3 ", " $4 " (" $5 ")"
			delete good[key]
		}
	}
	END {
		# mainline ran a test here that we did not
		for (key in good) {
			split(key, k, SUBSEP)
			group = k[1] ":" k[2] "\t" k[3]
			if (!(group in total)) {
				order[++groups] = group
				total[group] = 0
			}
			bad[group] = bad[group] "; " k[4] ", " k[5] " (not run)"
		}
		print "KTAP version 1"
		print "1.." groups
		for (i = 1; i <= groups; i++) {
			group = order[i]
			split(group, k, "\t")
			split(k[1], run, ":")
			text = sprintf("%d %s, %s-planar, node %s", i, name[run[1]],
				       run[2] == 1 ? "single" : "multi", k[2])
			sub(/ +$/, "", text)
			if (bad[group])
				print "not ok " text ": " substr(bad[group], 3)
			else
				print "ok " text " (" total[group] " tests)"
			failed += !!bad[group]
		}
		exit failed > 0
	}' "$out/mainline" "$out/ours"
