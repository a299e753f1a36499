#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Everything at once, and somebody who must not wait, on a kernel that notices.
set -u
# shellcheck source=tools/lab/lib.sh
. tools/lab/lib.sh

status=0
tests/v4l2/host --debug -- tests/v4l2/guest race || status=1

code=0
tests/v4l2/host --debug -- tests/v4l2/guest revoke -t reaped || code=$?
[ $code = 0 ] || status=1
result $((code == 125)) 'nobody waits who must not, says the kernel'
exit $status
