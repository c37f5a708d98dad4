# shellcheck shell=bash disable=SC2034,SC2154 # read and set by prepare.sh
# SPDX-License-Identifier: MIT
# trinity, the fuzzer of system calls, as nobody: each case is a minute with another seed. All are an hour.
packages="trinity"
start=/tmp
memory=1G
minimum=60
sample=1
title="random system calls, a minute by each of 60 seeds"

list() { printf 'seed-%s\n' $(seq 60); }

build() { :; }

words() {
    printf '200\t/bin/sh\t-c\ttimeout -s INT 60 trinity -q -l off -X -C 4 -s %s; test $? = 124' "${1#seed-}"
}
