# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034	# tools/lab/matrix reads them
. tests/matrix/sparc32.sh
machine='sun4d'
append='kunit.filter_glob=iounit_page_table'
master='' peer=''
implementation=iounit_map_sg
only='QEMU has no sun4d machine: the entries are read back'
