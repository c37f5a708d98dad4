#!/bin/sh
# SPDX-License-Identifier: MIT
# stats.sh: the output of `ouro run --stats` and `--bootchart` for a program whose calls are known.
set -u
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$here/../lib.sh"

cat >"$temp/calls.c" <<'END'
#include <time.h>
#include <unistd.h>
#include <sys/syscall.h>
int main(void)
{
    struct timespec t = {0, 400000000};
    for (int i = 0; i < 321; i++)
        syscall(SYS_getppid);
    syscall(10000);
    syscall(10000);
    nanosleep(&t, 0);
    write(1, "done\n", 5);
    return 5;
}
END

# has WHAT PATTERN: a line matches.
has() {
    grep -Eq -- "$2" "$temp/err" || { bad "$1"; show "$temp/err"; }
}

"$OURO" run --medium direct --timeout $((60 * ${SLOW:-1})) --stats --bootchart "$temp/calls.c" >"$temp/out" 2>"$temp/err" </dev/null
status=$?
[ "$status" -eq 5 ] || bad "status $status instead of 5"
[ "$(cat "$temp/out")" = "done" ] || bad "the program's output is not its own"
has "calls are not counted" '^ouro: +321 +[0-9]+ +[0-9]+ +[0-9]+  getppid$'
has "numbers that nobody has are not counted" '^ouro: +2 +[0-9]+ +[0-9]+ +[0-9]+  \(no such call\)$'
has "the call that does not return is not counted" '^ouro: +1 +0 +0 +[0-9]+  exit_group$'
has "the time asleep is not counted, or the costliest is not first" 'system call$'
grep -A1 'system call$' "$temp/err" | grep -Eq '^ouro: +1 +[4-9][0-9]{8,} .*nanosleep$' ||
    bad "nanosleep is not the costliest, with 400 ms at least"
has "faults are not counted" 'pages made by faults: zero=[0-9]+ anonymous=[1-9][0-9]* .* file=[1-9]'
has "the paths of faults are not measured" '^ouro: +[1-9][0-9]* +[0-9]+ +[0-9]+ +[1-9][0-9]*  \(page fault\)$'
has "flushes are not counted" 'TLB flushes: pages=[1-9]'
has "switches are not counted" '^ouro: context switches: [0-9]+$'
has "no boot chart" '^ouro: boot chart: [1-9][0-9]* us'
[ "$(grep -Ec '^ouro: +[0-9]+ us +#+ +[a-z/]' "$temp/err")" -ge 8 ] || bad "the boot chart has too few bars"

"$OURO" run --medium direct --timeout $((60 * ${SLOW:-1})) "$temp/calls.c" >"$temp/out" 2>"$temp/err" </dev/null
! grep -q '^ouro' "$temp/err" || { bad "without the options something is said"; show "$temp/err"; }
finish
