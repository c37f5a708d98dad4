#!/bin/sh
# SPDX-License-Identifier: MIT
# --user and --init, and the hint for a program that goes into the background.
# shellcheck disable=SC2016 # the machine's shell expands its own words
set -u
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$here/../lib.sh"
cd "$temp" || exit 1
mkdir -p root/etc
printf 'root:x:0:0:root:/root:/bin/sh\nweb:x:33:34:web:/var/web:/bin/sh\n' >root/etc/passwd
printf 'root:x:0:\nweb:x:34:\nmore:x:50:other,web\nlast:x:51:web\n' >root/etc/group

# run SCRIPT OPTIONS...
run() {
    script=$1
    shift
    "$OURO" run --medium direct --machine microvm --timeout $((30 * ${SLOW:-1})) --root root "$@" /bin/busybox sh -c "$script" >out 2>err
}

# is WHAT STATUS WANTED TEXT
is() {
    [ "$2" -eq "$3" ] || { bad "$1: status $2 instead of $3"; show err; }
    [ "$(cat out)" = "$4" ] || { bad "$1: wrong output"; show out; }
}

who='id; echo $HOME $$'
run "$who" --user web; is web $? 0 'uid=33(web) gid=34(web) groups=50(more),51(last)
/var/web 1'
run "$who" --user web:more; is web:more $? 0 'uid=33(web) gid=50(more)
/var/web 1'
run "$who" --user 33; is 33 $? 0 'uid=33(web) gid=34(web) groups=50(more),51(last)
/var/web 1'
run "$who" --user 77:7 -e HOME=/h; is 77:7 $? 0 'uid=77 gid=7
/h 1'
run "$who" --user nobody2; is nobody2 $? 125 ''
grep -q "no user nobody2 in the root's /etc/passwd" err || { bad 'unknown user'; show err; }
run "$who" --user web:no; is web:no $? 125 ''
run 'echo $$ $PPID; exit 5' --init; is 'the status' $? 5 '2 1'
run 'id -u; kill -9 $$' --init --user web; is 'death by a signal' $? 137 33
run '(sleep 0.3; echo background) & exit 0' --init; is 'a daemon' $? 0 background
run 'sleep 20 & exit 4' --init; is 'a failure ends all' $? 4 ''
run 'trap "echo term; exit 9" TERM; kill -TERM 1; sleep 5' --init; is 'a signal to the program' $? 9 term
run '(trap "echo all; exit" TERM; sleep 5 & wait) & sleep 0.2; (sleep 0.3; kill -TERM 1) & exit 0' --init
is 'a signal to the daemon' $? 0 all
run 'for i in 1 2 3; do (sh -c "sleep 0.$i &"); done; sleep 0.7; grep -l "^State:.*Z" /proc/[0-9]*/status' --init
is 'no zombie is left' $? 1 ''
run 'setsid sleep 5 & sleep 0.3; exit 0'; is 'no init' $? 0 ''
grep -q 'went into the background' err || { bad 'no hint'; show err; }
run 'sleep 5 & sleep 0.3; exit 0'; is 'a job' $? 0 ''
[ ! -s err ] || { bad 'a hint for a job'; show err; }
finish
