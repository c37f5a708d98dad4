#!/bin/bash
# SPDX-License-Identifier: MIT
# hungry.sh PROGRAM: memory runs out in a child's copies: the child is killed, with a report that names it, and nothing else.
set -u
ouro=${OURO:-$(cd "$(dirname "$0")/../../.." && pwd)/ouro}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cat > "$work/expected" << 'END'
fork = 1
killed by = 9
fork = 1
killed by = 9
fork = 1
killed by = 9
the parent's memory is as it was: yes
refused with ENOMEM or EAGAIN: yes
some were made: yes
left = 0
END
"$ouro" run --medium direct --machine microvm --timeout $((60 * ${SLOW:-1})) -m 16M --append check-at-end "$1" 8 > "$work/out" 2> "$work/err" ||
    { echo "FAIL: status $?"; tail -n 40 "$work/err"; exit 1; }
diff -u "$work/expected" "$work/out" || { echo "FAIL: not as expected"; exit 1; }
for line in '^  who     thread 2 "hungry-musl" of process 2 on CPU 0' \
    'copied by the next write: since fork() by process 1 it has 2 users' 'process 1 "hungry-musl", child of 0: 8[0-9]* KiB'; do
    grep -q "$line" "$work/err" || { echo "FAIL: no line: $line"; head -n 60 "$work/err"; exit 1; }
done
reports=$(grep -c '^==== CRASH: out of memory (SIGKILL' "$work/err")
[ "$reports" -ge 3 ] || { echo "FAIL: $reports reports"; head -n 40 "$work/err"; exit 1; }
