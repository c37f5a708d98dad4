#!/bin/sh
# SPDX-License-Identifier: MIT
# paths.sh GIVEWAY: no path of the kernel runs for more than 2,000,000 instructions without a preemption point, beside calls
# with large arguments. With -icount a nanosecond of the clock is an instruction.
set -u
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
ouro=${OURO:-$here/../../ouro}
temp=$(mktemp -d "${TMPDIR:-/tmp}/ouro-paths.XXXXXX") || exit 1
trap 'rm -rf "$temp"' EXIT

"$ouro" run --medium direct --machine microvm --timeout 180 --stats --qemu-arg -icount --qemu-arg shift=0 "$1" \
    >"$temp/out" 2>&1
status=$?
line=$(grep 'longest path without a preemption point' "$temp/out")
longest=$(printf '%s' "$line" | sed -n 's/.*point: \([0-9]*\) ns, .*/\1/p')
echo "paths.sh: ${line:-no line}"
if [ $status -ne 0 ] || [ -z "$longest" ] || [ "$longest" -eq 0 ] || [ "$longest" -gt 2000000 ]; then
    echo "paths.sh: status $status"
    tail -40 "$temp/out"
    exit 1
fi
