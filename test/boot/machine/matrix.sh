#!/bin/sh
# SPDX-License-Identifier: MIT
# matrix.sh NAME: boots the probe with the options of line NAME in matrix.txt and compares stdout, stderr and status
# with those of a run on Linux.
set -u
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$here/../lib.sh"

options=$(sed -n "s/^$1 *| *//p" "$here/matrix.txt")
[ -n "$options" ] || { bad "matrix.txt has no line $1"; finish; }

# On Linux the program runs from the folder that is / in the machine, so argv[0] is the same.
mkdir "$temp/root"
cd "$temp/root" || exit 1
musl-gcc -static -O2 -o probe "$here/../probe.c" || exit 1
cat probe probe probe probe probe | head -c 150007 >data # ends within a page
head -c 5000 data >"$temp/input"
printf 'the end\020\020.\n' >>"$temp/input"
set -- ./probe 'two words' '' "quo'te\"d \$HOME %20,x" 'é'

PROBE='a,b c%'
export PROBE
"$@" <"$temp/input" >"$temp/linux.out" 2>"$temp/linux.err"
linux_status=$?

case $options in
--image*)
    "$OURO" iso --root . -e PROBE "$@" -o "$temp/probe.iso" || bad "iso ended with $?"
    options="--image $temp/probe.iso ${options#--image}"
    set --
    ;;
*) options="$options --root . -e PROBE" ;;
esac
# shellcheck disable=SC2086 # a list of options
"$OURO" run $options --timeout $((150 * ${SLOW:-1})) "$@" <"$temp/input" >"$temp/ouro.out" 2>"$temp/ouro.err"
status=$?

[ "$status" -eq "$linux_status" ] || bad "status $status, Linux says $linux_status"
cmp -s "$temp/linux.out" "$temp/ouro.out" || { bad "stdout differs"; show "$temp/ouro.out"; }
# The kernel's log shares stderr; its lines start with a time.
grep -v '^\[ *[0-9]*\.[0-9]*\] ' "$temp/ouro.err" >"$temp/own.err"
cmp -s "$temp/linux.err" "$temp/own.err" || { bad "stderr differs"; show "$temp/ouro.err"; }
finish
