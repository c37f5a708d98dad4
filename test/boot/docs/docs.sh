#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs the sh blocks of README and docs one after the other, each with `set -e`, in a folder with the files that they
# name. (docs/ci.md, whose blocks build on one another, has a test of its own.)
#
# `./ouro` is a stand-in there. Commands that take long, need a device or a user, and have tests of their own, are only
# checked against the list of tests and the tool's parser of options; all others are run.
set -u
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$here/../lib.sh"
cd "$temp" || exit 1
mkdir -p dir/etc docs/images
echo hello >dir/etc/greeting
ln -s "$top/example" example
cat >hello.c <<'C'
#include <stdio.h>
int main(void)
{
    puts("hello");
    return 0;
}
C
musl-gcc -static -O2 -o prog hello.c || exit 1
cp prog crash
mkdir -p image/bin && cp prog image/bin/ && tar -C image -cf image.tar . || exit 1
printf '#!/usr/bin/lua5.4\nprint("hello")\n' >script.lua
chmod 755 script.lua

cat >ouro <<'S'
#!/bin/sh
echo "ouro $*" >>"$ASKED"
case ${1-} in
test)
    shift
    for name; do
        case $name in unit | fuzz | lint | guest | programs | boot) continue ;; esac
        for build in "$BUILDS"/host "$BUILDS"/host-clang; do
            ctest --test-dir "$build" -N -R "$name" 2>/dev/null
        done | grep -q '^Total Tests: [1-9]' || { echo "no test $name"; exit 1; }
    done
    ;;
bench | explore) exec "$OURO" "$@" --help ;; # explore serves until Ctrl-C
usb | debug) exec "$OURO" "$1" --help ;; # the arguments after the first name are the program's
*) exec timeout 200 "$OURO" "$@" ;;
esac
S
chmod 755 ouro
export XDG_STATE_HOME="$temp/state"
ASKED=$temp/asked
BUILDS=$top/build
export OURO ASKED BUILDS

# Each row of the FAQ's table of habits: the option gets that answer.
sed -n '/^## Habits/,$s/^| `\(-[^`]*\)` | \(.*\) |$/\1|\2/p' "$top/docs/faq.md" >habits
[ "$(wc -l <habits)" -ge 10 ] || bad 'the table of habits was not found'
while IFS='|' read -r option answer; do
    # shellcheck disable=SC2086 # words
    "$OURO" run $option prog >out 2>err </dev/null
    [ $? -eq 125 ] || bad "$option: not status 125"
    grep -qF -- "$answer" err || { bad "$option: another answer than '$answer'"; show err; }
done <habits

for page in "$top/README.md" "$top"/docs/*.md; do
    name=$(basename "$page" .md)
    [ "$name" != ci ] || continue
    awk -v name="$name" '/^```sh$/ { inside = 1; count++; next } /^```/ { inside = 0 }
        inside { print > (name "." sprintf("%02d", count) ".block") }' "$page"
done
# Commands within the README's sentences, as the one with the least memory for hello.
# shellcheck disable=SC2016 # a pattern
sed -n 's/.*`\(\.\/ouro run [^`]* hello\.c\)`.*/\1/p' "$top/README.md" >README.words.block
[ -s README.words.block ] || bad 'the README does not say how much memory hello needs'
for block in *.block; do
    sh -eu "$block" >out 2>err </dev/null || { bad "$block ended with $?"; show "$block"; show out; show err; }
done
[ "$(grep -c '^ouro run' asked)" -ge 15 ] || { bad 'too few commands were found'; show asked; }
finish
