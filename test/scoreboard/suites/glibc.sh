# shellcheck shell=bash disable=SC2034,SC2154 # read and set by prepare.sh
# SPDX-License-Identifier: MIT
# glibc's own tests, of the folders below, built against the installed libc: with its support library and
# without its internal headers. What needs those does not compile and is no case.
source=glibc
tools="gcc ar"
start=/suite
memory=1G
minimum=730
sample=60
title="tests of nptl, rt, posix, io, misc, stdio-common, time, socket, dirent, signal, malloc"
folders="nptl rt posix io misc stdio-common time socket dirent signal malloc sysdeps/pthread sysdeps/unix/sysv/linux"

list() {
    # shellcheck disable=SC2086 # a list
    (cd "$tree" && find $folders -maxdepth 1 -name '*.c' \( -name '*tst*' -o -name '*test*' -o -name 'bug*' \) \
        ! -name '*mod*' ! -name '*skeleton*' | sed 's/\.c$//' | sort)
}

# compile SOURCE OUT MORE...
compile() {
    gcc -std=gnu11 -O1 -w -D_GNU_SOURCE -DMODULE_NAME=testsuite -include "$here/glibc/glue.h" -I "$folder/include" \
        -I "$tree/support" -I "$tree/malloc" '-DSRCDIR_PATH="/suite"' '-DOBJDIR_PATH="/suite"' '-DINSTDIR_PATH="/usr"' \
        '-DOBJDIR_ELF_LDSO_PATH="/lib64/ld-linux-x86-64.so.2"' '-DLIBDIR_PATH="/usr/lib"' '-DSLIBDIR_PATH="/lib"' \
        '-DBINDIR_PATH="/usr/bin"' '-DSBINDIR_PATH="/usr/sbin"' '-DROOTSBINDIR_PATH="/sbin"' '-DSYSCONFDIR_PATH="/etc"' \
        '-DCOMPLOCALEDIR_PATH="/usr/lib/locale"' -o "$2" "$1" "${@:3}"
}

support() {
    local name
    rm -rf "$folder/include" "$folder/support"
    mkdir -p "$folder/include" "$folder/support"
    (cd "$folder/include" && touch config.h sysdep.h libc-config.h && ln -s "$tree/support" "$tree/malloc" "$tree/test-skeleton.c" \
        "$tree"/include/{array_length,intprops,libc-pointer-arith,scratch_buffer}.h "$tree/sysdeps/x86_64/stackinfo.h" \
        "$tree/sysdeps/unix/sysv/linux/socket-constants-time64.h" .)
    find "$tree/support" "$tree/malloc" \( -path '*/support/*.c' -o -name 'scratch_buffer*.c' -o -name 'dynarray*.c' \) \
        ! -name 'tst-*' ! -name '*-main.c' ! -name '*-container.c' ! -name '*-skeleton.c' -print0 |
        xargs -0 -P "$(nproc)" -I SOURCE bash -c 'compile SOURCE "$folder/support/$(basename SOURCE).o" -c || true'
    rm -f "$folder/libsupport.a"
    ar rc "$folder/libsupport.a" "$folder"/support/*.o
}

build() {
    local cases name
    export -f compile
    export here tree folder root
    [ -e "$folder/libsupport.a" ] || support
    cases=$([ "$1" = - ] && list || printf '%s\n' "$@")
    xargs -P "$(nproc)" -I CASE bash -c '[ -e "$folder/programs/CASE" ] || { mkdir -p "$folder/programs/$(dirname CASE)" &&
        compile "$tree/CASE.c" "$folder/programs/CASE" "$folder/libsupport.a" -s -pthread -lrt -lm -ldl -rdynamic; } || true' <<< "$cases"
    mkdir -p "$root/suite"
    (cd "$folder/programs" && xargs ls -d 2> /dev/null | tar -c -T -) <<< "$cases" | tar -x -C "$root/suite"
    libraries "$(find "$root/suite" -type f | head -n 1)"
    for name in libpthread.so.0 librt.so.1 libdl.so.2 libm.so.6; do
        install "/lib/x86_64-linux-gnu/$name" lib/x86_64-linux-gnu
    done
}

# The arguments stand in the Makefiles; the command that runs a program in glibc's build is here the program.
words() {
    [ -x "$root/suite/$1" ] || return 0
    local line arguments=()
    line=$(sed -n "s/^${1##*/}-ARGS *= *//p" "$tree/${1%/*}/Makefile" | head -n 1)
    line=${line//'$(host-test-program-cmd)'//suite/$1}
    line=${line//'$(objpfx)'//suite/${1%/*}/}
    case $line in *['$`\']*) line= ;; esac
    eval "arguments=($line)"
    printf '200\t./%s' "$1"
    [ -z "$line" ] || printf '\t%s' "${arguments[@]}"
}
