#!/bin/sh
# SPDX-License-Identifier: MIT
# gc.sh: an unmodified libgc finds dirty pages by soft-dirty bits, which Ouro takes from the page tables, and loses no
# object.
set -u
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
ouro=${OURO:-$here/../../ouro}
temp=$(mktemp -d "${TMPDIR:-/tmp}/ouro-gc.XXXXXX") || exit 1
trap 'rm -rf "$temp"' EXIT

if ! printf '#include <gc/gc.h>\n' | cc -E - >"$temp/out" 2>&1; then
    echo "skip: no libgc-dev here"
    exit 77
fi
cc -O1 -Wall -Wextra -o "$temp/gc" "$here/gc/gc.c" -lgc || exit 1
expected='incremental: 1, collections: some, bad lists: 0'

[ "$("$temp/gc")" = "$expected" ] || { echo "gc.sh: it fails on Linux, too"; exit 1; }
"$ouro" run --medium direct --machine microvm --timeout $((100 * ${SLOW:-1})) -e GC_PRINT_STATS=1 "$temp/gc" >"$temp/out" 2>&1
status=$?
if [ $status -ne 0 ] || ! grep -q "^$expected\$" "$temp/out" || ! grep -q '^Using soft-dirty bit feature' "$temp/out" ||
    ! grep -q '^Marked from [1-9][0-9]* dirty pages' "$temp/out"; then
    echo "gc.sh: status $status"
    tail -40 "$temp/out"
    exit 1
fi
