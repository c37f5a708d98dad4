/* SPDX-License-Identifier: MIT */
#include "kern/boot_marks.h"

#include "cpu/x86.h"

struct boot_mark boot_marks[BOOT_MARKS_MAX];
size_t boot_mark_count;

void boot_mark(const char *phase)
{
    if (boot_mark_count < BOOT_MARKS_MAX)
        boot_marks[boot_mark_count++] = (struct boot_mark){phase, rdtsc()};
}
