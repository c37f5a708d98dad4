#!/bin/sh
# SPDX-License-Identifier: MIT
# callfuzz.sh PROGRAM: random system calls, three times ten seconds; none may crash the kernel, its invariants hold at the
# end, and the program must have come to its own end: it says `alive 1`.
# SECONDS_EACH and SEEDS of the environment change the duration, CPUS the number of CPUs. A seed that fails is reproducible.
set -u
ouro=${OURO:-$(dirname "$0")/../../../ouro}
each=${SECONDS_EACH:-10}
log=$(mktemp) || exit 1
out=$(mktemp) || exit 1
trap 'rm -f "$log" "$out"' EXIT
failed=0
for seed in ${SEEDS:-1 2 3}; do
    "$ouro" run --medium direct --machine microvm --cpus "${CPUS:-1}" --timeout $((each * 2 + 60)) --append 'check-at-end loglevel=3' \
        "$1" "$each" "$seed" >"$out" 2>"$log" </dev/null
    status=$?
    grep -a -o 'callfuzz: [0-9].*' "$log"
    [ "$status" -eq 0 ] && grep -a -q 'alive 1$' "$out" && continue
    echo "FAIL: seed $seed ended with $status"
    tail -n 60 "$log" | tr -cd "[:print:]\n" | cut -c 1-400
    failed=1
done
exit $failed
