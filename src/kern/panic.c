/* SPDX-License-Identifier: MIT */
/*
 * The panic path allocates nothing, takes no lock and reads memory only where a walk of the page
 * tables says that something is mapped. A panic inside it prints one line and ends the machine.
 */
#include "kern/panic.h"

#include "base/fmt.h"
#include "base/sections.h"
#include "cpu/backtrace.h"
#include "cpu/trap.h"
#include "cpu/x86.h"
#include "kern/console.h"
#include "kern/console_frame.h"
#include "kern/log.h"
#include "kern/machine.h"
#include "kern/thread.h"
#include "mm/layout.h"
#include "mm/paging.h"

#include <stdarg.h>

#define FRAMES_SHOWN 24
#define STATUS_BOOT  125

static bool panicking;

static bool read_mapped(void *context, uint64_t address, uint64_t *out)
{
    (void)context;
    struct pt_walk first, last;
    if (paging == NULL) /* before memory_init() only the image's own stack can be meant */
        return false;
    paging_walk(virt(address), &first);
    paging_walk(virt(address + 7), &last);
    if (first.leaf_level == 0 || last.leaf_level == 0)
        return false;
    *out = *(const uint64_t *)ptr_of(virt(address));
    return true;
}

static const char *place_of(uint64_t address)
{
    if (address < LAYOUT_PROGRAM_END)
        return "program";
    if (address >= virt_of(init_text_start).v && address < virt_of(text_end).v)
        return "kernel";
    return "?";
}

void report_backtrace(uint64_t rip, uint64_t rbp)
{
    uint64_t callers[FRAMES_SHOWN];
    unsigned n = backtrace(rbp, read_mapped, NULL, callers, FRAMES_SHOWN);
    report("  trace   #0 %016llx %s", (unsigned long long)rip, place_of(rip));
    for (unsigned i = 0; i < n; i++)
        report("          #%u %016llx %s", i + 1, (unsigned long long)callers[i],
               place_of(callers[i]));
    if (n == FRAMES_SHOWN)
        report("          (truncated)");
}

void report_registers(const struct trap_frame *f)
{
#define LL(x) ((unsigned long long)(x))
    report("  regs    rip %016llx  rsp %016llx  rflags %08llx", LL(f->rip), LL(f->rsp),
           LL(f->rflags));
    report("          rax %016llx  rbx %016llx  rcx %016llx", LL(f->rax), LL(f->rbx), LL(f->rcx));
    report("          rdx %016llx  rsi %016llx  rdi %016llx", LL(f->rdx), LL(f->rsi), LL(f->rdi));
    report("          rbp %016llx  r8  %016llx  r9  %016llx", LL(f->rbp), LL(f->r8), LL(f->r9));
    report("          r10 %016llx  r11 %016llx  r12 %016llx", LL(f->r10), LL(f->r11), LL(f->r12));
    report("          r13 %016llx  r14 %016llx  r15 %016llx", LL(f->r13), LL(f->r14), LL(f->r15));
    report("  machine cr0 %llx  cr2 %llx  cr3 %llx  cr4 %llx  efer %llx", LL(read_cr0()),
           LL(read_cr2()), LL(read_cr3()), LL(read_cr4()), LL(rdmsr(MSR_EFER)));
}

/* False when this is a panic inside a panic. */
static void begin(void)
{
    __asm__ volatile("cli");
    if (panicking) {
        report("ouro: PANIC inside the report of a panic; giving up");
        machine_exit(FRAME_KERNEL_EXIT);
    }
    panicking = true;
}

NORETURN static void finish(void)
{
    report("  log     the last lines:");
    log_print_recent(16);
    machine_exit(FRAME_KERNEL_EXIT);
}

static void headline(const char *format, va_list args)
{
    char reason[200];
    fmt_vsnprintf(reason, sizeof reason, format, args);
    const struct thread *t = thread_current();
    uint64_t us = time_now_ns() / 1000;
    report("==== PANIC (a fault of the kernel itself): %s", reason);
    report("  what    thread \"%s\" on CPU 0, %llu.%06llu s after boot",
           t != NULL ? t->name : "boot", LL(us / 1000000), LL(us % 1000000));
}

NORETURN void panic(const char *format, ...)
{
    begin();
    va_list args;
    va_start(args, format);
    headline(format, args);
    va_end(args);
    report_backtrace((uint64_t)(uintptr_t)__builtin_return_address(0),
                     (uint64_t)(uintptr_t)__builtin_frame_address(0));
    finish();
}

NORETURN void panic_assert(const char *condition, const char *file, int line)
{
    panic("assertion failed: %s (%s:%d)", condition, file, line);
}

NORETURN void panic_at(const struct trap_frame *frame, const char *format, ...)
{
    begin();
    va_list args;
    va_start(args, format);
    headline(format, args);
    va_end(args);
    report_registers(frame);
    report_backtrace(frame->rip, frame->rbp);
    finish();
}

NORETURN void boot_stop(const char *format, ...)
{
    char reason[256];
    va_list args;
    va_start(args, format);
    fmt_vsnprintf(reason, sizeof reason, format, args);
    va_end(args);
    report("%s%s", console_is_framed() ? "ouro: " : FRAME_STUB_STOP, reason);
    machine_exit(STATUS_BOOT);
}

static void unexpected(struct trap_frame *frame)
{
    const char *name = trap_name(frame->vector);
    if (name != NULL)
        panic_at(frame, "%s, error code 0x%llx", name, LL(frame->error));
    panic_at(frame, "interrupt on vector %llu, which has no handler", LL(frame->vector));
}

static void overflow(struct trap_frame *frame)
{
    panic_at(frame, "kernel stack overflow");
}

void panic_init(void)
{
    trap_set_default(unexpected);
    trap_set_overflow_hook(overflow);
}
