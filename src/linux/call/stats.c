/* SPDX-License-Identifier: MIT */
#include "linux/call/stats.h"

#include "base/addr.h"
#include "kern/log.h"
#include "kern/thread.h"
#include "kern/time.h"
#include "linux/call/syscall.h"
#include "mm/heap/heap.h"
#include "mm/pt/paging.h"
#include "mm/vm/fault.h"

#define ULL(x)     ((unsigned long long)(x))
#define SLOT_OURS  SYSCALL_COUNT
#define SLOT_OTHER (SYSCALL_COUNT + OURO_CALL_COUNT) /* all numbers without a row */
#define SLOTS      (SLOT_OTHER + 1)

static struct syscall_count *counts; /* [SLOTS]; NULL: stats is off */

INIT_CODE enum err stats_start(void)
{
    counts = heap_alloc_zero(SLOTS * sizeof *counts);
    if (counts == NULL)
        return E_NOMEM;
    syscall_count_all();
    return E_OK;
}

struct syscall_count *stats_of_syscall(uint32_t number)
{
    if (counts == NULL)
        return NULL;
    if (number < SYSCALL_COUNT)
        return &counts[number];
    return number - OURO_CALL_FIRST < OURO_CALL_COUNT
               ? &counts[SLOT_OURS + number - OURO_CALL_FIRST]
               : &counts[SLOT_OTHER];
}

static const char *stats_name_of(size_t slot)
{
    size_t number = slot < SLOT_OURS ? slot : slot - SLOT_OURS + OURO_CALL_FIRST;
    const char *name = slot < SLOT_OTHER ? syscall_row((uint32_t)number).name : NULL;
    return name != NULL ? name : "(no such call)";
}

/* The most costly slot that has not been printed; SLOTS if none is left. */
static size_t costliest(void)
{
    size_t best = SLOTS;
    for (size_t i = 0; i < SLOTS; i++)
        if (counts[i].calls > 0 && (best == SLOTS || counts[i].ns > counts[best].ns))
            best = i;
    return best;
}

static void report_calls(void)
{
    report("ouro: %10s %12s %10s  system call", "calls", "ns", "ns each");
    for (size_t i; (i = costliest()) < SLOTS; counts[i].calls = 0)
        report("ouro: %10llu %12llu %10llu  %s", ULL(counts[i].calls), ULL(counts[i].ns),
               ULL(counts[i].ns / counts[i].calls), stats_name_of(i));
}

void stats_report(void)
{
    if (counts == NULL)
        return;
    report("ouro: statistics after %llu us", ULL(time_now_ns() / 1000));
    report("ouro: pages made by faults: zero=%llu anonymous=%llu (of 2 MiB: %llu) copied=%llu "
           "file=%llu",
           ULL(fault_counters.zero), ULL(fault_counters.anonymous), ULL(fault_counters.large),
           ULL(fault_counters.copied), ULL(fault_counters.file));
    report("ouro: TLB flushes: pages=%llu all=%llu tables=%llu", ULL(paging_counters.page_flushes),
           ULL(paging_counters.full_flushes), ULL(paging_counters.table_flushes));
    report("ouro: context switches: %llu", ULL(thread_switch_count()));
    report_calls();
}
