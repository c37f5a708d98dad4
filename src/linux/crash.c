/* SPDX-License-Identifier: MIT */
#include "linux/crash.h"

#include "base/fmt.h"
#include "cpu/trap.h"
#include "kern/log.h"
#include "kern/panic.h"
#include "kern/thread.h"
#include "linux/process.h"
#include "linux/signal.h"
#include "linux/syscall.h"
#include "mm/fault.h"
#include "mm/fault_report.h"
#include "mm/frames.h"
#include "mm/heap.h"
#include "mm/kstack.h"
#include "mm/memory.h"

#define LL(x)       ((unsigned long long)(x))
#define CALLS_SHOWN 8

static void to_report(void *context, const char *text)
{
    (void)context;
    report("%s", text);
}

static void describe(const struct area *a, struct fault_neighbour *out)
{
    if (a == NULL)
        return;
    out->there = true;
    out->range = a->range;
    out->prot = a->prot;
    out->kind = a->kind;
    out->flags = a->flags;
    if (a->source != NULL)
        a->source->ops->name(a->source, out->name, sizeof out->name);
}

static void find_areas(virt_t v, struct fault_facts *facts)
{
    const struct area *below = NULL, *next = NULL;
    for (const struct area *a = areas_next(virt(0)); a != NULL; a = areas_next(a->range.end)) {
        if (virt_range_contains(a->range, v)) {
            describe(a, &facts->here);
            return;
        }
        next = a;
        if (a->range.start.v > v.v)
            break;
        below = a;
        next = NULL;
    }
    describe(below, &facts->below);
    describe(next, &facts->above);
}

static void gather(const struct trap_frame *frame, virt_t v, struct fault_facts *facts)
{
    facts->who = thread_current()->name;
    facts->time_ns = time_now_ns();
    facts->error = frame->error;
    facts->rip = frame->rip;
    facts->rsp = frame->rsp;
    facts->address = v;
    facts->page_fault = frame->vector == VECTOR_PAGE_FAULT;
    facts->exception = trap_name(frame->vector);
    facts->access = frame->error & PF_EXECUTE ? ACCESS_EXECUTE
                    : frame->error & PF_WRITE ? ACCESS_WRITE
                                              : ACCESS_READ;
    paging_walk(v, &facts->walk);
    find_areas(v, facts);
}

static void report_calls(void)
{
    struct syscall_record calls[CALLS_SHOWN];
    char text[160];
    size_t count = syscall_history(calls, CALLS_SHOWN);
    for (size_t i = 0; i < count; i++) {
        syscall_format(&calls[i], text, sizeof text);
        report("  %s %s", i == 0 ? "calls  " : "       ", text);
    }
}

static void report_memory(void)
{
    struct memory_totals totals;
    memory_totals(&totals);
    report("  memory  %llu KiB of %llu KiB free, kernel heap %llu KiB, program areas %llu KiB",
           LL(totals.free / 1024), LL(totals.total / 1024), LL(heap_used() / 1024),
           LL(areas_bytes() / 1024));
}

void crash_report(const struct trap_frame *frame, int signal, int code, uint64_t address)
{
    struct fault_facts facts = {0};
    char headline[64];
    const char *name = signal_name(signal);
    fmt_snprintf(headline, sizeof headline, "CRASH (%s, code %d)", name != NULL ? name : "signal",
                 code);
    facts.headline = headline;
    gather(frame, virt(address), &facts);
    fault_report_write(&facts, to_report, NULL);
    report_registers(frame);
    report_backtrace(frame->rip, frame->rbp);
    report_calls();
    report_memory();
    report("==== end of the report; version %s", OURO_VERSION);
}

void crash_out_of_memory(const struct trap_frame *frame, virt_t at)
{
    report("==== CRASH: out of memory at 0x%llx, rip 0x%llx", LL(at.v), LL(frame->rip));
    report_calls();
    report_memory();
}

NORETURN void crash_kernel_fault(const struct trap_frame *frame, virt_t at)
{
    struct virt_range stack;
    struct fault_facts facts = {.headline = "PANIC (a fault of the kernel itself)"};
    if (kstack_guard_at(at, &stack))
        panic_at(frame, "kernel stack overflow: touched 0x%llx, %llu bytes below the stack",
                 LL(at.v), LL(stack.start.v - at.v));
    gather(frame, at, &facts);
    fault_report_write(&facts, to_report, NULL);
    panic_at(frame, "page fault at 0x%llx, error code 0x%llx", LL(at.v), LL(frame->error));
}
