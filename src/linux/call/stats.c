/* SPDX-License-Identifier: MIT */
#include "linux/call/stats.h"

#include "base/addr.h"
#include "cpu/trap.h"
#include "cpu/tsc.h"
#include "kern/log.h"
#include "kern/swap.h"
#include "kern/thread.h"
#include "kern/time.h"
#include "linux/call/syscall.h"
#include "linux/task/process.h"
#include "mm/heap/heap.h"
#include "mm/pt/paging.h"
#include "mm/vm/clock.h"
#include "mm/vm/fault.h"
#include "mm/vm/slots.h"

#define ULL(x)     ((unsigned long long)(x))
#define SLOT_OURS  SYSCALL_COUNT
#define SLOT_OTHER (SYSCALL_COUNT + OURO_CALL_COUNT) /* all numbers without a row */
#define SLOT_FAULT (SLOT_OTHER + 1)
#define SLOT_OWN   (SLOT_OTHER + 2) /* threads without a program: the kernel's, and ending ones */
#define SLOTS      (SLOT_OTHER + 3)

static struct syscall_count *counts; /* [SLOTS]; NULL: stats is off */
static trap_handler page_fault_handler;

static void page_fault_counted(struct trap_frame *frame) NO_LOCK_ANALYSIS;

INIT_CODE enum err stats_start(void)
{
    counts = heap_alloc_zero(SLOTS * sizeof *counts);
    if (counts == NULL)
        return E_NOMEM;
    syscall_count_all();
    thread_count_points();
    page_fault_handler = trap_set_handler(VECTOR_PAGE_FAULT, page_fault_counted);
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

/* A path: from a preemption point of the kernel, the begin of a system call or of a page fault of the
 * program, or a switch to the thread, to the next of these points, the end of the call or fault, or
 * a switch to another thread. 0: the program has not called yet. */
static uint64_t path_starts[CPUS_MAX];
#define path_start_ns (path_starts[cpu_index()])

static void path_ends(struct syscall_count *count)
{
    uint64_t now = time_now_ns(), switched = thread_current()->started_ns;
    uint64_t ns = now - (path_start_ns > switched ? path_start_ns : switched);
    path_start_ns = now;
    if (ns > count->longest_ns)
        count->longest_ns = ns;
}

void stats_call_begins(uint64_t now)
{
    path_start_ns = now;
}

void stats_call_ends(struct syscall_count *count)
{
    path_ends(count);
}

/* A fault of the kernel, in a copy from or to the program, is a part of its call's path. */
static void page_fault_counted(struct trap_frame *frame)
{
    bool program = trap_from_program(frame);
    uint64_t start = time_now_ns();
    if (program)
        path_start_ns = start;
    page_fault_handler(frame);
    if (!program)
        return;
    CPUS_ADD(counts[SLOT_FAULT].calls, 1);
    CPUS_ADD(counts[SLOT_FAULT].ns, time_now_ns() - start);
    path_ends(&counts[SLOT_FAULT]);
}

void thread_point_passed(void)
{
    struct syscall_record last;
    if (linux_current() == NULL && path_start_ns != 0)
        path_ends(&counts[SLOT_OWN]);
    else if (syscall_history(&last, 1) == 1 && !last.finished)
        path_ends(stats_of_syscall((uint32_t)last.number));
}

static const char *stats_name_of(size_t slot)
{
    if (slot >= SLOT_FAULT)
        return slot == SLOT_FAULT ? "(page fault)" : "(kernel thread, end of a thread)";
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
    report("ouro: %10s %12s %10s %10s  system call", "calls", "ns", "ns each", "path");
    for (size_t i; (i = costliest()) < SLOTS; counts[i].calls = 0)
        report("ouro: %10llu %12llu %10llu %10llu  %s", ULL(counts[i].calls), ULL(counts[i].ns),
               ULL(counts[i].ns / counts[i].calls), ULL(counts[i].longest_ns), stats_name_of(i));
}

static void report_longest_path(void)
{
    size_t longest = 0;
    for (size_t i = 0; i < SLOTS; i++)
        if (counts[i].longest_ns > counts[longest].longest_ns)
            longest = i;
    report("ouro: longest path without a preemption point: %llu ns, %s",
           ULL(counts[longest].longest_ns), stats_name_of(longest));
}

/* The share is that of the time of all CPUs. */
static void report_locks(void)
{
    uint64_t all = time_now_ns() * cpus_online;
    report("ouro: %10s %10s %12s %10s %6s  lock", "takes", "waits", "ns waited", "longest",
           "share");
    for (unsigned row = 0; row < LOCK_PROFILES; row++) {
        struct lock_profile p;
        if (cpu_lock_profile(row, &p))
            report("ouro: %10llu %10llu %12llu %10llu %4llu.%llu%%  %s", ULL(p.takes), ULL(p.waits),
                   ULL(tsc_to_ns(p.waited)), ULL(tsc_to_ns(p.longest)),
                   ULL(tsc_to_ns(p.waited) * 100 / all), ULL(tsc_to_ns(p.waited) * 1000 / all % 10),
                   cpu_lock_name(row));
    }
}

static void report_swap(void)
{
    const struct swap_counters *c = &swap_counters;
    const struct swap_clock *k = &swap_clock;
    if (swap_device == NULL)
        return;
    report(
        "ouro: swap: out=%llu in %llu writes, in=%llu (ahead %llu), faults=%llu (still in memory %llu), waits=%llu (for the kernel's frames %llu, without sleep %llu), %llu ns each read",
        ULL(c->out), ULL(c->runs), ULL(c->in), ULL(c->ahead), ULL(c->refaults), ULL(c->rescued),
        ULL(c->waits), ULL(c->owed), ULL(c->direct),
        ULL(c->reads != 0 ? c->read_ns / c->reads : 0));
    report(
        "ouro: clock: front turns=%llu pages=%llu cleared=%llu, back turns=%llu pages=%llu used=%llu evicted=%llu (clean %llu), splits=%llu, in vain=%llu",
        ULL(k->front.turns), ULL(k->front.pages), ULL(k->cleared), ULL(k->back.turns),
        ULL(k->back.pages), ULL(k->spared), ULL(k->evicted), ULL(k->clean), ULL(k->splits),
        ULL(c->in_vain));
    report("ouro: swap slots: %llu, used=%llu, kept for clean pages=%llu", ULL(swap_total_pages()),
           ULL(swap_slots.used), ULL(swap_slots.kept));
}

void stats_report(void)
{
    if (counts == NULL)
        return;
    report("ouro: statistics after %llu us", ULL(time_now_ns() / 1000));
    report("ouro: pages made by faults: zero=%llu anonymous=%llu (of 2 MiB: %llu) copied=%llu "
           "file=%llu taken over=%llu",
           ULL(fault_counters.zero), ULL(fault_counters.anonymous), ULL(fault_counters.large),
           ULL(fault_counters.copied), ULL(fault_counters.file), ULL(fault_counters.taken_over));
    report("ouro: TLB flushes: pages=%llu all=%llu tables=%llu", ULL(paging_counters.page_flushes),
           ULL(paging_counters.full_flushes), ULL(paging_counters.table_flushes));
    report_swap();
    if (SEVERAL_CPUS)
        report_locks();
    report("ouro: context switches: %llu", ULL(thread_switch_count()));
    report_longest_path();
    report_calls();
}
