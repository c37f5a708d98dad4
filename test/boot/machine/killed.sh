#!/bin/sh
# SPDX-License-Identifier: MIT
# QEMU is killed while sqlite writes to a volume, again and again: the volume is whole, and holds each transaction that
# the program was told of (synchronous=extra: the folder is synced, too). After that each end of a program that is not a
# power cut leaves the volume clean: no journal to replay.
set -u
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$here/../lib.sh"
cd "$temp" || exit 1
PATH=$PATH:/usr/sbin:/sbin
volume=$temp/volume.img

cat >insert.sh <<'S'
while sqlite3 /data/rows.db "pragma synchronous=extra; create table if not exists t(a integer primary key, b text);
    insert into t(b) values(hex(randomblob(300)));"; do
    echo "told"
done
S

# on_volume ARGS...: a program of the machine that has the volume at /data.
on_volume() {
    "$OURO" run --timeout 200 --volume "$volume:/data" --volume-size 32M "$@"
}

# is_sound WHAT
is_sound() {
    e2fsck -fn "$volume" >fsck 2>&1 || { bad "$1: e2fsck says"; show fsck; }
    ! grep -q 'skipping journal recovery' fsck || { bad "$1: the volume was not left clean"; show fsck; }
}

total=0
for round in 1 2 3; do
    on_volume --with /usr/bin/sqlite3 --with "$temp/insert.sh" /bin/busybox sh "$temp/insert.sh" >out 2>err &
    tool=$!
    want=$((round * 3))
    tries=0
    while [ "$(grep -c '^told' out)" -lt "$want" ] && kill -0 "$tool" 2>/dev/null && [ "$tries" -lt 1200 ]; do
        sleep 0.1
        tries=$((tries + 1))
    done
    qemu=$(pgrep -P "$tool" -f qemu-system) || { bad "round $round: there is no QEMU"; show err; break; }
    kill -9 "$qemu"
    wait "$tool"
    told=$(grep -c '^told' out)
    [ "$told" -ge "$want" ] || { bad "round $round: only $told transactions"; show err; }
    on_volume /usr/bin/sqlite3 /data/rows.db 'pragma integrity_check; select count(*) from t' >out 2>err ||
        { bad "round $round: the database cannot be read"; show err; break; }
    grep -qx ok out || { bad "round $round: the database is damaged"; show out; }
    rows=$(tail -n 1 out)
    # The transaction under way may be there, too.
    [ "$rows" -eq $((total + told)) ] || [ "$rows" -eq $((total + told + 1)) ] ||
        bad "round $round: $rows rows, of $total before and $told that the program was told of"
    total=$rows
    is_sound "round $round"
done

# The program is ended from outside, or by a signal of its own.
for how in TERM HUP; do
    on_volume /bin/busybox sh -c 'echo more >>/data/log; echo ready; sleep 100' >out 2>err &
    tool=$!
    tries=0
    while ! grep -q ready out && [ "$tries" -lt 600 ]; do
        sleep 0.1
        tries=$((tries + 1))
    done
    kill -s $how "$tool"
    wait "$tool"
    is_sound "SIG$how"
done
on_volume /bin/busybox sh -c 'echo more >>/data/log; kill -SEGV $$' >out 2>err
is_sound 'a program that dies'
[ "$(debugfs -R 'cat /log' "$volume" 2>/dev/null | grep -c more)" -eq 3 ] || bad 'lines of the log are lost'
finish
