#!/bin/sh
# SPDX-License-Identifier: MIT
# compiler.sh TREE: gcc builds the kernel without a warning, as on computers without lld; the kernel of the other tests
# may be built by clang.
set -u
folder=$(mktemp -d "${TMPDIR:-/tmp}/ouro-gcc-XXXXXX")
trap 'rm -rf -- "$folder"' EXIT
if cmake -S "$1" --preset kernel -B "$folder" -DOURO_COMPILER=gcc >"$folder/log" 2>&1 &&
    ninja -C "$folder" ouro.debug.elf >>"$folder/log" 2>&1; then
    exit 0
fi
echo "compiler.sh: gcc does not build the kernel:"
grep -E 'error|undefined' "$folder/log" || tail -n 20 "$folder/log"
exit 1
