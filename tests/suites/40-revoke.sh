#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Memory that is taken away while it is captured into.
exec tests/v4l2/host -- tests/v4l2/guest revoke
