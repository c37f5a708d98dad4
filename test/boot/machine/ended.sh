#!/bin/sh
# SPDX-License-Identifier: MIT
# A machine with a volume is ended from outside, or its program dies: the volume is clean, without a journal to replay, and
# what the program wrote is there.
set -u
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$here/../lib.sh"
cd "$temp" || exit 1
PATH=$PATH:/usr/sbin:/sbin
volume=$temp/volume.img

# on_volume ARGS...: a program of the machine that has the volume at /data.
on_volume() {
    "$OURO" run --volume "$volume:/data" --volume-size 32M "$@" >out 2>err
}

# is_clean WHAT LINES
is_clean() {
    e2fsck -fn "$volume" >fsck 2>&1 || { bad "$1: e2fsck says"; show fsck; }
    ! grep -q 'skipping journal recovery' fsck || { bad "$1: the volume was not left clean"; show err; }
    lines=$(debugfs -R 'cat /log' "$volume" 2>/dev/null | grep -c line)
    [ "$lines" -eq "$2" ] || { bad "$1: $lines lines are there, not $2"; show err; }
}

on_volume /bin/busybox sh -c 'echo line >>/data/log; kill -SEGV $$'
is_clean 'a program that dies' 1
on_volume --timeout 10 /bin/busybox sh -c 'echo line >>/data/log; while :; do :; done'
[ $? -eq 124 ] || bad '--timeout: the status is not 124'
is_clean '--timeout' 2
lines=2
for how in TERM HUP; do
    : >out
    on_volume /bin/busybox sh -c 'echo line >>/data/log; echo ready; while :; do :; done' &
    shell=$!
    tries=0
    while ! grep -q ready out && kill -0 "$shell" 2>/dev/null && [ "$tries" -lt 1200 ]; do
        sleep 0.1
        tries=$((tries + 1))
    done
    kill -s "$how" "$(pgrep -P "$shell")"
    wait "$shell"
    lines=$((lines + 1))
    is_clean "SIG$how" "$lines"
done

# reboot(2) beside a thread that writes: it finishes the line under way, and no other.
cat >reboot.c <<'C'
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/reboot.h>
#include <unistd.h>
static void *write_lines(void *unused)
{
    int log = open("/data/log", O_WRONLY | O_APPEND);
    static char page[1 << 16];
    for (;;) {
        write(1, "line\n", 5);
        write(log, page, sizeof page);
    }
    return unused;
}
int main(void)
{
    pthread_t thread;
    pthread_create(&thread, 0, write_lines, 0);
    usleep(300000);
    write(1, "end\n", 4);
    reboot(RB_POWER_OFF);
}
C
gcc -O1 -static -pthread -o reboot reboot.c || exit 1
on_volume ./reboot
after=$(sed '1,/^end$/d' out | wc -l)
[ "$after" -le 1 ] || bad "reboot(): the other thread wrote $after lines after it"
is_clean 'reboot()' "$lines"
finish
