# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034	# tools/lab/matrix reads them
kernel=jazz machine='Magnum'
nvme='' peer=''
implementation=jazz_dma_map_sg
only='no PCI: the tables are read back, and the tests that need no device run'
