#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Everything at once, on a kernel that notices.
exec tools/vm --debug --memory 1G --append mem=768M --device bochs-display \
	--device bochs-display --device bochs-display --device bochs-display \
	-- tests/v4l2/guest race
