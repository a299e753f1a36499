#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Every allocation and every copy on the way fails once. With SHORT only for a BAR, for
# a BAR and ordinary memory, and for the buffers of a queue.
set --
[ ! "${SHORT-}" ] || set -- -v bar_for_the_cpu -v bar_and_anonymous_for_a_device \
	-v for_the_cpu -v for_a_device
# dma_buf_vmap() warns of any exporter who has no memory for it.
exec tests/v4l2/host --debug --timeout 1800 --allow "at dma_buf_vmap\+" -- tests/v4l2/guest failnth "$@"
