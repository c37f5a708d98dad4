#!/bin/bash
# SPDX-License-Identifier: MIT
#
# prepare.sh SUITE FOLDER [CASE...]: fetches the suite's packages into FOLDER, builds the cases and makes in FOLDER/all, or,
# if cases of a source package are named, in FOLDER/sample
#   root/    the root folder of the machine
#   cases    name, seconds, program and arguments, with tabs between them
# and FOLDER/version, the version of the package.
# prepare.sh --list SUITE FOLDER: prints the names of the cases that the sources hold, one a line.
#
# Nothing is installed. Packages come from the archives that this machine's apt is configured for, checked by apt's signed
# index, with a private state. Status 77, with one sentence: they are not to be had here.
#
# suites/SUITE.sh says what the suite is:
#   source=NAME         Debian's source package, unpacked and patched in $tree
#   archive=NAME        binary package that holds a tar of sources, /usr/src/NAME.tar.xz: of it "keep", folders and files, is unpacked in $tree
#   packages="NAME..."  binary packages, unpacked with what they need as the root; with a source: besides it; NAME=source: of its version
#   tools="NAME..."     commands of this computer that build it
#   host=SCRIPT         runs the cases on this computer and starts the machines (redis.py); without it the cases run in the machine
#   among="START..."    the sample is drawn of the cases that begin so
#   sample=N slow="..." cases that are run with every commit, and those that are not among them
#   also="..."          cases that are among them, drawn or not
#   batch=N             cases a machine; as many as are good
#   boot=WORDS          for Ouro; a bad end after all cases is the last one's crash
#   native=1            Linux's verdicts are those of this computer's kernel (here.sh), and what fails there runs in a machine
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
    local version
    for version in "" $(private apt-cache madison "$source" | awk '{ print "=" $3 }'); do # an archive may lack its newest
        (cd "$folder/download" && private apt-get source --download-only "$source$version") > "$apt/log" 2>&1 && break
        rm -f "$folder"/download/*
    done
    [ -n "$(find "$folder/download" -name '*.dsc')" ] || absent "apt has no source package $source: $(grep -m 1 '^E:' "$apt/log")"
    exec 9>&-
    dpkg-source --no-check -x "$folder"/download/*.dsc "$tree" > "$folder/unpack.log" 2>&1 ||
        absent "dpkg-source cannot unpack $source"
    sed -n 's/^Version: //p' "$folder"/download/*.dsc | sed "s/^/$source /" > "$folder/version"
    touch "$tree/.unpacked"
}

# Unpacks a part of the tar in a binary package as $tree, once.
unpack() {
    [ -n "$archive" ] || return 0
    [ -e "$tree/.unpacked" ] && return
    rm -rf "$folder/download" "$tree"
    mkdir -p "$folder/download" "$tree"
    (cd "$folder/download" && apt-get download -q -o APT::Sandbox::User= "$archive") > "$folder/unpack.log" 2>&1 ||
        absent "apt has no package $archive: $(grep -m 1 '^E:' "$folder/unpack.log")"
    # A name that apt does not know is a pattern to it: linux-source-6.1 finds linux-source-6.12.
    [ -n "$(find "$folder/download" -name "${archive}_*.deb")" ] || absent "apt has no package $archive"
    # shellcheck disable=SC2046,SC2086 # lists
    dpkg-deb --fsys-tarfile "$folder"/download/*.deb | tar -xO "./usr/src/$archive.tar.xz" | xz -dc -T0 |
        tar -x -C "$tree" --strip-components=1 $(printf "$archive/%s " $keep)
    dpkg-deb -W "$folder"/download/*.deb | tr '\t' ' ' > "$folder/version"
    rm -rf "$folder/download"
    touch "$tree/.unpacked"
}

# Unpacks the binary packages as the root.
binaries() {
    [ -n "$packages" ] || return 0
    case $packages in *=source*) packages=${packages//=source/=$(sed 's/.* //' "$folder/version")} ;; esac
    # shellcheck disable=SC2086 # a list
    OURO_APT=$scoreboard/.apt-binary "$here/../packages/root.sh" "$root" $packages || exit
    [ -n "$source$archive" ] || { # the plan may be another suite's, if this one's root stood already
        sed -n "s/^Inst ${packages%% *} (\([^ ]*\) .*/${packages%% *} \1/p" "$scoreboard/.apt-binary/plan" > "$folder/version.new"
        if [ -s "$folder/version.new" ]; then mv "$folder/version.new" "$folder/version"; fi
    }
}

# install FILE... FOLDER: copies them into that folder of the root.
install() {
    mkdir -p "$root/${!#}"
    cp -a "${@:1:$#-1}" "$root/${!#}"
}

# libraries FILE...: copies the computer's shared libraries that these programs need into the root, at their own paths; also
# the one that libc loads to end a thread.
libraries() {
    {
        ldd "$@" 2> /dev/null | sed -n 's/.*=> \(\/[^ ]*\) .*/\1/p; s/^\t\(\/[^ ]*\) .*/\1/p'
        readlink -f "$(gcc -print-file-name=libgcc_s.so.1)"
    } | sort -u | while read -r file; do
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
    [ ! -x "$root/bin/dash" ] || ln -sf dash "$root/bin/sh" # as Debian's; busybox's runs commands of its own
    ln -sf ../proc/self/mounts "$root/etc/mtab"
}

# locales NAME.CHARSET...: makes them from the root's package locales, under the names by which libc looks them up.
locales() {
    local name charset out
    for name; do
        charset=${name#*.}
        out=${charset//-/}
        out=$root/usr/lib/locale/${name%.*}.${out,,}
        mkdir -p "${out%/*}"
        [ -e "$out" ] || I18NPATH=$root/usr/share/i18n localedef --no-archive -i "${name%.*}" -f "$charset" "$out" || true
    done
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
tree=$folder/tree out=$folder/all
source='' archive='' keep='' packages='' tools=''
# shellcheck source=/dev/null
. "$here/suites/$suite.sh"
[ $# -eq 0 ] || [ -z "$source$archive" ] || out=$folder/sample
root=$out/root
for tool in apt-get dpkg-source dpkg-deb $tools; do
    command -v "$tool" > /dev/null || absent "this computer has no $tool"
done
fetch
unpack
if [ "$mode" = list ]; then
    [ -n "$source$archive" ] || binaries > /dev/null
    list
    exit
fi
[ $# -gt 0 ] || set -- -
key="$* $(cksum < "$here/suites/$suite.sh") $(cksum < "$0")"
if [ "$(cat "$out/built" 2> /dev/null)" != "$key" ]; then
    [ -n "$packages" ] || rm -rf "$out"
    mkdir -p "$out"
    rm -f "$out/root.cpio" # Linux's
    binaries
    skeleton
    if ! build "$@" > "$out/build.log" 2>&1; then
        tail -n 20 "$out/build.log" >&2
        echo "$suite cannot be built: $out/build.log" >&2
        exit 1
    fi
    [ -z "$packages" ] || rm -rf "$root"/usr/share/{doc,man,info,i18n,lintian,locale,bash-completion}
    { [ "$1" = - ] && list || printf '%s\n' "$@"; } | while read -r name; do
        line=$(words "$name")
        [ -z "$line" ] || printf '%s\t%s\n' "$name" "$line"
    done > "$out/cases"
    echo "$key" > "$out/built"
fi
