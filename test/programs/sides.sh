# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# sides.sh: common to run.sh and debian.sh: one case, run on this Linux and in Ouro, and the comparison.
#
# Environment: OURO    the front door or the host tool (default: ouro at the top level)
#              WORDS   more words for the kernel
#              EMULATOR  qemu (default) or bochs (run.sh)
#              KERNEL  another kernel than the tool's own (run.sh)
#              KEEP    a folder that keeps the outputs of cases that differ
#
# The Linux side runs in a copy of the same root folder, on a tmpfs of its own, so that both sides have the same files
# and the host is not changed (apart.py).
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ouro=${OURO:-$here/../../ouro}
case $ouro in /*) ;; *) ouro=$PWD/$ouro ;; esac
variables=(HOME=/root TERM=linux
    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C)

fail() {
    printf '%s\n' "$1" >&2
    exit 1
}

# skip REASON: ends the script with 77: this computer cannot run the case.
skip() {
    printf 'skip: %s\n' "$1"
    exit 77
}

trimmed() {
    local text=$1
    text=${text#"${text%%[![:space:]]*}"}
    printf '%s' "${text%"${text##*[![:space:]]}"}"
}

# names TABLE MARKS: prints the cases of a table, one a line.
names() {
    sed -n "s/^[$2]*\([a-z][^ |]*\) *|.*/\1/p" "$1"
}

# read_line TABLE MARKS NAME: sets marks and line (without the name).
# shellcheck disable=SC2034 # the caller's
read_line() {
    local found
    found=$(grep -E "^[$2]*$3[[:space:]]*\|" "$1") || fail "$3: there is no such case"
    marks=${found%%"$3"*}
    line=${found#*|}
}

# Sets the limits and the priority of a login, and closes descriptors that the caller left open.
# shellcheck disable=SC2016 # the inner shell expands its own words
as_from_a_login='
    renice -n 0 -p $$ > /dev/null 2>&1
    ulimit -c 0 -s 8192
    ulimit -Sn 1024
    for fd in /proc/self/fd/*; do
        fd=${fd##*/}
        [ "$fd" -le 2 ] || eval "exec $fd>&-"
    done'

# on_linux ROOT MOUNTS COMMAND...: runs the command in a copy of the folder, as from a login. MOUNTS is shell text for
# additional mounts ($at is the copy). Standard error is opened within: the outer shell prints a message of its own for
# a child that was killed.
on_linux() {
    mkdir -p "$work/at"
    : > "$work/2.linux"
    # shellcheck disable=SC2016
    "${apart[@]}" bash -c '
        from=$1 at=$2 errors=$3 words=$4
        shift 4
        [ "$place" != mounts ] || mount -t tmpfs -o mode=755 none "$at" || exit 99
        cp -a "$from/." "$at" || exit 99
        '"$2"'
        if [ "$place" = mounts ]; then
            mount --rbind /dev "$at/dev" && mount --rbind /proc "$at/proc" || exit 99
        else
            for node in /dev/{null,zero,full,random,urandom,tty}; do cp -a "$node" "$at/dev"; done
        fi
        '"$as_from_a_login"'
        cd "$at" && exec 2> "$errors" && eval "exec env -i $words chroot . \"\$@\""' \
        linux "$1" "$work/at" "$work/2.linux" "${variables[*]}" "${@:3}" 2> /dev/null
}

# both_sides ROOT MOUNTS INPUT COMMAND...: runs the command on Linux, and in Ouro the caller's function in_ouro. The
# input is a pipe on both sides, as Ouro makes of any standard input.
both_sides() {
    # shellcheck disable=SC2002
    cat "$3" | on_linux "$1" "$2" "${@:4}" > "$work/1.linux" 2> /dev/null
    echo $? > "$work/status.linux"
    # shellcheck disable=SC2002
    cat "$3" | (in_ouro) > "$work/1.ouro" 2> "$work/2.ouro"
    echo $? > "$work/status.ouro"
    # The tool's lines about files of this computer, behind the program's own.
    sed -i '/^ouro: .* is on this computer but was not packed: --with /d; /^ouro: and [0-9]* more, which --report/d' "$work/2.ouro"
}

# compare NAME SORT STREAM...: compares and ends the script. STREAM is 1, 2 or status. SORT=yes ignores the order of
# lines.
compare() {
    local name=$1 sort=$2 stream bad=0
    shift 2
    for stream; do
        if [ "$sort" = yes ]; then
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
    [ $bad = 0 ] && echo "ok   $name"
    exit $bad
}

# start_case: makes a work folder, removed at the end. Skips if the Linux side cannot run.
start_case() {
    work=$(mktemp -d "${TMPDIR:-/tmp}/ouro-case.XXXXXX") || exit 1
    trap 'rm -rf "$work"' EXIT
    trap 'exit 130' INT TERM HUP
    apart=("$here/apart.py")
    export place=mounts
    why=$("$here/apart.py" mount -t tmpfs none "$work" 2>&1) && return
    # A container has root that may make devices and a chroot.
    apart=()
    place=chroot
    if ! { cp -a /dev/null "$work/try" && : > "$work/try" && chroot / true; } 2> /dev/null; then
        skip "the Linux side cannot run: $why"
    fi
    case $marks in *@*) skip "the Linux side needs /proc, terminals or rights: $why" ;; esac
}
