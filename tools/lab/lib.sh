# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Sourced by the lab's scripts: where things are, how progress is told, how a
# result comes to be only when it is whole.

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
LAB=$TOP/tools/lab
# shellcheck source=tools/lab/arguments.sh
. "$LAB/arguments.sh"
CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/vb2-dma-pfn
LOGS=$TOP/build/logs
: "${JOBS:=$(nproc)}"
mkdir -p "$CACHE" "$LOGS"

say() { printf '%s\n' "$*" >&2; }
die() { say "${0##*/}: $*"; exit 1; }

# step LOG TEXT COMMAND...: run COMMAND with its output in LOG and tell how long
# it took; on a terminal a line counts the seconds meanwhile. A command that
# fails shows the end of its log. A function is to return its failures: set -e
# does not hold in it.
step() {
	local log=$1 text=$2 start=$SECONDS ticker='' status=0
	shift 2
	mkdir -p "${log%/*}"
	if [ -t 2 ]; then
		while sleep 1 && kill -0 $$ 2>/dev/null; do
			printf '\r  %-52s %5ds' "$text" $((SECONDS - start)) >&2
		done &
		ticker=$!
	else
		printf '  %s ...\n' "$text" >&2
	fi
	"$@" >"$log" 2>&1 </dev/null || status=$?
	if [ "$ticker" ]; then
		kill "$ticker"
		wait "$ticker" 2>/dev/null || true
		printf '\r' >&2
	fi
	printf '  %-52s %5ds%s\n' "$text" $((SECONDS - start)) \
		"$([ $status = 0 ] || echo ' FAILED')" >&2
	if [ $status != 0 ]; then
		tail -n 25 "$log" >&2
		say "  the whole log: $log"
	fi
	return $status
}

# key: a short name for what stdin holds.
key() { sha256sum | cut -c1-16; }

# lock NAME: wait for, and hold until this shell ends, the cache's lock NAME.
lock() {
	local fd
	exec {fd}>"$CACHE/$1.lock"
	flock -n "$fd" && return
	say "  waiting for another run that holds $CACHE/$1.lock"
	flock "$fd"
}

# publish NEW OLD: put the finished directory NEW in OLD's place, which is kept
# aside until the next time: a guest may be using it.
publish() {
	rm -rf "$2.old"
	[ ! -e "$2" ] || mv -T "$2" "$2.old"
	mv -T "$1" "$2"
}

# our_kernel_files: the new kernel files, which stand at their kernel path. What is in
# these directories, or at the top, is the project's own, but for the kernel's selftests.
our_kernel_files() {
	(cd "$TOP" && find . -mindepth 1 \( -name '.*' -o -path ./tests -o \
		-path './tools/*' ! -path ./tools/testing ! -path './tools/testing/*' -o \
		-path ./patches -o -path ./dkms -o -path ./book -o -path ./build \) -prune -o \
		-path './*/*' -type f -printf '%P\n') | LC_ALL=C sort
}

# in_tree TREE [-o DIR] [-b FROM:TO]... COMMAND...: run COMMAND inside the tree, in a
# mount namespace of its own, FROM bound to the tree's TO. Nothing is mounted on
# the host, and nothing stays mounted whatever happens. With -o the tree stays as it
# is: what is written to it goes to DIR/upper.
in_tree() {
	unshare --mount --fork --kill-child "$LAB/in-tree" "$@"
}

# in_matrix TREE SOURCE BUILD COMMAND...: matrix-kunit's COMMAND for a kernel of
# tests/matrix, in its build directory.
in_matrix() {
	local tree=$1 source=$2 build=$3
	shift 3
	mkdir -p "$build" "$CACHE/matrix" "$CACHE/ccache"
	CCACHE_DIR=/lab/ccache JOBS=$JOBS in_tree "$tree" -b "$source:/lab/src" \
		-b "$build:/lab/build" -b "$CACHE/ccache:/lab/ccache" \
		-b "$CACHE/matrix:/lab/matrix" -b "$TOP/tests/matrix:/lab/targets" \
		-b "$LAB:/lab/tools" env TIMEOUT="${TIMEOUT-}" \
		/lab/tools/matrix-kunit "$@"
}

