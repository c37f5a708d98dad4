#!/bin/sh
# SPDX-License-Identifier: MIT
# Called with TOP. ShellCheck has no complaint about any shell script of the tree, whatever its name.
set -u
here=$(cd "$(dirname "$0")" && pwd)
top=$1
cd "$top" || exit 1
scripts=$("$here/files.sh" "$top" '*' | tr '\n' '\0' |
    xargs -0 awk '/^#!(\/bin\/|\/usr\/bin\/env )(ba)?sh/ { print FILENAME } { nextfile }')
[ -n "$scripts" ] || exit 1
echo "$scripts" | sed 's/^/shellcheck.sh: /'
# A few at a time: one process for all spends most of its time collecting garbage.
echo "$scripts" | xargs -n 6 shellcheck
