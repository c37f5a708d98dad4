#!/bin/sh
# SPDX-License-Identifier: MIT
# lone.sh: a program with one thread executes at most 3 % more instructions with two CPUs than with one for getppid() and a page fault, 5 % for a byte
# through a pipe. QEMU counts them (-icount); the other figures of bench/primitives.c, and those of a futex (a wake-up, a wait that does not sleep), are printed.
set -u
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
temp=$(mktemp -d) || exit 1
trap 'rm -rf -- "$temp"' EXIT
cat >"$temp/futex.c" <<'C'
#include <stdio.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
int main(void)
{
    struct timespec from, to;
    int word = 1;
    clock_gettime(CLOCK_MONOTONIC, &from);
    for (int i = 0; i < 10000; i++) {
        syscall(SYS_futex, &word, 129, 1, 0, 0, 0); /* FUTEX_WAKE_PRIVATE: no thread waits */
        syscall(SYS_futex, &word, 128, 0, 0, 0, 0); /* FUTEX_WAIT_PRIVATE: EAGAIN */
    }
    clock_gettime(CLOCK_MONOTONIC, &to);
    printf("figure futex ns %.2f\n", ((to.tv_sec - from.tv_sec) * 1e9 + to.tv_nsec - from.tv_nsec) / 1e4);
    return 0;
}
C
gcc -O2 -static -o "$temp/futex" "$temp/futex.c" || exit 1
gcc -O2 -static -pthread -o "$temp/primitives" "$here/../../../bench/primitives.c" || exit 1

# count CPUS PROGRAM ARGS...
count() {
    cpus=$1
    shift
    "${OURO:-ouro}" run --medium direct --machine microvm --cpus "$cpus" --append 'tsc=1000000000 norandmaps deadlock=1' --timeout $((60 * ${SLOW:-1})) \
        --qemu-arg -icount --qemu-arg shift=0,sleep=off "$@" >>"$temp/$cpus" 2>"$temp/err" </dev/null
}
for cpus in 1 2; do
    count "$cpus" "$temp/futex" || { cat "$temp/err"; exit 1; }
    count "$cpus" "$temp/primitives" rounds=1 divide=10 user=0 # it never ends: as PID 1 on Linux it must not
    tr -d '\r' <"$temp/$cpus" | grep -q '^bench done$' || { cat "$temp/err"; exit 1; }
done
awk '$1 != "figure" { next }
    NR == FNR { one[$2] = $4; next }
    {
        more = ($4 / one[$2] - 1) * 100
        held = $2 ~ /^(getppid|pipe|page_fault)$/
        most = $2 == "pipe" ? 5 : 3
        printf "%-20s %8.0f %8.0f %6.1f %%%s\n", $2, one[$2], $4, more, (held && more > most) ? " TOO MANY" : ""
        count += held
        bad += held && more > most
    }
    END { exit bad > 0 || count != 3 }' "$temp/1" "$temp/2"