# with_screendumps DIR COMMAND...: run COMMAND, which is tools/vm with --share DIR/share and
# --monitor DIR/monitor, and give its guest the pictures that it asks for: it writes the
# name of a display into screendump in its share, and when that file has gone, NAME.ppm
# beside it is what the display shows. Meanwhile $guest is the process, for the caller's
# trap.
with_screendumps() {
	local dir=$1 display result=0
	shift
	"$@" &
	guest=$!
	while kill -0 "$guest" 2>/dev/null; do
		if [ -e "$dir/share/screendump" ]; then
			display=$(<"$dir/share/screendump")
			"$LAB/qmp" "$dir/monitor" screendump device="$display" \
				filename="$dir/share/$display.ppm" >/dev/null
			rm "$dir/share/screendump"
		fi
		sleep 0.1
	done
	wait "$guest" || result=$?
	guest=''
	return $result
}

# What a healthy kernel never says, whatever its architecture (grep -E).
# shellcheck disable=SC2034	# used by those who source this
SPLAT='Kernel panic|BUG: |kernel BUG at|WARNING: |Oops|Unable to handle kernel'
SPLAT+='|general protection fault|Kernel Fault|UBSAN: |soft lockup|hard LOCKUP'
SPLAT+='|INFO: (task .* blocked|rcu_|lockdep|trying to register)|rcu: INFO: '
SPLAT+='|DMA-API: .*(error|exceed|leak)|kmemleak: [0-9]+ new'

# complain TITLE: stdin is what a check said; anything is too much, and goes to the file
# $verdict.
# shellcheck disable=SC2154	# the caller makes and reads it
complain() {
	local said
	said=$(cat)
	if [ "$said" ]; then
		echo "$1" >>"$verdict"
		printf '%s:\n%s\n' "$1" "$said"
	else
		printf '%s: clean\n' "$1"
	fi
}

# result STATUS NAME [SAID]: a line of KTAP. A failure shows what was SAID and becomes
# the caller's $status.
# shellcheck disable=SC2034	# which exits with it
result() {
	if [ "$1" = 0 ]; then
		echo "ok - $2"
	else
		echo "not ok - $2"
		[ ! "${3-}" ] || echo "# ${3//$'\n'/$'\n'# }"
		status=1
	fi
}

# tally STATUS <KTAP: count the results of a test program that exited with
# STATUS. Prints "passed failed skipped", then "failed LINE" for each failure and
# "skipped COUNT REASON" for each reason. A group, which reports after its members,
# is not counted but for a failure that none of them explains. It is a failure, too,
# if there are no results, fewer than the plan ("1..N") has, or a group that never
# reported. A result without a number does not belong to the plan.
tally() {
	awk -v status="$1" '
	function fail(why) {
		failed++
		failures = failures "failed " why "\n"
	}
	/^1\.\.[0-9]+/ { split($1, plan, /\.\./); planned = plan[2] + 0 }
	/^ *(not )?ok( |$)/ {
		match($0, /^ */)
		depth = RLENGTH
		top += !depth && !/^(not )?ok - /
		group = depth < last
		last = depth
		if (/# SKIP/) {
			if (!group) {
				skipped++
				reason = $0
				sub(/.*# SKIP */, "", reason)
				if (!count[reason]++)
					reasons[++n] = reason
			}
		} else if (/^ *ok/) {
			passed += !group
		} else if (!group || failed == before[depth]) {
			fail($0)
		}
		for (i = depth; i <= 32; i++)
			before[i] = failed
	}
	END {
		if (top < planned)
			fail("only " top + 0 " of the " planned " planned results")
		if (last)
			fail("the last results belong to no group")
		if (status != 0 && !failed)
			fail("exit status " status)
		if (passed + failed + skipped == 0)
			fail("no results")
		printf "%d %d %d\n%s", passed, failed, skipped, failures
		for (i = 1; i <= n; i++)
			print "skipped", count[reasons[i]], reasons[i]
	}'
}
