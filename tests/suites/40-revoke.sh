#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Memory that is taken away while it is captured into.
exec tools/vm --memory 1G --append mem=768M --device bochs-display \
	--device bochs-display --device bochs-display --device bochs-display \
	-- tests/v4l2/guest revoke
