# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034	# tools/lab/matrix reads them
. tests/matrix/x86_64.sh
append+=' swiotlb=force'
implementation='dma-direct, coherent, always bounced'
