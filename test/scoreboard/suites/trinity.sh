# shellcheck shell=bash disable=SC2034,SC2154 # read and set by prepare.sh
# SPDX-License-Identifier: MIT
# trinity, the fuzzer of system calls, as nobody: each case is a minute with another seed, in a machine of its own whose invariants are
# checked at its end. All are an hour. Its own sockets are left out: its generator of socket options reads address 0x21.
packages="trinity"
start=/tmp
memory=1G
minimum=60
sample=1
batch=1
boot=check-at-end
title="random system calls, a minute by each of 60 seeds"

list() { printf 'seed-%s\n' $(seq 60); }

build() {
    echo "nobody:x:65534:65534::/nonexistent:/usr/sbin/nologin" >> "$root/etc/passwd"
    echo "nogroup:x:65534:" >> "$root/etc/group"
}

words() {
    printf '200\t/bin/su\t-s\t/bin/sh\tnobody\t-c\ttimeout -s INT 60 trinity -q -l off -a 64 -C 4 -s %s --disable-fds=sockets > out; tail -n 60 out; grep "Ran [0-9]* syscalls" out' "${1#seed-}"
}
