/* SPDX-License-Identifier: MIT */
#include "linux/task/trace.h"

#include "base/str.h"
#include "cpu/features.h"
#include "cpu/x86.h"
#include "kern/wait.h"
#include "linux/abi/trace.h"
#include "linux/task/parent.h"
#include "linux/task/rights.h"
#include "linux/task/signal.h"
#include "mm/heap/heap.h"
#include "mm/layout.h"

#define SA_NOCLDSTOP UINT64_C(1)
#define SYSGOOD_BIT  0x80 /* in the signal of a stop at a system call */

static unsigned traces;

COLD struct trace *trace_new(void)
{
    return heap_alloc_zero(sizeof(struct trace));
}

COLD void trace_begin(struct trace *t, struct linux_thread *lt, struct process *tracer, bool seized,
                      uint32_t options)
{
    const struct syscall_record *last = &lt->history[(lt->history_next - 1) % SYSCALL_HISTORY];
    t->tracee = lt;
    t->tracer = tracer;
    t->seized = seized;
    t->options = options;
    t->number = lt->history_next != 0 && !last->finished ? (int64_t)last->number : -1;
    t->stops_seen = lt->process->stops - 1;
    list_add_tail(&tracer->tracees, &t->link);
    if (traces++ == 0)
        syscall_trace_all(true);
    uint64_t irq = signal_lock();
    lt->trace = t;
    signal_unlock(irq);
}

COLD static void trace_free(struct trace *t)
{
    uint64_t irq = signal_lock();
    if (t->tracee != NULL) {
        t->tracee->trace = NULL;
        if (t->tracee->thread != NULL)
            t->tracee->thread->debug = NULL;
    }
    signal_unlock(irq);
    list_remove(&t->link);
    heap_free(t);
    if (--traces == 0)
        syscall_trace_all(false);
}

COLD void trace_forget(struct linux_thread *lt)
{
    trace_free(lt->trace);
}

/* The thread looks at its signals and stops again. */
static void trace_stir(struct linux_thread *lt)
{
    if (lt->thread == NULL)
        return;
    lt->thread->signal_pending = true;
    thread_wake_for_signal(lt->thread);
}

COLD void trace_resume(struct trace *t, enum trace_mode mode, int signal)
{
    t->tracee->trace_signal = (uint8_t)signal;
    t->mode = (uint8_t)mode;
    t->stopped = t->listening = t->news = false;
    wait_queue_wake(&t->tracee->process->continued);
}

COLD void trace_detach(struct trace *t, int signal)
{
    struct linux_thread *lt = t->tracee;
    if (lt != NULL && lt->thread != NULL) {
        if (t->set_tf)
            trace_frame(lt)->rflags &= ~RFLAGS_TF;
        if (t->stopped)
            lt->trace_signal = (uint8_t)signal;
    }
    trace_free(t);
    if (lt == NULL)
        return;
    trace_stir(lt); /* its process may be stopped */
    wait_queue_wake(&lt->process->continued);
    if (lt->process->zombie)
        process_tell_parent(lt->process); /* which did not know yet */
}

COLD void trace_detach_all(struct process *tracer)
{
    while (!list_empty(&tracer->tracees)) {
        struct trace *t = CONTAINER_OF(tracer->tracees.next, struct trace, link);
        struct process *killed =
            t->tracee != NULL && t->options & TRACE_EXITKILL ? t->tracee->process : NULL;
        if (killed != NULL && !killed->zombie)
            signal_raise(killed, SIGNAL_KILL);
        trace_detach(t, t->kind == TRACE_AT_SIGNAL ? t->info.signal : 0);
        thread_give_way();
    }
}

COLD void trace_trap(struct trace *t)
{
    t->trap_due = true;
    if (t->stopped && !t->listening)
        return; /* when it goes on */
    t->stopped = t->listening = false;
    trace_stir(t->tracee);
    wait_queue_wake(&t->tracee->process->continued);
}

COLD bool trace_forbids_rights(const struct linux_thread *lt)
{
    return lt->trace != NULL &&
           !credentials_have(process_credentials(lt->trace->tracer), CAP_SYS_PTRACE);
}

COLD void trace_tell(const struct trace *t, int code, int status)
{
    const struct signal_action *action = &t->tracer->actions[SIGNAL_CHLD];
    struct signal_target to = {.process = t->tracer};
    struct siginfo info = {.signal = SIGNAL_CHLD, .code = code, .child = {.status = status}};
    info.child.pid = t->tracee != NULL ? t->tracee->tid : t->tid;
    if (t->tracee != NULL)
        info.child.uid = t->tracee->credentials->uid.real;
    if (action->handler != SIG_IGN && !(action->flags & SA_NOCLDSTOP))
        (void)!signal_send(&to, &info); /* a standard signal */
    wait_queue_wake(&t->tracer->child_changed);
}

static bool is_to_die(const struct linux_thread *lt)
{
    return lt->must_exit || (signal_pending_set() & signal_bit(SIGNAL_KILL));
}

