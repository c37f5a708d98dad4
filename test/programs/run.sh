#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Runs the programs of cases.txt on this Linux and in Ouro, and compares what they print and how they end.
#
#   run.sh BINARIES [NAME...]     BINARIES: folder with the compiled programs; no NAME: all cases
#
# Environment: OURO    the front door or the host tool (default: ouro at the top level)
#              JOBS    machines at a time (default 2)
#              WORDS   more words for the kernel
#              KERNEL  another kernel than the tool's own
#              KEEP    a folder that keeps the outputs of cases that differ
#
# The Linux side runs in a copy of the same root folder, on a tmpfs of its own, so that both sides see the same
# files and none of it touches the host: as root, or as root of a user namespace.
set -u

here=$(cd "$(dirname "$0")" && pwd)
ouro=${OURO:-$here/../../ouro}
variables=(HOME=/ TERM=linux
    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C)

fail() {
    printf '%s\n' "$1" >&2
    exit 1
}

# make_base DIR: what every root folder holds.
make_base() {
    mkdir -p "$1"/{bin,dev,proc,root,sys,t,tmp}
    cp -R "$here/root/." "$1"
    ln -s passwd "$1/etc/link"
    (cd "$1/data" && gzip -nc words.txt > words.txt.gz &&
        tar --format=ustar --mtime=@1000000000 --owner=0 --group=0 --numeric-owner --mode=0644 \
            -cf archive.tar words.txt numbers.txt)
    (mkdir "$1/exec" && cd "$1/exec" && : > empty && cp /bin/true dynamic &&
        head -c 100 dynamic > truncated && ln -s empty link && echo '#!/exec/script-loop' > script-loop &&
        echo '#!/missing -x' > script-missing && echo '#!' > script-nobody && echo '#!  ' > script-blank &&
        echo '#!/etc' > script-folder && printf '#!/missing' > script-short && chmod 755 -- *)
    chmod -R u=rwX,go=rX "$1"
    chmod 755 "$1/etc/script"
    chmod 1777 "$1/tmp"
    find "$1" -exec touch -h -d @1000000000 {} +
}

# on_linux ROOT PLACE ERRORS COMMAND...: in a copy of the folder, as Linux would run it from a login without limits
# of its own. Standard error is opened within, because this shell has words of its own for a child that was killed.
on_linux() {
    local flags=-m
    [ "$(id -u)" = 0 ] || flags=-rm
    # The inner shell expands its own words.
    # shellcheck disable=SC2016
    unshare "$flags" bash -c '
        from=$1 at=$2 errors=$3 words=$4
        shift 4
        mount -t tmpfs -o mode=755 none "$at" && cp -a "$from/." "$at" &&
            mount --rbind /dev "$at/dev" && mount --rbind /proc "$at/proc" || exit 99
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
    [ -z "${KERNEL:-}" ] || words+=(--kernel "$KERNEL")
    cd "$root" && exec "$ouro" run --medium direct --machine microvm --timeout 60 \
        --append "loglevel=3 ${WORDS:-}" --root . "${words[@]}" "$@"
}

