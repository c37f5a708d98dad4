#!/bin/sh
# SPDX-License-Identifier: MIT
# headers.sh TOP: each header of TOP/src compiles alone, and twice, both natively and as the kernel does.
set -u
top=$1
scratch=$(mktemp -d "${TMPDIR:-/tmp}/ouro-headers.XXXXXX") || exit 1
trap 'rm -rf "$scratch"' EXIT

cd "$top/src" || exit 1
find . -name '*.h' | LC_ALL=C sort | sed 's,^\./,,' >"$scratch/list"
while read -r header; do
    # A declaration besides, since C wants one in each file.
    printf '#include "%s"\n#include "%s"\nextern int used;\n' "$header" "$header" \
        >"$scratch/$(echo "$header" | tr '/.' '--').c"
done <"$scratch/list"

warnings="-std=gnu17 -O2 -Wall -Wextra -Wconversion -Wshadow -Werror"
kernel="-ffreestanding -mno-red-zone -mgeneral-regs-only -mcmodel=kernel -fno-pic"
status=0
# Flags are words: they must split.
# shellcheck disable=SC2086
{
    gcc $warnings -DOURO_NATIVE -I. -fsyntax-only "$scratch"/*.c || status=1
    gcc $warnings $kernel -I. -fsyntax-only "$scratch"/*.c || status=1
}
echo "headers.sh: $(wc -l <"$scratch/list") headers"
exit $status
