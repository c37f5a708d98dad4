#!/bin/sh
# SPDX-License-Identifier: MIT
# profile.sh: `ouro run --profile` of a program that computes in one function and calls the kernel from another.
set -u
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$here/../lib.sh"

cat >"$temp/busy.c" <<'END'
#include <fcntl.h>
#include <time.h>
#include <unistd.h>
static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}
__attribute__((noinline)) unsigned burn(unsigned x)
{
    for (volatile int i = 0; i < 1000000; i++)
        x = x * 1664525 + 1013904223;
    return x;
}
__attribute__((noinline)) void ask(int zero)
{
    static char page[65536];
    for (int i = 0; i < 200; i++)
        if (read(zero, page, sizeof page) < 0)
            _exit(1);
}
int main(void)
{
    int zero = open("/dev/zero", O_RDONLY);
    unsigned x = 1;
    int done = 0; /* half a second each, and not less work where the machine gets no time to run */
    for (double end = now() + 0.5; done < 30 || now() < end; done++)
        x = burn(x);
    done = 0;
    for (double end = now() + 0.5; done < 50 || now() < end; done++)
        ask(zero);
    write(1, "done\n", 5);
    return x == 0;
}
END

# profile NAME PROGRAM OPTIONS...: writes $temp/NAME and $temp/NAME.svg
profile() {
    name=$1
    program=$2
    shift 2
    "$OURO" run --medium direct --timeout $((100 * ${SLOW:-1})) --profile="$temp/$name" "$@" "$program" \
        >"$temp/out" 2>"$temp/err" </dev/null || { bad "$name: status $?"; show "$temp/err"; }
    [ "$(cat "$temp/out")" = "done" ] || bad "$name: the program's output is not its own"
    awk '/(^|;)burn [0-9]+$/ { burn += $NF } /;syscall_entry;.*usercopy_clear [0-9]+$/ { kernel += $NF } { all += $NF }
        END { exit !(burn > 100 && kernel > 50 && burn + kernel <= all) }' "$temp/$name" ||
        { bad "$name: not the functions that took the time"; show "$temp/$name"; show "$temp/err"; }
    grep -Eq '^ouro: +[0-9]+\.[0-9]% +[0-9]+  burn$' "$temp/err" || { bad "$name: burn is not in the list"; show "$temp/err"; }
    grep -q '<title>burn ' "$temp/$name.svg" || bad "$name: burn is not in the graph"
    grep -q '<title>syscall_dispatch ' "$temp/$name.svg" || bad "$name: the kernel is not in the graph"
    [ "$(tail -n 1 "$temp/$name.svg")" = '</svg>' ] || bad "$name: the graph has no end"
}

gcc -O1 -static -o "$temp/static" "$temp/busy.c" || bad "no compiler"
gcc -O1 -static-pie -fpie -o "$temp/pie" "$temp/busy.c" || bad "no compiler"
profile static.folded "$temp/static"
profile pie.folded "$temp/pie" # at any load address
finish
