#!/bin/sh
# SPDX-License-Identifier: MIT
# refused.sh: unsupported ways to make a process fail with an error, and the log has one line with a remedy.
set -u
ouro=${OURO:-$(dirname "$0")/../../ouro}
errors=$(mktemp) || exit 1
trap 'rm -f "$errors"' EXIT
failed=0

# check NAME TIMES LINE ERROR PROGRAM...: the log has the line TIMES times, and the program prints the error.
check() {
    name=$1 times=$2 line=$3 error=$4
    shift 4
    echo one two | "$ouro" run --medium direct --machine microvm --timeout 60 --append check-at-end "$@" > "$errors" 2>&1
    if [ "$(grep -a -c -e "$line" "$errors")" = "$times" ] && grep -a -q -e "$error" "$errors"; then
        echo "ok   $name"
    else
        echo "FAIL $name:"
        cat "$errors"
        failed=1
    fi
}

check fork 1 'use posix_spawn() or vfork()' "can't fork: Function not implemented" \
    /bin/busybox sh -c '/bin/busybox true; /bin/busybox true'
check fixed-address 1 '/bin/busybox: it can only run at an address where another program is: link it position-independent' \
    'Cannot allocate memory' /bin/busybox xargs -n 1 /bin/busybox echo
exit $failed
