#!/bin/sh
# SPDX-License-Identifier: MIT
# Called with TOP. ShellCheck has no complaint about any shell script of the tree, whatever its name.
set -u
here=$(cd "$(dirname "$0")" && pwd)
top=$1
cd "$top" || exit 1
scripts=$("$here/files.sh" "$top" '*' | while read -r file; do
    case $(head -c 64 "$file" | tr -d '\0' | head -n 1) in
    '#!/bin/sh'* | '#!/bin/bash'* | '#!/usr/bin/env sh'* | '#!/usr/bin/env bash'*) echo "$file" ;;
    esac
done)
[ -n "$scripts" ] || exit 1
echo "$scripts" | sed 's/^/shellcheck.sh: /'
echo "$scripts" | xargs shellcheck
