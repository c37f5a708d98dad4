/* SPDX-License-Identifier: MIT */
#include "kern/boot_marks.h"

#include "cpu/tsc.h"
#include "cpu/x86.h"
#include "kern/log.h"

#define BAR_WIDTH 50

struct boot_mark boot_marks[BOOT_MARKS_MAX];
size_t boot_mark_count;

void boot_mark(const char *phase)
{
    if (boot_mark_count < BOOT_MARKS_MAX)
        boot_marks[boot_mark_count++] = (struct boot_mark){phase, rdtsc()};
}

static uint64_t ns_between(size_t from, size_t to)
{
    return tsc_to_ns(boot_marks[to].tsc - boot_marks[from].tsc);
}

void boot_marks_show(void)
{
    static const char bar[] = "##################################################";
    _Static_assert(sizeof bar == BAR_WIDTH + 1, "");
    uint64_t total = ns_between(0, boot_mark_count - 1);
    if (total == 0)
        return;
    report("ouro: boot chart: %llu us from the kernel's first instruction to the program's",
           (unsigned long long)(total / 1000));
    for (size_t i = 1; i < boot_mark_count; i++) {
        int before = (int)(ns_between(0, i - 1) * BAR_WIDTH / total);
        int after = (int)(ns_between(0, i) * BAR_WIDTH / total);
        report("ouro: %7llu us %*s%.*s%*s  %s", (unsigned long long)(ns_between(i - 1, i) / 1000),
               before, "", after > before ? after - before : 1, bar,
               BAR_WIDTH - (after > before ? after : before + 1), "", boot_marks[i].phase);
    }
}
