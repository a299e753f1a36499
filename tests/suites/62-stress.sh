#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Everything at once on all devices at once, and a look at every byte.
exec tools/lab/stress
