#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Existing programs, run as tests/recipes/programs.rst says: on the display there is the
# camera's picture, in the BAR and in the files as well. Before that, libpfnmem.so on a
# file.
set -u
# shellcheck source=tools/lab/lib.sh
. tools/lab/lib.sh

dir=$(mktemp -d "${TMPDIR:-/tmp}/recipes.XXXXXX")
guest=''
trap 'kill $guest 2>/dev/null; rm -rf "$dir"' EXIT
truncate -s 1M "$dir/file"
mkdir "$dir/share"
truncate -s 64M "$dir/share/bar"
status=0

in_tree "$("$LAB/tree")" -b "$TOP:/lab/top" -b "$dir:/lab/dir" \
	env LD_PRELOAD=/lab/top/build/libpfnmem.so PFNMEM=/lab/dir/file \
	TEST_FILE=/lab/dir/file /lab/top/build/tests/pfnmem-unit || status=1

# README.md shows one of the recipes
tests/recipes/recipe gst-userptr-kmssink | sed 's/^/    /' >"$dir/recipe" &&
	perl -0777 -e '<> =~ /\Q$ARGV[-1]/ or exit 1' README.md "$(<"$dir/recipe")"
result $? 'README.md has the recipe as it is'

with_screendumps "$dir" tools/vm --apps --device bochs-display,id=display \
	--qemu -object \
	--qemu "memory-backend-file,id=bar,size=64M,share=on,mem-path=$dir/share/bar" \
	--device ivshmem-plain,memdev=bar,addr=0x10 \
	--share "$dir/share" --monitor "$dir/monitor" --timeout 1800 -- \
	tests/recipes/guest || status=1
exit $status
