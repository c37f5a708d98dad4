# shellcheck shell=bash disable=SC2034,SC2154 # read and set by prepare.sh
# SPDX-License-Identifier: MIT
# libuv's tests: loops, TCP, UDP, pipes, processes, signals, files, threads. One program holds all.
source=libuv1
tools="cmake gcc ninja"
start=/suite
memory=512M
minimum=360
sample=40
title="loops, TCP, UDP, pipes, processes, signals, files, threads"

list() {
    sed -n 's/^ *TEST_ENTRY\(_CUSTOM\)\{0,1\} *(\([a-z0-9_]*\).*/\2/p' "$tree/test/test-list.h" | sort -u
}

build() {
    cmake -S "$tree" -B "$folder/build" -G Ninja -DCMAKE_BUILD_TYPE= -DCMAKE_C_FLAGS=-O1 -DLIBUV_BUILD_TESTS=ON -DBUILD_TESTING=ON
    ninja -C "$folder/build" uv_run_tests
    install "$folder/build/uv_run_tests" suite
    install "$tree/test" suite
    install "$folder"/build/libuv.so.1* usr/lib/x86_64-linux-gnu
    libraries "$folder/build/uv_run_tests"
    UV_RUN_AS_ROOT=1 "$folder/build/uv_run_tests" --list > "$folder/built-cases"
}

words() {
    ! grep -qx "$1" "$folder/built-cases" || printf '300\t/bin/env\tUV_RUN_AS_ROOT=1\tUV_TEST_TIMEOUT_MULTIPLIER=5\t./uv_run_tests\t%s' "$1"
}
