#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Persistent memory: the picture of one boot is there in the next one. QEMU's
# NVDIMMs are files of this directory, and live as long as the suite.
set -u

dir=build/pmem
rm -rf "$dir"
mkdir -p "$dir"
trap 'rm -rf "$dir"' EXIT
nvdimms=()
for i in 0 1 2; do
	truncate -s 64M "$dir/$i"
	nvdimms+=(--qemu -object
		--qemu "memory-backend-file,id=pmem$i,size=64M,share=on,mem-path=$dir/$i"
		--device "nvdimm,id=nvdimm$i,memdev=pmem$i")
done
nonce=$(cat /proc/sys/kernel/random/uuid)
status=0

# boot PMEM_RAW PMEM-OPTION...
boot() {
	local raw=$1
	shift
	tools/vm --memory 1G,slots=4,maxmem=8G --qemu -machine --qemu nvdimm=on \
		"${nvdimms[@]}" -- env PMEM_NONCE="$nonce" PMEM_RAW="$raw" \
		tests/v4l2/pmem-guest "$@" || status=$?
}

boot unbound -t capture
boot unbound -t survives
boot bound -t answers
exit $status
