/* SPDX-License-Identifier: MIT */
/* The operations on processes that file systems use: fs/vfs/process.h. */
#include "fs/vfs/process.h"

#include "base/str.h"
#include "cpu/trap_frame.h"
#include "kern/thread.h"
#include "linux/task/process.h"
#include "linux/task/scheduling.h"
#include "linux/task/signal.h"
#include "linux/task/trace.h"
#include "mm/vm/fault.h"

/* The current process; the first process for kernel threads. */
static struct process *process_of_caller(void)
{
    struct linux_thread *lt = linux_current();
    return lt != NULL ? lt->process : process_first();
}

void fs_raise(int signal)
{
    struct process *process = process_of_caller();
    const struct siginfo info = {
        .signal = signal,
        .code = SI_USER,
        .user = {.pid = process->pid, .uid = credentials_current()->uid.real},
    };
    struct signal_target to = {.process = process, .thread = linux_current()};
    (void)!signal_send(&to, &info); /* a standard signal */
}

uint64_t fs_limit(unsigned resource)
{
    return resource < RLIMIT_COUNT ? process_of_caller()->rlimits[resource].soft : RLIM_INFINITY;
}

void fs_limits(uint32_t pid, unsigned resource, uint64_t *soft, uint64_t *hard)
{
    const struct process *process = process_find((int)pid);
    if (process == NULL || resource >= RLIMIT_COUNT)
        return;
    *soft = process->rlimits[resource].soft;
    *hard = process->rlimits[resource].hard;
}

void fs_raise_group(int signal, uint32_t group)
{
    for (struct process *p = process_first(); p != NULL; p = process_next(p))
        if (!p->zombie && (uint32_t)p->pgid == (group != 0 ? group : PROCESS_PID))
            signal_raise(p, signal);
}

enum err fs_check_group(uint32_t group)
{
    for (struct process *p = process_first(); p != NULL; p = process_next(p))
        if ((uint32_t)p->pgid == group)
            return p->sid == process_of_caller()->sid ? E_OK : E_PERM;
    return E_SRCH;
}

enum err fs_stop_group(int signal)
{
    struct linux_thread *lt = linux_current();
    const struct process *process = lt->process;
    if ((lt->blocked & signal_bit(signal)) || process->actions[signal].handler == SIG_IGN)
        return signal == FS_SIGTTIN ? E_IO : E_OK;
    if (process_group_is_orphaned(process))
        return E_IO;
    fs_raise_group(signal, (uint32_t)process->pgid);
    lt->thread->signal_pending = true; /* this thread is to take it, though another might */
    return E_INTR;
}

bool fs_owner_exists(enum fs_owner_type type, uint32_t id)
{
    if (type != FS_OWNER_GROUP)
        return linux_thread_find((int)id) != NULL;
    for (struct process *p = process_first(); p != NULL; p = process_next(p))
        if (!p->zombie && (uint32_t)p->pgid == id)
            return true;
    return false;
}

static void signal_ready(const struct signal_target *to, const struct fs_owner *owner,
                         const struct fs_io_event *event)
{
    uint64_t own_codes =
        SIGNAL_SET_SYNCHRONOUS | SIGNAL_SET(SIGNAL_CHLD); /* of which si_code has a meaning */
    const struct ids *ids = &process_credentials(to->process)->uid;
    if (owner->euid != 0 && owner->euid != ids->saved && owner->euid != ids->real &&
        owner->uid != ids->saved && owner->uid != ids->real)
        return;
    struct siginfo info = {
        .signal = event->signal, .code = event->code, .io = {.band = event->band, .fd = event->fd}};
    if (event->signal != 0 && (signal_bit(event->signal) & own_codes))
        info.code = SI_SIGIO;
    if (event->signal != 0 && signal_send(to, &info) == E_OK)
        return;
    info = (struct siginfo){.signal = SIGNAL_IO, .code = SI_KERNEL};
    (void)!signal_send(to, &info); /* a standard signal */
}

