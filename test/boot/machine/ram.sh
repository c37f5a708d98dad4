#!/bin/sh
# SPDX-License-Identifier: MIT
# The boot's work does not grow with RAM: no more than 3 times the instructions with 16 GiB as with 256 MiB, in each back
# end of the page tables. A host with less RAM than that, on which QEMU gets no 16 GiB, compares with 2 GiB.
set -u
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$here/../lib.sh"
cd "$temp" || exit 1

large=16G
[ "$(awk '/^MemTotal/ { print $2 }' /proc/meminfo)" -gt 17000000 ] || large=2G

# count MEMORY MACHINE WORDS: thousands of instructions from the kernel's first to the program's, in $counted.
count() {
    "$OURO" run --memory "$1" --machine "$2" --qemu-arg -icount --qemu-arg shift=0,sleep=off \
        --append "tsc=1000000000 norandmaps bootchart $3" /bin/true >out 2>err </dev/null || bad "$*: status $?"
    counted=$(sed -n 's/^ouro: boot chart: \([0-9]*\) us .*/\1/p' err)
    [ "${counted:-0}" -ge 100 ] || { bad "$*: no count"; show err; counted=100000; }
}

# grows NAME SMALL LARGE
grows() {
    echo "$1: $2 thousand instructions with 256 MiB, $3 with $large"
    [ "$3" -gt $((3 * $2)) ]
}

# compare NAME MACHINE WORDS
compare() {
    count 256M "$2" "$3"
    small=$counted
    count "$large" "$2" "$3"
    grows "$1" "$small" "$counted" && bad "$1: the boot grows with RAM"
}

for way in recursive physmap offset identity temporary; do
    compare "$way" microvm "pagetables=$way"
done
compare pc pc '' # its RAM has a hole below 4 GiB
grows falsified 600 1801 || bad 'growth is not found'
finish
