#!/bin/sh
# SPDX-License-Identifier: MIT
# tsc.sh: the clocks. The frequency of the TSC that the kernel measures is within 0.1 % of the host's, which the tool
# measures, by each reference clock, and while the host stops and continues the emulator all the time (BOOTS=20 for
# that many boots). The tool hands its frequency on where it is the guest's. The time of day is the host's.
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
# shellcheck source=test/boot/lib.sh
. "$here/../lib.sh"
boots=${BOOTS:-4}
mkdir "$temp/run"

# run ARGUMENTS...: busybox's output; TMPDIR marks the emulator's command line.
run() {
    TMPDIR=$temp/run "$OURO" run --medium direct --timeout $((100 * ${SLOW:-1})) "$@" 2>"$temp/errors"
}

# rate ARGUMENTS...: "HZ SOURCE" of a boot, from /proc/ouro.
rate() {
    run "$@" /bin/busybox cat /proc/ouro | sed -n 's/^tsc: \([0-9]*\) Hz, by \([^,]*\).*$/\1 \2/p'
}

# near A B: A is within 0.1 % of B.
near() {
    [ $((($1 > $2 ? $1 - $2 : $2 - $1) * 1000)) -lt "$2" ]
}

# expect SOURCE HZ ARGUMENTS...
expect() {
    source=$1 hz=$2
    shift 2
    measured=$(rate "$@")
    echo "    $measured"
    case $measured in
    *" $source") near "${measured%% *}" "$hz" || bad "$measured, and not $hz: $*" ;;
    *) bad "not by $source: $measured: $*" && show "$temp/errors" ;;
    esac
}

# Stops the emulators below this script for 1 to 120 ms, again and again: the PIT's 16 bits wrap after 55 ms.
disturb() {
    while kill -0 $$; do
        for pause in 0.03 0.001 0.08 0.12 0.002 0.06 0.005; do
            emulators=$(pgrep -f "qemu-system.*$temp/run/")
            if [ -n "$emulators" ]; then
                # shellcheck disable=SC2086 # a list
                kill -STOP $emulators && sleep $pause && kill -CONT $emulators
            fi
            sleep 0.004
        done
    done 2>/dev/null
}

# Is the program's time of day between the host's before and after? The RTC alone is up to two seconds behind.
for machine in microvm pc; do
    before=$(date +%s%N)
    at=$(run --machine $machine /bin/date +%s%N)
    after=$(date +%s%N)
    { [ "$at" -ge "$before" ] && [ "$at" -le "$after" ]; } 2>/dev/null ||
        bad "$machine: the time is $at, not between $before and $after"
done

# A CMOS clock that was set to another time counts, and the kernel's seconds begin with its own, in one of three boots:
# QEMU's own clock is late when the host has other work.
for try in 1 2 3; do
    at=$(run --machine pc --qemu-arg -rtc --qemu-arg base=2020-02-03 "$here/rtc_second.c")
    seconds=${at% *} nanoseconds=${at#* }
    { [ "$seconds" -ge 1580688000 ] && [ "$seconds" -lt 1580688200 ] &&
        [ $(((nanoseconds + 20000000) % 1000000000)) -lt 40000000 ]; } 2>/dev/null && break
    [ "$try" -lt 3 ] || bad "the CMOS clock's second begins at $at"
done

# With -icount the TSC counts nanoseconds of instructions, whatever the host's does.
expect PIT 1000000000 --machine microvm --qemu-arg -icount --qemu-arg shift=0

host=$(rate --machine microvm)
case $host in
*" tsc=") ;;
*)
    [ $failures -eq 0 ] || finish
    echo "skip: the TSC of this host has no known frequency to compare with: $host"
    exit 77
    ;;
esac
host=${host%% *}
expect HPET "$host" --append tsc=0 --machine q35 --qemu-arg -machine --qemu-arg pit=off
expect "ACPI PM timer" "$host" --append tsc=0 --machine pc --qemu-arg -machine --qemu-arg pit=off,hpet=off

disturb &
disturber=$!
boot=0
while [ $boot -lt "$boots" ]; do
    boot=$((boot + 1))
    expect PIT "$host" --append tsc=0 --machine microvm
done
kill $disturber
finish
