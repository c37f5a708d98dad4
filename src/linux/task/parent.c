/* SPDX-License-Identifier: MIT */
/* Parents and children: stop, continuation and end of a process (wait(2), _exit(2), vfork(2)). */
#include "linux/task/parent.h"

#include "fs/tty/pty.h"
#include "fs/vfs/context.h"
#include "fs/vfs/process.h"
#include "kern/console.h"
#include "kern/wait.h"
#include "linux/abi/time.h"
#include "linux/task/pidfd.h"
#include "linux/task/process.h"
#include "linux/task/thread_exit.h"
#include "linux/task/timers.h"
#include "linux/task/trace.h"

#define SA_NOCLDSTOP UINT64_C(1)
#define SA_NOCLDWAIT UINT64_C(2)

static struct process *child_at(struct list *link)
{
    return CONTAINER_OF(link, struct process, sibling_link);
}

static struct siginfo death_notice(struct process *process) REQUIRES(class_signal)
{
    struct usage usage;
    usage_of_process_locked(process, &usage);
    int status = process->exit_status, signal = status & 0x7f;
    uint64_t tick = NS_PER_SECOND / USER_HZ;
    return (struct siginfo){
        .signal = process->exit_signal,
        .code = signal != 0 ? CLD_KILLED : CLD_EXITED,
        .child = {.pid = process->pid,
                  .uid = process_credentials(process)->uid.real,
                  .status = signal != 0 ? signal : status >> 8 & 0xff,
                  .user_time = (int64_t)(usage.user_ns / tick),
                  .system_time = (int64_t)(usage.system_ns / tick)},
    };
}

static struct siginfo death_notice_of(struct process *process)
{
    uint64_t irq = signal_lock();
    struct siginfo info = death_notice(process);
    signal_unlock(irq);
    return info;
}

void process_tell_parent(struct process *process)
{
    struct process *parent = process->parent;
    const struct trace *trace = process->leader->trace;
    if (unlikely(trace != NULL && trace->tracer != parent)) {
        const struct siginfo info = death_notice_of(process);
        trace_tell(trace, info.code, info.child.status);
        return;
    }
    const struct signal_action *action = &parent->actions[SIGNAL_CHLD];
    bool usual = process->exit_signal == SIGNAL_CHLD, ignored = usual && action->handler == SIG_IGN;
    bool sends =
        process->exit_signal > 0 && process->exit_signal <= SIGNAL_COUNT; /* CSIGNAL holds more */
    if (sends && !ignored && !process->unwanted) {
        struct siginfo info = death_notice_of(process);
        struct signal_target to = {.process = parent};
        (void)!signal_send(
            &to, &info); /* if memory for a real-time signal is short, Linux drops it too */
    }
    if (process->unwanted || ignored || (usual && action->flags & SA_NOCLDWAIT))
        process_free(process);
    wait_queue_wake(&parent->child_changed);
}

/* Notifies the parent that the process has stopped or continued (`wait_pending`), unless SA_NOCLDSTOP. */
static void tell_change(struct process *process, int code, int signal, uint8_t wait_pending)
    REQUIRES(class_signal)
{
    struct process *parent = process->parent;
    process->wait_pending = wait_pending;
    if (parent == NULL)
        return;
    if (!(parent->actions[SIGNAL_CHLD].flags & SA_NOCLDSTOP)) {
        struct siginfo info = death_notice(process);
        struct signal_target to = {.process = parent};
        info.signal = SIGNAL_CHLD;
        info.code = code;
        info.child.status = signal;
        signal_send_standard(&to, &info);
    }
    wait_queue_wake(&parent->child_changed);
}

bool process_group_is_orphaned(const struct process *process)
{
    for (struct process *p = process_first(); p != NULL; p = process_next(p))
        if (p->pgid == process->pgid && !p->zombie && !p->unwanted && p->parent != NULL &&
            p->parent->pgid != p->pgid && p->parent->sid == p->sid)
            return false;
    return true;
}

