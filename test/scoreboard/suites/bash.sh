# shellcheck shell=bash disable=SC2034,SC2154 # read and set by prepare.sh
# SPDX-License-Identifier: MIT
# bash's tests over Debian's bash, on a terminal and not as root; a case is one of their scripts run-CASE, whose result is what
# differs from the expected output.
source=bash
packages="bash coreutils diffutils grep sed findutils procps bsdutils locales ncurses-bin ncurses-base dash"
tools="gcc localedef"
start=/suite/tests
memory=512M
minimum=80
sample=16
slow="array assoc builtins coproc dollars exp-tests func ifs-posix jobs more-exp new-exp posixexp procsub test trap"
title="the shell: expansions, jobs, traps, redirections, coprocesses, completion"

list() {
    (cd "$tree/tests" && ls run-* | sed 's/^run-//' | grep -vxE 'all|minimal|gprof|.*~|.*\.orig' | sort)
}

build() {
    local name
    rm -rf "$root/suite"
    touch "$folder/config.h"
    install "$tree/tests" suite
    for name in config.h version.h; do # a test compares copies of them
        cp "$tree/config.h.in" "$root/suite/$name"
    done
    install "$tree/y.tab.c" suite
    for name in recho zecho printenv xcase; do
        gcc -w -DHAVE_CONFIG_H -DHAVE_STDLIB_H -DHAVE_UNISTD_H -I "$folder" -I "$tree" -o "$root/suite/tests/$name" "$tree/support/$name.c"
    done
    chmod -R a+rwX "$root/suite"
    locales en_US.UTF-8 en_US.ISO-8859-1 fr_FR.ISO-8859-1 ja_JP.SHIFT_JIS zh_TW.BIG5 zh_HK.BIG5-HKSCS de_DE.UTF-8
}

words() {
    printf '300\t/bin/env\tTHIS_SH=/bin/bash\tBUILD_DIR=/suite\tTMPDIR=/tmp\tHOME=/suite\tBASH_TSTOUT=/tmp/bashtst\tPATH=/suite/tests:/usr/sbin:/usr/bin:/sbin:/bin\t/usr/sbin/chroot\t--userspec=65534:65534\t--skip-chdir\t/\t/usr/bin/script\t-qec\tcd /suite/tests; exec bash run-%s\t/dev/null' "$1"
}
