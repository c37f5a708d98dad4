# shellcheck shell=bash disable=SC2034,SC2154 # read and set by prepare.sh
# SPDX-License-Identifier: MIT
# SQLite's test programs: speedtest1, whose checksum is compared with this computer's, fuzzcheck with its data,
# threadtest3 and kvtest.
source=sqlite3
tools="gcc make tclsh"
start=/tmp
memory=1G
native=1
minimum=34
sample=4
among=kvtest
title="speedtest1 (verified), fuzzcheck, threadtest3, kvtest"

list() {
    printf 'speedtest1/%s\n' main orm cte fp rtree trigger
    printf 'fuzzcheck/%s\n' {1..8}
    sed -n 's/^ *{ *\([a-z0-9_]*\), *"\1", *[0-9]* *},*$/threadtest3\/\1/p' "$tree/test/threadtest3.c"
    printf 'kvtest/%s\n' files database blob-api update multitrans mmap
}

verified() { "$1" --verify --size 5 --testset "${2#*/}" ':memory:' | sed 's/  *[0-9.]*s$//'; }

build() {
    local name programs=(fuzzcheck kvtest speedtest1 threadtest3)
    [ "$1" = - ] || mapfile -t programs < <(printf '%s\n' "${@%/*}" | sort -u)
    [ -e "$tree/Makefile" ] || (cd "$tree" && ./configure --disable-shared --disable-tcl --disable-readline)
    make -C "$tree" -j"$(nproc)" LTLINK_EXTRAS=-DSQLITE_ENABLE_RTREE CFLAGS='-O1 -DSQLITE_ENABLE_RTREE' "${programs[@]}"
    mkdir -p "$root/suite"
    for name in "${programs[@]}"; do
        cp "$tree/$name" "$root/suite"
    done
    libraries "$tree/${programs[0]}"
    install /lib/x86_64-linux-gnu/lib{m,dl,pthread,z}.so.? lib/x86_64-linux-gnu
    case " ${programs[*]} " in *" fuzzcheck "*) cp "$tree"/test/fuzzdata?.db "$root/suite" ;; esac
    case " ${programs[*]} " in *" speedtest1 "*)
        for name in $(list | grep speedtest1); do
            verified "$tree/speedtest1" "$name" > "$root/suite/${name#*/}.expected"
        done
        ;;
    esac
}

words() {
    local name=${1#*/} k=/suite/kvtest
    [ -x "$root/suite/${1%/*}" ] || return 0
    case $1 in
    speedtest1/*)
        printf "300\t/bin/sh\t-c\t/suite/speedtest1 --verify --size 5 --testset %s x.db > out && sed 's/  *[0-9.]*s$//' out | cmp - /suite/%s.expected" "$name" "$name"
        ;;
    fuzzcheck/*) printf '900\t/suite/fuzzcheck\t/suite/fuzzdata%s.db' "$name" ;;
    threadtest3/*) printf '300\t/suite/threadtest3\t%s' "$name" ;;
    kvtest/*)
        printf '300\t/bin/sh\t-c\t%s' "$k init x.db --count 4k --size 4k --variance 3k && "
        case $name in
        files) printf %s "mkdir x && $k export x.db x && $k run x --count 4k --asc && $k run x --count 4k --random --update" ;;
        database) printf %s "$k run x.db --count 4k --random && $k stat x.db" ;;
        blob-api) printf %s "$k run x.db --count 4k --blob-api --desc" ;;
        update) printf %s "$k run x.db --count 2k --update --random --integrity-check" ;;
        multitrans) printf %s "$k run x.db --count 1k --multitrans --update --jmode wal --integrity-check" ;;
        mmap) printf %s "$k run x.db --count 4k --mmap 100m --asc --cache-size 10" ;;
        esac
        ;;
    esac
}