void fs_signal_owner(const struct fs_owner *owner, const struct fs_io_event *event)
{
    struct linux_thread *lt = linux_thread_find((int)owner->id);
    if (owner->type == FS_OWNER_GROUP) {
        for (struct process *p = process_first(); p != NULL; p = process_next(p))
            if (!p->zombie && (uint32_t)p->pgid == owner->id)
                signal_ready(&(struct signal_target){.process = p}, owner, event);
    } else if (lt != NULL && !lt->process->zombie) {
        struct signal_target to = {.process = lt->process,
                                   .thread = owner->type == FS_OWNER_THREAD ? lt : NULL};
        signal_ready(&to, owner, event);
    }
}

struct fs_job fs_caller_job(void)
{
    const struct process *process = process_of_caller();
    return (struct fs_job){(uint32_t)process->pid, (uint32_t)process->pgid, (uint32_t)process->sid};
}

void fs_set_oom_score_adj(uint32_t pid, int value)
{
    struct process *process = process_find((int)pid);
    if (process != NULL)
        process->oom_score_adj = value;
}

uint32_t fs_pid_of(uint32_t tid)
{
    const struct linux_thread *lt = linux_thread_find((int)tid);
    return lt != NULL ? (uint32_t)lt->process->pid : 0;
}

uint32_t fs_own_tid(void)
{
    struct linux_thread *lt = linux_current();
    return lt != NULL ? (uint32_t)lt->tid : 0;
}

static struct linux_thread *find_thread(uint32_t pid, uint32_t tid)
{
    struct process *process = pid == 0 ? process_of_caller() : process_find((int)pid);
    if (process == NULL)
        return NULL;
    struct linux_thread *lt = tid == 0 ? process->leader : linux_thread_find((int)tid);
    return lt != NULL && lt->process == process ? lt : NULL;
}

bool fs_call_of(uint32_t pid, uint32_t tid, struct fs_call *out)
{
    const struct linux_thread *lt = find_thread(pid, tid);
    if (lt == NULL || lt->thread == NULL ||
        (thread_state_now(lt->thread) != THREAD_ASLEEP && lt != linux_current()))
        return false;
    const struct trap_frame *frame = (const struct trap_frame *)ptr_of(lt->thread->kstack.end) - 1;
    *out = (struct fs_call){.number = -1, .rsp = frame->rsp, .rip = frame->rip};
    const struct syscall_record *last = &lt->history[(lt->history_next - 1) % SYSCALL_HISTORY];
    if (lt->history_next != 0 && !last->finished) {
        out->number = (int)last->number;
        memcpy(out->arg, last->arg, sizeof out->arg);
    }
    return true;
}

static void describe_program(struct program *program, struct fs_process *out)
{
    out->space = program->space;
    out->memory = &program->areas;
    out->arguments = program->layout.arguments;
    out->environment = program->layout.environment;
    out->auxv = program->auxv;
    out->auxv_size = program->auxv_words * sizeof program->auxv[0];
    out->code = program->layout.code;
    out->data = program->layout.data;
    out->heap_start = program->layout.brk_start;
    out->stack_start = program->layout.stack;
}

