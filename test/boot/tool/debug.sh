#!/bin/sh
# SPDX-License-Identifier: MIT
# `ouro debug`: gdb stops at the program's first instruction, then in its main, and has the kernel's symbols.
set -u
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$here/../lib.sh"
cd "$temp" || exit 1
printf '#include <stdio.h>\nint answer = 42;\nint main(void)\n{\n    puts("debugged");\n    return 3;\n}\n' >hello.c
for options in -static '-fPIE -static-pie'; do
    # shellcheck disable=SC2086 # options
    gcc $options -g -O0 -o hello hello.c || exit 1
    timeout $((100 * ${SLOW:-1})) "$OURO" debug --machine microvm --gdb-arg -batch --gdb-arg -ex --gdb-arg 'hbreak main' \
        --gdb-arg -ex --gdb-arg continue --gdb-arg -ex --gdb-arg 'print answer' --gdb-arg -ex --gdb-arg 'info symbol kmain' --gdb-arg -ex --gdb-arg 'show debuginfod enabled' \
        --gdb-arg -ex --gdb-arg 'delete' --gdb-arg -ex --gdb-arg continue ./hello >out 2>err </dev/null
    for wanted in ' in _start' 'main () at ' '^[$]1 = 42' 'kmain in section' 'functionality is currently set to "off"' '^debugged'; do
        grep -q -- "$wanted" out || { bad "$options: no line with $wanted"; show out; show err; }
    done
done
finish
