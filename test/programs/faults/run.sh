#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Crashes in every way that example/faults.c knows, and compares the reports with test/programs/faults/golden/.
#
#   run.sh PROGRAM [NAME...]     PROGRAM: example/faults.c, compiled; no NAME: all
#
# Environment: OURO       the host tool or the front door
#              JOBS       machines at a time (default 2)
#              WRITE=1    writes the golden files instead: read the difference before you commit it
#              EMULATOR   qemu (default) or bochs
#
# QEMU's TCG raises no SSE exceptions and takes any CR4: these ways are for Bochs. Both take any MSR: that one is for real machines.
# What differs between compilers and machines is masked: addresses, offsets, times, registers.
set -u

here=$(cd "$(dirname "$0")" && pwd)
ouro=${OURO:-$here/../../../ouro}
emulator=${EMULATOR:-qemu}

mask() {
    # What the tool adds is tested in test/boot/tool/report.sh.
    sed -E -e '/^          [ >] +[0-9]+ \|/d' -e '/^  (what|trace) |^          #/s/([])]) at [^ ]+:[0-9]+.*/\1/' \
        -e '/^  regs  /,/^          rflags/s/^(.{10}r[a-z0-9]+ ).*/\1.../' \
        -e '/^  stack   (\+|nothing)/,/^  (calls|memory)  /{/^  (calls|memory)/!d}' \
        -e 's/^(  calls  ) .*/\1 .../' -e '/^          [a-z_0-9]+\(.*\) = /d' -e 's/ in futex\(.*\) = / in futex(...) = /' \
        -e '/^  memory /s/[0-9]+/N/g' -e '/^  machine /s/(cr[0-4]|efer) [0-9a-f]+/\1 X/g' \
        -e 's/^(          (cpu|words) )".*/\1.../' \
        -e '/^  usage  |^          [0-9]+ KiB of the /s/[0-9]+ KiB/N KiB/g' \
        -e '/^\{"ouro_report":1,.*\}$/s/.*/(JSON)/' \
        -e '/^\[ *[0-9.]+\] boot: /d' -e 's/^\[ *[0-9.]+\]/[T]/' \
        -e "s,$PROGRAM,PROGRAM,g" \
        -e 's/^  insn    [0-9a-f ]+/  insn    BYTES/' \
        -e '/^  insn /s/; [a-z0-9]+( [^=]*)?$//' \
        -e 's/; (reads|writes|computes) .*/; \1 OPERAND/' \
        -e 's/build [0-9a-f]{12}/build ID/' -e 's/ouro [0-9]+\.[0-9]+\.[0-9]+/ouro VERSION/' \
        -e 's/[0-9]+\.[0-9]{6} s /T s /' \
        -e 's/\+0x[0-9a-f]+/+N/g' -e 's/0x[0-9a-f]+/X/g' -e 's/= [0-9a-f]{16} /= X /' \
        -e 's/ \([a-z_0-9]+\+N \[kernel\]\)/ (SYMBOL)/' -e 's/register [a-z0-9]+ was/register R was/' \
        -e 's/[0-9]+ bytes (used|below|past|of it)/N bytes \1/' -e 's/by [0-9]+ bytes/by N bytes/' \
        -e 's/\([0-9]+%\)/(N%)/' -e 's/(repeated|called itself|each other) [0-9]+ times/\1 N times/' \
        -e 's/ \([0-9]+ [MG]iB\)//' -e 's/\) [0-9]+ KiB, /) N KiB, /' -e 's/rdx:rax X:X/rdx:rax X/' \
        -e '/^          \(truncated: /s/[0-9]+ frames/N frames/' \
        -e '/^(  trace  |          #[0-9])/s/#[0-9]+/#N/'
}

# The trace below main() belongs to the C library.
cut_trace() {
    awk '/^  thread / { done = 0 } /^  trace|^          #/ { if (done) next; if ($0 ~ / main\+/) done = 1 } { print }'
}

run_one() {
    local name=$1 work=$2 memory=256 status golden
    local medium="--medium direct"
    [ "$emulator" = qemu ] || medium=
    [ "$name" = out-of-memory ] && memory=32
    # shellcheck disable=SC2086 # words
    "$ouro" run $medium --emulator "$emulator" --memory $memory --timeout 60 \
        --append "norandmaps deadlock=1 watchdog=1" "$PROGRAM" "$name" > "$work/$name.out" 2> "$work/$name.err" < /dev/null
    status=$?
    { echo "status $status"; cat "$work/$name.out"; sed -E 's/^(Assertion failed: .*) \(.*: [0-9]+\)$/\1 (PLACE)/' "$work/$name.err" | mask | cut_trace; } > "$work/$name.got"
    # Where the emulators differ as CPUs do.
    golden=$here/golden/$name.$emulator.txt
    [ -f "$golden" ] || golden=$here/golden/$name.txt
    if [ -n "${WRITE:-}" ]; then
        cp "$work/$name.got" "$golden"
    elif cmp -s "$work/$name.got" "$golden"; then
        echo "ok   $name"
    else
        echo "FAIL $name"
        diff -u "$golden" "$work/$name.got" | sed -n '3,40p'
    fi
}

if [ "${1:-}" = --one ]; then
    report=$(run_one "$2" "$WORK")
    printf '%s\n' "$report"
    exit 0
fi

[ $# -ge 1 ] || { echo "usage: run.sh PROGRAM [NAME...]" >&2; exit 1; }
PROGRAM=$(readlink -f "$1")
shift
WORK=$(mktemp -d) || exit 1
export PROGRAM WORK
trap 'rm -rf "$WORK"' EXIT
trap 'exit 130' INT TERM HUP
mkdir -p "$here/golden"
if [ $# -eq 0 ]; then
    mapfile -t names < <("$PROGRAM" | grep -vx "bad-wrmsr\|$([ "$emulator" = bochs ] || echo 'float-sse\|bad-cr4')")
    set -- "${names[@]}"
fi
printf '%s\0' "$@" | xargs -0 -n 1 -P "${JOBS:-2}" "$0" --one > "$WORK/log" 2>&1
cat "$WORK/log"
printf '%d passed, %d failed\n' "$(grep -c '^ok ' "$WORK/log")" "$(grep -c '^FAIL' "$WORK/log")"
[ -n "${WRITE:-}" ] || { ! grep -q '^FAIL' "$WORK/log" && [ "$(grep -c '^ok ' "$WORK/log")" -eq $# ]; }
