# shellcheck shell=bash disable=SC2034,SC2154 # read and set by prepare.sh
# SPDX-License-Identifier: MIT
# jemalloc's unit and integration tests.
source=jemalloc
tools="gcc make"
start=/suite
memory=1G
minimum=85
sample=10
slow="unit/fb unit/rb"
title="unit and integration tests of jemalloc"

list() {
    (cd "$tree/test" && printf '%s\n' unit/*.c integration/*.c | sed 's/\.c$//')
}

# The script beside a case sets its options.
build() {
    local goals=tests_unit\ tests_integration
    [ -e "$tree/Makefile" ] || (cd "$tree" && { [ -e configure ] || autoconf; } && CFLAGS=-O1 ./configure --disable-doc --disable-cxx)
    [ "$1" = - ] || goals=$(printf 'test/%s ' "$@")
    # shellcheck disable=SC2086 # a list
    make -C "$tree" -k -j"$(nproc)" $goals || true
    mkdir -p "$root/suite/test"
    (cd "$tree/test" && find unit integration -name '*.sh' -o -type f -perm /100 ! -name '*.*' | tar -c -T -) | tar -x -C "$root/suite/test"
    cp "$tree/test/test.sh" "$root/suite/test"
    libraries "$root"/suite/test/unit/* "$root"/suite/test/integration/*
    install "$tree"/lib/libjemalloc.so.2 usr/lib/x86_64-linux-gnu
}

words() {
    [ -x "$root/suite/test/$1" ] || return 0
    printf '200\t/bin/sh\t-c\t[ ! -e test/%s.sh ] || { export enable_fill=1 enable_prof=0; . test/%s.sh; }; LD_LIBRARY_PATH=/usr/lib/x86_64-linux-gnu exec test/%s' "$1" "$1" "$1"
}
