#!/bin/sh
# SPDX-License-Identifier: MIT
# files.sh TOP PATTERN...: lists the files of the tree, without build products. In a clone git lists them; elsewhere (an
# unpacked archive) all files outside build* count.
set -u
top=$1
shift
cd "$top" || exit 1
if git rev-parse --is-inside-work-tree >/dev/null 2>&1 &&
    [ "$(git rev-parse --show-toplevel)" = "$(pwd -P)" ]; then
    git ls-files --cached --others --exclude-standard -- "$@" | while read -r file; do
        [ -f "$file" ] && echo "$file"
    done | LC_ALL=C sort -u
else
    for pattern; do
        find . -path './build*' -prune -o -path './.git' -prune -o -type f -print |
            sed 's,^\./,,' | while read -r file; do
            # Unquoted, so that it is matched as a pattern.
            # shellcheck disable=SC2254
            case $file in $pattern) echo "$file" ;; esac
        done
    done | LC_ALL=C sort -u
fi
