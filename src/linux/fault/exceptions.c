/* SPDX-License-Identifier: MIT */
#include "linux/fault/exceptions.h"

#include "cpu/lock.h"
#include "cpu/percpu.h"
#include "cpu/tables.h"
#include "cpu/trap.h"
#include "cpu/usercopy.h"
#include "cpu/x86.h"
#include "diag/panic.h"
#include "diag/report.h"
#include "kern/log.h"
#include "kern/thread.h"
#include "linux/call/syscall.h"
#include "linux/fault/crash.h"
#include "linux/fault/raised.h"
#include "linux/task/process.h"
#include "linux/task/rseq.h"
#include "linux/task/signal.h"
#include "linux/task/trace.h"
#include "mm/heap/kstack.h"
#include "mm/layout.h"
#include "mm/vm/fault.h"
#include "mm/vm/usercopy.h"
#include "parse/x86_halt.h"

/* x87 and SSE order their exception flags alike: invalid, denormal, divide, overflow, underflow,
 * inexact (SDM 1 8.1.3, 10.2.3). */
static int float_code(uint32_t flags, uint32_t masks)
{
    uint32_t raised = flags & ~masks;
    return raised & 1    ? FPE_FLTINV
           : raised & 4  ? FPE_FLTDIV
           : raised & 8  ? FPE_FLTOVF
           : raised & 18 ? FPE_FLTUND
           : raised & 32 ? FPE_FLTRES
                         : 0;
}

static int x87_code(void)
{
    uint16_t status, control;
    __asm__ volatile("fnstsw %0" : "=m"(status));
    __asm__ volatile("fnstcw %0" : "=m"(control));
    return float_code(status & 63, control & 63);
}

static int sse_code(void)
{
    uint32_t mxcsr;
    __asm__ volatile("stmxcsr %0" : "=m"(mxcsr));
    return float_code(mxcsr & 63, mxcsr >> 7 & 63);
}

/* DR6 keeps its bits until it is written. Without a cause there: icebp. 0: it was none of the thread's business. */
static int debug_code(struct trap_frame *frame)
{
    uint64_t all = read_dr6() & DR6_CAUSES, causes = trace_debug_causes(frame, all);
    write_dr6(DR6_NONE);
    if (causes == 0 && all != 0)
        return 0;
    return causes & DR6_STEP ? TRAP_TRACE : causes & DR6_CAUSES ? TRAP_HWBKPT : TRAP_BRKPT;
}

/* Bit n: vector n. Those with an error code; entry.S recognizes their `int n`. */
#define ERROR_CODE_VECTORS 0x60227d00u
/* `int n` of a program on Linux may raise these, too: breakpoint and overflow. */
#define OPEN_VECTORS (1u << VECTOR_BREAKPOINT | 1u << VECTOR_OVERFLOW)
/* They have handlers of their own, or none: #NMI, #NM, #DF, #PF, #MC. */
#define OTHER_VECTORS                                                                              \
    (1u << VECTOR_NMI | 1u << VECTOR_DEVICE_NOT_AVAILABLE | 1u << VECTOR_DOUBLE_FAULT |            \
     1u << VECTOR_PAGE_FAULT | 1u << VECTOR_MACHINE_CHECK)

/* What Linux sends for a vector (Linux: arch/x86, traps); the others raise SIGSEGV. The address is rip or 0. */
struct vector_signal {
    uint8_t signal, code;
    bool at_rip;
};

static const struct vector_signal vector_signals[] = {
    [VECTOR_DIVIDE] = {SIGNAL_FPE, FPE_INTDIV, true},
    [VECTOR_DEBUG] = {SIGNAL_TRAP, 0, true},
    [VECTOR_BREAKPOINT] = {SIGNAL_TRAP, SI_KERNEL, false},
    [VECTOR_INVALID_OPCODE] = {SIGNAL_ILL, ILL_ILLOPN, true},
    [VECTOR_SEGMENT] = {SIGNAL_BUS, SI_KERNEL, false},
    [VECTOR_STACK] = {SIGNAL_BUS, SI_KERNEL, false}, /* non-canonical, through rsp or rbp */
    [VECTOR_X87] = {SIGNAL_FPE, 0, true},
    [VECTOR_ALIGNMENT] = {SIGNAL_BUS, BUS_ADRALN, false},
    [VECTOR_SIMD] = {SIGNAL_FPE, 0, true},
};

/* Sends that signal, unless the program only wanted one of Linux's selectors. */
static void exception(struct trap_frame *frame)
{
    if (!trap_from_program(frame)) {
        if (frame->vector == VECTOR_DEBUG && read_dr6() & 15) {
            write_dr6(DR6_NONE); /* a copy touches what a program watches: no stop, as on Linux */
            return;
        }
        if (usercopy_active(frame)) { /* #GP: a non-canonical address */
            usercopy_abort(frame, E_FAULT);
            return;
        }
        panic_at(frame, "%s, error code 0x%llx", trap_name(frame->vector),
                 (unsigned long long)frame->error);
    }
    trap_keep_ring(frame);
    if (!((ERROR_CODE_VECTORS | OPEN_VECTORS) >> frame->vector & 1))
        (void)trap_raised_by_program(frame);
    int code = frame->vector == VECTOR_X87     ? x87_code()
               : frame->vector == VECTOR_SIMD  ? sse_code()
               : frame->vector == VECTOR_DEBUG ? debug_code(frame)
                                               : 0;
    if (frame->vector == VECTOR_DEBUG && code == 0)
        return;
    __asm__ volatile("sti" : : : "memory");
    if (frame->vector == VECTOR_GENERAL_PROTECTION && emulate_selector(frame))
        return;
    struct vector_signal of = {SIGNAL_SEGV, SI_KERNEL, false};
    if (frame->vector < ARRAY_LENGTH(vector_signals) && vector_signals[frame->vector].signal != 0)
        of = vector_signals[frame->vector];
    signal_from_fault(frame, of.signal, code != 0 ? code : of.code, of.at_rip ? frame->rip : 0);
}

