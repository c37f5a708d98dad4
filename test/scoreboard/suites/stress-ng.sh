# shellcheck shell=bash disable=SC2034,SC2154 # read and set by prepare.sh
# SPDX-License-Identifier: MIT
# stress-ng's stressors, with --verify, STRESS_SECONDS (2) each. Those that need a device, a privilege or a processor's feature
# that is absent say so with a status of their own, which is not 0.
packages="stress-ng"
start=/tmp
memory=2G
minimum=289
sample=9
also="llc-affinity dev vforkmany"
title="stressors of stress-ng, 2 seconds each, verified"

list() {
    local libraries=$root/usr/lib/x86_64-linux-gnu
    "$libraries/ld-linux-x86-64.so.2" --library-path "$libraries" "$root/usr/bin/stress-ng" --stressors | tr ' ' '\n' | sort
}

build() { :; }

words() {
    printf '200\t/usr/bin/stress-ng\t--%s\t1\t--timeout\t%s\t--verify\t--temp-path\t/tmp' "$1" "${STRESS_SECONDS:-2}"
}