/* Seized threads report a change of the group's state, those that wait for it (PTRACE_LISTEN) at once. */
static void trap_listeners(struct process *process) REQUIRES(class_signal)
{
    list_for_each (it, &process->threads) {
        struct trace *trace = CONTAINER_OF(it, struct linux_thread, link)->trace;
        if (unlikely(trace != NULL && trace->seized))
            trace_trap(trace);
    }
}

void process_stop(int signal)
{
    struct process *process = process_current();
    if (signal != SIGNAL_STOP && process_group_is_orphaned(process)) {
        /* Nobody in the machine could go on with it: Ctrl-Z is the host's. */
        if (signal == SIGNAL_TSTP && process == process_first())
            console_tell_host("suspend");
        return;
    }
    uint64_t irq = signal_lock();
    process->stopped = (uint8_t)signal;
    process->stops++;
    list_for_each (it, &process->threads) {
        struct thread *thread = CONTAINER_OF(it, struct linux_thread, link)->thread;
        thread->signal_pending = true;
        thread_wake_for_signal(thread);
    }
    trap_listeners(process);
    tell_change(process, CLD_STOPPED, signal, WSTOPPED);
    signal_unlock(irq);
}

void fs_stop_others(void)
{
    const struct thread *self = thread_current();
    uint64_t irq = signal_lock();
    for (struct process *p = process_first(); p != NULL; p = process_next(p)) {
        p->stopped = SIGNAL_STOP;
        p->stops++;
        list_for_each (it, &p->threads) {
            struct thread *thread = CONTAINER_OF(it, struct linux_thread, link)->thread;
            thread->signal_pending |= thread != self;
        }
    }
    signal_unlock(irq);
}

void process_wait_stopped(void)
{
    struct linux_thread *self = linux_current();
    struct process *process = self->process;
    kernel_lock_assert();
    uint64_t irq = sched_lock();
    while (process_stop_signal(process) && !self->must_exit && self->trace == NULL &&
           !(signal_pending_set() & signal_bit(SIGNAL_KILL))) {
        self->thread->signal_pending =
            false; /* other signals stay pending until the process continues */
        (void)!wait_queue_sleep(&process->continued, NO_DEADLINE, WAIT_ALL);
    }
    self->thread->signal_pending = true; /* signal_deliver() checks it */
    sched_unlock(irq);
}

void process_continue(struct process *process)
{
    process->stopped = 0;
    wait_queue_wake(&process->continued);
    trap_listeners(process);
    tell_change(process, CLD_CONTINUED, SIGNAL_CONT, WCONTINUED);
}

/* The nearest ancestor that is a child subreaper, else process 1. Process 1 is no init: orphans
 * that it adopts are removed when they end, unless it is a subreaper too. */
static struct process *guardian(const struct process *process)
{
    struct process *p = process->parent;
    while (p != process_first() && !p->child_subreaper)
        p = p->parent;
    return p;
}

/* _exit(2): `member` or its parent, which was `parent`, has ended. If the member's group is thereby
 * orphaned and has a stopped process, it gets SIGHUP and SIGCONT. O(1) if both are of one group or
 * of two sessions, else O(processes). */
static void resume_orphans(struct process *member, const struct process *parent)
{
    bool stopped = false;
    if (parent->pgid == member->pgid || parent->sid != member->sid ||
        !process_group_is_orphaned(member))
        return;
    for (struct process *p = process_first(); p != NULL; p = process_next(p))
        stopped |= p->pgid == member->pgid && process_stop_signal(p);
    if (stopped) {
        fs_raise_group(SIGNAL_HUP, (uint32_t)member->pgid);
        fs_raise_group(SIGNAL_CONT, (uint32_t)member->pgid);
    }
}

static void hand_over_children(struct process *process)
{
    if (list_empty(&process->children))
        return;
    struct process *to = guardian(process); /* O(ancestors) */
    while (!list_empty(&process->children)) {
        struct process *child = child_at(process->children.next);
        list_remove(&child->sibling_link);
        list_add_tail(&to->children, &child->sibling_link);
        child->parent = to;
        child->ppid = to->pid;
        child->unwanted = !to->child_subreaper;
        child->exit_signal = SIGNAL_CHLD;
        if (child->zombie) {
            process_tell_parent(child);
            continue;
        }
        if (child->pdeath_signal != 0) {
            struct siginfo info = {.signal = (int)child->pdeath_signal};
            struct signal_target target = {.process = child};
            (void)!signal_send(&target, &info);
        }
        resume_orphans(child, process);
    }
}

