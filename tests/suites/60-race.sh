#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Everything at once, and who must not wait, on a kernel that notices.
status=0
tests/v4l2/host --debug -- tests/v4l2/guest race || status=1
tests/v4l2/host --debug -- tests/v4l2/guest revoke -t reaped || status=1
exit $status
