#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# What VIDIOC_QBUF answers to memory that it can't take.
exec tools/vm --memory 1G --append mem=768M --device bochs-display \
	--device bochs-display --device bochs-display --device bochs-display \
	-- tests/v4l2/guest errno