void process_make_zombie(struct process *process)
{
    timers_clear(process);
    ipc_process_ends(process);
    struct program *program = process->program;
    process_leave_context(process);
    process->program = NULL;
    program_put(program);
    process->zombie = true;
    pidfd_wake(process, false);
    if (process->sid == process->pid)
        pty_session_ended((uint32_t)process->sid);
    hand_over_children(process);
    resume_orphans(process, process->parent);
    trace_detach_all(process);
    process_tell_parent(process);
}

void process_release_vfork(struct linux_thread *lt)
{
    if (lt->vfork_parent == 0)
        return;
    struct linux_thread *parent = linux_thread_find(lt->vfork_parent);
    lt->vfork_parent = 0;
    if (parent != NULL && parent->vfork_child == lt->tid) {
        parent->vfork_child = 0;
        wait_queue_wake(&parent->process->child_changed);
    }
}

void process_begin_vfork(struct linux_thread *child)
{
    linux_current()->vfork_child = child->tid;
    child->vfork_parent = linux_current()->tid;
}

/* Signals wait meanwhile, as in Linux, except one that ends the process. */
void process_wait_vfork(void)
{
    struct linux_thread *self = linux_current();
    uint64_t blocked = self->blocked;
    kernel_lock_assert();
    signal_set_blocked(UINT64_MAX);
    while (self->vfork_child != 0 && !self->must_exit &&
           !(signal_pending_set() & signal_bit(SIGNAL_KILL))) {
        if (WAIT_EVENT(&self->process->child_changed, self->vfork_child == 0, NO_DEADLINE) != E_OK)
            thread_yield(); /* stopped by SIGSTOP */
    }
    self->vfork_child = 0;
    signal_set_blocked(blocked);
}

/* ---- waiting ---- */

/* True if a process traces the child: its parent or, if `other`, another. */
static bool is_traced(const struct process *child, bool other)
{
    const struct trace *trace = child->leader->trace;
    return trace != NULL && (trace->tracer != child->parent) == other;
}

static bool is_meant(const struct process *child, const struct family_wait *w)
{
    bool clone = child->exit_signal != SIGNAL_CHLD;
    if (!(w->options & WALL) && clone != !!(w->options & WCLONE) && !is_traced(child, false))
        return false;
    if (child->zombie && !(w->options & WEXITED))
        return false; /* it never stops or continues again */
    switch (w->kind) {
    case WAIT_PID:
        return child->pid == w->id;
    case WAIT_GROUP:
        return child->pgid == w->id;
    default:
        return true;
    }
}

static bool has_status(const struct process *child, const struct family_wait *w)
{
    if (child->zombie)
        return w->options & WEXITED && !is_traced(child, true);
    return w->options & child->wait_pending && !is_traced(child, false);
}

static bool trace_is_meant(const struct trace *t, const struct family_wait *w)
{
    const struct linux_thread *lt = t->tracee;
    return w->kind == WAIT_PID     ? w->id == (lt != NULL ? lt->tid : t->tid)
           : w->kind == WAIT_GROUP ? w->id == (lt != NULL ? lt->process->pgid : t->group)
                                   : true;
}

/* A zombie of another parent. */
static bool has_traced_zombie(const struct trace *t)
{
    const struct linux_thread *lt = t->tracee;
    return lt->process->zombie && lt->process->parent != t->tracer;
}

/* A selected thread that the caller traces, with news; or NULL. O(its tracees). */
static struct trace *trace_find(const struct family_wait *w, bool *some)
{
    list_for_each (it, &process_current()->tracees) {
        struct trace *t = CONTAINER_OF(it, struct trace, link);
        if (!trace_is_meant(t, w))
            continue;
        *some = true;
        if (t->tracee == NULL || has_traced_zombie(t) ? w->options & WEXITED
                                                      : t->news && !t->listening)
            return t;
    }
    return NULL;
}

