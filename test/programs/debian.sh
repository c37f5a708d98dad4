#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Runs one of Debian's programs, from debian.txt, on this Linux and in Ouro, and compares output and exit status.
#
#   debian.sh --names        lists the cases
#   debian.sh NAME           one case
#
# sides.sh lists the environment variables. On Linux the program runs in a root of its own, a tmpfs with the same small
# files as in the machine, in which this computer's /usr is mounted read-only; in a container that may not mount, in a
# chroot with the files that the tool packs for the machine.
set -u
# shellcheck source-path=SCRIPTDIR source=sides.sh
. "$(dirname "$0")/sides.sh"

make_root() {
    mkdir -p "$1"/{dev,home,proc,root,run,t,tmp,etc,var/tmp}
    cp "$here"/root/etc/{passwd,group,hosts,nsswitch.conf,resolv.conf,os-release,services,protocols,machine-id,shells,localtime} "$1/etc"
    ln -s ../proc/self/mounts "$1/etc/mtab"
    chmod 1777 "$1/tmp" "$1/var/tmp"
    find "$1" -exec touch -h -d @1000000000 {} +
}

in_ouro() {
    local words=() word
    for word in "${variables[@]}"; do
        words+=(-e "$word")
    done
    for word in $with; do
        case $word in *[?*]*) continue ;; esac # a pattern of what another Debian has
        words+=(--with "$word")
    done
    "$ouro" run --medium direct --machine microvm --timeout $((600 * ${SLOW:-1})) -m 1G --append "loglevel=3 ${WORDS:-}" \
        ${packages:+--sysroot "$packages"} --root "$work/root" "${words[@]}" "$native" "${arguments[@]}"
}

# Unpacks the machine's files in $work/files.
unpack_files() {
    mkdir "$work/files" "$work/kept"
    (export OURO_QEMU=$here/../boot/fake-qemu.sh FAKE=late FAKE_KEEP=$work/kept && in_ouro) > "$work/log" 2>&1 < /dev/null
    (cd "$work/files" && cpio -idm --quiet < "$work/kept/root.cpio") && mkdir -p "$work/files/dev"
}

# build SOURCE OUT: compiles a program of debian/.
build() {
    case $1 in
    *.go) HOME=$work GOCACHE=$work/cache GO111MODULE=off CGO_ENABLED=0 go build -o "$2" "$here/debian/$1" ;;
    *.rs) rustc -O -C target-feature=+crt-static -o "$2" "$here/debian/$1" ;;
    esac
}

if [ "${1:-}" = --names ]; then
    names "$here/debian.txt" 12U@
    exit
fi
[ $# -eq 1 ] || fail "usage: debian.sh NAME"
name=$1
# name | packages | with | program | arguments, which may contain bars | input
read_line "$here/debian.txt" 12U@ "$name"
line=${line#*|}
with=$(trimmed "${line%%|*}")
line=${line#*|}
program=$(trimmed "${line%%|*}")
line=${line#*|}
input=$(trimmed "${line##*|}")
arguments=()
eval "arguments=(${line%|*})"
streams=()
for stream in 1 2 status; do
    case $marks in *"$stream"*) ;; *) streams+=("$stream") ;; esac
done

start_case
make_root "$work/root"
native=$program
built=$work/built
mkdir "$built"
if [ "${program#/}" = "$program" ]; then # a file of debian/, which is /t on Linux
    native=$built/${program%.*}_${program##*.}
    case $program in *.go) compiler=go ;; *) compiler=rustc ;; esac
    command -v $compiler > /dev/null || skip "no $compiler here"
    build "$program" "$native" || exit 1
    program=/t/${native##*/}
fi
case $program in *[?]*) # a version, of which the last is taken
    program=$(compgen -G "$program" | tail -n 1)
    native=$program ;;
esac
packages=''
# shellcheck disable=SC2154 # read_line() sets marks
case $marks in *U*)
    packages=${PACKAGES:-$here/../../build/packages}/servers
    "$here/../packages/servers.sh" "$packages" > "$work/log" 2>&1 || skip "$(sed -n '$s/^skip: //p' "$work/log")" ;;
esac
[ -x "$packages$native" ] || skip "no $name"
case $input in
-) input=/dev/null ;;
*) [ -e "$here/debian/$input" ] && input=$here/debian/$input || input=$here/root/data/$input ;;
esac
root=$work/root mounts=''
# shellcheck disable=SC2154 # start_case() sets it
if [ "$place" = chroot ]; then
    unpack_files || fail "$name: no files of the machine"
    root=$work/files program=$native
else
    export built usr=$packages/usr
    # shellcheck disable=SC2016 # the inner shell expands its own words
    mounts='mkdir "$at/usr" && mount --bind -o ro "$usr" "$at/usr" &&
        ln -s usr/bin usr/lib usr/lib64 usr/sbin "$at" && mount --bind -o ro "$built" "$at/t" || exit 99
        [ "$usr" != /usr ] || cp /etc/ld.so.cache "$at/etc" && touch -d @1000000000 "$at/etc"'
fi
both_sides "$root" "$mounts" "$input" "$program" "${arguments[@]}"
compare "$name" no "${streams[@]}"
