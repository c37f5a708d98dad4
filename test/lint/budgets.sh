#!/bin/sh
# SPDX-License-Identifier: MIT
# budgets.sh TOP: lists what is larger than the style asks for: files over 600 lines, functions over 60,
# more than five parameters, more than three levels of nesting. A list to read, not a verdict.
set -u
here=$(cd "$(dirname "$0")" && pwd)
top=$1
cd "$top" || exit 1
# The program is for awk: nothing in it is for the shell.
# shellcheck disable=SC2016
"$here/files.sh" "$top" '*.c' '*.h' | xargs awk '
    function over(what, value, limit) {
        printf "%s:%d: %s %s (%d, budget %d)\n", FILENAME, start, name, what, value, limit
        count++
    }
    function end_of_file() {
        if (lines > 600) {
            printf "%s: long file (%d, budget 600)\n", file, lines
            count++
        }
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
    # A definition starts at the margin; its parameters may go on over several lines.
    !inside && /^[a-z].*\(/ && !/;[ \t]*$/ && !/^(typedef|else)/ {
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
        name = signature
        sub(/\(.*/, "", name)
        sub(/.*[ *]/, "", name)
        sub(/^[^(]*\(/, "", signature)
        parameters = gsub(/,/, "", signature) + 1
        if (parameters > 5)
            over("has many parameters", parameters, 5)
        next
    }
    !inside {
        signature = ""
    }
    inside && /^\}/ {
        if (FNR - start + 1 > 60)
            over("is long", FNR - start + 1, 60)
        if (deepest > 3)
            over("nests deeply", deepest, 3)
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
        printf "budgets.sh: %d over budget\n", count
    }'
