/* SPDX-License-Identifier: MIT */
#include "linux/boot/proc_ouro.h"

#include "base/str.h"
#include "cpu/cpus.h"
#include "cpu/features.h"
#include "cpu/tsc.h"
#include "kern/boot_marks.h"
#include "kern/boot_summary.h"
#include "kern/thread.h"
#include "kern/time.h"
#include "mm/heap/heap.h"
#include "mm/pt/paging.h"

static uint64_t booted_ns;

void proc_show_command_line(struct text *text, void *unused)
{
    (void)unused;
    text_printf(text, "%s\n", boot_summary.command_line);
}

/* How often each lock was taken and waited for, and how long. */
static void show_locks(struct text *text)
{
    for (unsigned row = 0; row < LOCK_PROFILES; row++) {
        struct lock_profile p;
        if (cpu_lock_profile(row, &p))
            text_printf(text, "lock: %llu takes, %llu waits, %llu ns, %s\n",
                        (unsigned long long)p.takes, (unsigned long long)p.waits,
                        (unsigned long long)tsc_to_ns(p.waited), cpu_lock_name(row));
    }
}

void proc_show_ouro(struct text *text, void *unused)
{
    (void)unused;
    text_printf(text, "version: %s\n", OURO_VERSION);
    text_printf(text, "loader: %s\n", boot_summary.loader_name);
    text_printf(text, "firmware: %s\n", boot_summary.uefi ? "UEFI" : "BIOS, or none");
    text_printf(text, "archive: %llu KiB\n",
                (unsigned long long)(phys_range_size(boot_summary.archive) / 1024));
    text_printf(text, "boot: %llu us from the kernel's first instruction to the program's\n",
                (unsigned long long)(booted_ns / 1000));
    for (size_t i = 1; i < boot_mark_count; i++)
        text_printf(text, "  %6llu us  %s\n",
                    (unsigned long long)tsc_to_ns(boot_marks[i].tsc - boot_marks[i - 1].tsc) / 1000,
                    boot_marks[i].phase);
    text_printf(text, "idle: %lu ns\n", thread_idle_ns());
    text_printf(text, "cpu: %s\n",
                cpu_features.brand[0] ? cpu_features.brand : cpu_features.vendor);
    text_printf(text, "tsc: %llu Hz, by %s", (unsigned long long)tsc_hz(), tsc_source());
    if (tsc_error_ppm() != 0)
        text_printf(text, ", within %u ppm", tsc_error_ppm());
    text_printf(text, "\n");
    text_printf(text, "pagetables: %s\n", paging->name);
    if (SEVERAL_CPUS)
        show_locks(text);
}

enum err start_proc_keep(void)
{
    size_t size = strlen(boot_summary.command_line) + 1;
    char *line = heap_alloc(size);
    if (line == NULL)
        return E_NOMEM;
    memcpy(line, boot_summary.command_line, size);
    boot_summary.command_line = line; /* the original is boot memory */
    return E_OK;
}

void start_proc_booted(void)
{
    booted_ns = time_now_ns();
}
