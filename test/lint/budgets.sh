#!/bin/sh
# SPDX-License-Identifier: MIT
# budgets.sh TOP [--write]: a ratchet. Functions over 60 lines, with more than five parameters or more than three
# levels of nesting, and files over 600 lines are listed with their sizes in test/lint/budgets.txt. One that is not
# in the list, or larger than its entry, fails; so does an entry that is too large because the code has shrunk. --write
# writes the list; a commit that makes it longer must give the reason.
#
# A line of the list: KIND SIZE PATH [NAME], KIND being one of long, parameters, nesting (functions) and file.
set -u
here=$(cd "$(dirname "$0")" && pwd)
top=$1
list=test/lint/budgets.txt
cd "$top" || exit 1
now=$(mktemp "${TMPDIR:-/tmp}/ouro-budgets.XXXXXX") || exit 1
trap 'rm -f "$now"' EXIT

# The quoted text is an awk program: the shell expands nothing in it.
# shellcheck disable=SC2016
"$here/files.sh" "$top" '*.c' '*.h' | xargs awk '
    function over(kind, value, limit) {
        if (value > limit)
            printf "%s %d %s %s\n", kind, value, FILENAME, name
    }
    function end_of_file() {
        if (lines > 600)
            printf "file %d %s\n", lines, file
    }
    # The function of GUEST_TEST(test_map) is named in the parentheses; other macros before a name are attributes.
    function begin_function() {
        if (signature ~ /^[A-Z_]+\([a-z_0-9]+\)$/) {
            name = signature
            gsub(/.*\(|\)/, "", name)
            return
        }
        gsub(/(^| )[A-Z_]+\([^()]*\)/, " ", signature)
        gsub(/__attribute__\(\([^()]*(\([^()]*\)[^()]*)*\)\)/, "", signature)
        name = signature
        sub(/\(.*/, "", name)
        sub(/.*[ *]/, "", name)
        sub(/^[^(]*\(/, "", signature)
        sub(/\)[^)]*$/, "", signature)
        while (gsub(/\([^()]*\)/, "", signature)) # the parameters of a function pointer
            ;
        over("parameters", gsub(/,/, "", signature) + 1, 5)
    }
    FNR == 1 {
        end_of_file()
        file = FILENAME
        signature = ""
        inside = 0
    }
    {
        lines = FNR
    }
    # A definition starts in the first column; its parameters may take several lines.
    !inside && /^[A-Za-z_].*\(/ && !/;[ \t]*$/ && !/^(typedef|else)/ {
        signature = $0
        start = FNR
        next
    }
    !inside && signature != "" && /^[ \t]+/ {
        signature = signature $0
        next
    }
    !inside && /^\{/ && signature != "" {
        inside = 1
        deepest = 3
        begin_function()
        next
    }
    !inside {
        signature = ""
    }
    inside && /^\}/ {
        over("long", FNR - start + 1, 60)
        over("nesting", deepest, 3)
        inside = 0
        signature = ""
        next
    }
    inside && /^ *(if|for|while|switch) \(|^ *(do|else|\} else)/ && /\{[ \t]*$/ {
        match($0, /^ */)
        if (RLENGTH / 4 > deepest)
            deepest = RLENGTH / 4
    }
    END {
        end_of_file()
    }' | LC_ALL=C sort -k1,1 -k3 >"$now"

if [ "${2:-}" = --write ]; then
    cp "$now" "$list"
    exit
fi
{ [ ! -f "$list" ] || sed 's/^/allowed /' "$list"; sed 's/^/found /' "$now"; } | awk '
    {
        key = $2 " " $4 ($5 == "" ? "" : " " $5)
    }
    $1 == "allowed" {
        allowed[key] = $3
        next
    }
    {
        seen[key] = 1
        if (!(key in allowed))
            problem(key, $3, "it is over the budget of the style (60 lines, 5 parameters, 3 levels; a file 600 lines): divide it")
        else if ($3 + 0 > allowed[key] + 0)
            problem(key, $3, "it was " allowed[key] " and has grown: divide it")
        else if ($3 + 0 < allowed[key] + 0)
            problem(key, $3, "it was " allowed[key] " and has shrunk: lower the list by budgets.sh TOP --write")
    }
    END {
        for (key in allowed)
            if (!(key in seen))
                problem(key, "gone", "it is within the budget now: lower the list by budgets.sh TOP --write")
        exit bad
    }
    function problem(what, size, text) {
        printf "budgets.sh: %s: %s: %s\n", what, size, text
        bad = 1
    }'
