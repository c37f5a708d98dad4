#!/bin/sh
# SPDX-License-Identifier: MIT
# norandmaps.sh PROGRAM: with norandmaps all parts of test/programs/process/random.c stay at their addresses, without
# it all parts move; and the recursive window is in the slot that the kernel words select.
set -u
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$here/../lib.sh"
program=$1

# check WORD WORDS: all five parts end with WORD.
check() {
    "$OURO" run --medium direct --machine microvm --timeout $((60 * ${SLOW:-1})) --append "loglevel=3 $2" "$program" \
        >"$temp/out" 2>&1 </dev/null || bad "\"$2\" ends with status $?"
    [ "$(grep -c ": $1\$" "$temp/out")" -eq 5 ] || { bad "\"$2\": not all parts are said to be: $1"; show "$temp/out"; }
}

check stays norandmaps
check moves ""

# window WORDS: prints the start address of the recursive window.
window() {
    "$OURO" run --medium direct --machine microvm --timeout $((60 * ${SLOW:-1})) --append "loglevel=3 $1" /bin/busybox \
        grep "the kernel's window" /proc/pagetables 2>&1 </dev/null | cut -d- -f1
}

at=$(window norandmaps)
[ "$at" = fffff78000000000 ] || bad "norandmaps: the window is at $at, not in slot 495"
at=$(window "norandmaps pagetables.slot=300")
[ "$at" = ffff960000000000 ] || bad "pagetables.slot=300: the window is at $at"
at=$(window "")
# One in 240 boots draws the same slot again.
[ "$at" != "$(window "")" ] || [ "$at" != "$(window "")" ] || bad "the window is always at $at"
finish
