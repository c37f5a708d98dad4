#!/bin/bash
# SPDX-License-Identifier: MIT
# full.sh PROGRAM: a full file system fails with ENOSPC, loses nothing, and accepts writes again after a removal: in a
# machine with 12 MiB, compared with a small tmpfs of Linux.
set -u
program=$1
ouro=${OURO:-$(cd "$(dirname "$0")/../../.." && pwd)/ouro}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
mkdir "$work/fs"
# The inner shell expands its own words.
# shellcheck disable=SC2016
"$(dirname "$0")/../apart.py" bash -c 'mount -t tmpfs -o size=4m none "$1" && cd "$1" && exec "$2"' full "$work/fs" "$program" \
    > "$work/linux" 2> "$work/why" || { echo "skip: the Linux side cannot run: $(cat "$work/why")"; exit 77; }
"$ouro" run --machine microvm --timeout $((100 * ${SLOW:-1})) -m 12M --append check-at-end "$program" > "$work/ouro" ||
    { echo "FAIL: status $?"; exit 1; }
diff -u "$work/linux" "$work/ouro" || { echo "FAIL: not as on Linux"; exit 1; }
