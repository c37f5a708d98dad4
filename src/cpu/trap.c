/* SPDX-License-Identifier: MIT */
#include "cpu/trap.h"

#include "base/addr.h"
#include "base/compiler.h"
#include "cpu/apic.h"
#include "cpu/bits.h"
#include "cpu/lock.h"
#include "cpu/percpu.h"

#include <stddef.h>

RO_AFTER_INIT static trap_handler handlers[256];
RO_AFTER_INIT static bool program_expected;

/* Called by entry.S. */
void trap_dispatch(struct trap_frame *frame);
bool trap_dispatch_paranoid(struct trap_frame *frame);
void trap_gs_lost(struct trap_frame *frame, uint64_t base);
extern const uint64_t syscall_entry_marks[5];
/* The jumps to the program, just after their `sti`. */
extern char syscall_leave[], syscall_fast_leave[];
extern char trap_stubs[], trap_nmi[], trap_nmi_moved[];

trap_handler trap_set_handler(unsigned vector, trap_handler handler)
{
    trap_handler old = handlers[vector];
    handlers[vector] = handler;
    return old;
}

void trap_pass_on(struct trap_frame *frame)
{
    handlers[frame->vector](frame);
}

void trap_expect_program(void)
{
    program_expected = true;
}

bool trap_from_program(const struct trap_frame *frame)
{
    return (uint64_t)(uintptr_t)(frame + 1) == percpu()->kstack_top && program_expected;
}

/* No interrupt arrives between `sti` and the jump after it, except one that follows an NMI there.
 * The frame is then completed to the state after the jump: all registers but rip are the program's
 * already. */
static void finish_jump(struct trap_frame *frame)
{
    if (frame->rip == (uint64_t)(uintptr_t)syscall_leave ||
        frame->rip == (uint64_t)(uintptr_t)syscall_fast_leave)
        frame->rip = frame->rcx;
}

/* An exception of the program enters the kernel as a system call does; a page fault may be one that others do not mind. An interrupt handler runs
 * without kernel_lock; the code after it, on the way back to the program, has it. */
static ALWAYS_INLINE void begin_handler(const struct trap_frame *frame,
                                        bool interrupt) NO_LOCK_ANALYSIS
{
    if (interrupt)
        lock_interrupt_begin();
    else if (trap_from_program(frame))
        kernel_lock_take_as(frame->vector == VECTOR_PAGE_FAULT);
}

static ALWAYS_INLINE void end_handler(const struct trap_frame *frame,
                                      bool interrupt) NO_LOCK_ANALYSIS
{
    if (!interrupt)
        return;
    lock_interrupt_end();
    if (trap_from_program(frame))
        kernel_lock_take();
}

static uint64_t interrupts[CPUS_MAX][VECTOR_COUNT]; /* taken, by vector */

COLD uint64_t trap_interrupts_of(unsigned cpu, unsigned from, unsigned end)
{
    uint64_t sum = 0;
    while (from < end)
        sum += interrupts[cpu][from++];
    return sum;
}

COLD uint64_t trap_interrupts(unsigned from, unsigned end)
{
    uint64_t sum = 0;
    for (unsigned cpu = 0; cpu < cpus_online; cpu++)
        sum += trap_interrupts_of(cpu, from, end);
    return sum;
}

/* True if the frame is an interrupt's; false if it has become the #GP of an `int n`. */
COLD static bool is_interrupt(struct trap_frame *frame)
{
    finish_jump(frame);
    if (trap_from_program(frame)) {
        trap_keep_ring(frame);
        if (trap_raised_by_program(frame))
            return false;
    }
    interrupts[cpu_index()][frame->vector & 0xff]++;
    return true;
}

/* A request to flush, which is no business of the thread's: the CPU that asks waits, maybe with locks held. */
static bool is_request(const struct trap_frame *frame)
{
    if (!SEVERAL_CPUS || frame->vector != VECTOR_TLB || !apic_in_service(VECTOR_TLB))
        return false;
    interrupts[cpu_index()][VECTOR_TLB]++;
    cpu_serve();
    apic_eoi();
    return true;
}

/* What dispatch() does, in fewer instructions: for page faults. */
static ALWAYS_INLINE void dispatch_exception(struct trap_frame *frame) NO_LOCK_ANALYSIS
{
    trap_handler handler = handlers[frame->vector];
    if (handler == NULL)
        handler = trap_unexpected;
    if (!trap_from_program(frame)) {
        handler(frame);
        __asm__ volatile("cli" : : : "memory");
        return;
    }
    kernel_lock_take_as(frame->vector == VECTOR_PAGE_FAULT);
    handler(frame);
    __asm__ volatile("cli" : : : "memory");
    trap_leave(frame);
    kernel_lock_drop();
}

