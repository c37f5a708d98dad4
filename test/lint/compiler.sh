#!/bin/sh
# SPDX-License-Identifier: MIT
# compiler.sh TREE: gcc builds the kernel without a warning, as on computers without lld; the kernel of the other tests
# may be built by clang.
set -u
folder=$(mktemp -d "${TMPDIR:-/tmp}/ouro-gcc-XXXXXX")
trap 'rm -rf -- "$folder"' EXIT
# lwIP's sources are fetched once, by the other builds; what is made of them goes beside the build folder.
lwip=$1/build/lwip/2.1.3
[ -d "$lwip" ] || lwip=
if cmake -S "$1" --preset kernel -B "$folder/kernel" -DOURO_COMPILER=gcc -DOURO_WERROR=ON -DOURO_LWIP_DIR="$lwip" >"$folder/log" 2>&1 &&
    ninja -C "$folder/kernel" ouro.debug.elf >>"$folder/log" 2>&1; then
    exit 0
fi
echo "compiler.sh: gcc does not build the kernel:"
grep -E 'error|undefined' "$folder/log" || tail -n 20 "$folder/log"
exit 1
