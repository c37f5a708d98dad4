# shellcheck shell=bash disable=SC2034,SC2154 # read and set by prepare.sh
# SPDX-License-Identifier: MIT
# gawk's tests over Debian's gawk. A target of their makefile leaves its output in a file _TARGET if it is not what is expected.
source=gawk
packages="gawk make bash coreutils diffutils grep sed locales libmpfr6 dash"
tools="localedef"
start=/suite/test
memory=512M
minimum=197
sample=16
title="200 of the tests, drawn by a fixed seed: the language, pipes and coprocesses, extensions, locales, sockets"

list() {
    sed -n '/^[A-Z_]*_TESTS *=/,/[^\\]$/p' "$tree/test/Makefile.am" | sed 's/^[A-Z_]*=//; s/^[A-Z_]* *=//; s/\\$//' | tr -s ' \t' '\n\n' | grep . | sort -u |
        shuf -n 200 --random-source=<(yes 20261130) | sort
}

build() {
    rm -rf "$root/suite"
    install "$tree/test" suite
    cp "$tree/test/Makefile.in" "$root/suite/test/Makefile" # a test reads one
    install "$tree/awklib/eg" suite/awklib
    install "$tree"/extension/*.c suite/extension
    ln -s /usr/lib/x86_64-linux-gnu/gawk "$root/suite/extension/.libs"
    ln -s /usr/bin/gawk "$root/suite/gawk"
    locales en_US.UTF-8 en_US.ISO-8859-1 de_DE.UTF-8 fr_FR.UTF-8 ja_JP.UTF-8 ja_JP.EUC-JP ru_RU.UTF-8 ru_RU.KOI8-R
}

words() {
    printf '100\t/bin/bash\t-c\trm -f _*; make -s -f Makefile.am srcdir=. abs_srcdir=/suite/test abs_builddir=/suite/test top_srcdir=/suite EXEEXT= SHELL=/bin/bash "$0" && [ -z "$(ls _* 2> /dev/null)" ] || { cat _*; exit 1; }\t%s' "$1"
}
