#!/bin/sh
# SPDX-License-Identifier: MIT
# locks.sh TOP: what touches a field without its lock (docs/locks.md) does not compile with the kernel's warnings, and
# interrupts are turned off by a lock, or where the list below says.
set -u
top=$1
cd "$top/src" || exit 1
status=0

# The primitive and the locks made of it; the last look before the program runs; a report, which nothing runs beside.
allowed='^\(cpu/irq\.h\|cpu/lock\.h\|linux/task/signal_deliver\.c\|diag/report\.c\):'
if grep -rn --include='*.[ch]' '[^_a-z]irq_save()' . | sed 's,^\./,,' | grep -v "$allowed" |
    grep -v ':[0-9]*: *\(/\*\| \*\)'; then
    echo "locks.sh: irq_save() without a lock: see docs/locks.md"
    status=1
fi

# The flags as the build has them; only clang knows them.
flags=$(sed -n 's/^ *list(APPEND ouro_warnings \(-[^)]*\)).*/\1/p' CMakeLists.txt)
kernel="-std=gnu17 -ffreestanding -mno-red-zone -mgeneral-regs-only -mcmodel=kernel -fno-pic"
files=$(grep -rlE --include='*.c' 'GUARDED_BY|REQUIRES|lock\.h|kern/(thread|wait)\.h|linux/task/' . | LC_ALL=C sort)
# Flags and files are words: they must split.
# shellcheck disable=SC2086
clang --target=x86_64-elf $kernel $flags -Werror -DOURO_VERSION='""' -I. -fsyntax-only $files || status=1
echo "locks.sh: $(echo "$files" | wc -l) files"
exit $status
