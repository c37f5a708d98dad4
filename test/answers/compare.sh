#!/bin/sh
# SPDX-License-Identifier: MIT
# compare.sh PROGRAM FAMILY: the answers of one family of calls.txt in Ouro are those of Linux in linux.txt, but for those that
# differ.txt lists, each line `call(arguments)`, its start and a `*`, or a call alone, a tab and the reason. An entry without a
# reason, or one whose answers are all Linux's, is an error.
# compare.sh --names: the families.
# Environment: OURO    the host tool; WRITE a file that takes Ouro's answers of this family
set -u
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
if [ "${1-}" = --names ]; then
    sed -n 's/^\[\([a-z]*\)\]$/\1/p' "$here/calls.txt"
    exit
fi
ouro=${OURO:-$here/../../ouro}
program=$1 family=$2
temp=$(mktemp -d "${TMPDIR:-/tmp}/ouro-answers.XXXXXX") || exit 1
trap 'rm -rf "$temp"' EXIT
mkdir -p "$temp/root/tmp"
cp "$program" "$temp/root/answers"
(cd "$temp/root" && "$ouro" run --medium direct --machine microvm --timeout $((280 * ${SLOW:-1})) --append loglevel=3 --root . answers "$family") \
    >"$temp/ouro" 2>"$temp/errors"
status=$?
[ -z "${WRITE:-}" ] || cp "$temp/ouro" "$WRITE"
sed -n "/^\[$family\]\$/,/^\[/p" "$here/linux.txt" | sed '1!{/^\[/d}' >"$temp/linux"
if [ $status -ne 0 ] || [ ! -s "$temp/linux" ]; then
    echo "compare.sh: status $status"
    tail -n 30 "$temp/errors"
    tail -n 2 "$temp/ouro"
    exit 1
fi
awk -F '\t' -v family="$family" '
    function name_of(line) {
        sub(/^(user|child|pending): /, "", line)
        sub(/\(.*/, "", line)
        return line
    }
    # An entry names the call of the answer, or its call with the arguments, or the start of those. All that match are used.
    function excused(line,    i, question, found) {
        question = substr(line, 1, index(line, ") = "))
        found = 0
        for (i = 1; i <= entries; i++)
            if (name_of(line) == entry[i] || question == entry[i] ||
                (entry[i] ~ /\*$/ && index(line, substr(entry[i], 1, length(entry[i]) - 1)) == 1)) {
                used[i]++
                found = 1
            }
        return found
    }
    FILENAME == ARGV[1] {
        if ($0 ~ /^#/ || $0 == "")
            next
        entry[++entries] = $1
        reason[entries] = $2
        next
    }
    FILENAME == ARGV[2] { known[substr($0, 1, index($0, ") = "))] = 1; next }
    FILENAME == ARGV[3] {
        linux[++answers] = $0
        here[name_of($0)] = asked[substr($0, 1, index($0, ") = "))] = 1
        next
    }
    {
        if ($0 == linux[++at])
            next
        different++
        if (excused(linux[at]))
            next
        printf "- %s\n+ %s\n", substr(linux[at], 1, 200), substr($0, 1, 200)
        bad++
    }
    END {
        if (at != answers) {
            printf "%d answers, Linux has %d\n", at, answers
            bad++
        }
        for (i = 1; i <= entries; i++) {
            call = entry[i]
            sub(/\*$/, "", call)
            if (reason[i] == "") {
                print "differ.txt: " entry[i] " has no reason"
                bad++
            }
            exact = call ~ /\(/ && call == entry[i]
            if (exact && !(call in known)) {
                print "differ.txt: " entry[i] ": no such question"
                bad++
            }
            if (!used[i] && (exact ? call in asked : name_of(call) in here)) {
                print "differ.txt: " entry[i] ": every answer is that of Linux"
                bad++
            }
        }
        printf "%s: %d answers, %d differ, %d of them without an entry in differ.txt\n", family, answers - 1, different, bad
        exit bad > 0
    }' "$here/differ.txt" "$here/linux.txt" "$temp/linux" "$temp/ouro"
