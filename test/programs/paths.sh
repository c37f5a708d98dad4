#!/bin/sh
# SPDX-License-Identifier: MIT
# paths.sh [--swap] PROGRAM [ARGS]: no path of the kernel runs for more than 2,000,000 instructions without a preemption point while the
# program makes its calls; `--stats` prints the longest of each call. With -icount a nanosecond of the clock is an
# instruction. --swap: in 64 MiB of memory, with 256 MiB of swap, of which pages must be in use.
set -u
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
ouro=${OURO:-$here/../../ouro}
temp=$(mktemp -d "${TMPDIR:-/tmp}/ouro-paths.XXXXXX") || exit 1
trap 'rm -rf "$temp"' EXIT

if [ "$1" = --swap ]; then
    shift
    swapped=1
    set -- --memory 64M --swap 256M "$@"
else
    # A disk for swapon(2).
    swapped=0
    truncate -s 1M "$temp/swap" && PATH=$PATH:/usr/sbin:/sbin mkswap "$temp/swap" >/dev/null 2>&1 || exit 1
    set -- --memory 1G --disk "$temp/swap" "$@"
fi
"$ouro" run --medium direct --machine microvm --timeout $((${TIMEOUT:-180} * ${SLOW:-1})) --stats --qemu-arg -icount \
    --qemu-arg shift=0 "$@" >"$temp/out" 2>&1
status=$?
grep 'STATUS\|, 0 succeeded\|longest path without a preemption point\|a sleep of 1 ms was' "$temp/out"
# ouro: CALLS NS EACH PATH  NAME
sed -n 's/^ouro: *[0-9][0-9]* *[0-9]* *[0-9]* *\([0-9]*\)  \(.*\)/\1 \2/p' "$temp/out" >"$temp/paths"
awk '$1 > 2000000 { print "paths.sh: TOO LONG:", $0; bad = 1 } $1 > 0 { some = 1 } END { exit bad || !some }' "$temp/paths"
bounded=$?
if [ $swapped = 1 ]; then
    grep 'swap: out=' "$temp/out"
    grep -q 'swap: out=[1-9][0-9][0-9][0-9][0-9]' "$temp/out" || bounded=1
fi
if [ $status -ne 0 ] || [ $bounded -ne 0 ]; then
    echo "paths.sh: status $status"
    tail -40 "$temp/out"
    exit 1
fi