/* A selected child with a status to report, or NULL; *some is true if any child is selected. O(1) for
 * a pid, O(children) otherwise. *trace: a traced thread with news, or NULL; O(traced threads). */
static struct process *parent_find(const struct family_wait *w, struct trace **trace, bool *some)
{
    *some = false;
    *trace = trace_find(w, some);
    if (w->kind == WAIT_PID) {
        struct process *child = process_find(w->id);
        if (child == NULL || child->parent != process_current() || !is_meant(child, w))
            return NULL;
        *some = true;
        return has_status(child, w) ? child : NULL;
    }
    list_for_each (it, &process_current()->children) {
        struct process *child = child_at(it);
        if (!is_meant(child, w))
            continue;
        *some = true;
        if (has_status(child, w))
            return child;
    }
    return NULL;
}

static enum err report_change(struct process *child, const struct family_wait *w,
                              struct family_news *out)
{
    bool stopped = child->wait_pending == WSTOPPED;
    int signal = stopped ? process_stop_signal(child) : SIGNAL_CONT;
    *out = (struct family_news){
        .pid = child->pid,
        .status = stopped ? signal << 8 | 0x7f : 0xffff,
        .notice = death_notice_of(child),
    };
    usage_of_family(child, &out->usage);
    out->notice.signal = SIGNAL_CHLD;
    out->notice.code = stopped ? CLD_STOPPED : CLD_CONTINUED;
    out->notice.child.status = signal;
    if (!(w->options & WNOWAIT))
        child->wait_pending = 0;
    return E_OK;
}

COLD static enum err report_trace(struct trace *t, const struct family_wait *w,
                                  struct family_news *out)
{
    struct linux_thread *lt = t->tracee;
    bool keep = w->options & WNOWAIT;
    int status = lt == NULL ? t->status : (int)(t->code << 8 | 0x7f);
    out->pid = lt != NULL ? lt->tid : t->tid;
    out->status = status;
    out->notice = (struct siginfo){.signal = SIGNAL_CHLD, .code = CLD_TRAPPED};
    out->notice.child.status = (int)t->code;
    if (lt == NULL) {
        out->notice.code = (status & 0x7f) != 0 ? CLD_KILLED : CLD_EXITED;
        out->notice.child.status = (status & 0x7f) != 0 ? status & 0x7f : status >> 8 & 0xff;
        if (!keep)
            trace_detach(t, 0);
    } else if (has_traced_zombie(t)) {
        out->status = lt->process->exit_status;
        out->notice = death_notice_of(lt->process);
        usage_of_family(lt->process, &out->usage);
        if (!keep)
            trace_detach(t, 0); /* tells the parent */
    } else {
        out->notice.child.uid = lt->credentials->uid.real;
        usage_of_family(lt->process, &out->usage);
        t->news = keep;
    }
    out->notice.child.pid = out->pid;
    return E_OK;
}

enum err family_wait(const struct family_wait *w, struct family_news *out)
{
    bool some;
    struct trace *trace;
    struct process *self = process_current(), *child = parent_find(w, &trace, &some);
    *out = (struct family_news){0};
    if (child == NULL && trace == NULL && some && !(w->options & WNOHANG)) {
        enum err e = WAIT_EVENT(
            &self->child_changed,
            (child = parent_find(w, &trace, &some)) != NULL || trace != NULL || !some, NO_DEADLINE);
        if (e != E_OK)
            return e;
    }
    if (trace != NULL)
        return report_trace(trace, w, out);
    if (child == NULL)
        return some ? E_OK : E_CHILD;
    if (!child->zombie)
        return report_change(child, w, out);
    *out = (struct family_news){
        .pid = child->pid,
        .status = child->exit_status,
        .notice = death_notice_of(child),
    };
    usage_of_family(child, &out->usage);
    out->notice.signal = SIGNAL_CHLD;
    if (!(w->options & WNOWAIT)) {
        usage_add(&self->children_usage, &out->usage);
        process_free(child);
    }
    return E_OK;
}
