#!/bin/sh
# SPDX-License-Identifier: MIT
# databases.sh: QEMU ends by SIGKILL while redis (appendfsync always) and PostgreSQL write to a volume; after the next boot all that they had
# answered is there. Packages of Debian, unpacked. ROUNDS=N: so many kills of each, 1.
set -u
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$here/../lib.sh"
cd "$temp" || exit 1
PATH=$PATH:/usr/sbin:/sbin
packages=$top/build/packages/databases
mkdir -p "$top/build/packages" root/etc root/tmp
"$top/test/packages/databases.sh" "$packages" >log 2>&1 || { echo "skip: $(tail -n 1 log)"; exit 77; }
postgresql=$(ls "$packages/usr/lib/postgresql") # its version
printf 'root:x:0:0:root:/root:/bin/sh\npostgres:x:101:104::/tmp:/bin/sh\n' >root/etc/passwd
printf 'root:x:0:\npostgres:x:104:\n' >root/etc/group
chmod 1777 root/tmp
printf '#!/bin/sh\necho $$ >pid\nexec qemu-system-x86_64 "$@"\n' >noted
chmod +x noted

# run VOLUME ARGS...
run() {
    volume=$1
    shift
    "$OURO" run --medium direct --machine microvm --timeout $((250 * ${SLOW:-1})) ${KERNEL:+--kernel "$KERNEL"} --sysroot "$packages" --root root -m 1G \
        --volume "$volume:/data" --volume-size 200M "$@" >out 2>err
}

# killed VOLUME LINES ARGS...: QEMU ends by SIGKILL some time after so many lines with a number; $committed is the last N.
killed() {
    volume=$1 lines=$2
    shift 2
    rm -f pid out
    OURO_QEMU=$temp/noted run "$volume" "$@" &
    job=$!
    until [ "$(grep -c '^[0-9][0-9]*$' out 2>/dev/null)" -ge "$lines" ] 2>/dev/null; do
        kill -0 $job 2>/dev/null || { bad "$volume: the machine has ended"; show out; show err; return; }
        sleep 0.1
    done
    kill -KILL "$(cat pid)"
    wait $job
    committed=$(grep '^[0-9][0-9]*$' out | tail -n 1)
}

# kept VOLUME: what the check has found.
kept() {
    now=$(sed -n 's/^found //p' out)
    [ "${now:-0}" -ge "$committed" ] || { bad "$1: $committed was answered, and ${now:-nothing} is there"; show out; show err; }
    e2fsck -fn "$1" >fsck 2>&1 || { bad "$1: e2fsck found errors"; show fsck; }
}

cat >root/redis <<'S'
redis-server --port 0 --unixsocket /tmp/s --dir /data --save '' --appendonly yes --appendfsync always --loglevel warning >/dev/null &
until redis-cli -s /tmp/s ping 2>/dev/null | grep -q PONG; do sleep 0.1; done
if [ "$1" = check ]; then
    echo "found $(redis-cli -s /tmp/s get n)"
    redis-cli -s /tmp/s shutdown
    exit
fi
while :; do echo 'incr n'; done | redis-cli -s /tmp/s
S
cat >root/postgres <<'S'
export PATH=$(echo /usr/lib/postgresql/*/bin):$PATH PGDATA=/data/pg PGHOST=/tmp PGTZ=UTC
# pg_ctl takes the killed server's postmaster.pid for an answer if that began less than two seconds before and had the same pid.
start() {
    pg_ctl -t 200 -l /tmp/log -o "-k /tmp -c listen_addresses=''" -w start >/tmp/started || cat /tmp/started /tmp/log
    until pg_isready -q; do sleep 0.1; done
}
case $1 in
make)
    initdb --no-locale -E UTF8 -A trust >/tmp/made || cat /tmp/made
    start
    psql -q postgres -c 'create table t(id serial primary key, b text)'
    pg_ctl -m fast -w stop >/dev/null
    ;;
check)
    start
    echo "found $(psql -At postgres -c 'select max(id) from t having count(*) = count(b)')"
    psql -At postgres -c 'reindex table t'
    pg_ctl -m fast -w stop >/dev/null
    ;;
*)
    start
    while :; do echo "insert into t(b) values(repeat('x', 500)) returning id;"; done | psql -Atq postgres
    ;;
esac
S

round=0
committed=0
while [ $round -lt "${ROUNDS:-1}" ]; do
    round=$((round + 1))
    killed redis.img $((300 + round * 77)) --with /usr/bin/redis-server --with /usr/bin/redis-cli --with /bin/busybox /bin/busybox sh /redis
    run redis.img --with /usr/bin/redis-server --with /usr/bin/redis-cli --with /bin/busybox /bin/busybox sh /redis check
    kept redis.img
done

run postgres.img --with /bin/busybox /bin/busybox chmod 777 /data
# postgres ARGS...: with the server's files.
set -- --user postgres
for path in "/usr/lib/postgresql/$postgresql/bin" "/usr/lib/postgresql/$postgresql/lib" "/usr/share/postgresql/$postgresql" /bin/sh /bin/bash /bin/sleep /bin/cat \
    /usr/share/zoneinfo/UTC; do
    [ ! -e "$packages$path" ] || set -- "$@" --with "$path"
done
run postgres.img "$@" /bin/bash /postgres make || { bad 'initdb'; show out; show err; }
round=0
committed=0
while [ $round -lt "${ROUNDS:-1}" ]; do
    round=$((round + 1))
    killed postgres.img $((100 + round * 33)) "$@" /bin/bash /postgres work
    run postgres.img "$@" /bin/bash /postgres check
    kept postgres.img
done
finish
