#!/bin/sh
# SPDX-License-Identifier: MIT
# format.sh TOP: clang-format changes no file.
set -u
here=$(cd "$(dirname "$0")" && pwd)
top=$1
cd "$top" || exit 1
files=$("$here/files.sh" "$top" '*.c' '*.h')
[ -n "$files" ] || exit 1
echo "$files" | xargs clang-format --dry-run -Werror --ferror-limit=1 2>&1
