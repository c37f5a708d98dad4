#!/bin/bash
# SPDX-License-Identifier: MIT
# PostgreSQL 15 of Debian's packages, unpacked, as its own user: initdb, start, pgbench with four clients, the end of its postmaster by SIGKILL, recovery, a clean end.
set -u
top=$(cd "$(dirname "$0")/../.." && pwd)
ouro=${OURO:-$top/ouro}
packages=${PACKAGES:-$top/build/packages}/databases
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
"$top/test/packages/databases.sh" "$packages" > "$work/log" 2>&1 || { echo "skip: $(tail -n 1 "$work/log")"; exit 77; }
version=$(ls "$packages/usr/lib/postgresql")
mkdir -p "$work/root"/{etc,tmp}
printf 'root:x:0:0:root:/root:/bin/sh\npostgres:x:101:104::/tmp:/bin/sh\n' > "$work/root/etc/passwd"
printf 'root:x:0:\npostgres:x:104:\n' > "$work/root/etc/group"
chmod 1777 "$work/root/tmp"
cat > "$work/root/run" << 'END'
grep() { busybox grep "$@"; }
export PATH=$(echo /usr/lib/postgresql/*/bin):$PATH PGDATA=/tmp/data PGHOST=/tmp PGTZ=UTC
start() { pg_ctl -l /tmp/log -o "-k /tmp -c listen_addresses=''" -w start > /tmp/started || cat /tmp/started /tmp/log; }
count() { psql -At bench -c "select count(*), sum(delta) = (select sum(bbalance) from pgbench_branches) from pgbench_history"; }
initdb --no-locale -E UTF8 -A trust --no-sync > /tmp/made || cat /tmp/made
start
createdb bench
pgbench -i -q bench 2> /tmp/filled || cat /tmp/filled
pgbench -n -c 4 -t 25 bench 2>&1 | grep 'actually processed'
count
read -r postmaster < /tmp/data/postmaster.pid
kill -9 "$postmaster"
while kill -0 "$postmaster" 2> /dev/null; do sleep 0.1; done
sleep 1
start
grep -c 'automatic recovery in progress' /tmp/log
count
pg_ctl -m fast -w stop | tail -n 1
END
cat > "$work/expected" << 'END'
number of transactions actually processed: 100/100
100|t
1
100|t
server stopped
END
with=()
for path in "/usr/lib/postgresql/$version"/{bin,lib} "/usr/share/postgresql/$version" /bin/{busybox,sh,rm,sleep,cat,tail}; do
    with+=(--with "$path")
done
"$ouro" run --medium direct --machine microvm --cpus "${CPUS:-1}" --timeout $((280 * ${SLOW:-1})) -m 1G --sysroot "$packages" --user postgres --root "$work/root" "${with[@]}" \
    /bin/bash /run > "$work/out" 2> "$work/err" || { echo "FAIL: status $?"; tail -n 20 "$work/err"; }
diff -u "$work/expected" "$work/out" || { tail -n 40 "$work/err"; exit 1; }
