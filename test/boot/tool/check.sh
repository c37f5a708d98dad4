#!/bin/sh
# SPDX-License-Identifier: MIT
# `ouro check` prints the files, the missing system calls and the verdict; `run -v` prints the sizes.
set -u
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$here/../lib.sh"
cd "$temp" || exit 1
cat >lacks.c <<'C'
#define _GNU_SOURCE
#include <unistd.h>
int main(int argc, char **argv)
{
    long result;
    if (argc > 5)
        __asm__ volatile("mov $323, %%eax; syscall" : "=a"(result) : : "rcx", "r11", "memory"); /* userfaultfd */
    return argc > 5 ? acct(argv[0]) : 0;
}
C
gcc -o lacks lacks.c || exit 1
"$OURO" check ./lacks >seen 2>errors
[ $? -eq 1 ] || bad 'a program that lacks calls: not status 1'
grep -q 'lacks userfaultfd (323), called here' seen || { bad 'the site was not found'; show seen; }
grep -q 'lacks acct (163), imported from libc' seen || { bad 'the import was not found'; show seen; }
[ "$(grep -c 'lacks.*(' seen)" -eq 2 ] || { bad 'more is lacking than what is'; show seen; }
grep -q '/lib/x86_64-linux-gnu/libc.so.6$' seen || { bad 'libc is not named'; show seen; }
echo 'int main(void) { return 0; }' >good.c
gcc -o good good.c || exit 1
"$OURO" check ./good >seen 2>errors || { bad 'a program that lacks nothing: not status 0'; show seen; }
grep -q 'every system call that was found is there' seen || { bad 'no verdict'; show seen; }
"$OURO" check ./nowhere >seen 2>errors
[ $? -eq 127 ] || bad 'a program that is not there: not status 127'
"$OURO" run -v --machine microvm --timeout $((60 * ${SLOW:-1})) ./good 2>errors || bad 'good does not run'
grep -Eq 'files packed, image [0-9.]+ MiB, memory needed more than [0-9.]+ MiB' errors || { bad 'run -v: no sizes'; show errors; }
finish
