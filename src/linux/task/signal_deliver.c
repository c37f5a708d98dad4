/* SPDX-License-Identifier: MIT */
/*
 * Delivery, on the way back to the program. Pending signals are taken in Linux's order. One with a
 * handler changes the frame into a call of it, on top of the earlier ones, so that the last one
 * taken runs first.
 *
 * An interrupted system call has E_INTR in the frame and its restart rule in linux_thread.restart.
 * The first handler decides (SA_RESTART); without any handler the call is restarted by moving rip
 * back to the `syscall` instruction, two bytes. A call that waits for a relative time is resumed, as
 * in Linux, by restart_syscall() with the arguments of the interrupted call.
 */
#define LOG_TAG "signal"
#include "linux/task/signal.h"

#include "base/log.h"
#include "cpu/lock.h"
#include "cpu/trap.h"
#include "kern/thread.h"
#include "linux/abi/trace.h"
#include "linux/task/process.h"
#include "linux/task/rseq.h"
#include "linux/task/signal_frame.h"
#include "linux/task/trace.h"

#define SYSCALL_INSTRUCTION_SIZE 2
#define RESTART_SYSCALL          219
#define PAGE_FAULT_BY_PROGRAM    4 /* error code bit U/S, which the CPU leaves 0 in ring 0 */

static void settle_restart(struct trap_frame *frame, bool again)
{
    struct linux_thread *lt = linux_current();
    if (again && lt->restart != SIGNAL_RESTART_NOTHING) {
        bool resumes = lt->restart == SIGNAL_RESTART_RESUME;
        frame->rax = resumes ? RESTART_SYSCALL : frame->error; /* its number */
        frame->rip -= SYSCALL_INSTRUCTION_SIZE;
    }
    lt->restart = SIGNAL_RESTART_NOTHING;
}

static NORETURN void die(int signal)
{
    const char *name = signal_name(signal);
    log_info("%s ended by signal %d%s%s", thread_current()->name, signal, name != NULL ? " " : "",
             name != NULL ? name : "");
    process_die(signal);
}

static bool has_handler(int signal)
{
    return process_current()->actions[signal].handler != SIG_DFL &&
           process_current()->actions[signal].handler != SIG_IGN;
}

void signal_from_fault(struct trap_frame *frame, int signal, int code, uint64_t address)
{
    struct linux_thread *lt = linux_current();
    bool blocked = lt->blocked & signal_bit(signal);
    if (!has_handler(signal) || blocked) {
        if (likely(lt->trace == NULL)) {
            signal_fault_report(frame, signal, code, address);
            die(signal);
        }
        lt->process->actions[signal].handler = SIG_DFL; /* the tracer sees it first */
        signal_set_blocked(lt->blocked & ~signal_bit(signal));
    }
    struct siginfo info = {.signal = signal, .code = code, .fault = {address}};
    bool gs = frame->vector == FRAME_VECTOR_GS;
    lt->trap_number = gs ? VECTOR_GENERAL_PROTECTION : frame->vector;
    lt->trap_error = gs ? 0 : frame->error;
    if (frame->vector == VECTOR_PAGE_FAULT) {
        lt->trap_error |= PAGE_FAULT_BY_PROGRAM;
        lt->trap_address = address;
    }
    uint64_t irq = signal_lock();
    lt->pending.standard[signal] = info;
    lt->pending.set |= signal_bit(signal);
    lt->pending.plain |= signal_bit(signal);
    thread_current()->signal_pending = true;
    signal_unlock(irq);
}

/* Sends SIGSEGV to the thread, not the process, as in Linux. */
COLD void signal_force_segv(void)
{
    struct linux_thread *lt = linux_current();
    struct siginfo info = {.signal = SIGNAL_SEGV, .code = SI_KERNEL};
    struct signal_target to = {.process = lt->process, .thread = lt};
    (void)!signal_send(&to, &info);
}

static bool is_from_fault(const struct siginfo *info)
{
    return (signal_bit(info->signal) & SIGNAL_SET_SYNCHRONOUS) && info->code > 0 &&
           info->code < SI_KERNEL;
}

