#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The kernel's own test of buf_revoke(), tools/testing/selftests/media_tests/buf_revoke.c,
# on the drivers that have one, on the kernel for debugging, and without an I/O MMU, which
# would do it for them. A card that does not stop has to be noticed; drivers that do
# something wrong are among tests/mutants. BUF_REVOKE_ON names the devices, all by
# default. With SHORT some of them, and each test does what it does once, or a few times.
set -u
# shellcheck source=tests/v4l2/need-video
. tests/v4l2/need-video

status=0
rounds=${ROUNDS:-${SHORT:+1}}
rounds=${rounds:-20}
program=tests/v4l2/buf-revoke
vm=(tools/vm --debug --timeout 7200 --memory 1G)

# The CPU copies, which has to take a part of the time between two frames
vivid() {
	"${vm[@]}" -- sh -c "modprobe vivid allocators=2 node_types=1 no_error_inj=1 &&
		exec $program vivid vivid --set-fmt-video=width=640,height=360,pixelformat=RGB3 \
			--set-parm=30 -- UNBIND=1 ROUNDS=$rounds"
}

# nvmecap TEXT [PARAMETER...]
nvmecap() {
	local text=$1
	shift
	tests/v4l2/nvmecap-host --paced --debug --timeout 7200 -- "$@" -- \
		"$program" "$text" nvmecap \
		--set-fmt-video=width=640,height=480,pixelformat=RGB3 --set-parm=30 \
		-- UNBIND=1 ROUNDS="$rounds"
}

# tw68 TEXT [MODEL-OPTION...]
tw68() {
	tests/v4l2/tw68 "${@:2}" -- "${vm[@]}" -- sh -c "modprobe tw68 &&
		exec $program $1 tw68 --set-standard=pal -- ROUNDS=$rounds"
}

uvcvideo() {
	"${vm[@]}" -- tests/uvc/guest 1 "$program" uvcvideo uvcvideo -- ROUNDS="$rounds"
}

# The guest's own account of such a card is no result.
defective() {
	local out
	out=$(tw68 defective --no-stop 2>&1)
	if grep -q '^not ok.*defective: .*in_transfer' <<<"$out"; then
		echo 'ok - a card that does not stop is noticed'
	else
		printf '# %s\n' "$out"
		echo 'not ok - a card that does not stop is noticed'
		return 1
	fi
}

devices='vivid nvmecap contiguous tw68 uvcvideo defective'
[ -z "${SHORT-}" ] || devices='vivid nvmecap tw68'
for device in ${BUF_REVOKE_ON:-$devices}; do
	echo "# $device"
	code=0
	case $device in
	vivid) vivid || code=$? ;;
	nvmecap) nvmecap nvmecap allocators=2 || code=$? ;;
	contiguous) nvmecap 'nvmecap, contiguous' contiguous=1 || code=$? ;;
	tw68) tw68 tw68 || code=$? ;;
	uvcvideo) uvcvideo || code=$? ;;
	defective) defective || code=$? ;;
	*)
		echo "not ok - $device is no device of this suite"
		status=1
		continue
		;;
	esac
	[ $code = 0 ] || status=1
	result $((code == 125)) "$device: the kernel has nothing to say"
done
exit $status
