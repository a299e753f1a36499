#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The book builds without a warning, and what README links to is there.
set -u

status=0

# result NUMBER NAME SAID: anything that was said is a failure
result() {
	local not=''
	if [ "$3" ]; then
		status=1 not='not '
		printf '# %s\n' "${3//$'\n'/$'\n# '}"
	fi
	echo "${not}ok $1 - $2"
}

echo 1..2
said=$(tools/lab/docs 2>&1) && said=''
result 1 'the book builds without a warning' "$said"

missing=$(grep -oE '\]\([^)#]+' README.md | sed 's/^](//' | grep -v '://' |
	while read -r link; do [ -e "$link" ] || echo "there is no $link"; done)
result 2 'what README links to is there' "$missing"
exit $status
