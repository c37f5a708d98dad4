# shellcheck shell=bash disable=SC2034,SC2154 # read and set by prepare.sh
# SPDX-License-Identifier: MIT
# coreutils' tests over Debian's coreutils, which are the same version, in place of freshly built ones.
source=coreutils
packages="coreutils bash perl diffutils grep sed findutils mawk locales acl attr strace xz-utils dash"
tools="localedef"
start=/suite
memory=1G
native=1
skipped=77
minimum=400
sample=16
title="all tests that are scripts, as root and, what root skips, as nobody"

list() {
    (cd "$tree" && find tests -name '*.sh' -o -name '*.pl' -o -name '*.xpl') | grep -vE 'tests/(init|sample-test|factor/create-test|factor/run|other-fs-tmpdir|.*-check)' | sed 's,^tests/,,' | sort
}

build() {
    local name
    rm -rf "$root/suite"
    install "$tree/tests" suite
    install "$tree/init.cfg" "$tree/build-aux" suite
    install "$here/coreutils/run" suite
    mkdir -p "$root/suite/src"
    for name in $(bash "$tree/build-aux/gen-lists-of-programs.sh" --list-progs); do
        [ "$name" != ginstall ] || ln -s /usr/bin/install "$root/suite/src/ginstall"
        [ -L "$root/usr/bin/$name" ] || [ ! -x "$root/usr/bin/$name" ] || ln -s "/usr/bin/$name" "$root/suite/src/$name"
        [ ! -x "$root/usr/sbin/$name" ] || ln -s "/usr/sbin/$name" "$root/suite/src/$name"
    done
    install "$here/coreutils/getlimits" suite/src
    for name in UTIMENSAT LUTIMES LINKAT INOTIFY PTHREAD_T SETGROUPS MNTENT_H GETMNTENT OPENAT CAP; do
        echo "#define HAVE_$name 1"
    done > "$root/suite/config.h"
    printf '#define USE_%s 1\n' ACL XATTR >> "$root/suite/config.h"
    chmod -R a+rwX "$root/suite"
    chmod 1777 "$root/suite"
    locales fr_FR.ISO-8859-1 fr_FR.UTF-8 en_US.UTF-8
    ln -sfn fr_FR.iso88591 "$root/usr/lib/locale/fr_FR"
}

words() {
    printf '200\t./run\ttests/%s' "$1"
}
