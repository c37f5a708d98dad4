#!/bin/bash
# SPDX-License-Identifier: MIT
# strace.sh PROGRAM: --strace prints the same as strace(1), except for addresses, pids, times and the errors' long
# texts.
set -u
ouro=${OURO:-$(cd "$(dirname "$0")/../.." && pwd)/ouro}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

[ "${1#/}" != "$1" ] || set -- "$PWD/$1"
case $ouro in /*) ;; *) ouro=$PWD/$ouro ;; esac
cd / || exit 1
for fd in /proc/self/fd/*; do # close descriptors that the caller left open
    fd=${fd##*/}
    [ "$fd" -le 2 ] || eval "exec $fd>&-"
done
strace -o "$work/trace" -E LC_ALL=C "$1" > /dev/null 2>&1 < /dev/null
[ -s "$work/trace" ] || { echo "skip: strace does not work here"; exit 77; }

common() {
    sed -n '/chdir("\/begin")/,/chdir("\/end")/p' "$1" |
        sed -E 's/ <[0-9]+\.[0-9]{6}>$//; s/ \([A-Z][^()]*\)$//; s/0x[0-9a-f]{5,}/ADDRESS/g; s/ +=/ =/
            s/(kill\()[0-9]+(, )[0-9]+(, S)/\1PID\2PID\3/; s/(kill\()[0-9]+/\1PID/; s/^(getpid\(\) = ).*/\1PID/
            s/^(--- .*si_code=).*/\1/; s/SA_RESTORER\|SA_RESTART/SA_RESTART|SA_RESTORER/; s/0x1 \(flags FD_CLOEXEC\)/1/; s/^(rt_sigreturn\().*\)/\1)/'
}
common "$work/trace" > "$work/linux"
"$ouro" run --medium direct --machine microvm --timeout $((60 * ${SLOW:-1})) --strace "$1" > /dev/null 2> "$work/all" < /dev/null
status=$?
common "$work/all" > "$work/ouro"
[ "$status" -eq 3 ] || { echo "FAIL: status $status"; cat "$work/all"; exit 1; }
[ "$(wc -l < "$work/linux")" -gt 40 ] || { echo "FAIL: strace printed too little"; exit 1; }
diff -au "$work/linux" "$work/ouro" || { echo "FAIL: the lines differ (- Linux, + Ouro)"; exit 1; }
for line in '^\+\+\+ exited with 3 \+\+\+$' '^exit_group\(3\) *= \?$' '^execve\(.*\) = 0$' ' = 0 <0\.[0-9]{6}>$'; do
    grep -Eq "$line" "$work/all" || { echo "FAIL: no line like $line"; cat "$work/all"; exit 1; }
done
echo "ok: $(wc -l < "$work/ouro") lines"
