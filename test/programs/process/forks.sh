#!/bin/bash
# SPDX-License-Identifier: MIT
# forks.sh PROGRAM: crowds.c with FORKS (5,000) forks in turn in one boot: it prints a line if fewer bytes are free after them. Ouro only.
set -u
ouro=${OURO:-$(cd "$(dirname "$0")/../../.." && pwd)/ouro}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
"$ouro" run --medium direct --machine microvm --timeout "${TIMEOUT:-250}" --append check-at-end "$1" "${FORKS:-5000}" 0 > "$work/out" 2> "$work/err" ||
    { echo "FAIL: status $?"; tail -n 40 "$work/err"; exit 1; }
grep -qx 'forks in turn: yes' "$work/out" && ! grep 'bytes free before' "$work/out" && exit
cat "$work/out"
exit 1
