# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034	# tools/lab/matrix reads them
kernel=riscv64 machine='virt'
append='mem=768M dma_sg_pfn_nvme.hidden=0xb4000000,16M'
implementation='dma-direct, coherent'
