# shellcheck shell=bash disable=SC2034,SC2154 # read and set by prepare.sh
# SPDX-License-Identifier: MIT
# The tests of the garbage collector of Boehm, Demers and Weiser.
source=libgc
tools="cmake gcc ninja"
start=/suite
memory=1G
minimum=16
sample=4
slow="disclaim_weakmap_test gctest test_cpp"
title="tests of the garbage collector libgc"

list() {
    sed -n 's/^ *add_test(NAME \([a-z_]*\) .*/\1/p' "$tree/CMakeLists.txt" | sort -u
}

build() {
    cmake -S "$tree" -B "$folder/build" -G Ninja -DBUILD_SHARED_LIBS=OFF -Dbuild_tests=ON -Denable_cplusplus=ON
    ninja -C "$folder/build"
    mkdir -p "$root/suite"
    find "$folder/build" -type f -perm /100 ! -name '*.so*' -path '*test*' -exec cp {} "$root/suite" \;
    libraries "$root"/suite/*
}

words() {
    [ ! -x "$root/suite/$1" ] || printf '300\t./%s' "$1"
}
