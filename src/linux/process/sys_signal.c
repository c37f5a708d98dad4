/* SPDX-License-Identifier: MIT */
#include "linux/process/sys_signal.h"

#include "cpu/irq.h"
#include "cpu/lock.h"
#include "kern/thread.h"
#include "kern/wait.h"
#include "linux/abi/time.h"
#include "linux/task/rights.h"
#include "linux/task/process.h"
#include "linux/task/signal.h"
#include "linux/task/signal_frame.h"
#include "mm/vm/usercopy.h"

/* Never woken: sleeps here end by a signal or by time. */
static struct wait_queue signal_queue = WAIT_QUEUE_INIT(signal_queue);

const struct wait_queue *signal_sleepers(void)
{
    return &signal_queue;
}

static bool is_signal(int signal)
{
    return signal >= 1 && signal <= SIGNAL_COUNT;
}

enum err sys_rt_sigaction(struct syscall *call)
{
    int signal = (int)call->arg[0];
    virt_t new = virt(call->arg[1]), old = virt(call->arg[2]);
    struct signal_action action, before;

    if (call->arg[3] != sizeof(uint64_t))
        return E_INVAL;
    if (new.v != 0) {
        enum err e = copy_in(&action, new, sizeof action);
        if (e != E_OK)
            return e;
    }
    if (!is_signal(signal) || (new.v != 0 && (signal_bit(signal) & SIGNAL_SET_UNMASKED)))
        return E_INVAL;
    before = process_current()->actions[signal];
    if (new.v != 0) {
        action.flags &= SA_KNOWN;
        action.mask &= ~SIGNAL_SET_UNMASKED;
        signal_set_action(signal, &action);
    }
    return old.v != 0 ? copy_out(old, &before, sizeof before) : E_OK;
}

enum err sys_rt_sigprocmask(struct syscall *call)
{
    virt_t new = virt(call->arg[1]), old = virt(call->arg[2]);
    uint64_t before = signal_blocked(), set;

    if (call->arg[3] != sizeof set)
        return E_INVAL;
    if (new.v != 0) {
        enum err e = copy_in(&set, new, sizeof set);
        if (e != E_OK)
            return e;
        switch ((int)call->arg[0]) {
        case SIG_BLOCK:
            set |= before;
            break;
        case SIG_UNBLOCK:
            set = before & ~set;
            break;
        case SIG_SETMASK:
            break;
        default:
            return E_INVAL;
        }
        signal_set_blocked(set);
    }
    return old.v != 0 ? copy_out(old, &before, sizeof before) : E_OK;
}

enum err sys_rt_sigreturn(struct syscall *call)
{
    call->frame_replaced = true;
    linux_current()->resume_ns = 0;
    enum err e = signal_frame_pop(call->frame);
    if (e == E_INTR) { /* begins again */
        call->frame_replaced = false;
        return e;
    }
    if (e != E_OK) {
        kernel_lock_alone();
        /* As in Linux, a forced SIGSEGV, which a handler may catch, with the registers from before
         * the call. */
        struct signal_action *action = &process_current()->actions[SIGNAL_SEGV];
        if (signal_blocked() & signal_bit(SIGNAL_SEGV))
            action->handler = SIG_DFL;
        signal_set_blocked(signal_blocked() & ~signal_bit(SIGNAL_SEGV));
        if (action->handler == SIG_IGN)
            action->handler = SIG_DFL;
        signal_force_segv();
    }
    return E_OK;
}

enum err sys_rt_sigpending(struct syscall *call)
{
    uint64_t set = signal_pending_set() & signal_blocked();
    if (call->arg[1] > sizeof set)
        return E_INVAL;
    return copy_out(virt(call->arg[0]), &set, call->arg[1]);
}

/* Sleeps with `set` unblocked. True if a signal of `set` was taken; other signals and the deadline
 * end the sleep, too. */
