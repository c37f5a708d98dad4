#!/bin/sh
# SPDX-License-Identifier: MIT
# headers.sh TOP: each header of TOP/src compiles alone, and twice, both natively and as the kernel does. A header with a
# NAME.c is compiled alone by every build, because that file includes it first (includes.sh); here it must only have its
# `#pragma once`.
set -u
top=$1
scratch=$(mktemp -d "${TMPDIR:-/tmp}/ouro-headers.XXXXXX") || exit 1
trap 'rm -rf "$scratch"' EXIT

cd "$top/src" || exit 1
find . -name '*.h' | LC_ALL=C sort | sed 's,^\./,,' >"$scratch/list"
status=0
while read -r header; do
    if [ -f "${header%.h}.c" ]; then
        grep -q '^#pragma once$' "$header" || { echo "src/$header: no #pragma once"; status=1; }
        continue
    fi
    # With a declaration, because C requires one in each file.
    printf '#include "%s"\n#include "%s"\nextern int used;\n' "$header" "$header" \
        >"$scratch/$(echo "$header" | tr '/.' '--').c"
done <"$scratch/list"

warnings="-std=gnu17 -O2 -Wall -Wextra -Wconversion -Wshadow -Werror"
kernel="-ffreestanding -mno-red-zone -mgeneral-regs-only -mcmodel=kernel -fno-pic"
# The flags are a list of words.
# shellcheck disable=SC2086
{
    gcc $warnings -DOURO_NATIVE -I. -fsyntax-only "$scratch"/*.c || status=1
    gcc $warnings $kernel -I. -fsyntax-only "$scratch"/*.c || status=1
}
# Headers for programs: with the compilers for programs, in C99 and in C++.
for header in "$top"/include/ouro/*.h; do
    [ -f "$header" ] || continue
    name=ouro/${header##*/}
    printf '#include <%s>\n#include <%s>\nint main(void) { return 0; }\n' "$name" "$name" >"$scratch/program.c"
    cp "$scratch/program.c" "$scratch/program.cc"
    for compiler in gcc clang musl-gcc; do
        "$compiler" -std=c99 -pedantic -O2 -Wall -Wextra -Wconversion -Wshadow -Werror -I "$top/include" \
            -fsyntax-only "$scratch/program.c" || status=1
    done
    for compiler in g++ clang++; do
        ! command -v "$compiler" >/dev/null || "$compiler" -std=c++11 -pedantic -O2 -Wall -Wextra -Wconversion \
            -Wshadow -Werror -I "$top/include" -fsyntax-only "$scratch/program.cc" || status=1
    done
done
echo "headers.sh: $(wc -l <"$scratch/list") headers, $(find "$scratch" -name '*-h.c' | wc -l) of them without a file of their own"
exit $status
