#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The goals of book/bench.rst, by counting instructions: at one size, or all of them.
set -u
if [ "${SHORT-}" ]; then
	exec tools/lab/bench --short
fi
exec tools/lab/bench --check
