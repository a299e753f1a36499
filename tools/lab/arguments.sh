# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Sourced by lib.sh, and by scripts that need no more of it, as those of the guest.

# before_dashes ARRAY ARGUMENT...: the arguments up to "--", which has to be there, go to
# ARRAY. The caller goes on behind them with: shift $((${#ARRAY[@]} + 1))
before_dashes() {
	local -n before_dashes_array=$1
	shift
	before_dashes_array=()
	while [ "${1?there is no --}" != -- ]; do
		before_dashes_array+=("$1")
		shift
	done
}
