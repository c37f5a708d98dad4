# shellcheck shell=bash disable=SC2034,SC2154 # read and set by prepare.sh
# SPDX-License-Identifier: MIT
# The scripts with which busybox tests its ash, run by Debian's dash. The expected output is the script's .right: where dash differs
# from ash it does so on Linux, too.
source=busybox
packages="dash bash coreutils diffutils grep sed findutils procps"
tools="gcc"
start=/suite/ash_test
memory=512M
minimum=108
sample=16
title="150 of the scripts of ash_test by dash, drawn by a fixed seed"

list() {
    (cd "$tree/shell/ash_test" && ls -- */*.tests | sed 's/\.tests$//') | shuf -n 150 --random-source=<(yes 20261130) | sort
}

build() {
    rm -rf "$root/suite"
    install "$tree/shell/ash_test" suite
    gcc -w -o "$root/suite/ash_test/recho" "$tree/shell/ash_test/recho.c"
    gcc -w -o "$root/suite/ash_test/printenv" "$tree/shell/ash_test/printenv.c"
}

words() {
    printf '60\t/bin/bash\t-c\tcd "${0%%/*}" && export THIS_SH=/bin/dash PATH=/suite/ash_test:$PATH && dash ./"${0##*/}".tests > /tmp/out 2>&1; diff /tmp/out "${0##*/}".right\t%s' "$1"
}