static bool signal_wait_for(uint64_t set, uint64_t deadline, struct siginfo *info)
{
    struct linux_thread *lt = linux_current();
    uint64_t blocked = lt->blocked;
    lt->awaited = set & blocked;
    signal_set_blocked(blocked & ~set);
    (void)!WAIT_EVENT(&signal_queue, false, deadline);
    bool found = signal_take(set, info);
    lt->awaited = 0;
    signal_set_blocked(blocked);
    return found;
}

enum err sys_rt_sigtimedwait(struct syscall *call)
{
    uint64_t set, timeout = 0, deadline = NO_DEADLINE;
    struct siginfo info;

    if (call->arg[3] != sizeof set)
        return E_INVAL;
    enum err e = copy_in(&set, virt(call->arg[0]), sizeof set);
    if (e == E_OK && call->arg[2] != 0) {
        e = timespec_copy_in(virt(call->arg[2]), &timeout);
        deadline = deadline_after(timeout);
    }
    if (e != E_OK)
        return e;
    set &= ~SIGNAL_SET_UNMASKED;
    if (!signal_take(set, &info)) {
        if (call->arg[2] != 0 && timeout == 0)
            return E_AGAIN;
        if (!signal_wait_for(set, deadline, &info))
            return time_now_ns() >= deadline ? E_AGAIN : E_INTR;
    }
    call->result = (uint64_t)info.signal;
    return call->arg[1] != 0 ? copy_out(virt(call->arg[1]), &info, sizeof info) : E_OK;
}

enum err sys_rt_sigsuspend(struct syscall *call)
{
    if (call->arg[1] != sizeof(uint64_t))
        return E_INVAL;
    if (call->arg[0] == 0)
        return E_FAULT;
    enum err e = signal_wait_mask_begin(virt(call->arg[0]), call->arg[1]);
    if (e != E_OK)
        return e;
    e = WAIT_EVENT(&signal_queue, false, NO_DEADLINE);
    signal_wait_mask_end(true);
    call->restart_unhandled = true;
    return e;
}

enum err sys_pause(struct syscall *call)
{
    call->restart_unhandled = true;
    return WAIT_EVENT(&signal_queue, false, NO_DEADLINE);
}

/* The credentials of the thread that the caller named decide (kill(2)); any thread may signal its
 * session by SIGCONT. */
static NOINLINE bool may_signal(const struct signal_target *to, int named, int signal)
{
    const struct linux_thread *other = linux_thread_find(named);
    if (other == NULL)
        other = to->process->leader;
    return rights_may_signal(credentials_current(), other->credentials) ||
           (signal == SIGNAL_CONT && to->process->sid == process_current()->sid);
}

/* named: a thread of the process. */
static enum err process_signal_send(const struct signal_target *to, int named,
                                    const struct siginfo *info)
{
    if ((unsigned)info->signal > SIGNAL_COUNT)
        return E_INVAL;
    if (to->process != process_current() && !may_signal(to, named, info->signal))
        return E_PERM;
    return info->signal != 0 ? signal_send(to, info) : E_OK;
}

enum err signal_process(struct process *process, const struct siginfo *info)
{
    return process_signal_send(&(struct signal_target){.process = process}, process->pid, info);
}

static struct siginfo info_from_self(int signal, int code)
{
    const struct linux_thread *self = linux_current();
    return (struct siginfo){
        .signal = signal,
        .code = code,
        .user = {.pid = self->process->pid, .uid = self->credentials->uid.real},
    };
}

/* pid > 0: that process; 0: the caller's group; -1: all but the caller and the first process; else
 * group -pid. E_SRCH if no process matches; E_OK if one send succeeded. */
enum err sys_kill(struct syscall *call)
{
    int pid = (int)call->arg[0];
    struct siginfo info = info_from_self((int)call->arg[1], SI_USER);
    if (pid > 0) {
        struct signal_target to = {.process = process_by_tid(pid)};
        return to.process != NULL ? process_signal_send(&to, pid, &info) : E_SRCH;
    }
    if (pid == INT32_MIN)
        return E_SRCH;
    int group = pid == 0 ? process_current()->pgid : -pid;
    enum err answer = E_SRCH;
    for (struct process *p = process_first(); p != NULL; p = process_next(p)) {
        bool meant = pid == -1 ? p != process_current() && p != process_first() : p->pgid == group;
        if (!meant)
            continue;
        struct signal_target to = {.process = p};
        enum err e = process_signal_send(&to, p->pid, &info);
        if (pid == -1 && e == E_PERM) /* no error, as in Linux */
            e = E_OK;
        if (answer != E_OK)
            answer = e;
    }
    return answer;
}

