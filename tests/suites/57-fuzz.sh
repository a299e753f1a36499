#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The fuzzer's cases, see tools/lab/fuzz.
exec tests/v4l2/fuzz-host --debug --timeout 900 -- fuzz tests/v4l2/corpus/*