/* Stops until the tracer lets the thread go on, and returns the signal that it gets then. 0: none, or it dies. */
COLD static int trace_stop(enum trace_kind kind, uint32_t code, const struct siginfo *info)
{
    struct linux_thread *lt = linux_current();
    struct trace *t = lt->trace;
    kernel_lock_assert();
    if (is_to_die(lt))
        return 0;
    if (t->set_tf)
        trace_frame(lt)->rflags &= ~RFLAGS_TF;
    t->set_tf = false;
    t->kind = (uint8_t)kind;
    t->code = code;
    t->info = (struct siginfo){.signal = SIGNAL_TRAP,
                               .code = (int)code,
                               .user = {lt->process->pid, lt->credentials->uid.real, 0}};
    if (info != NULL)
        t->info = *info;
    lt->trace_signal = 0;
    t->news = true;
    thread_own_fpu();
    cpu_fpu_reset(lt->fpu); /* XSAVE leaves parts of the header as they are */
    cpu_fpu_save(lt->fpu);
    uint64_t irq = sched_lock();
    t->stopped = true;
    sched_unlock(irq);
    trace_tell(t, CLD_TRAPPED, (int)(code & 0x7f));
    irq = sched_lock();
    while (lt->trace != NULL && lt->trace->stopped && !is_to_die(lt))
        (void)!wait_queue_sleep(&lt->process->continued, NO_DEADLINE,
                                WAIT_ALL | WAIT_DESPITE_SIGNALS);
    sched_unlock(irq);
    if (lt->trace != NULL)
        lt->trace->stopped = lt->trace->news = false; /* it dies */
    signal_update_pending();
    if (lt->thread->debug != NULL) /* its CPU may have waited for it, without a switch */
        load_debug_registers(lt->thread->debug);
    thread_own_fpu();
    cpu_fpu_load(lt->fpu);
    return lt->trace_signal;
}

/* A signal that the tracer sends along from a stop that is no signal's. */
static void send_along(int signal)
{
    struct linux_thread *lt = linux_current();
    struct signal_target to = {.process = lt->process, .thread = lt};
    struct siginfo info = {.signal = signal, .user = {lt->process->pid, 0, 0}};
    if (signal != 0)
        (void)!signal_send(&to, &info);
}

COLD static void stop_at_call(enum trace_kind kind)
{
    struct trace *t = linux_current()->trace;
    t->message = kind;
    send_along(
        trace_stop(kind, SIGNAL_TRAP | (t->options & TRACE_SYSGOOD ? SYSGOOD_BIT : 0), NULL));
}

COLD void trace_call_begins(struct trap_frame *frame)
{
    struct trace *t = linux_current()->trace;
    t->number = (int64_t)frame->error;
    frame->rax = -(uint64_t)E_NOSYS; /* as Linux shows it */
    if (t->set_tf)
        frame->rflags &= ~RFLAGS_TF; /* a child gets a copy */
    t->set_tf = false;
    if (t->mode != TRACE_CALLS && t->mode != TRACE_EMULATE)
        return;
    bool emulate = t->mode == TRACE_EMULATE;
    stop_at_call(TRACE_AT_CALL);
    if (emulate)
        frame->error = UINT64_MAX;
}

COLD void trace_call_ends(void)
{
    struct linux_thread *lt = linux_current();
    if (lt->trace == NULL)
        return;
    lt->trace->exit_due = true;
    lt->thread->signal_pending = true;
}

COLD bool trace_signal(struct siginfo *info)
{
    struct linux_thread *lt = linux_current();
    struct signal_target to = {.process = lt->process, .thread = lt};
    if (info->signal == SIGNAL_KILL)
        return true;
    int signal = trace_stop(TRACE_AT_SIGNAL, (uint32_t)info->signal, info);
    if (signal == 0)
        return false;
    if (lt->trace != NULL)
        *info = lt->trace->info;
    if (signal != info->signal)
        *info = (struct siginfo){.signal = signal, .user = {lt->process->ppid, 0, 0}};
    if (!(lt->blocked & signal_bit(signal)))
        return true;
    (void)!signal_send(&to, info);
    return false;
}

COLD void trace_handler_called(void)
{
    if (linux_current()->trace->mode == TRACE_STEP)
        send_along(trace_stop(TRACE_AT_EVENT, SIGNAL_TRAP, NULL));
}

COLD static void end_call(struct trace *t)
{
    struct linux_thread *lt = linux_current();
    struct siginfo info = {
        .signal = SIGNAL_TRAP, .code = TRAP_BRKPT, .fault = {trace_frame(lt)->rip}};
    struct signal_target to = {.process = lt->process, .thread = lt};
    t->exit_due = false;
    if (t->mode == TRACE_CALLS)
        stop_at_call(TRACE_AT_RETURN);
    else if (t->mode == TRACE_STEP)
        (void)!signal_send(&to, &info);
}