/* True if a thread that shares kernel_lock may send it: class_signal guards what it changes. */
static bool sends_beside(const struct linux_thread *to, int signal)
{
    return to != NULL && to->process == process_current() && to->trace == NULL && signal > 0 &&
           signal <= SIGNAL_COUNT &&
           !(signal_bit(signal) &
             (SIGNAL_SET_STOP | SIGNAL_SET_UNMASKED | SIGNAL_SET(SIGNAL_CONT)));
}

/* group: required pid of the process, or 0 for any. */
static enum err send_to_thread(int group, int tid, const struct siginfo *info)
{
    struct linux_thread *lt = linux_thread_find(tid);
    if (kernel_lock_is_shared() && !sends_beside(lt, info->signal)) {
        kernel_lock_alone();
        lt = linux_thread_find(tid);
    }
    if (lt == NULL || (group != 0 && lt->process->pid != group))
        return E_SRCH;
    struct signal_target to = {.process = lt->process, .thread = lt};
    return process_signal_send(&to, tid, info);
}

enum err sys_tkill(struct syscall *call)
{
    struct siginfo info = info_from_self((int)call->arg[1], SI_TKILL);
    if ((int)call->arg[0] <= 0)
        return E_INVAL;
    return send_to_thread(0, (int)call->arg[0], &info);
}

enum err sys_tgkill(struct syscall *call)
{
    struct siginfo info = info_from_self((int)call->arg[2], SI_TKILL);
    if ((int)call->arg[0] <= 0 || (int)call->arg[1] <= 0)
        return E_INVAL;
    return send_to_thread((int)call->arg[0], (int)call->arg[1], &info);
}

/* si_code is free towards the caller itself; towards others, codes of the kernel, of kill() and of
 * tkill() are E_PERM (rt_sigqueueinfo(2)). */
static enum err copy_in_info(virt_t from, int signal, int pid, struct siginfo *out)
{
    enum err e = copy_in(out, from, sizeof *out);
    if (e != E_OK)
        return e;
    out->signal = signal;
    return (out->code >= 0 || out->code == SI_TKILL) && pid != linux_current()->tid ? E_PERM : E_OK;
}

enum err sys_rt_sigqueueinfo(struct syscall *call)
{
    int pid = (int)call->arg[0];
    struct siginfo info;
    enum err e = copy_in_info(virt(call->arg[2]), (int)call->arg[1], pid, &info);
    if (e != E_OK)
        return e;
    struct signal_target to = {.process = pid != 0 ? process_by_tid(pid) : NULL};
    return to.process != NULL ? process_signal_send(&to, pid, &info) : E_SRCH;
}

enum err sys_rt_tgsigqueueinfo(struct syscall *call)
{
    int group = (int)call->arg[0], tid = (int)call->arg[1];
    struct siginfo info;
    enum err e = copy_in_info(virt(call->arg[3]), (int)call->arg[2], tid, &info);
    if (e != E_OK)
        return e;
    if (group <= 0 || tid <= 0)
        return E_INVAL;
    return send_to_thread(group, tid, &info);
}

enum err sys_sigaltstack(struct syscall *call)
{
    struct linux_thread *lt = linux_current();
    struct signal_stack new, old = lt->alternate_stack;
    old.flags = signal_stack_flags(call->frame->rsp, &lt->alternate_stack);
    if (call->arg[0] != 0) {
        enum err e = copy_in(&new, virt(call->arg[0]), sizeof new);
        if (e == E_OK)
            e = signal_stack_change(&lt->alternate_stack, &new, call->frame->rsp);
        if (e != E_OK)
            return e;
    }
    return call->arg[1] != 0 ? copy_out(virt(call->arg[1]), &old, sizeof old) : E_OK;
}
