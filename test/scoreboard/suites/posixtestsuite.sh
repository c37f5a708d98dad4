# shellcheck shell=bash disable=SC2034 # read by prepare.sh
# SPDX-License-Identifier: MIT
# The Open POSIX Test Suite: conformance, and what of functional and stress is built by the same rules. Its own flags make
# an error of each warning of a newer compiler, so they are given without -Werror. Scripts that run nothing but say that another
# case tests the same are left out.
source=posixtestsuite
tools="gcc make"
start=/suite
memory=512M
minimum=1500
title="POSIX interfaces, forking ones too"

list() {
    (cd "$tree" && ./locate-test --execs . | sed 's/\.test$//; s,^\./,,' | sort -u | while read -r name; do
        [ -f "$name.c" ] || grep -q '\.test' "$name.sh" || continue
        echo "$name"
    done)
}

# The files of the cases' folders, for all cases all: a case may run another.
build() {
    local targets=(build-tests) files
    [ "$1" = - ] || mapfile -t targets < <(cd "$tree" && for name; do ls "${name%/*}"/*-core*.c "$name.c" 2> /dev/null || true; done | sort -u | sed 's/\.c$/.test/')
    make -C "$tree" -s -k -j"$(nproc)" CFLAGS="-O1 -w -std=gnu99 -D_POSIX_C_SOURCE=200112L" "${targets[@]}" || true
    if [ "$1" = - ]; then
        files=$(cd "$tree" && find conformance functional stress -name '*.test' -o -name '*.sh')
    else
        files=$(cd "$tree" && ls "${targets[@]}" "${@/%/.sh}" 2> /dev/null || true)
    fi
    mkdir -p "$root/suite"
    (cd "$tree" && tar -c -T -) <<< "$files" | tar -x -C "$root/suite"
    libraries "$(find "$root/suite" -name '*.test' | head -n 1)"
}

words() {
    if [ -f "$tree/$1.test" ]; then
        printf '240\t./%s.test' "$1"
    elif [ -f "$tree/$1.sh" ]; then
        printf '240\t/bin/sh\t./%s.sh' "$1"
    fi
}
