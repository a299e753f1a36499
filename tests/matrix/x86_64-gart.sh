# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034	# tools/lab/matrix reads them
. tests/matrix/x86_64.sh
machine='AMD K8 with GART'
append='kunit.filter_glob=gart'
master='' peer=''
implementation=gart_map_sg
only='QEMU has no such northbridge: the table is read back'
