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
    thread_count_points();
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

/* The longest time from one preemption point of a system call, its begin or its thread's last switch
 * to the next point or its end. */
static uint64_t path_start_ns, longest_ns;
static const struct syscall_count *longest_in;

static void path_ends(uint32_t number)
{
    uint64_t now = time_now_ns(), switched = thread_current()->started_ns;
    uint64_t ns = now - (path_start_ns > switched ? path_start_ns : switched);
    path_start_ns = now;
    if (ns <= longest_ns)
        return;
    longest_ns = ns;
    longest_in = stats_of_syscall(number);
}

void stats_call_begins(uint64_t now)
{
    path_start_ns = now;
}

void stats_call_ends(uint32_t number)
{
    path_ends(number);
}

void thread_point_passed(void)
{
    struct syscall_record last;
    if (syscall_history(&last, 1) == 1 && !last.finished)
        path_ends((uint32_t)last.number);
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
    if (longest_in != NULL)
        report("ouro: longest path without a preemption point: %llu ns, %s", ULL(longest_ns),
               stats_name_of((size_t)(longest_in - counts)));
    report_calls();
}
