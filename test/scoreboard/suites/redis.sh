# shellcheck shell=bash disable=SC2034,SC2154 # read and set by prepare.sh
# SPDX-License-Identifier: MIT
# redis' own tests, run on this computer (redis.py) against Debian's redis-server in the machine, at its port,
# in the suite's mode for an external server, which leaves out those with the tags external:skip (they start servers of their own) and
# large-memory. suites/redis.tests has the names, which only a run tells: redis.py --cases.
source=redis
packages="redis-server tcl8.6"
host=redis.py
start=/
memory=1G
minimum=1900
among="unit/protocol/ unit/keyspace/ unit/pubsub/ unit/quit/ unit/type/incr/ unit/info-command/ unit/bitfield/"
sample=300
title="redis' own tests from outside over TCP: commands, scripts, transactions, blocking, expiry, persistence, tracking; not cluster"

list() {
    cat "$here/suites/redis.tests"
}

build() {
    mkdir -p "$out/conf"
    cp "$tree/tests/assets/default.conf" "$out/conf/redis.conf"
    ln -sf "$root/usr/bin/redis-cli" "$tree/src/redis-cli"
}

words() {
    printf '300\t%s' "${1%/*}"
}
