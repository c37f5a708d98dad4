#!/bin/sh
# SPDX-License-Identifier: MIT
# run.sh FUZZER CORPUS: runs every kept input once, then fuzzes from them for OURO_FUZZ_SECONDS (default 5). New
# inputs go to a temporary folder, which is kept only if an input crashed.
set -u
fuzzer=$1
corpus=$2
seconds=${OURO_FUZZ_SECONDS:-5}

set --
for input in "$corpus"/*; do
    [ -f "$input" ] && set -- "$@" "$input"
done
if [ $# -eq 0 ]; then
    echo "run.sh: no kept inputs in $corpus"
    exit 1
fi
echo "run.sh: $# kept inputs"

scratch=$(mktemp -d "${TMPDIR:-/tmp}/ouro-fuzz.XXXXXX") || exit 1
mkdir "$scratch/new"
child=
# The fuzzer may hang in a bug: end it with this script.
trap 'test -n "$child" && kill "$child" 2>/dev/null; rm -rf "$scratch"; exit 130' INT TERM HUP

run()
{
    "$fuzzer" -artifact_prefix="$scratch/" -timeout=10 -rss_limit_mb=1024 "$@" \
        >"$scratch/log" 2>&1 &
    child=$!
    wait "$child"
    status=$?
    child=
    if [ "$status" -ne 0 ]; then
        cat "$scratch/log"
        echo "run.sh: $(basename "$fuzzer") failed with status $status; inputs in $scratch"
        exit 1
    fi
}

run "$@"
if [ "$seconds" -gt 0 ]; then
    run -max_total_time="$seconds" -print_final_stats=1 "$scratch/new" "$corpus"
    grep -E 'stat::number_of_executed_units|DONE' "$scratch/log"
fi
rm -rf "$scratch"