# The case's fields, cut at the first two bars and at the last.
read_case() {
    local line
    line=$(grep -E "^[~2!]*$1[[:space:]]*\|" "$here/cases.txt") || fail "$1: there is no such case"
    marks=${line%%"$1"*}
    line=${line#*|}
    binary=${line%%|*}
    binary=${binary//[[:space:]]/}
    line=${line#*|}
    input=${line##*|}
    input=${input//[[:space:]]/}
    eval "arguments=(${line%|*})"
}

# One case; prints a line, returns 1 when the sides differ, 77 when this machine cannot tell.
run_one() {
    local name=$1 work=$2/$1 typed
    local marks binary input arguments=()
    read_case "$name"
    case $marks in *!*) [ "$(id -u)" = 0 ] || { echo "skip $name: needs root"; return 77; } ;; esac
    mkdir -p "$work/linux"
    : > "$work/2.linux"
    cp -a "$2/base" "$work/root"
    typed=$binary
    if [ "${binary#/}" != "$binary" ]; then
        [ -x "$binary" ] || { echo "skip $name: no $binary"; return 77; }
        cp /bin/busybox /bin/bash-static "$work/root/bin" 2> /dev/null
    else
        typed=t/$binary
        cp "$BINARIES/$binary" "$work/root/t/" || return 1
        sed -i "s,/t/exec,/t/$binary," "$work/root/etc/script"
    fi
    find "$work/root" -newermt @1000000001 -exec touch -h -d @1000000000 {} +
    if [ "$input" = - ]; then
        input=/dev/null
    else
        input=$2/base/data/$input
    fi
    # Through a pipe on both sides: that is what Ouro makes of any standard input.
    # shellcheck disable=SC2002
    cat "$input" | on_linux "$work/root" "$work/linux" "$work/2.linux" "$typed" "${arguments[@]}" \
        > "$work/1.linux" 2> /dev/null
    echo $? > "$work/status.linux"
    # shellcheck disable=SC2002
    cat "$input" | (in_ouro "$work/root" "$typed" "${arguments[@]}") \
        > "$work/1.ouro" 2> "$work/2.ouro"
    echo $? > "$work/status.ouro"
    compare "$name" "$work" "$marks"
}

compare() {
    local name=$1 work=$2 marks=$3 stream bad=0
    for stream in 1 2 status; do
        [ "$stream" = 2 ] && [ "${marks#*2}" != "$marks" ] && continue
        if [ "${marks#*\~}" != "$marks" ]; then
            sort -o "$work/$stream.linux" "$work/$stream.linux"
            sort -o "$work/$stream.ouro" "$work/$stream.ouro"
        fi
        cmp -s "$work/$stream.linux" "$work/$stream.ouro" && continue
        bad=1
        printf 'FAIL %s: %s differs (- Linux, + Ouro)\n' "$name" \
            "$(sed -n "s/^$stream //p" <<< $'1 standard output\n2 standard error\nstatus exit status')"
        diff -au "$work/$stream.linux" "$work/$stream.ouro" | sed -n '3,40p'
    done
    if [ $bad = 1 ] && [ -n "${KEEP:-}" ]; then
        mkdir -p "$KEEP/$name"
        cp "$work"/*.linux "$work"/*.ouro "$KEEP/$name"
    fi
    rm -rf "$work"
    [ $bad = 0 ] && echo "ok   $name"
    return $bad
}

if [ "${1:-}" = --one ]; then
    report=$(run_one "$2" "$WORK") # as one piece: others write to the same log
    result=$?
    printf '%s\n' "$report"
    case $result in
    0 | 77) exit 0 ;;
    *) exit 1 ;;
    esac
fi

[ $# -ge 1 ] || fail "usage: run.sh BINARIES [NAME...]"
BINARIES=$(cd "$1" && pwd) || exit 1
shift
case $ouro in /*) ;; *) ouro=$PWD/$ouro ;; esac
OURO=$ouro
WORK=$(mktemp -d) || exit 1
export BINARIES OURO WORK
trap 'rm -rf "$WORK"' EXIT
trap 'exit 130' INT TERM HUP

make_base "$WORK/base"
# Can this machine play Linux at all?
flags=-m
[ "$(id -u)" = 0 ] || flags=-rm
if ! unshare "$flags" mount -t tmpfs none "$WORK/base/tmp" 2> /dev/null; then
    echo "skip: no mount namespaces here, so the Linux side cannot run"
    exit 77
fi
if [ $# -eq 0 ]; then
    mapfile -t names < <(sed -n 's/^[~2!]*\([a-z][^ |]*\) *|.*/\1/p' "$here/cases.txt")
    set -- "${names[@]}"
fi
printf '%s\0' "$@" | xargs -0 -n 1 -P "${JOBS:-2}" "$0" --one > "$WORK/log" 2>&1
status=$?
cat "$WORK/log"
printf '%d passed, %d failed, %d skipped\n' "$(grep -c '^ok ' "$WORK/log")" \
    "$(grep '^FAIL' "$WORK/log" | cut -d: -f1 | sort -u | wc -l)" "$(grep -c '^skip ' "$WORK/log")"
exit $((status != 0))
