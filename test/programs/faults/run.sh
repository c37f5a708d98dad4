#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Crashes in one of the ways of example/faults.c, parses the report with report.py, and compares its facts with
# test/programs/faults/golden/NAME.txt. report.py lists the fields that are no facts.
#
#   run.sh PROGRAM NAME          one way. PROGRAM: example/faults.c, compiled
#   run.sh PROGRAM --mutate NAME falsifies each field of that report: report.py must detect all but the declared ones
#   run.sh PROGRAM --complete    checks that each way has a golden file, and each golden file a way
#
# Environment: OURO       the host tool or the front door
#              WRITE=1    writes the golden file instead: read the difference before you commit it
#              EMULATOR   qemu (default) or bochs
#
# QEMU's TCG raises no SSE exceptions, accepts any CR4 and lacks icebp: these ways run on Bochs only. Both accept any MSR: that way
# works on real machines only.
set -u

here=$(cd "$(dirname "$0")" && pwd)
ouro=${OURO:-$here/../../../ouro}
emulator=${EMULATOR:-qemu}
[ $# -ge 2 ] || { echo "usage: run.sh PROGRAM [--mutate] NAME" >&2; exit 1; }
program=$(readlink -f "$1")
name=$2
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM HUP

if [ "$name" = --complete ]; then
    "$program" | grep -vx bad-wrmsr | sort > "$work/ways"
    (cd "$here/golden" && printf '%s\n' *.txt) | sed '/\.bochs\.txt$/d; s/\.txt$//' | sort > "$work/golden"
    diff "$work/ways" "$work/golden"
    exit
fi
mutate=
if [ "$name" = --mutate ]; then
    mutate=--mutate
    name=$3
fi

options=(--emulator "$emulator" --memory 256 --timeout $((60 * ${SLOW:-1})))
[ "$emulator" = qemu ] && options+=(--medium direct)
case $name in out-of-memory*) options+=(--memory 32) ;; esac
"$ouro" run "${options[@]}" --append "norandmaps deadlock=1 watchdog=1" "$program" "$name" \
    > "$work/out" 2> "$work/err" < /dev/null
status=$?
if [ -n "$mutate" ]; then
    "$here/report.py" --mutate "$program" $status < "$work/err"
    exit
fi
bad=0
{ sed 's/^/printed /' "$work/out" && "$here/report.py" "$program" $status < "$work/err"; } > "$work/got" || bad=1
# A golden file of its own, where the emulators differ as CPUs do.
golden=$here/golden/$name.$emulator.txt
[ -f "$golden" ] || golden=$here/golden/$name.txt
if [ -n "${WRITE:-}" ]; then
    cp "$work/got" "$golden"
elif ! diff -u "$golden" "$work/got"; then
    bad=1
fi
[ $bad = 0 ] || cat "$work/err"
exit $bad
