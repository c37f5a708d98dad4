# shellcheck shell=bash disable=SC2034,SC2154 # read and set by prepare.sh
# SPDX-License-Identifier: MIT
# The tests of libatomic_ops, of trixie's sources: of bookworm's package archives may have lost the files. Upstream's tar alone.
source=libatomic-ops
release=trixie
tools="cmake gcc ninja"
start=/tmp
native=1
minimum=5
sample=5
title="tests of the atomic operations library, the sources of Debian 13"

# shellcheck source=/dev/null
. "$here/upstream.sh"
fetch() { upstream; }

list() {
    sed -n 's/^ *add_test(NAME \([a-z_]*\) .*/\1/p' "$tree/CMakeLists.txt" | sort
}

build() {
    cmake -S "$tree" -B "$folder/build" -G Ninja -Dbuild_tests=ON -DBUILD_SHARED_LIBS=OFF
    ninja -C "$folder/build"
    mkdir -p "$root/suite"
    find "$folder/build" -type f -perm /100 -name 'test_*' -exec cp {} "$root/suite" \;
    libraries "$root"/suite/*
}

words() {
    [ ! -x "$root/suite/$1" ] || printf '300\t/suite/%s' "$1"
}
