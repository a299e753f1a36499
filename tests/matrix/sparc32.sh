# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034	# tools/lab/matrix reads them
kernel=sparc32 machine='SS-5'
nvme='' peer=''
only='no PCI: the implementation is compiled, and the tests that need no device run'
