#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# No DMA mapping implementation reaches for the page, the kernel address or the
# cache lines of memory that has none, as far as tools/coccinelle/sg_pageless.cocci
# can tell from the source. That it can tell is shown by the unmodified source,
# where it has to find something.
set -u
# shellcheck source=tools/lab/lib.sh
. tools/lab/lib.sh

# An implementation, and the files with what it calls
implementations=(
	'kernel/dma/direct.c kernel/dma/direct.h kernel/dma/mapping.c'
	'drivers/iommu/dma-iommu.c'
	'arch/alpha/kernel/pci_iommu.c'
	'arch/arm/mm/dma-mapping.c'
	'arch/mips/jazz/jazzdma.c'
	'arch/powerpc/kernel/dma-iommu.c arch/powerpc/kernel/iommu.c arch/powerpc/include/asm/iommu.h'
	'arch/powerpc/platforms/ps3/system-bus.c'
	'arch/powerpc/platforms/pseries/ibmebus.c'
	'arch/powerpc/platforms/pseries/vio.c arch/powerpc/kernel/iommu.c arch/powerpc/include/asm/iommu.h'
	'arch/sparc/kernel/iommu.c'
	'arch/sparc/kernel/pci_sun4v.c'
	'arch/sparc/mm/iommu.c'
	'arch/sparc/mm/io-unit.c'
	'arch/x86/kernel/amd_gart_64.c'
	'drivers/parisc/ccio-dma.c drivers/parisc/iommu-helpers.h'
	'drivers/parisc/sba_iommu.c drivers/parisc/iommu-helpers.h'
	'drivers/xen/grant-dma-ops.c'
	'drivers/xen/swiotlb-xen.c'
)
# These two map by physical address in the unmodified source already
clean_before='arch/sparc/mm/io-unit.c arch/x86/kernel/amd_gart_64.c'
# Maps nothing at all
others='kernel/dma/dummy.c'

tree=$("$LAB/tree" --cross) && base=$("$LAB/kernel" base) &&
	source=$("$LAB/kernel" prepare) || exit

# reports SOURCE FILE...: what it finds there, or an error
reports() {
	local dir=$1
	shift
	in_tree "$tree" -b "$dir:/lab/src" -b "$TOP:/lab/top" sh -c 'cd /lab/src &&
		exec spatch -D report --very-quiet --no-includes \
			--sp-file /lab/top/tools/coccinelle/sg_pageless.cocci "$@"' \
		spatch "$@"
}

n=0 status=0
result() {
	n=$((n + 1))
	[ "$1" = ok ] || status=1
	printf '%s %d - %s\n' "$1" "$n" "$2"
}

echo 'KTAP version 1'
echo "1..$((${#implementations[@]} + 1))"
for files in "${implementations[@]}"; do
	file=${files%% *}
	# shellcheck disable=SC2086	# one word each
	if ! ours=$(reports "$source" $files) || ! before=$(reports "$base" $files); then
		result 'not ok' "$file: spatch failed"
	elif [ "$ours" ]; then
		printf '# %s\n' "$ours"
		result 'not ok' "$file"
	elif [ -z "$before" ] && [[ " $clean_before " != *" $file "* ]]; then
		result 'not ok' "$file: nothing found in the unmodified source either"
	else
		result ok "$file, $(grep -c ERROR <<<"$before") in the unmodified source"
	fi
done

# Whoever writes another implementation adds it here
known=" ${implementations[*]} $others "
result=ok
while read -r file; do
	[[ $file == */tests/* || $known == *" $file "* ]] && continue
	echo "# $file is not looked at"
	result='not ok'
done < <(cd "$source" && grep -rlE --include='*.c' \
	'struct dma_map_ops \w+( [_a-z]+)* = \{' arch drivers kernel)
result "$result" 'there are no others'
exit $status
