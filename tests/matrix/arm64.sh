# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034	# tools/lab/matrix reads them
kernel=arm64 machine='virt'
qemu='-cpu cortex-a57 -m 5G'
append='mem=4608M dma_sg_pfn_nvme.hidden=0x168000000,16M'
implementation='dma-direct, coherent'
