#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Runs a program of cases.txt on this Linux and in Ouro, and compares output and exit status.
#
#   run.sh --names               lists the cases
#   run.sh --base DIR            makes the root folder that all cases start from (the build does, once)
#   run.sh BINARIES BASE NAME    one case. BINARIES: folder with the compiled programs; BASE: the DIR of --base
#
# sides.sh lists the environment variables.
set -u
# shellcheck source-path=SCRIPTDIR source=sides.sh
. "$(dirname "$0")/sides.sh"

# make_base DIR: makes the files that every root folder holds.
make_base() {
    mkdir -p "$1"/{bin,dev,home,proc,root,run,sys,t,tmp,var/tmp}
    cp -R "$here/root/." "$1"
    ln -s passwd "$1/etc/link"
    ln -s ../proc/self/mounts "$1/etc/mtab"
    (cd "$1/data" && gzip -nc words.txt > words.txt.gz &&
        tar --format=ustar --mtime=@1000000000 --owner=0 --group=0 --numeric-owner --mode=0644 \
            -cf archive.tar words.txt numbers.txt)
    (mkdir "$1/exec" && cd "$1/exec" && : > empty && cp /bin/true dynamic &&
        head -c 100 dynamic > truncated && ln -s empty link && echo '#!/exec/script-loop' > script-loop &&
        echo '#!/missing -x' > script-missing && echo '#!' > script-nobody && echo '#!  ' > script-blank &&
        echo '#!/etc' > script-folder && printf '#!/missing' > script-short && chmod 755 -- *)
    chmod -R u=rwX,go=rX "$1"
    chmod 755 "$1/etc/script"
    chmod 1777 "$1/tmp" "$1/var/tmp"
    find "$1" -exec touch -h -d @1000000000 {} +
}

in_ouro() {
    local words=() word
    for word in "${variables[@]}"; do
        words+=(-e "$word")
    done
    [ -z "${KERNEL:-}" ] || words+=(--kernel "$KERNEL")
    local machine=(--medium direct --machine microvm --timeout $((180 * ${SLOW:-1})))
    [ "${EMULATOR:-qemu}" = qemu ] || machine=(--emulator "$EMULATOR" --timeout $((300 * ${SLOW:-1})))
    [ -z "${CPUS:-}" ] || machine+=(--cpus "$CPUS")
    cd "$work/root" && exec "$ouro" run "${machine[@]}" --append "loglevel=3 ${WORDS:-}" --root . --bare "${words[@]}" "${command[@]}"
}

case ${1:-} in
--names)
    names "$here/cases.txt" '~2!@'
    exit
    ;;
--base)
    rm -rf "$2" && make_base "$2"
    exit
    ;;
esac
[ $# -eq 3 ] || fail "usage: run.sh BINARIES BASE NAME"
binaries=$1 base=$2 name=$3
read_line "$here/cases.txt" '~2!@' "$name"
binary=$(trimmed "${line%%|*}")
line=${line#*|}
input=$(trimmed "${line##*|}")
arguments=()
eval "arguments=(${line%|*})"
streams=(1 2 status) sort=no
# shellcheck disable=SC2154 # read_line() sets marks
case $marks in *!*) [ "$(id -u)" = 0 ] || skip "needs root" ;; esac
case $marks in *2*) streams=(1 status) ;; esac
case $marks in *"~"*) sort=yes ;; esac

start_case
cp -a "$base" "$work/root" || exit 1
if [ "${binary#/}" != "$binary" ]; then
    [ -x "$binary" ] || skip "no $binary"
    cp /bin/busybox /bin/bash-static "$work/root/bin" 2> /dev/null
else
    cp "$binaries/$binary" "$work/root/t/" || exit 1
    sed -i "s,/t/exec,/t/$binary," "$work/root/etc/script"
    binary=t/$binary
fi
find "$work/root" -newermt @1000000001 -exec touch -h -d @1000000000 {} +
if [ "$input" = - ]; then input=/dev/null; else input=$base/data/$input; fi
command=("$binary" "${arguments[@]}")
both_sides "$work/root" '' "$input" "${command[@]}"
compare "$name" $sort "${streams[@]}"
