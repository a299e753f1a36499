# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034	# tools/lab/matrix reads them
. tests/matrix/parisc32.sh
machine='U2/Uturn'
append='kunit.filter_glob=ccio_pdir'
master='' peer=''
implementation=ccio_map_sg
only='QEMU has no such I/O MMU: the entries are read back, here and in parisc64'
