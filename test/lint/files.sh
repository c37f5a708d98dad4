#!/bin/sh
# SPDX-License-Identifier: MIT
# files.sh TOP PATTERN...: the files of the tree, without what builds left there. In a clone git knows;
# elsewhere (an unpacked archive) everything outside build* counts.
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
            # The pattern is one: it must not be quoted.
            # shellcheck disable=SC2254
            case $file in $pattern) echo "$file" ;; esac
        done
    done | LC_ALL=C sort -u
fi
