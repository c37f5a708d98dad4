# shellcheck shell=bash disable=SC2034,SC2154 # read and set by prepare.sh
# SPDX-License-Identifier: MIT
# PostgreSQL's regression tests, by its pg_regress over Debian's server. They build on each other: postgresql/regress runs
# the whole parallel schedule once a machine, for the first case, and a case is the verdict of a test.
source=postgresql-15
packages="postgresql-15=source postgresql-client-15=source bash coreutils diffutils dash grep sed"
tools="gcc make"
start=/suite
memory=3G
minimum=200
sample=0
batch=1000
title="the parallel schedule of PostgreSQL's regression tests, with one server"

list() {
    sed -n 's/^test: //p' "$tree/src/test/regress/parallel_schedule" | tr -s ' ' '\n'
}

# regress.so goes with each server of a major version; what else the tests load comes with the server.
build() {
    local regress=$tree/src/test/regress server=$root/usr/lib/postgresql/15
    [ -e "$tree/src/Makefile.global" ] || (cd "$tree" && ./configure --without-readline --without-zlib)
    make -C "$tree/src/backend" generated-headers
    make -C "$regress" -j"$(nproc)" regress.so
    rm -rf "$root/suite" "$server"/lib/bitcode
    install "$regress"/{data,expected,sql,parallel_schedule,resultmap} suite
    install "$here/postgresql/regress" suite
    install "$regress/regress.so" "$server"/lib/{autoinc,refint}.so suite/lib
    grep -q ^postgres: "$root/etc/passwd" || echo postgres:x:901:901::/tmp:/bin/sh >> "$root/etc/passwd"
    grep -q ^postgres: "$root/etc/group" || echo postgres:x:901: >> "$root/etc/group"
}

words() {
    printf '3000\t/bin/bash\t/suite/regress\t%s' "$1"
}
