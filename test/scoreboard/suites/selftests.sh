# shellcheck shell=bash disable=SC2034,SC2154 # read and set by prepare.sh
# SPDX-License-Identifier: MIT
# Linux's selftests of the folders below, of the version that Debian's kernel has, built against the installed headers. A case is
# a program or a script. What is not built: 32-bit programs, modules, and what needs libraries that are not there.
archive=linux-source-6.1
keep="tools/testing/selftests tools/include tools/scripts tools/arch/x86/include arch/x86/include/asm/desc_defs.h scripts include/vdso mm/gup_test.h lib/test_hmm_uapi.h Makefile"
tools="gcc make xz"
start=/suite
memory=1G
minimum=110
sample=25
also="ipc/msgque proc/proc-empty-vm"
slow="timers/inconsistency-check timers/threadtest timers/mqueue-lat vm/soft-dirty x86/syscall_numbering_64 pidfd/pidfd_poll_test"
title="Linux's selftests: nolibc, x86, mm, timers, futex, sigaltstack, rseq, proc, pidfd, exec, net, breakpoints and small ones"
folders="x86 vm timers futex/functional sigaltstack rseq proc pidfd exec net breakpoints
clone3 ipc kcmp membarrier memfd mincore mqueue openat2 size splice tmpfs"

selftests() { make -s -k --no-print-directory -C "$tree/tools/testing/selftests/$1" "${@:2}"; }

# The programs that the script of vm runs are cases of their own. Scripts that make networks with iproute2 and those of timers that
# take more than two minutes are left out.
list() {
    local name
    printf 'nolibc/%s\n' syscall:{0,10,20,30,40,50,60} stdlib
    for name in $folders; do
        selftests "$name" emit_tests COLLECTION="$name" 2> /dev/null | tr ':' '/' | while read -r name; do
            case $name in vm/run_vmtests.sh | timers/nsleep-lat | timers/set-timer-lat | timers/raw_skew) continue ;; net/*.sh | net/*.py) grep -q '\<ip ' "$tree/tools/testing/selftests/$name" && continue ;; esac
            echo "$name"
        done
    done
    sed -n 's/^TEST_GEN_FILES *+\{0,1\}= *\([a-z].*\)/vm\/\1/p' "$tree/tools/testing/selftests/vm/Makefile"
    printf 'timers/%s\n' valid-adjtimex adjtick freq-step set-tai set-2038 set-tz
}

# Headers and libraries that some of the programs need are not installed here: they are unpacked beside.
build() {
    local name more=$folder/libraries
    OURO_APT=$scoreboard/.apt-binary "$here/../packages/root.sh" "$more" libcap-dev libpopt-dev libnuma-dev || exit
    export C_INCLUDE_PATH=$more/usr/include LIBRARY_PATH=$more/usr/lib/x86_64-linux-gnu
    if [ "$1" = - ]; then
        for name in $folders; do
            selftests "$name" -j"$(nproc)" KHDR_INCLUDES=-D_GNU_SOURCE || true
        done
    else
        for name; do
            case $name in
            nolibc/* | net/*.sh | *.py | net/run_* | exec/*) ;;
            *.sh) selftests "${name%/*}" KHDR_INCLUDES=-D_GNU_SOURCE || true ;; # which runs the others of its folder
            *) selftests "${name%/*}" KHDR_INCLUDES=-D_GNU_SOURCE "$tree/tools/testing/selftests/$name" || true ;;
            esac
        done
    fi
    (cd "$tree/tools/testing/selftests/nolibc" && gcc -Os -w -static -nostdlib -fno-asynchronous-unwind-tables -fno-stack-protector \
        -include "$tree/tools/include/nolibc/nolibc.h" -o nolibc-test nolibc-test.c -lgcc)
    mkdir -p "$root/suite"
    # shellcheck disable=SC2086 # a list
    (cd "$tree/tools/testing/selftests" && tar -c nolibc $folders kselftest kselftest.h) | tar -x -C "$root/suite"
    libraries "$root/suite/timers/posix_timers" "$root/suite/rseq/basic_test" /bin/bash
    install "$LIBRARY_PATH"/lib{cap,popt,numa}.so.* /lib/x86_64-linux-gnu/lib{m,rt,dl,pthread}.so.? lib/x86_64-linux-gnu
    install /bin/bash bin
}

words() {
    local first=${1#*:}
    case $1 in
    nolibc/syscall:*) printf '200\tnolibc/nolibc-test\tsyscall:%d-%d' "$first" "$((first + 9))" ;;
    nolibc/*) printf '200\tnolibc/nolibc-test\t%s' "${1#*/}" ;;
    *) [ ! -x "$root/suite/$1" ] || printf '200\t/bin/sh\t-c\tcd %s && exec ./%s' "${1%/*}" "${1##*/}" ;;
    esac
}
