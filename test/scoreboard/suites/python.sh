# shellcheck shell=bash disable=SC2034,SC2154 # read and set by prepare.sh
# SPDX-License-Identifier: MIT
# CPython's own tests. A case is a module.
packages="libpython3.11-testsuite python3.11"
start=/tmp
memory=1G
minimum=300
sample=6
title="CPython 3.11's modules"

list() {
    (cd "$root/usr/lib/python3.11/test" && ls -d test_* | sed 's/\.py$//' | sort -u)
}

build() {
    :
}

words() {
    printf '900\t/usr/bin/python3.11\t-m\ttest\t%s' "$1"
}
