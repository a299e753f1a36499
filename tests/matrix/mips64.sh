# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034	# tools/lab/matrix reads them
# Only the first 256 MiB of RAM start at 0
kernel=mips64 machine='malta'
append='mem=160M dma_sg_pfn_nvme.hidden=0x0b000000,16M'
implementation='dma-direct, not coherent'
