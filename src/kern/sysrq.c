/* SPDX-License-Identifier: MIT */
#include "kern/sysrq.h"

#include "base/compiler.h"
#include "cpu/cpus.h"
#include "kern/log.h"
#include "kern/machine.h"
#include "mm/heap/heap.h"
#include "mm/init/memory.h"
#include "mm/phys/frames.h"

#include <stddef.h>

#define KEYS_MAX  16
#define LOG_LINES 16

struct magic {
    char letter;
    const char *what;
    void (*function)(void);
};

RO_AFTER_INIT static struct magic keys[KEYS_MAX];
RO_AFTER_INIT static unsigned key_count;

INIT_CODE void sysrq_add(char letter, const char *what, void (*function)(void))
{
    if (key_count < KEYS_MAX)
        keys[key_count++] = (struct magic){letter, what, function};
}

static void help(void)
{
    report("Alt+PrintScreen and a letter:");
    for (unsigned i = 0; i < key_count; i++)
        report("  %c  %s", keys[i].letter, keys[i].what);
}

static void memory(void)
{
    struct memory_totals totals;
    memory_totals(&totals);
    int largest = frames_largest(&machine_frames);
    report("memory: %llu KiB of %llu KiB free, largest block %llu KiB, kernel heap %llu KiB",
           (unsigned long long)(totals.free / 1024), (unsigned long long)(totals.total / 1024),
           largest < 0 ? 0ull : 4ull << largest, (unsigned long long)(heap_used() / 1024));
}

static void last_lines(void)
{
    log_print_recent(LOG_LINES);
}

static void sysrq_restart(void)
{
    machine_restart();
}

INIT_CODE void sysrq_init(void)
{
    sysrq_add('h', "this list", help);
    sysrq_add('m', "memory", memory);
    sysrq_add('l', "the log's last lines", last_lines);
    sysrq_add('b', "restart the machine at once", sysrq_restart);
}

bool sysrq_present(void)
{
    return key_count > 0;
}

void sysrq_key(char letter)
{
    for (unsigned i = 0; i < key_count; i++) {
        if (keys[i].letter == letter) {
            bool all, stopped = SEVERAL_CPUS && cpus_stop(&all);
            keys[i].function();
            if (stopped)
                cpus_go_on();
            return;
        }
    }
    help();
}
