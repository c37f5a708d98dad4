#!/bin/sh
# SPDX-License-Identifier: MIT
# lone.sh: a program with one thread executes at most 3 % more instructions with two CPUs than with one: for getppid(), a byte through a pipe, a page
# fault. QEMU counts them (-icount); the other figures of bench/primitives.c are printed.
set -u
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
temp=$(mktemp -d) || exit 1
trap 'rm -rf -- "$temp"' EXIT
gcc -O2 -static -pthread -o "$temp/primitives" "$here/../../../bench/primitives.c" || exit 1
for cpus in 1 2; do # it never ends: as PID 1 on Linux it must not
    "${OURO:-ouro}" run --medium direct --machine microvm --cpus $cpus --append 'tsc=1000000000 norandmaps deadlock=1' --timeout $((60 * ${SLOW:-1})) \
        --qemu-arg -icount --qemu-arg shift=0,sleep=off "$temp/primitives" rounds=1 divide=10 user=0 >"$temp/$cpus" 2>"$temp/err" </dev/null
    tr -d '\r' <"$temp/$cpus" | grep -q '^bench done$' || { cat "$temp/err"; exit 1; }
done
awk '$1 != "figure" { next }
    NR == FNR { one[$2] = $4; next }
    {
        more = ($4 / one[$2] - 1) * 100
        held = $2 ~ /^(getppid|pipe|page_fault)$/
        printf "%-20s %8.0f %8.0f %6.1f %%%s\n", $2, one[$2], $4, more, (held && more > 3) ? " TOO MANY" : ""
        count += held
        bad += held && more > 3
    }
    END { exit bad > 0 || count != 3 }' "$temp/1" "$temp/2"
