#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# v4l2-compliance on vivid, compared with the mainline kernel's own allocators:
# what passes there with vmalloc (0) or dma-contig (1) must pass here with these
# two and with dma-pfn (2). One result for each node.
set -u

out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

tools/vm --memory 8G --timeout 1800 --kernel mainline -- tests/v4l2/compliance 0 1 >"$out/mainline" \
	2>"$out/mainline.log" &
tools/vm --memory 8G --timeout 1800 -- tests/v4l2/compliance 0 1 2 >"$out/ours" 2>"$out/ours.log" ||
	status=$?
wait $! || status=$?
if [ "${status-0}" != 0 ]; then
	sed 's/^/# /' "$out/mainline.log" "$out/ours.log"
	echo 'Bail out! v4l2-compliance could not be run'
	exit 1
fi
# what failed, on either side
grep -h -E '^# .*(fail|FAIL)' "$out/mainline.log" "$out/ours.log"

# dma-pfn has to pass what passes with any
sed 's/^[^,]*/dma-pfn/' "$out/mainline" | cat "$out/mainline" - >"$out/before"
tests/v4l2/compliance-compare "$out/before" "$out/ours"
