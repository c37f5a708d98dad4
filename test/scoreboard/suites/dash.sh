# shellcheck shell=bash disable=SC2034,SC2154 # read and set by prepare.sh
# SPDX-License-Identifier: MIT
# The scripts with which busybox tests its ash, run by Debian's dash and by bash as sh: dash/GROUP/NAME and sh/GROUP/NAME. The
# expected output is the script's .right: where dash and bash differ from ash they do so on Linux, too.
source=busybox
packages="dash bash coreutils diffutils grep sed findutils procps"
start=/suite/ash_test
memory=512M
minimum=90
sample=16
title="150 of the scripts of ash_test by dash and by bash, drawn by a fixed seed"

list() {
    (cd "$tree/shell/ash_test" && ls -- */*.tests | sed 's/\.tests$//' | sed 's,.*,dash/&\nsh/&,') | shuf -n 150 --random-source=<(yes 20261130) | sort
}

build() {
    rm -rf "$root/suite"
    install "$tree/shell/ash_test" suite
    gcc -w -o "$root/suite/ash_test/recho" "$tree/shell/ash_test/recho.c"
    gcc -w -o "$root/suite/ash_test/printenv" "$tree/shell/ash_test/printenv.c"
    mkdir -p "$root/suite/bin"
    ln -s /bin/bash "$root/suite/bin/sh"
    ln -s /bin/dash "$root/suite/bin/dash"
}

words() {
    local shell=/suite/bin/${1%%/*} path=${1#*/}
    printf '60\t/bin/bash\t-c\tcd "${1%%/*}" && export THIS_SH=$0 PATH=/suite/ash_test:$PATH && $0 ./"${1##*/}".tests > /tmp/out 2>&1; diff /tmp/out "${1##*/}".right\t%s\t%s' "$shell" "$path"
}
