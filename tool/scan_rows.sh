#!/bin/sh
# SPDX-License-Identifier: MIT
# scan_rows.sh ROWS: the rows of the kernel's system-call table as {number, "name", present}, one a line.
set -eu
sed -n 's/^ROW(\([0-9]*\), "\([a-z0-9_]*\)", \([A-Za-z0-9_]*\),.*/{\1, "\2", \3},/p' "$1" |
    sed 's/, NULL},$/, false},/; s/, sys_[a-z0-9_]*},$/, true},/' >"${TMPDIR:-/tmp}/scan_rows.$$"
trap 'rm -f "${TMPDIR:-/tmp}/scan_rows.$$"' EXIT
# A row in another layout would be skipped silently.
[ "$(grep -c '^ *ROW(' "$1")" -eq "$(grep -c ', \(true\|false\)},$' "${TMPDIR:-/tmp}/scan_rows.$$")" ] ||
    { echo "$1: a row was not understood" >&2; exit 1; }
cat "${TMPDIR:-/tmp}/scan_rows.$$"