void fault_of_program(struct trap_frame *frame, virt_t v, enum fault_verdict verdict)
{
    /* The kernel ran on a stack that is not the thread's: a trap stack has overflowed. */
    if (frame->rip >= LAYOUT_PROGRAM_END && kstack_holds(virt(frame->rsp)))
        fault_of_kernel(frame, v);
    if (unlikely(frame->error & PF_USER)) /* sysret of the program */
        trap_keep_ring(frame);
    if (unlikely(frame->rip == v.v) && emulate_vsyscall(frame, v))
        return;
    switch (verdict) {
    case FAULT_PAST_FILE:
        signal_from_fault(frame, SIGNAL_BUS, BUS_ADRERR, v.v);
        break;
    case FAULT_OUT_OF_MEMORY:
        crash_out_of_memory(frame, v);
        process_die(SIGNAL_KILL);
    default:
        signal_from_fault(frame, SIGNAL_SEGV,
                          verdict == FAULT_NOT_MAPPED ? SEGV_MAPERR : SEGV_ACCERR, v.v);
    }
}

void fault_of_copy(const struct trap_frame *frame, virt_t v)
{
    struct syscall_record call;
    if (linux_current() == NULL || signal_pending_set() & signal_bit(SIGNAL_KILL))
        return;
    /* The report is about the program, whose frame is above, unless the call came by the fast path. */
    const struct trap_frame *top = (const struct trap_frame *)(uintptr_t)percpu()->kstack_top - 1;
    bool fast = syscall_history(&call, 1) == 1 && !call.finished && call.number < FAST_NUMBERS &&
                !(syscall_slow_flags & RFLAGS_IF) &&
                syscall_fast[call.number / 64] >> call.number % 64 & 1;
    struct trap_frame shown = fast ? *frame : *top;
    shown.vector = VECTOR_PAGE_FAULT;
    shown.error = frame->error;
    crash_out_of_memory(&shown, v);
    signal_raise(process_current(), SIGNAL_KILL);
}

/* GS is the kernel's here, though Linux gives it to programs. The program cannot continue: its GS
 * accesses would read kernel data. */
void trap_gs_restored(struct trap_frame *frame)
{
    if (!trap_from_program(frame))
        panic_at(frame, "GS base was 0x%llx", (unsigned long long)frame->error);
    __asm__ volatile("sti" : : : "memory");
    signal_from_fault(frame, SIGNAL_SEGV, SI_KERNEL, 0);
}

/* On Linux `hlt` raises #GP in a program; musl's malloc uses it to abort on heap corruption. In
 * ring 0 it waits for an interrupt, so each interrupt checks whether it ended a `hlt` of the
 * program. kern/watchdog.h guarantees an interrupt. The check reads one byte; if it is 0xf4, in
 * which other instructions end too (`je -12`), the code is searched once, with interrupts on. */
static void notice_halt(struct trap_frame *frame) REQUIRES(kernel_lock)
{
    uint8_t before;
    if (copy_in(&before, virt(frame->rip - 1), 1) != E_OK || before != X86_HLT)
        return;
    __asm__ volatile("sti" : : : "memory");
    if (report_came_from_halt(frame->rip, frame->rflags)) {
        frame->rip--;
        frame->vector = VECTOR_GENERAL_PROTECTION;
        frame->error = 0;
        signal_from_fault(frame, SIGNAL_SEGV, SI_KERNEL, 0);
    }
    __asm__ volatile("cli" : : : "memory");
}

/* The way back to the program from an exception or an interrupt. The last check is with interrupts
 * off, so that an event raised by an interrupt is not left pending until the next trap. */
void trap_leave(struct trap_frame *frame)
{
    kernel_lock_assert_any();
    if (frame->vector >= VECTOR_EXCEPTIONS)
        notice_halt(frame);
    frame->rflags |= RFLAGS_IF; /* popf changes IF in ring 0, but not in ring 3 */
    while (thread_current()->signal_pending || thread_is_held_up()) {
        __asm__ volatile("sti" : : : "memory");
        kernel_lock_alone();
        if (thread_slice_over()) {
            thread_preempt();
            if (rseq_interrupt(frame) != E_OK)
                signal_force_segv();
        }
        if (thread_has_moved() && (rseq_interrupt(frame) != E_OK || rseq_moved() != E_OK))
            signal_force_segv();
        if (thread_current()->signal_pending)
            signal_deliver(frame);
        __asm__ volatile("cli" : : : "memory");
    }
}

void exceptions_init(void)
{
    for (unsigned vector = 0; vector < VECTOR_EXCEPTIONS; vector++)
        if (!(OTHER_VECTORS >> vector & 1))
            trap_set_handler(vector, exception);
    fault_init();
    trap_expect_program();
}
