#!/bin/bash
# SPDX-License-Identifier: MIT
#
# prepare.sh SUITE FOLDER [CASE...]: fetches the suite's packages, builds the cases (default: all) and makes in FOLDER
#   root/   the root folder of the machine    version   the packages' versions
#   cases   name, seconds, program and arguments, with tabs between them
# prepare.sh --list SUITE FOLDER: prints the names of the cases that the sources hold, one a line.
#
# Nothing is installed. Packages come from the archives that this machine's apt is configured for, checked by apt's signed
# index, with a private state. Status 77, with one sentence: they are not to be had here.
#
# suites/SUITE.sh says what the suite is:
#   source=NAME         Debian's source package, unpacked and patched in $tree
#   packages="NAME..."  binary packages, unpacked with what they need as the root
#   tools="NAME..."     commands of this computer that build it
#   list                prints the names of all cases
#   build CASE...       builds these in $tree and puts what they need into $root; -: all
#   words CASE          prints seconds, program and arguments, or nothing: the case was not built
set -eu
here=$(cd "$(dirname "$0")" && pwd)

absent() {
    echo "$suite: $1"
    exit 77
}

private() {
    local command=$1
    shift
    "$command" -q -o "Dir::State=$apt/state" -o "Dir::State::status=$apt/status" -o "Dir::Cache=$apt/cache" \
        -o "Dir::Etc::SourceList=$apt/empty.list" -o "Dir::Etc::SourceParts=$apt/sources" \
        -o APT::Sandbox::User= -o Acquire::Retries=2 "$@"
}

# The machine's archives, asked for sources.
sources() {
    local file
    mkdir -p "$apt/sources" "$apt/state/lists/partial" "$apt/cache/archives/partial"
    : > "$apt/status"
    : > "$apt/empty.list"
    for file in /etc/apt/sources.list.d/*.sources; do
        [ ! -e "$file" ] || sed 's/^Types:.*/Types: deb-src/' "$file" > "$apt/sources/${file##*/}"
    done
    for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
        [ ! -e "$file" ] || sed -n 's/^deb\(-src\)\{0,1\} /deb-src /p' "$file" | sort -u > "$apt/sources/${file##*/}"
    done
    [ -n "$(find "$apt/updated" -mtime -1 2> /dev/null)" ] && return
    private apt-get update > "$apt/log" 2>&1 || absent "$(grep -m 1 '^E:' "$apt/log")"
    touch "$apt/updated"
}

# Unpacks the source package as $tree, once.
fetch() {
    [ -n "$source" ] || return 0
    [ -e "$tree/.unpacked" ] && return
    local apt=$scoreboard/.apt
    mkdir -p "$apt"
    exec 9> "$apt/lock"
    flock 9
    sources
    rm -rf "$folder/download" "$tree"
    mkdir -p "$folder/download"
    (cd "$folder/download" && private apt-get source --download-only "$source") > "$apt/log" 2>&1 ||
        absent "apt has no source package $source: $(grep -m 1 '^E:' "$apt/log")"
    exec 9>&-
    dpkg-source --no-check -x "$folder"/download/*.dsc "$tree" > "$folder/unpack.log" 2>&1 ||
        absent "dpkg-source cannot unpack $source"
    sed -n 's/^Version: //p' "$folder"/download/*.dsc | sed "s/^/$source /" > "$folder/version"
    touch "$tree/.unpacked"
}

# install FILE... FOLDER: copies them into that folder of the root.
install() {
    mkdir -p "$root/${!#}"
    cp -a "${@:1:$#-1}" "$root/${!#}"
}

# libraries FILE...: copies the shared libraries of these programs of the computer into the root, at their own paths.
libraries() {
    ldd "$@" 2> /dev/null | sed -n 's/.*=> \(\/[^ ]*\) .*/\1/p; s/^\t\(\/[^ ]*\) .*/\1/p' | sort -u | while read -r file; do
        [ -e "$root$file" ] || { mkdir -p "$root${file%/*}" && cp -L "$file" "$root$file"; }
    done
}

# A small root: busybox's commands, and the files that libc looks names up in.
skeleton() {
    mkdir -p "$root"/{bin,dev,etc,proc,root,run,sys,tmp,usr/bin,var/tmp}
    cp "$here/../programs/root/etc"/{passwd,group,hosts,nsswitch.conf,resolv.conf,services,protocols,localtime,shells} "$root/etc"
    chmod 1777 "$root/tmp" "$root/var/tmp"
    cp /bin/busybox "$root/bin"
    local name
    for name in $(/bin/busybox --list); do
        [ -e "$root/bin/$name" ] || ln -s busybox "$root/bin/$name"
    done
    ln -sf ../proc/self/mounts "$root/etc/mtab"
}

mode=build
if [ "${1-}" = --list ]; then
    mode=list
    shift
fi
[ $# -ge 2 ] || { echo "usage: prepare.sh [--list] SUITE FOLDER [CASE...]" >&2 && exit 125; }
suite=$1
mkdir -p "$2"
folder=$(cd "$2" && pwd)
shift 2
scoreboard=$(dirname "$folder")
tree=$folder/tree root=$folder/root
source='' packages='' tools=''
# shellcheck source=/dev/null
. "$here/suites/$suite.sh"
for tool in apt-get dpkg-source dpkg-deb $tools; do
    command -v "$tool" > /dev/null || absent "this computer has no $tool"
done
fetch
if [ "$mode" = list ]; then
    list
    exit
fi
[ $# -gt 0 ] || set -- -
if [ "$(cat "$folder/built" 2> /dev/null)" != "$* $(cksum "$here/suites/$suite.sh")" ]; then
    rm -rf "$root" "$folder/built"
    if [ -n "$packages" ]; then
        # shellcheck disable=SC2086 # a list
        OURO_APT=$scoreboard/.apt-binary "$here/../packages/root.sh" "$root" $packages
    fi
    skeleton
    build "$@" > "$folder/build.log" 2>&1 || { tail -n 20 "$folder/build.log" >&2 && echo "$suite: cannot be built: $folder/build.log" >&2 && exit 1; }
    { [ "$1" = - ] && list || printf '%s\n' "$@"; } | while read -r name; do
        line=$(words "$name")
        [ -z "$line" ] || printf '%s\t%s\n' "$name" "$line"
    done > "$folder/cases"
    echo "$* $(cksum "$here/suites/$suite.sh")" > "$folder/built"
fi
