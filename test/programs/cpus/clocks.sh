#!/bin/sh
# SPDX-License-Identifier: MIT
# clocks.sh PROGRAM: on Bochs, which writes the TSC as a processor does, the second CPU's is three seconds ahead: the log says so, and clocks are as
# they should be.
set -u
temp=$(mktemp -d) || exit 1
trap 'rm -rf -- "$temp"' EXIT
"${OURO:-ouro}" run --emulator bochs --cpus 2 --append 'cpus=2,3000000000 loglevel=4' --timeout $((200 * ${SLOW:-1})) "$1" slow >"$temp/out" 2>"$temp/err" </dev/null
status=$?
printf 'goes back: no\nleaps: no\ngoes on: yes\nvDSO as wanted: yes\n' >"$temp/expected"
tr -d '\r' <"$temp/out" | diff "$temp/expected" - && [ $status -eq 0 ] &&
    grep -Eq 'the TSC of the cpu with the APIC ID 1 is (2999|3000)[0-9]{6} cycles ahead: clocks are slow' "$temp/err" && exit 0
cat "$temp/err"
exit 1
