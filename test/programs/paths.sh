#!/bin/sh
# SPDX-License-Identifier: MIT
# paths.sh PROGRAM: no path of the kernel runs for more than 2,000,000 instructions without a preemption point while the
# program makes its calls; `--stats` prints the longest of each call. With -icount a nanosecond of the clock is an
# instruction.
set -u
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
ouro=${OURO:-$here/../../ouro}
temp=$(mktemp -d "${TMPDIR:-/tmp}/ouro-paths.XXXXXX") || exit 1
trap 'rm -rf "$temp"' EXIT

# A disk for swapon(2).
truncate -s 1M "$temp/swap" && PATH=$PATH:/usr/sbin:/sbin mkswap "$temp/swap" >/dev/null 2>&1 || exit 1
"$ouro" run --medium direct --machine microvm --memory 1G --timeout $((${TIMEOUT:-180} * ${SLOW:-1})) --stats --qemu-arg -icount \
    --qemu-arg shift=0 --disk "$temp/swap" "$1" >"$temp/out" 2>&1
status=$?
grep 'STATUS\|, 0 succeeded\|longest path without a preemption point\|a sleep of 1 ms was' "$temp/out"
# ouro: CALLS NS EACH PATH  NAME
sed -n 's/^ouro: *[0-9][0-9]* *[0-9]* *[0-9]* *\([0-9]*\)  \(.*\)/\1 \2/p' "$temp/out" >"$temp/paths"
awk '$1 > 2000000 { print "paths.sh: TOO LONG:", $0; bad = 1 } $1 > 0 { some = 1 } END { exit bad || !some }' "$temp/paths"
bounded=$?
if [ $status -ne 0 ] || [ $bounded -ne 0 ]; then
    echo "paths.sh: status $status"
    tail -40 "$temp/out"
    exit 1
fi
