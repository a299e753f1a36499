#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Everything at once, on a kernel that notices.
exec tests/v4l2/host --debug -- tests/v4l2/guest race