COLD bool trace_point(void)
{
    struct linux_thread *lt = linux_current();
    struct trace *t = lt->trace;
    uint32_t signal = process_stop_signal(lt->process);
    if (t->exit_due) {
        end_call(t);
        return true;
    }
    if (!t->trap_due && (signal == 0 || t->stops_seen == lt->process->stops))
        return false;
    t->trap_due = false;
    t->stops_seen = lt->process->stops;
    if (t->seized)
        (void)trace_stop(TRACE_AT_EVENT, TRACE_STOP << 8 | (signal != 0 ? signal : SIGNAL_TRAP),
                         NULL);
    else if (signal != 0)
        (void)trace_stop(TRACE_AT_GROUP_STOP, signal, NULL);
    return true;
}

COLD void trace_return(struct trap_frame *frame)
{
    struct trace *t = linux_current()->trace;
    t->number = -1;
    t->set_tf = t->mode == TRACE_STEP && !(frame->rflags & RFLAGS_TF);
    if (t->set_tf)
        frame->rflags |= RFLAGS_TF;
}

/* ---- debug registers ---- */

/* True if DR7 takes this kind and length of breakpoint n at the address: not I/O; an instruction has no length. */
static bool breakpoint_is_ok(uint64_t dr7, unsigned n, uint64_t at)
{
    static const uint8_t masks[] = {0, 1, 7, 3}; /* lengths 1, 2, 8, 4 */
    unsigned kind = dr7 >> (16 + 4 * n) & 3, length = dr7 >> (18 + 4 * n) & 3;
    return !(dr7 & DR7_ENABLED(n)) ||
           (kind != 2 && (kind != 0 || length == 0) && (at & masks[length]) == 0);
}

COLD enum err trace_set_debug(struct trace *t, unsigned number, uint64_t value)
{
    uint64_t debug[8];
    if (number == 4 || number == 5)
        return E_IO;
    memcpy(debug, t->debug, sizeof debug);
    debug[number] = value;
    for (unsigned n = 0; n < 4; n++)
        if (debug[n] >= LAYOUT_PROGRAM_END - 8 || !breakpoint_is_ok(debug[7], n, debug[n]))
            return E_INVAL;
    t->debug[number] = value;
    t->tracee->thread->debug = debug[7] & 0xff ? t->debug : NULL;
    return E_OK;
}

COLD uint64_t trace_debug_causes(struct trap_frame *frame, uint64_t causes)
{
    struct trace *t = linux_current()->trace;
    uint64_t dr7 = t != NULL ? t->debug[7] : 0;
    for (unsigned n = 0; n < 4; n++) {
        if (!(dr7 & DR7_ENABLED(n)))
            causes &= ~(UINT64_C(1) << n);
        else if (causes >> n & 1 && (dr7 >> (16 + 4 * n) & 3) == 0)
            frame->rflags |= RFLAGS_RF; /* the instruction has not run yet */
    }
    if (!(dr7 & 0xff))
        write_dr7(DR7_NONE);
    if (t != NULL)
        t->debug[6] = causes;
    return causes;
}

/* ---- events ---- */

static bool trace_wants(enum trace_event event)
{
    const struct trace *t = linux_current()->trace;
    return t != NULL && t->options >> event & 1;
}

COLD void trace_event(enum trace_event event, uint64_t message)
{
    if (!trace_wants(event))
        return;
    linux_current()->trace->message = message;
    (void)trace_stop(TRACE_AT_EVENT, (uint32_t)event << 8 | SIGNAL_TRAP, NULL);
}

COLD enum trace_event trace_event_of_clone(bool vfork, bool untraced, int exit_signal)
{
    enum trace_event event = vfork                        ? TRACE_VFORK
                             : exit_signal != SIGNAL_CHLD ? TRACE_CLONE
                                                          : TRACE_FORK;
    return !untraced && trace_wants(event) ? event : 0;
}

COLD void trace_child(struct trace *t, struct linux_thread *child)
{
    const struct trace *own = linux_current()->trace;
    struct signal_target to = {.process = child->process, .thread = child};
    const struct siginfo info = {.signal = SIGNAL_STOP};
    trace_begin(t, child, own->tracer, own->seized, own->options);
    t->number = own->number;
    if (t->seized)
        trace_trap(t);
    else
        (void)!signal_send(&to, &info);
}

COLD void trace_exec(int tid)
{
    const struct linux_thread *lt = linux_current();
    memset(lt->trace->debug, 0, sizeof lt->trace->debug);
    lt->thread->debug = NULL;
    if (trace_wants(TRACE_EXEC))
        trace_event(TRACE_EXEC, (uint64_t)tid);
    else if (!lt->trace->seized)
        send_along(SIGNAL_TRAP);
}

COLD void trace_thread_ended(struct linux_thread *lt, int status)
{
    struct trace *t = lt->trace;
    t->tid = lt->tid;
    t->group = lt->process->pgid;
    t->status = status;
    t->tracee = NULL;
    lt->trace = NULL;
    trace_tell(t, (status & 0x7f) != 0 ? CLD_KILLED : CLD_EXITED,
               (status & 0x7f) != 0 ? status & 0x7f : status >> 8 & 0xff);
}

bool process_may_trace(const struct linux_thread *other, bool by_fs_ids)
{
    const struct program *program = other->process->program;
    return other->process == process_current() ||
           rights_may_trace(credentials_current(), other->credentials,
                            program == NULL || program->dumpable, by_fs_ids);
}
