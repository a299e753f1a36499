# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034	# tools/lab/matrix reads them
# 256 MiB of RAM at 0, the rest from 2 GiB on
kernel=loongarch64 machine='virt'
append='mem=768M dma_sg_pfn_nvme.hidden=0xa4000000,16M'
implementation='dma-direct, coherent'
