#!/bin/sh
# SPDX-License-Identifier: MIT
# watch.sh WATCH: what ouro-watch (watch.c) takes for a hang, what it says then, and what it leaves alone.
set -u
watch=$1
temp=$(mktemp -d "${TMPDIR:-/tmp}/ouro-test-XXXXXX")
trap 'rm -rf -- "$temp"' EXIT
cd "$temp" || exit 1
unset SLOW
failures=0

# expect STATUS REGEX SECONDS COMMAND...: the status, and a line of the output.
expect() {
    wanted=$1 regex=$2
    shift 2
    "$watch" "$@" >out 2>&1
    status=$?
    [ "$status" -eq "$wanted" ] && grep -q -e "$regex" out && return
    echo "FAIL: $*: status $status, output:"
    cat out
    failures=1
}

expect 0 '^err$' 5 sh -c 'echo out; echo err >&2'
expect 77 '^skip: this$' 5 sh -c 'echo "skip: this"; exit 77'
expect 137 . 5 sh -c 'echo killed; kill -9 $$'
expect 127 'nosuchcommand' 5 nosuchcommand
# A sleeping child and a busy loop; what the test would have removed is removed, and no process is left.
expect 1 'hangs: .*limit 1 s, x1' 1 sh -c 'trap "rm mine; exit" TERM; : >mine; sleep 1234 & wait'
grep -q 'state S, .*: sleep 1234' out || { echo 'FAIL: the process is not named' && cat out && failures=1; }
[ ! -e mine ] || { echo 'FAIL: the script could not clean up' && failures=1; }
expect 1 'hangs' 1 sh -c 'while :; do :; done'
expect 1 'hangs' 1 sh -c 'trap "" TERM; (setsid sleep 1235 &) ; sleep 1235'
pgrep -f 'sleep 123[45]' && { echo 'FAIL: a process is left' && failures=1; }
# Output goes on: no hang, up to 5 times the limit. New processes, too.
# shellcheck disable=SC2016 # the inner shell's
expect 0 '^4$' 1 sh -c 'for i in 1 2 3 4; do sleep 0.6; echo $i; done'
expect 0 '^end$' 1 sh -c 'for i in 1 2 3 4; do sleep 0.6; done; echo end'
expect 1 'runs for [5-9] s, the last 0 s' 1 sh -c 'while :; do echo more; sleep 0.1; done'
# An orphan that has ended is no process any more.
# shellcheck disable=SC2016 # the inner shell's
expect 0 '^gone$' 5 sh -c 'sh -c "sleep 0.2 & echo \$! >pid"; while kill -0 "$(cat pid)" 2>/dev/null; do sleep 0.1; done; echo gone'
# A slow computer has more time.
SLOW=4 expect 0 '^end$' 1 perl -e 'select(undef, undef, undef, 3); print "end\n"'
exit $failures
