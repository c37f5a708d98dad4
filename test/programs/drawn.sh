#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Debian programs, each with --version and with --help, on this Linux and in Ouro, packed by the rules alone: output and status
# must be the same.
#
#   drawn.sh --sample       the programs of drawn.txt that are installed
#   drawn.sh SEED [COUNT]   COUNT (60) programs, drawn from the installed packages' files in /usr/bin; prints a line each
#
# On Linux a program runs as nobody, in an empty folder, and is not process 1; so in Ouro (--init). One that does not end
# there, or that says different things in two runs, is not counted, and another one is drawn.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ouro=${OURO:-$here/../../ouro}
case $ouro in /*) ;; *) ouro=$PWD/$ouro ;; esac
work=$(mktemp -d "${TMPDIR:-/tmp}/ouro-test-XXXXXX")
trap 'rm -rf -- "$work"' EXIT
mkdir "$work/home" && chmod 777 "$work/home" && chmod 755 "$work"
# One time zone, and one order of hashes, in which programs of perl and Python print.
variables=(HOME=/nonexistent TERM=linux TZ=UTC PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
    PERL_HASH_SEED=0 PERL_PERTURB_KEYS=0 PYTHONHASHSEED=0)
as_nobody=() user=()
[ "$(id -u)" != 0 ] || as_nobody=(setpriv --reuid=65534 --regid=65534 --clear-groups) user=(--user nobody)

# on_linux OUT PROGRAM ARGUMENT: output of both streams, and the status, or 1 if it does not end.
on_linux() {
    (cd "$work/home" && timeout -k 1 $((5 * ${SLOW:-1})) env -i "${variables[@]}" "${as_nobody[@]}" "$2" "$3" </dev/null >"$1.out" 2>"$1.err")
    local status=$?
    echo "$status" >"$1.status"
    [ "$status" != 124 ] && [ "$status" != 137 ]
}

same() {
    cmp -s "$work/$1.out" "$work/$2.out" && cmp -s "$work/$1.err" "$work/$2.err" && cmp -s "$work/$1.status" "$work/$2.status"
}

# compare PROGRAM ARGUMENT: 0: the same, 1: not, 2: does not count.
compare() {
    on_linux "$work/a" "$@" && on_linux "$work/b" "$@" && same a b || return 2
    timeout -k 1 $((60 * ${SLOW:-1})) "$ouro" run --medium direct --machine microvm --init "${user[@]}" "${variables[@]/#/--env=}" --timeout $((50 * ${SLOW:-1})) "$@" </dev/null >"$work/o.out" 2>"$work/o.err"
    echo $? >"$work/o.status"
    # What the tool and the kernel say beside the program.
    sed -i '/^ouro: .* was not packed: --with/d; /^ouro: and [0-9]* more, /d; /^\[ *[0-9.]*\] linux: system call /d' "$work/o.err"
    sed -i '/Host CPU: /d; /--param=ggc-min-/d' "$work"/[abo].out # the machine's processor and memory are others
    same a o
}

counted=0 failed=0

# try PROGRAM
try() {
    local word result
    for word in --version --help; do
        compare "$1" "$word"
        result=$?
        [ "$result" -lt 2 ] || return
        [ "$result" = 1 ] || continue
        echo "differs: $1 $word"
        diff <(cat "$work"/a.{status,out,err}) <(cat "$work"/o.{status,out,err}) | head -n "${LINES_SHOWN:-6}" | cut -c 1-160 | sed 's/^/    /'
        failed=$((failed + 1)) counted=$((counted + 1))
        return
    done
    counted=$((counted + 1))
    [ "${VERBOSE:-}" = "" ] || echo "same: $1"
}

if [ "${1:-}" = --sample ]; then
    while read -r name; do
        case $name in '' | '#'*) continue ;; esac
        [ ! -x "/usr/bin/$name" ] || try "/usr/bin/$name"
    done <"$here/drawn.txt"
    wanted=1
else
    [ $# -ge 1 ] || { echo "usage: drawn.sh SEED [COUNT]" && exit 77; }
    wanted=${2:-60}
    while read -r program && [ "$counted" -lt "$wanted" ]; do
        [ ! -f "$program" ] || [ ! -x "$program" ] || try "$program"
    done < <(cat /var/lib/dpkg/info/*.list | grep '^/usr/bin/[^/]*$' | sort -u |
        awk -v seed="$1" 'BEGIN { srand(seed) } { printf "%.9f %s\n", rand(), $0 }' | sort | cut -d' ' -f2)
fi
echo "$counted programs, $failed differ"
[ "$counted" -ge "$wanted" ] || { echo "skip: too few of these programs are installed" && exit 77; }
[ "$failed" -eq 0 ]
