#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Runs Debian's programs of debian.txt on this Linux and in Ouro, and compares what they print and how they end.
#
#   debian.sh [NAME...]      no NAME: all cases
#
# Environment: OURO, JOBS, KEEP as in run.sh. On Linux the program runs in a root of its own, a tmpfs with the same
# small files as in the machine, over which this computer's /usr is mounted read-only.
set -u

here=$(cd "$(dirname "$0")" && pwd)
ouro=${OURO:-$here/../../ouro}
variables=(HOME=/ TERM=linux PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C)
namespace=-m
[ "$(id -u)" = 0 ] || namespace=-rm

make_root() {
    mkdir -p "$1"/{dev,proc,root,t,tmp,etc}
    cp "$here"/root/etc/{passwd,group,hosts,nsswitch.conf,resolv.conf,localtime} "$1/etc"
    chmod 1777 "$1/tmp"
    find "$1" -exec touch -h -d @1000000000 {} +
}

on_linux() {
    # The inner shell expands its own words.
    # shellcheck disable=SC2016
    unshare "$namespace" bash -c '
        from=$1 at=$2 errors=$3 words=$4
        shift 4
        mount -t tmpfs -o mode=755 none "$at" && cp -a "$from/." "$at" && mkdir "$at/usr" &&
            mount --bind -o ro /usr "$at/usr" && ln -s usr/bin usr/lib usr/lib64 usr/sbin "$at" &&
            mount --bind -o ro "$BUILT" "$at/t" && mount --rbind /dev "$at/dev" && mount --rbind /proc "$at/proc" || exit 99
        cp /etc/ld.so.cache "$at/etc"
        touch -d @1000000000 "$at/etc"
        ulimit -c 0 -s 8192
        ulimit -Sn 1024
        for fd in /proc/self/fd/*; do # what our caller forgot to close is not for the program
            fd=${fd##*/}
            [ "$fd" -le 2 ] || eval "exec $fd>&-"
        done
        cd "$at" && exec 2> "$errors" && eval "exec env -i $words chroot . \"\$@\""' \
        linux "$1" "$2" "$3" "${variables[*]}" "${@:4}" 2> /dev/null
}

in_ouro() {
    local root=$1 words=()
    shift
    for word in "${variables[@]}"; do
        words+=(-e "$word")
    done
    for word in $with; do
        words+=(--with "$word")
    done
    exec "$ouro" run --medium direct --machine microvm --timeout 300 -m 1G --append loglevel=3 \
        --root "$root" "${words[@]}" "$@"
}

trimmed() {
    local text=$1
    text=${text#"${text%%[![:space:]]*}"}
    printf '%s' "${text%"${text##*[![:space:]]}"}"
}

# name | packages | with | program | arguments, which may hold bars | input
read_case() {
    local line
    line=$(grep -E "^[12]*$1[[:space:]]*\|" "$here/debian.txt") || return 1
    marks=${line%%"$1"*}
    line=${line#*|}
    line=${line#*|}
    with=$(trimmed "${line%%|*}")
    line=${line#*|}
    program=$(trimmed "${line%%|*}")
    line=${line#*|}
    input=$(trimmed "${line##*|}")
    eval "arguments=(${line%|*})"
}

# built SOURCE: compiles a program of debian/ into a folder that is /t on Linux, unless it is there; says what it is called.
built() {
    local out=$BUILT/${1%.*}_${1##*.}
    (
        flock 9
        [ -x "$out" ] && exit
        case $1 in
        *.go) HOME=$WORK GOCACHE=$WORK/cache GO111MODULE=off CGO_ENABLED=0 go build -o "$out" "$here/debian/$1" ;;
        *.rs) rustc -O -C target-feature=+crt-static -o "$out" "$here/debian/$1" ;;
        esac
    ) 9> "$WORK/lock" >&2
    printf '%s' "/t/${out##*/}"
}

run_one() {
    local name=$1 work=$WORK/$1 marks with program input arguments=() bad=0
    read_case "$name" || { echo "FAIL $name: there is no such case"; return 1; }
    local native=$program
    if [ "${program#/}" = "$program" ]; then
        program=$(built "$program")
        native=$BUILT/${program##*/}
    fi
    [ -x "$native" ] || { echo "skip $name: no $program"; return 0; }
    mkdir -p "$work/at"
    : > "$work/2.linux"
    case $input in -) input=/dev/null ;; *) [ -e "$here/debian/$input" ] && input=$here/debian/$input || input=$here/root/data/$input ;; esac
    # Through a pipe on both sides: that is what Ouro makes of any standard input.
    # shellcheck disable=SC2002
    cat "$input" | on_linux "$WORK/root" "$work/at" "$work/2.linux" "$program" "${arguments[@]}" > "$work/1.linux"
    echo $? > "$work/status.linux"
    # shellcheck disable=SC2002
    cat "$input" | (in_ouro "$WORK/root" "$native" "${arguments[@]}") > "$work/1.ouro" 2> "$work/2.ouro"
    echo $? > "$work/status.ouro"
    for stream in 1 2 status; do
        [ "${marks#*"$stream"}" = "$marks" ] || continue
        cmp -s "$work/$stream.linux" "$work/$stream.ouro" && continue
        bad=1
        echo "FAIL $name: $stream differs (1 standard output, 2 standard error; - Linux, + Ouro)"
        diff -au "$work/$stream.linux" "$work/$stream.ouro" | sed -n '3,30p'
    done
    if [ $bad = 1 ] && [ -n "${KEEP:-}" ]; then
        mkdir -p "$KEEP/$name"
        cp "$work"/*.linux "$work"/*.ouro "$KEEP/$name"
    fi
    [ $bad = 0 ] && echo "ok   $name"
    return $bad
}

if [ "${1:-}" = --one ]; then
    report=$(run_one "$2") # as one piece: others write to the same log
    result=$?
    printf '%s\n' "$report"
    exit $((result != 0))
fi

case $ouro in /*) ;; *) ouro=$PWD/$ouro ;; esac
OURO=$ouro
WORK=$(mktemp -d) || exit 1
export OURO WORK
trap 'rm -rf "$WORK"' EXIT
trap 'exit 130' INT TERM HUP
BUILT=$WORK/built
mkdir "$BUILT"
export BUILT
make_root "$WORK/root"
if ! unshare "$namespace" mount -t tmpfs none "$WORK/root/tmp" 2> /dev/null; then
    echo "skip: no mount namespaces here, so the Linux side cannot run"
    exit 77
fi
if [ $# -eq 0 ]; then
    mapfile -t names < <(sed -n 's/^[12]*\([a-z][^ |]*\) *|.*/\1/p' "$here/debian.txt")
    set -- "${names[@]}"
fi
printf '%s\0' "$@" | xargs -0 -n 1 -P "${JOBS:-2}" "$0" --one > "$WORK/log" 2>&1
status=$?
cat "$WORK/log"
printf '%d passed, %d failed, %d skipped\n' "$(grep -c '^ok ' "$WORK/log")" \
    "$(grep '^FAIL' "$WORK/log" | cut -d: -f1 | sort -u | wc -l)" "$(grep -c '^skip ' "$WORK/log")"
exit $((status != 0))
