# shellcheck shell=bash disable=SC2034,SC2154 # read and set by prepare.sh
# SPDX-License-Identifier: MIT
# busybox's test suite over Debian's busybox-static, whose configuration the source package holds. A case is all tests of a command.
source=busybox
tools="busybox"
start=/suite/testsuite
memory=512M
minimum=85
sample=12
title="commands of busybox-static, all tests of a command in one case"

list() {
    (cd "$tree/testsuite" && { ls -- *.tests | sed 's/\.tests$//' && find . -mindepth 1 -maxdepth 1 -type d | sed 's,^\./,,'; }) | sort -u
}

build() {
    install "$tree/testsuite" suite
    cp /bin/busybox "$root/suite"
    cat "$tree/debian/config/os/linux" "$tree/debian/config/pkg/static" > "$root/suite/.config"
}

words() {
    printf '300\t/bin/env\tSKIP_KNOWN_BUGS=y\tSKIP_INTERNET_TESTS=y\tLANG=C.UTF-8\tLC_ALL=C.UTF-8\tSHELL=/bin/sh\tECHO=/bin/echo\t./runtest\t-v\t%s' "$1"
}
