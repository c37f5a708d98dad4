# shellcheck shell=bash disable=SC2034,SC2154 # read and set by prepare.sh
# SPDX-License-Identifier: MIT
# libevent's regress without OpenSSL: event loops of all back ends, bufferevents, DNS, HTTP, RPC, threads. One program holds all.
source=libevent
tools="cmake gcc ninja python3"
start=/tmp
memory=512M
minimum=325
sample=40
title="event loops, bufferevents, DNS, HTTP, RPC, threads"

compile() {
    [ ! -e "$folder/names" ] || return 0
    cmake -S "$tree" -B "$folder/build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DEVENT__LIBRARY_TYPE=STATIC \
        -DEVENT__DISABLE_OPENSSL=ON -DEVENT__DISABLE_BENCHMARK=ON -DEVENT__DISABLE_SAMPLES=ON &&
        ninja -C "$folder/build" regress &&
        "$folder/build/bin/regress" --list-tests | sed -n 's/^ *\([a-z_]*\/[^ ]*\).*/\1/p' | sort -u > "$folder/names.part" &&
        mv "$folder/names.part" "$folder/names"
}

list() {
    compile > /dev/null
    cat "$folder/names"
}

build() {
    compile
    install "$folder/build/bin/regress" suite
    libraries "$folder/build/bin/regress"
}

words() {
    printf '200\t/suite/regress\t--verbose\t%s' "$1"
}