/* The handler's frame could not be written: SIGSEGV as in Linux, fatal if that was the signal. */
static void frame_failed(struct trap_frame *frame, const struct siginfo *info)
{
    kernel_lock_alone();
    bool fatal = info->signal == SIGNAL_SEGV || !has_handler(SIGNAL_SEGV) ||
                 (signal_blocked() & signal_bit(SIGNAL_SEGV));
    if (!fatal) {
        signal_force_segv();
        return;
    }
    bool from_fault = is_from_fault(info);
    log_warn("no room on the stack for the handler of signal %d, rsp=0x%llx", info->signal,
             (unsigned long long)frame->rsp);
    signal_fault_report(frame, SIGNAL_SEGV, from_fault ? info->code : SEGV_MAPERR,
                        from_fault ? info->fault.address : frame->rsp);
    die(SIGNAL_SEGV);
}

static void call_handler(struct trap_frame *frame, const struct siginfo *info)
{
    struct linux_thread *lt = linux_current();
    struct signal_action *stored = &process_current()->actions[info->signal];
    struct signal_action action = *stored;
    uint64_t old_mask = lt->mask_saved ? lt->saved_mask : lt->blocked;

    settle_restart(frame, lt->restart == SIGNAL_RESTART_ALWAYS ||
                              (lt->restart == SIGNAL_RESTART_SA && (action.flags & SA_RESTART)));
    if (action.flags & SA_RESETHAND)
        stored->handler = SIG_DFL;
    if (rseq_interrupt(frame) != E_OK ||
        signal_frame_push(frame, &action, info, old_mask) != E_OK) {
        frame_failed(frame, info);
        return;
    }
    lt->mask_saved = false;
    uint64_t mask = lt->blocked | action.mask;
    if (!(action.flags & SA_NODEFER))
        mask |= signal_bit(info->signal);
    signal_set_blocked(mask);
}

static void take_default_action(const struct trap_frame *frame, const struct siginfo *info)
{
    int signal = info->signal;
    switch (signal) {
    case SIGNAL_ABRT: /* abort(), failed assertions: report the position */
        signal_fault_report(frame, signal, info->code, 0);
        die(signal);
    case SIGNAL_CHLD:
    case SIGNAL_CONT:
    case SIGNAL_URG:
    case SIGNAL_WINCH:
        return;
    case SIGNAL_STOP:
    case SIGNAL_TSTP:
    case SIGNAL_TTIN:
    case SIGNAL_TTOU:
        process_stop(signal);
        return;
    default:
        if (is_from_fault(info)) /* its tracer has seen it */
            signal_fault_report(frame, signal, info->code, info->fault.address);
        die(signal);
    }
}

static void deliver_one(struct trap_frame *frame, struct siginfo *info)
{
    if (unlikely(linux_current()->trace != NULL) && !trace_signal(info))
        return;
    if (unlikely(strace_on))
        strace_signal(info);
    if (!has_handler(info->signal) || process_current()->actions[info->signal].flags & SA_RESETHAND)
        kernel_lock_alone(); /* else a call of the handler changes only what is the thread's */
    if (has_handler(info->signal)) {
        call_handler(frame, info);
        if (unlikely(linux_current()->trace != NULL))
            trace_handler_called();
    } else if (process_current()->actions[info->signal].handler == SIG_DFL)
        take_default_action(frame, info);
}

/* No handler runs on a temporary mask: restores the old one. */
static void restore_mask(void)
{
    struct linux_thread *lt = linux_current();
    if (lt->mask_saved) {
        lt->mask_saved = false;
        signal_set_blocked(lt->saved_mask);
    }
}

void signal_deliver(struct trap_frame *frame)
{
    struct linux_thread *lt = linux_current();
    struct siginfo info;
    for (;;) {
        if (kernel_lock_is_shared() &&
            (lt->trace != NULL || process_stop_signal(lt->process) || lt->must_exit || strace_on))
            kernel_lock_alone();
        if (lt != NULL && unlikely(lt->trace != NULL) && trace_point())
            continue;
        if (lt != NULL && unlikely(process_stop_signal(lt->process)))
            process_wait_stopped();
        if (lt != NULL && lt->must_exit)
            linux_thread_exit(lt->process->exit_status);
        if (lt != NULL && thread_current()->signal_pending && signal_take(~lt->blocked, &info)) {
            deliver_one(frame, &info);
            continue;
        }
        if (lt != NULL) {
            settle_restart(frame, true);
            restore_mask();
            if (unlikely(lt->trace != NULL))
                trace_return(frame);
        }
        irq_save(); /* no lock: the last check before the program runs */
        if (!thread_current()->signal_pending || lt == NULL)
            return;
        irq_restore(RFLAGS_IF);
    }
}
