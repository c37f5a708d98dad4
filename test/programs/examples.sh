#!/bin/bash
# SPDX-License-Identifier: MIT
# examples.sh BINARIES: runs example/dirty.c and example/walk.c on this Linux and in Ouro. Their measurements differ, so
# the outputs are not compared but searched for patterns.
set -u

here=$(cd "$(dirname "$0")" && pwd)
ouro=${OURO:-$here/../../ouro}
binaries=$1
log=$(mktemp) || exit 1
trap 'rm -f "$log"' EXIT
failed=0

# expect STATUS PATTERN...: checks the last run, whose status is passed.
expect() {
    local status=$1 pattern
    shift
    [ "$status" = 0 ] || { echo "exit status $status"; failed=1; }
    for pattern; do
        grep -qE -e "$pattern" "$log" && continue
        echo "not printed: $pattern"
        failed=1
    done
    [ $failed = 0 ] || cat "$log"
}

in_ouro() {
    "$ouro" run --medium direct --machine microvm --timeout $((60 * ${SLOW:-1})) --append loglevel=3 "$@" > "$log" 2>&1
}

for kind in musl glibc pie; do
    "$binaries/dirty-$kind" 300 > "$log" 2>&1
    expect $? '^window +not here$' '^mprotect +300 +300 ' '^mprotect +2 +2 '
    in_ouro "$binaries/dirty-$kind" 300
    expect $? '^window +300 +300 ' '^window +19 +19 ' '^window +2 +2 ' '^soft-dirty +300 +300 ' '^soft-dirty +2 +2 ' \
        '^mprotect +300 +300 ' '^mprotect +2 +2 '
    "$binaries/walk-$kind" > "$log" 2>&1
    expect $? 'it is not Ouro'
    in_ouro "$binaries/walk-$kind" 0xffffffff80000000 0x800000000000
    expect $? '^asked for, 0xffffffff80000000$' '^  PML4 \[511\]' 'not an address: bits 63 to 47'
    in_ouro "$binaries/walk-$kind"
    expect $? 'page of 4 KiB, r-x$' 'page of 4 KiB, r--$' 'page of 4 KiB, rw-$' 'copy-on-write' 'nothing is mapped there'
done
exit $failed
