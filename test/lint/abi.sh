#!/bin/sh
# SPDX-License-Identifier: MIT
# abi.sh TOP [--write]: docs/linux-abi.md agrees with the system-call table and docs/linux-abi.partial. --write
# generates it from these.
set -u
top=$1
fresh=$(mktemp) || exit 1
trap 'rm -f "$fresh"' EXIT
{
    cat <<'MD'
# The system calls of Linux, and those of Ouro

Made from `src/linux/call/rows.inc` and `docs/linux-abi.partial` by `test/lint/abi.sh . --write`; a test holds it to them. *Full*
means that programs see no difference that we know of; what is *partial* says what is missing; what is *absent* answers `ENOSYS`, and the
log names it once.

| number | call | |
|---|---|---|
MD
    "$top/tool/scan_rows.sh" "$top/src/linux/call/rows.inc" | tr -d '{}",' | awk -v notes="$top/docs/linux-abi.partial" '
        BEGIN {
            while ((getline line < notes) > 0) {
                if (line ~ /^#/)
                    continue
                split(line, part, "\t")
                partial[part[1]] = part[2]
            }
        }
        {
            state = $3 == "false" ? "absent" : $2 in partial ? "partial: " partial[$2] : "full"
            printf "| %d | %s | %s |\n", $1, $2, state
            seen[$2] = $3
            count[$3 == "false" ? "absent" : $2 in partial ? "partial" : "full"]++
        }
        END {
            printf "\n%d full, %d partial, %d absent.\n", count["full"], count["partial"], count["absent"]
            for (name in partial)
                if (seen[name] != "true") {
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
