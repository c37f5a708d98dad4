#!/bin/sh
# SPDX-License-Identifier: MIT
# locks.sh TOP [BUILD]: clang's thread-safety analysis finds no access to a field without its lock (docs/locks.md), and
# interrupts are disabled only by locks and in the files listed below. Where clang built the kernel in BUILD, that build
# was the analysis.
set -u
top=$1
cd "$top/src" || exit 1
status=0

# The primitive; the locks; the check for signals before the return to the program; a report, during which nothing else
# runs; the two registers of the APIC that send; the checks of the locks.
allowed='^\(cpu/irq\.h\|cpu/apic\.c\|cpu/lock\.h\|cpu/lock_check\.c\|linux/task/signal_deliver\.c\|diag/report\.c\):'
if grep -rn --include='*.[ch]' '[^_a-z]irq_save()' . | sed 's,^\./,,' | grep -v "$allowed" |
    grep -v ':[0-9]*: *\(/\*\| \*\)'; then
    echo "locks.sh: irq_save() without a lock: see docs/locks.md"
    status=1
fi

if grep -qs 'CMAKE_C_COMPILER_ID "Clang"' "${2:-none}"/CMakeFiles/*/CMakeCCompiler.cmake; then
    exit $status
fi
# The flags of the build for clang only.
flags=$(sed -n 's/^ *list(APPEND OURO_WARNINGS \(-[^)]*\)).*/\1/p' CMakeLists.txt)
kernel="-std=gnu17 -ffreestanding -mno-red-zone -mgeneral-regs-only -mcmodel=kernel -fno-pic"
files=$(grep -rlE --include='*.c' 'GUARDED_BY|REQUIRES|lock\.h|kern/(thread|wait)\.h|linux/task/' . | LC_ALL=C sort)
lwip=$(dirname -- "${2:-$top/build/kernel}")/lwip/edited/src/include
# Flags and files are lists of words.
# shellcheck disable=SC2086
clang --target=x86_64-elf $kernel $flags -Werror -DOURO_VERSION='""' -I. -Inet/stack/port -isystem "$lwip" \
    -fsyntax-only $files || status=1
echo "locks.sh: $(echo "$files" | wc -l) files"
exit $status
