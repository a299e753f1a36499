#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# What VIDIOC_QBUF answers to memory that it can't take.
exec tests/v4l2/host -- tests/v4l2/guest errno
