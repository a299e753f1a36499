#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# uvcvideo with a camera on an emulated bus: v4l2-compliance with dma-pfn fails
# nothing that it passes with vmalloc; frames arrive in every kind of memory, byte
# by byte; and memory is taken away while pictures or metadata are captured into it.
# With SHORT only frames and metadata.
set -u

out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
status=0

# on PROGRAM [OPTION...]
on() {
	tests/v4l2/host -- tests/uvc/guest 1 tests/v4l2/guest "$@" || status=$?
}

on userptr -f userptr -f dmabuf
on metadata
[ -z "${SHORT-}" ] || exit $status
on revoke -f mapping -f owner -f process

for allocator in 0 1; do
	if ! tools/vm -- tests/uvc/guest $allocator tests/uvc/compliance \
		>"$out/$allocator" 2>"$out/$allocator.log"; then
		sed 's/^/# /' "$out/$allocator" "$out/$allocator.log"
		echo "not ok - v4l2-compliance on uvcvideo allocator=$allocator"
		status=1
	fi
	sed "s/^/# $allocator /" "$out/$allocator.log"
done

tests/v4l2/compliance-compare "$out/0" "$out/1" \
	'uvcvideo, video node' 'uvcvideo, metadata node' || status=1
exit $status
