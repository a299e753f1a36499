#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Capture into every kind of memory. The VGA in a graphics mode is vesafb's.
exec tests/v4l2/host --device VGA --append vga=0x342 -- tests/v4l2/guest userptr