bool fs_describe(uint32_t pid, uint32_t tid, struct fs_process *out)
{
    struct linux_thread *lt = find_thread(pid, tid);
    if (lt == NULL || out == NULL)
        return lt != NULL;
    const struct process *process = lt->process;
    const struct thread *thread = lt->thread;
    struct usage usage;
    if (tid == 0) {
        usage_of_process(lt->process, &usage);
        usage_add_moved(&usage.moved, &process->children_usage.moved);
    } else {
        usage_of_thread(lt, &usage);
    }
    *out = (struct fs_process){
        .pid = (uint32_t)process->pid,
        .ppid = (uint32_t)process->ppid,
        .context = process->fs,
        .names = process->fs != NULL ? &process->uts->base : NULL,
        .process_group = (uint32_t)process->pgid,
        .session = (uint32_t)process->sid,
        .threads = process->thread_count,
        .tid = (uint32_t)lt->tid,
        .tracer = lt->trace != NULL ? (uint32_t)lt->trace->tracer->pid : 0,
        .state = thread == NULL                              ? 'Z'
                 : lt->trace != NULL && lt->trace->stopped   ? 't'
                 : process_stop_signal(process)              ? 'T'
                 : thread_state_now(thread) == THREAD_ASLEEP ? 'S'
                                                             : 'R',
        .name = thread != NULL ? thread->name : "",
        .start_ns = process->start_ns,
        .user_ns = usage.user_ns,
        .system_ns = usage.system_ns,
        .children_user_ns = process->children_usage.user_ns,
        .children_system_ns = process->children_usage.system_ns,
        .switches = {usage.switches[0], usage.switches[1]},
        .moved = usage.moved,
        .nice = lt->scheduling.nice,
        .priority = (uint32_t)sched_priority(lt),
        .policy = (uint32_t)lt->scheduling.policy,
        .exit_signal = (uint32_t)(lt->tid == process->pid ? process->exit_signal : -1),
        .personality = (uint32_t)process->personality,
        .timer_slack = process->timer_slack,
        .oom_score_adj = process->oom_score_adj,
        .faults = {usage.faults[0], usage.faults[1]},
        .children_faults = {process->children_usage.faults[0], process->children_usage.faults[1]},
        .signals_queued = signal_queued_of(lt),
        .signals_pending = signal_pending_of(lt),
        .signals_blocked = lt->blocked,
    };
    if (process->program != NULL)
        describe_program(process->program, out);
    signal_dispositions(process, &out->signals_ignored, &out->signals_caught);
    out->credentials = lt->credentials;
    if (process->program == NULL || process->program->dumpable) { /* else root */
        out->owner_uid = lt->credentials->uid.effective;
        out->owner_gid = lt->credentials->gid.effective;
    }
    return true;
}

enum err fs_check_trace(uint32_t pid, bool memory)
{
    const struct linux_thread *lt = find_thread(pid, 0);
    if (lt == NULL)
        return E_SRCH;
    if (linux_current() == NULL || (memory && lt->process->program == process_current()->program))
        return E_OK;
    return process_may_trace(lt, true) ? E_OK : E_ACCES;
}

uint32_t fs_next_process(uint32_t pid)
{
    uint32_t least = UINT32_MAX;
    for (struct process *p = process_first(); p != NULL; p = process_next(p))
        if ((uint32_t)p->pid > pid && (uint32_t)p->pid < least)
            least = (uint32_t)p->pid;
    return least != UINT32_MAX ? least : 0;
}

uint32_t fs_next_thread(uint32_t pid, uint32_t tid)
{
    const struct process *process = process_find((int)pid);
    if (process == NULL)
        return 0;
    uint32_t least = UINT32_MAX;
    list_for_each (it, &process->threads) {
        uint32_t other = (uint32_t)CONTAINER_OF(it, struct linux_thread, link)->tid;
        if (other > tid && other < least)
            least = other;
    }
    uint32_t leader = (uint32_t)process->pid; /* listed even after its end */
    if (leader > tid && leader < least)
        least = leader;
    return least != UINT32_MAX ? least : 0;
}

void fs_rename_thread(uint32_t pid, uint32_t tid, const char *name, size_t length)
{
    struct linux_thread *lt = find_thread(pid, tid);
    if (lt != NULL && lt->thread != NULL)
        process_rename(lt->thread, name, length);
}

void fs_caller_credentials(bool effective, struct fs_credentials *out)
{
    const struct credentials *c = credentials_current();
    *out = (struct fs_credentials){
        .pid = process_of_caller()->pid,
        .uid = effective ? c->uid.effective : c->uid.real,
        .gid = effective ? c->gid.effective : c->gid.real,
    };
}
