#!/bin/sh
# SPDX-License-Identifier: MIT
# statics.sh TOP: no two files of the kernel have a static function of the same name, since backtraces print the name only.
set -eu
cd "$1"
same=$(find src -name '*.c' | while read -r file; do
    sed -nE '/^static /{s/[A-Z_]+\([^)]*\)//g; s/^static [^=;(]*[ *]([a-z_0-9]+)\(.*/\1/p}' "$file" | sort -u
done | sort | uniq -d)
[ -z "$same" ] && exit
for name in $same; do
    echo "statics.sh: $name() is static in more than one file:"
    grep -rlE "^static [^=;]*[ *]$name\(" src --include='*.c' | sed 's/^/    /'
done
exit 1
