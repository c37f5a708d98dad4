/* SPDX-License-Identifier: MIT */
/*
 * The panic path allocates nothing, takes no lock and reads memory only where a walk of the page
 * tables says that something is mapped. A trap inside the report costs the part that it was in; a
 * panic inside it prints one line and ends the machine.
 */
#define LOG_TAG "cpu"
#include "diag/panic.h"

#include "base/fmt.h"
#include "base/log.h"
#include "cpu/apic.h"
#include "cpu/lock.h"
#include "cpu/trap.h"
#include "cpu/x86.h"
#include "diag/report.h"
#include "kern/console.h"
#include "kern/console_frame.h"
#include "kern/log.h"
#include "kern/machine.h"
#include "mm/heap/kstack.h"
#include "mm/vm/fault.h"

#include <stdarg.h>

#define STATUS_BOOT 125

static bool panicking;
static char reason[200];

static void begin(void)
{
    __asm__ volatile("cli");
    lock_check_pause(); /* never resumed: the locks that are held stay held */
    bool all;
    if (SEVERAL_CPUS)
        (void)cpus_stop(&all); /* another that panics at the same time stops this one */
    if (panicking || report_is_running()) {
        report("ouro: PANIC inside the report of a fault; giving up");
        machine_end_panic();
    }
    panicking = true;
}

NORETURN static void panic_finish(const struct report_subject *subject)
{
    report_fault(subject);
    machine_end_panic();
}

/* Nothing trapped: the registers that matter are those of the caller. */
NORETURN static void finish_call(enum fault_cause cause, const void *caller, const uint64_t *frame)
{
    struct trap_frame registers = {
        .rip = (uint64_t)(uintptr_t)caller,
        .rbp = frame[0],
        .rsp = (uint64_t)(uintptr_t)(frame + 2),
    };
    struct report_subject subject = {
        .frame = &registers,
        .panic = true,
        .reason = reason,
        .cause = cause,
    };
    panic_finish(&subject);
}

NORETURN void panic(const char *format, ...)
{
    begin();
    va_list args;
    va_start(args, format);
    fmt_vsnprintf(reason, sizeof reason, format, args);
    va_end(args);
    finish_call(FAULT_BY_VECTOR, __builtin_return_address(0), __builtin_frame_address(0));
}

NORETURN void panic_assert(const char *condition, const char *file, int line)
{
    begin();
    fmt_snprintf(reason, sizeof reason, "assertion failed: %s (%s:%d)", condition, file, line);
    finish_call(FAULT_BY_ASSERTION, __builtin_return_address(0), __builtin_frame_address(0));
}

NORETURN static void end_by(const struct trap_frame *frame, const virt_t *address,
                            const char *format, va_list args)
{
    if (report_is_running())
        report_recover(frame);
    begin();
    fmt_vsnprintf(reason, sizeof reason, format, args);
    struct report_subject subject = {
        .frame = frame,
        .trapped = true,
        .panic = true,
        .reason = reason,
        .has_address = address != NULL,
        .address = address != NULL ? *address : virt(0),
    };
    panic_finish(&subject);
}

NORETURN void panic_at(const struct trap_frame *frame, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    end_by(frame, NULL, format, args);
}

NORETURN void panic_at_address(const struct trap_frame *frame, virt_t address, const char *format,
                               ...)
{
    va_list args;
    va_start(args, format);
    end_by(frame, &address, format, args);
}

NORETURN void panic_hang(const struct trap_frame *frame)
{
    begin();
    const struct report_subject subject = {
        .frame = frame,
        .trapped = true,
        .panic = true,
        .reason = "the kernel keeps interrupts off",
        .cause = FAULT_BY_HANG,
    };
    panic_finish(&subject);
}

NORETURN void boot_stop(const char *format, ...)
{
    char sentence[256];
    va_list args;
    va_start(args, format);
    fmt_vsnprintf(sentence, sizeof sentence, format, args);
    va_end(args);
    report("%s%s", console_is_framed() ? "ouro: " : FRAME_STUB_STOP, sentence);
    machine_exit(STATUS_BOOT);
}

/* Firmware's device, or one that a driver has left: it is acknowledged, and the machine goes on. */
static unsigned unexpected_interrupts;

void trap_unexpected(struct trap_frame *frame)
{
    unsigned long long vector = frame->vector;
    const char *name = trap_name(vector);
    if (vector == VECTOR_MACHINE_CHECK)
        panic_at(frame, "machine check");
    if (name != NULL)
        panic_at(frame, "%s in the kernel, error code 0x%llx", name,
                 (unsigned long long)frame->error);
    if (vector < VECTOR_EXCEPTIONS)
        panic_at(frame, "exception %llu", vector);
    if (apic_in_service((unsigned)vector))
        apic_eoi();
    unexpected_interrupts++;
    if ((unexpected_interrupts & (unexpected_interrupts - 1)) == 0)
        log_warn("interrupt on vector %llu, which has no handler: ignored, number %u", vector,
                 unexpected_interrupts);
}

NORETURN void trap_kernel_stack_overflow(struct trap_frame *frame)
{
    panic_at(frame, "kernel stack overflow");
}

NORETURN void fault_of_kernel(const struct trap_frame *frame, virt_t at)
{
    struct virt_range stack;
    if (kstack_guard_at(at, &stack))
        panic_at_address(frame, at,
                         "kernel stack overflow: touched 0x%llx, %llu bytes below the stack",
                         (unsigned long long)at.v, (unsigned long long)(stack.start.v - at.v));
    panic_at_address(frame, at, "page fault at 0x%llx, error code 0x%llx", (unsigned long long)at.v,
                     (unsigned long long)frame->error);
}
