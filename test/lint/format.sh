#!/bin/sh
# SPDX-License-Identifier: MIT
# format.sh TOP: clang-format 14, which is Debian 12's, changes no file. Other versions lay out some lines in another way.
set -u
case $(clang-format --version) in
*' version 14.'*) ;;
*)
    echo "skip: this is $(clang-format --version), the layout is that of version 14"
    exit 77
    ;;
esac
here=$(cd "$(dirname "$0")" && pwd)
top=$1
cd "$top" || exit 1
files=$("$here/files.sh" "$top" '*.c' '*.h')
[ -n "$files" ] || exit 1
echo "$files" | xargs clang-format --dry-run -Werror --ferror-limit=1 2>&1