static CPUS_NOINLINE void dispatch(struct trap_frame *frame) NO_LOCK_ANALYSIS
{
    if (is_request(frame))
        return;
    bool interrupt = frame->vector >= VECTOR_EXCEPTIONS && is_interrupt(frame);
    trap_handler handler = handlers[frame->vector & 0xff];
    begin_handler(frame, interrupt);
    (likely(handler != NULL) ? handler : trap_unexpected)(frame);
    __asm__ volatile("cli" : : : "memory"); /* entry.S restores RFLAGS from the frame */
    end_handler(frame, interrupt);
    if (trap_from_program(frame)) {
        trap_leave(frame);
        kernel_lock_drop();
    }
}

void trap_dispatch(struct trap_frame *frame)
{
    if (SEVERAL_CPUS && frame->vector < VECTOR_EXCEPTIONS)
        dispatch_exception(frame);
    else
        dispatch(frame);
}

/* GS has been restored. A pending interrupt is handled, for it must be acknowledged. An exception
 * is dropped: the wrong base may have caused it, and otherwise it recurs. If a system call was
 * still in its entry code, the frame is set back to the program's own registers. */
COLD void trap_gs_lost(struct trap_frame *frame, uint64_t base) NO_LOCK_ANALYSIS
{
    if (frame->vector >= VECTOR_EXCEPTIONS && handlers[frame->vector & 0xff] != NULL) {
        lock_interrupt_begin();
        handlers[frame->vector & 0xff](frame);
        lock_interrupt_end();
    }
    const uint64_t *marks = syscall_entry_marks, rip = frame->rip;
    if ((rip >= marks[0] && rip < marks[2]) || (rip >= marks[3] && rip < marks[4])) {
        if (rip < marks[0] || rip >= marks[1]) /* rsp has been saved there */
            frame->rsp = ((const struct percpu *)(uintptr_t)base)->program_rsp;
        frame->rip = frame->rcx;
        frame->rflags = frame->r11;
    }
    frame->vector = FRAME_VECTOR_GS;
    frame->error = base;
    if (trap_from_program(frame)) /* its registers are the program's now */
        kernel_lock_take();
    trap_gs_restored(frame);
    __asm__ volatile("cli" : : : "memory");
    if (trap_from_program(frame)) {
        trap_leave(frame);
        kernel_lock_drop();
    }
}

/* An NMI before trap_nmi has moved the stack away has overwritten the frame of an `int 2`: rip and rsp of the program
 * are lost. It gets its SIGSEGV at 0. */
COLD static bool has_lost_program(struct trap_frame *frame)
{
    uint64_t stub = (uint64_t)(uintptr_t)trap_stubs + VECTOR_NMI * TRAP_STUB_SIZE;
    if (frame->vector != VECTOR_NMI ||
        (frame->rip - stub >= TRAP_STUB_SIZE &&
         frame->rip - (uint64_t)(uintptr_t)trap_nmi >= (uint64_t)(trap_nmi_moved - trap_nmi)))
        return false;
    frame->vector = VECTOR_GENERAL_PROTECTION;
    frame->error = VECTOR_NMI << IDT_ERROR_SHIFT | IDT_ERROR;
    frame->rip = frame->rsp = 0;
    frame->rflags = RFLAGS_FIXED | RFLAGS_IF;
    return true;
}

/* True if the program has raised the vector: the frame has become that of #GP. The handler of the NMI asks
 * itself. */
bool trap_dispatch_paranoid(struct trap_frame *frame)
{
    trap_handler handler = handlers[frame->vector & 0xff];
    if (has_lost_program(frame))
        return true;
    if (frame->vector == VECTOR_MACHINE_CHECK && trap_raised_by_program(frame))
        return true;
    if (SEVERAL_CPUS && frame->vector == VECTOR_NMI && cpu_stop_if_asked(frame))
        return trap_raised_by_program(frame);
    lock_check_pause(); /* an NMI or machine check may interrupt code that holds locks */
    (handler != NULL ? handler : trap_unexpected)(frame);
    lock_check_resume();
    return frame->vector == VECTOR_GENERAL_PROTECTION;
}

const char *trap_name(uint64_t vector)
{
    static const char *const names[VECTOR_EXCEPTIONS] = {
        "divide error",
        "debug exception",
        "NMI",
        "breakpoint",
        "overflow",
        "BOUND range exceeded",
        "invalid opcode",
        "device not available",
        "double fault",
        NULL,
        "invalid TSS",
        "segment not present",
        "stack-segment fault",
        "general protection",
        "page fault",
        NULL,
        "x87 floating-point error",
        "alignment check",
        "machine check",
        "SIMD floating-point exception",
        "virtualization exception",
        "control protection exception",
    };
    return vector < VECTOR_EXCEPTIONS ? names[vector] : NULL;
}
