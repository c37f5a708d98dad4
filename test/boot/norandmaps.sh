#!/bin/sh
# SPDX-License-Identifier: MIT
# norandmaps.sh PROGRAM: with norandmaps nothing of test/programs/random.c moves, and without it all does.
set -u
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$here/lib.sh"
program=$1

# check WORD WORDS: all five parts end with WORD.
check() {
    "$OURO" run --medium direct --machine microvm --timeout 60 --append "loglevel=3 $2" "$program" \
        >"$temp/out" 2>&1 </dev/null || bad "\"$2\" ends with status $?"
    [ "$(grep -c ": $1\$" "$temp/out")" -eq 5 ] || { bad "\"$2\": not all parts are said to be: $1"; show "$temp/out"; }
}

check stays norandmaps
check moves ""
finish
