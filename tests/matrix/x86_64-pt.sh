# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034	# tools/lab/matrix reads them
kernel=x86_64-pt machine='page tables of VT-d and AMD-Vi'
append='kunit.filter_glob=*iommu_test*.test_redirect'
master='' peer=''
implementation=generic_pt
only='the tables are read back'
