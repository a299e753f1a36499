# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034	# tools/lab/matrix reads them
. tests/matrix/x86_64-xen.sh
append='console=hvc0 kunit.filter_glob=xen_grant_dma'
master='' peer=''
implementation=xen_grant_dma_map_sg
only='no virtio backend: the hypervisor reads what is granted'
