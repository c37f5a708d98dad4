#!/bin/sh
# SPDX-License-Identifier: MIT
# abi.sh TOP [--write]: docs/linux-abi.md agrees with the system-call table, docs/linux-abi.partial, the answers of Linux
# (test/answers/linux.txt) and the list of those that are not Ouro's (test/answers/differ.txt). --write generates it from these.
set -u
top=$1
fresh=$(mktemp) || exit 1
trap 'rm -f "$fresh"' EXIT
{
    cat <<'MD'
# The system calls of Linux, and those of Ouro

Made from `src/linux/call/rows.inc`, `docs/linux-abi.partial` and `test/answers` by `test/lint/abi.sh . --write`; a test holds it to them.
*Full* means that programs see no difference that we know of; what is *partial* says what is missing; what is *absent* answers `ENOSYS`,
and the log names it once. The fourth column counts the answers of Linux (errno, result, bytes written, side effects) with which the test
`programs.answers` compares Ouro's; after it stands where they differ, and why.

MD
    sed -n '1s/^# \(.*\), made by .*/\1:/p' "$top/test/answers/linux.txt"
    cat <<'MD'

| number | call | | answers |
|---|---|---|---|
MD
    "$top/tool/scan_rows.sh" "$top/src/linux/call/rows.inc" | tr -d '{}",' | awk -v notes="$top/docs/linux-abi.partial" \
        -v answers="$top/test/answers/linux.txt" -v differ="$top/test/answers/differ.txt" '
        function name_of(line) {
            sub(/^(user|child|pending): /, "", line)
            sub(/\(.*/, "", line)
            return line
        }
        BEGIN {
            while ((getline line < answers) > 0)
                if (line ~ /\) = /) {
                    asked[name_of(line)]++
                    total++
                }
            while ((getline line < differ) > 0) {
                split(line, part, "\t")
                if (line ~ /^#/ || line == "")
                    continue
                name = name_of(part[1])
                if (!((name, part[2]) in entries))
                    reasons[name, ++reason_count[name]] = part[2]
                entries[name, part[2]] += part[1] != name # 0: the call as a whole
            }
            while ((getline line < notes) > 0) {
                if (line ~ /^#/)
                    continue
                split(line, part, "\t")
                partial[part[1]] = part[2]
            }
        }
        {
            note = $2 in partial ? ": " partial[$2] : ""
            state = ($3 == "false" ? "absent" : $2 in partial ? "partial" : "full") note
            why = ""
            for (i = 1; i <= reason_count[$2]; i++) {
                n = entries[$2, reasons[$2, i]]
                why = why "; " (n ? n " differ: " : "") reasons[$2, i]
            }
            printf "| %d | %s | %s | %s%s |\n", $1, $2, state, asked[$2], why
            seen[$2] = $3
            count[$3 == "false" ? "absent" : $2 in partial ? "partial" : "full"]++
        }
        END {
            printf "\n%d full, %d partial, %d absent; %d answers.\n", count["full"], count["partial"], count["absent"], total
            for (name in partial)
                if (!(name in seen)) {
                    print "docs/linux-abi.partial: " name " is not there" > "/dev/stderr"
                    bad = 1
                }
            exit bad
        }'
} >"$fresh" || exit 1
if [ "${2-}" = --write ]; then
    cp "$fresh" "$top/docs/linux-abi.md"
elif ! cmp -s "$fresh" "$top/docs/linux-abi.md"; then
    echo "docs/linux-abi.md is not what the table says; make it anew: test/lint/abi.sh . --write"
    diff "$top/docs/linux-abi.md" "$fresh" | head -20
    exit 1
fi
