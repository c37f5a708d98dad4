#!/bin/sh
# SPDX-License-Identifier: MIT
# No operation of bench/growth.c takes more than 3 times the instructions beside the largest crowd as beside the smallest,
# and no call of bench/latency.c keeps another thread waiting for 10,000,000 instructions more than it asked for.
set -u
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$here/../lib.sh"
cd "$temp" || exit 1

counted() {
    "$OURO" run --memory 256M --qemu-arg -icount --qemu-arg "shift=0,sleep=${sleep:-off}" --append 'tsc=1000000000 norandmaps' "$@" \
        >out 2>err </dev/null
}

# Operations that grow, each with its reason: none.
known=''

# judge: a line for each operation that grows, or that has not two sizes; status 1 if there is any.
judge() {
    awk -v known=" $known " '
        $1 != "figure" { print "not a figure: " $0; bad = 1; next }
        {
            operation = $2
            sub(/_[0-9]+$/, "", operation)
            if (!(operation in first))
                first[operation] = $4
            last[operation] = $4
            if ($2 != operation && $2 != name[operation])
                sizes[operation]++
            name[operation] = $2
        }
        END {
            for (operation in first) {
                operations++
                if (sizes[operation] < 2) { print operation " has one size"; bad = 1 }
                if (!(last[operation] <= 3 * first[operation]) && !index(known, " " operation " ")) { print operation " grows from " first[operation] " to " last[operation]; bad = 1 }
            }
            if (operations < 20) { print "only " operations + 0 " operations"; bad = 1 }
            exit bad
        }' "$1"
}

counted "$top/bench/growth.c" divide=20 end=1 || { bad "growth: status $?"; show err; }
cp out figures
sleep=on counted --volume volume:/data --swap 128M "$top/bench/growth.c" disks=1 divide=20 end=1 ||
    { bad "growth on disks: status $?"; show err; }
grep -q '^figure swap_in_out_10000 ns' out || { bad 'growth on disks: no swapped pages'; show out; }
cat figures >>out
judge out >verdict || { bad 'growth'; show verdict; }

# The judgement finds an operation that grows.
{ cat out; echo 'figure linear_1 ns 100.00'; echo 'figure linear_1000 ns 301.00'; } >grown
judge grown >verdict && bad 'an operation that grows is not found'
grep -q '^linear grows from 100.00 to 301.00$' verdict || { bad 'an operation that grows is not named'; show verdict; }

# late: a line for each sleep that was more than 10 ms late; status 1 if there is any.
late() {
    awk '$1 == "figure" && $4 > 10 { print $2 " is late by " $4 " ms"; bad = 1 }
        END { exit bad }' "$1"
}

counted "$top/bench/latency.c" end=1 || { bad "latency: status $?"; show err; }
[ "$(grep -c '^figure [a-z0-9_]* ms [0-9.]*$' out)" -eq 11 ] || { bad 'latency: not 11 figures'; show out; }
late out >verdict || { bad 'latency'; show verdict; }
{ cat out; echo 'figure slow ms 10.01'; } >slow
late slow >verdict && bad 'a late sleep is not found'
finish
