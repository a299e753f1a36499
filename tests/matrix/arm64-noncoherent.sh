# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034	# tools/lab/matrix reads them
. tests/matrix/arm64.sh
machine='virt, not coherent'
dtb='qemu-system-aarch64'
dtb_edit='/dma-coherent/d'
implementation='dma-direct, not coherent'
