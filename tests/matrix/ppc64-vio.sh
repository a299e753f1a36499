# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034	# tools/lab/matrix reads them
. tests/matrix/ppc64.sh
# Each device of the virtual I/O bus has a TCE table of its own
machine='pseries, VIO bus'
append='mem=768M dma_sg_pfn_nvme.hidden=0x34000000,16M'
master='-device spapr-vscsi -device scsi-hd,serial=sg-pfn-kunit,drive=d0'
