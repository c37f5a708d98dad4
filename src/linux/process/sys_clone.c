/* SPDX-License-Identifier: MIT */
#include "linux/process/sys_clone.h"

#include "cpu/trap.h"
#include "fs/vfs/context.h"
#include "fs/vfs/file_table.h"
#include "kern/space.h"
#include "kern/thread.h"
#include "linux/abi/clone.h"
#include "linux/process/sys_namespace.h"
#include "linux/process/sys_wait.h"
#include "linux/task/parent.h"
#include "linux/task/pidfd.h"
#include "linux/task/process.h"
#include "linux/task/rights.h"
#include "linux/task/scheduling.h"
#include "linux/task/trace.h"
#include "mm/heap/heap.h"
#include "mm/layout.h"
#include "mm/vm/usercopy.h"

struct clone {
    uint64_t flags; /* without the signal */
    int exit_signal;
    uint64_t stack; /* 0: the parent's */
    uint64_t tls, parent_tid, child_tid, pidfd;
    int tid; /* of the child; 0: any that is free */
};

static struct trap_frame *first_frame(const struct thread *thread)
{
    return (struct trap_frame *)ptr_of(thread->kstack.end) - 1;
}

/* First entry of a new thread into the program; as on any return, pending signals are delivered
 * first. */
static void start_thread(void *unused)
{
    (void)unused;
    kernel_lock_assert();
    struct trap_frame *frame = first_frame(thread_current());
    if (thread_current()->signal_pending)
        signal_deliver(frame);
    kernel_lock_drop();
    enter_program(frame);
}

static MUST_CHECK enum err clone_check(const struct clone *c)
{
    uint64_t f = c->flags;
    if ((f & CLONE_NEWNS && f & CLONE_FS) || (f & CLONE_NEWUSER && f & CLONE_FS))
        return E_INVAL;
    if ((f & CLONE_THREAD && !(f & CLONE_SIGHAND)) || (f & CLONE_SIGHAND && !(f & CLONE_VM)))
        return E_INVAL;
    if (f & CLONE_PARENT && process_current() == process_first())
        return E_INVAL;
    if (f & CLONE_THREAD && f & NAMESPACES_THERE) /* threads of a process share them */
        return E_INVAL;
    if (f & (NAMESPACES_ABSENT | CLONE_INTO_CGROUP))
        return E_INVAL;
    if (f & NAMESPACES_THERE && !capable(CAP_SYS_ADMIN))
        return E_PERM;
    if (f & CLONE_PIDFD && f & (CLONE_DETACHED | CLONE_THREAD))
        return E_INVAL;
    if (f & CLONE_SETTLS && c->tls >= LAYOUT_PROGRAM_END)
        return E_PERM;
    return E_OK;
}

static void lay_out_frame(struct thread *thread, const struct trap_frame *parent,
                          const struct clone *c)
{
    struct trap_frame *frame = first_frame(thread);
    *frame = *parent;
    frame->rax = 0;
    if (c->stack != 0)
        frame->rsp = c->stack;
    thread->fs_base = c->flags & CLONE_SETTLS ? c->tls : thread_get_fs_base();
}

/* What a thread of another process keeps of the caller's own addresses. */
static void inherit_memory(struct linux_thread *lt, const struct linux_thread *self,
                           struct thread *thread, const struct clone *c)
{
    thread->space = lt->process->program->space;
    if (c->flags & CLONE_VFORK || !(c->flags & CLONE_VM))
        lt->alternate_stack = self->alternate_stack;
    if (c->flags & CLONE_VM)
        return;
    lt->rseq = self->rseq;
    lt->rseq_size = self->rseq_size;
    lt->rseq_signature = self->rseq_signature;
}

/* On failure the caller frees `lt`. */
static MUST_CHECK enum err clone_start(struct linux_thread *lt, struct syscall *call,
                                       const struct clone *c)
{
    const struct linux_thread *self = linux_current();
    struct thread *thread;
    struct trace *trace = NULL;
    int tid = lt->tid;
    enum trace_event event =
        likely(self->trace == NULL)
            ? 0
            : trace_event_of_clone(c->flags & CLONE_VFORK, c->flags & CLONE_UNTRACED,
                                   c->flags & CLONE_THREAD ? 0 : c->exit_signal);
    bool same = lt->process->program->space == space_current();
    kernel_lock_assert();
    /* Faults of these copies are ignored, as in Linux. They may sleep, so they come before the thread. */
    if (c->flags & CLONE_PARENT_SETTID)
        (void)!copy_out(virt(c->parent_tid), &tid, sizeof tid);
    if (c->flags & CLONE_CHILD_SETTID && same)
        (void)!copy_out(virt(c->child_tid), &tid, sizeof tid);
    if (event != 0 || (unlikely(self->trace != NULL) && c->flags & CLONE_PTRACE &&
                       !(c->flags & CLONE_UNTRACED))) {
        trace = trace_new();
        if (trace == NULL)
            return E_AGAIN;
    }
    if (thread_create_program(thread_current()->name, start_thread, NULL, &thread) != E_OK) {
        heap_free(trace);
        return E_AGAIN; /* the error that pthread_create() documents */
    }
    lay_out_frame(thread, call->frame, c);
    lt->blocked = self->blocked;
    if (lt->process != self->process)
        inherit_memory(lt, self, thread, c);
    if (c->flags & CLONE_CHILD_CLEARTID)
        lt->clear_tid = c->child_tid;
    linux_thread_join(lt, thread);
    sched_inherit(lt, self);
    if (c->flags & CLONE_CHILD_SETTID && !same)
        (void)!copy_out_to(thread->space, virt(c->child_tid), &tid, sizeof tid);
    if (trace != NULL)
        trace_child(trace, lt);
    call->result = (uint64_t)tid;
    if (c->flags & CLONE_VFORK)
        process_begin_vfork(lt);
    if (event != 0)
        trace_event(event, (uint64_t)tid); /* `lt` may have ended then */
    if (c->flags & CLONE_VFORK) {
        process_wait_vfork();
        if (unlikely(self->trace != NULL))
            trace_event(TRACE_VFORK_DONE, (uint64_t)tid);
    }
    return E_OK;
}

static MUST_CHECK enum err clone_thread(struct syscall *call, const struct clone *c)
{
    struct linux_thread *lt;
    enum err e = linux_thread_new(process_current(), c->tid, &lt);
    if (e != E_OK)
        return e;
    e = clone_start(lt, call, c);
    if (e != E_OK)
        linux_thread_free(lt);
    return e;
}

/* CLONE_PIDFD: a descriptor of the child, whose number is written where the parent has said. *fd: -1 without the flag. */
static MUST_CHECK enum err clone_pidfd(struct process *child, const struct clone *c, int *fd)
{
    struct file *file;
    *fd = -1;
    if (!(c->flags & CLONE_PIDFD))
        return E_OK;
    enum err e = pidfd_make(child, 0, &file);
    if (e != E_OK)
        return e;
    e = file_table_add(file_table_current(), file, 0, true, fd);
    if (e != E_OK) {
        file_put(file);
        return e;
    }
    return copy_out(virt(c->pidfd), fd, sizeof *fd);
}

static MUST_CHECK enum err clone_process(struct syscall *call, const struct clone *c)
{
    struct process *self = process_current(), *child;
    struct process_sharing share = {
        .cwd = c->flags & CLONE_FS,
        .files = c->flags & CLONE_FILES,
        .no_handlers = c->flags & CLONE_CLEAR_SIGHAND,
        .tid = c->tid,
    };
    int fd = -1;
    bool sibling = c->flags & CLONE_PARENT;
    enum err e = c->flags & CLONE_VM ? E_OK : program_fork(&share.program);
    if (e == E_OK)
        e = process_new(sibling ? self->parent : self, &share, &child);
    if (e != E_OK) {
        if (share.program != NULL)
            program_put(share.program);
        return e;
    }
    e = process_unshare(child, (uint32_t)c->flags);
    if (e != E_OK) {
        process_free(child);
        return e;
    }
    child->exit_signal = sibling ? self->exit_signal : c->exit_signal;
    e = clone_pidfd(child, c, &fd);
    if (e == E_OK)
        e = clone_start(child->leader, call, c);
    if (e != E_OK) {
        if (fd >= 0)
            (void)!file_table_close(file_table_current(), (uint32_t)fd);
        process_free(child);
    }
    return e;
}

static enum err clone_perform(struct syscall *call, const struct clone *c)
{
    enum err e = clone_check(c);
    if (e != E_OK)
        return e;
    return c->flags & CLONE_THREAD ? clone_thread(call, c) : clone_process(call, c);
}

enum err sys_clone(struct syscall *call)
{
    uint64_t flags = (uint32_t)call->arg[0];
    struct clone c = {
        .flags = flags & ~CLONE_SIGNAL,
        .exit_signal = (int)(flags & CLONE_SIGNAL),
        .stack = call->arg[1],
        .parent_tid = call->arg[2],
        .pidfd = call->arg[2],
        .child_tid = call->arg[3],
        .tls = call->arg[4],
    };
    if (flags & CLONE_PIDFD && flags & CLONE_PARENT_SETTID)
        return E_INVAL; /* both use the argument parent_tid */
    return clone_perform(call, &c);
}

struct clone_args { /* linux/sched.h */
    uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls;
    uint64_t set_tid, set_tid_size, cgroup;
};

#define CLONE_ARGS_OLDEST 64 /* bytes, without set_tid and what follows */
#define SET_TID_MAX       32 /* levels of namespaces */

/* An extensible structure: fields beyond the known ones must be zero. E_2BIG, E_INVAL, E_FAULT. */
static MUST_CHECK enum err copy_in_args(virt_t from, uint64_t size, struct clone_args *out)
{
    *out = (struct clone_args){0};
    if (size > PAGE_SIZE)
        return E_2BIG;
    if (size < CLONE_ARGS_OLDEST)
        return E_INVAL;
    for (uint64_t at = sizeof *out; at < size; at++) {
        uint8_t byte;
        enum err e = copy_in(&byte, virt(from.v + at), sizeof byte);
        if (e != E_OK)
            return e;
        if (byte != 0)
            return E_2BIG;
    }
    return copy_in(out, from, size < sizeof *out ? size : sizeof *out);
}

static MUST_CHECK enum err check_args(const struct clone_args *a)
{
    if (a->set_tid_size > SET_TID_MAX || (a->set_tid == 0) != (a->set_tid_size == 0))
        return E_INVAL;
    if (a->exit_signal > CLONE_SIGNAL || a->exit_signal > SIGNAL_COUNT)
        return E_INVAL;
    if (a->flags & ~(CLONE_LEGACY | CLONE_CLEAR_SIGHAND | CLONE_INTO_CGROUP))
        return E_INVAL;
    if (a->flags & (CLONE_DETACHED | (CLONE_SIGNAL & ~CLONE_NEWTIME)))
        return E_INVAL;
    if (a->flags & CLONE_SIGHAND && a->flags & CLONE_CLEAR_SIGHAND)
        return E_INVAL;
    if (a->flags & (CLONE_THREAD | CLONE_PARENT) && a->exit_signal != 0)
        return E_INVAL;
    if ((a->stack == 0) != (a->stack_size == 0))
        return E_INVAL;
    if (a->stack != 0 && !user_range_ok(virt(a->stack), a->stack_size))
        return E_INVAL;
    return a->flags & CLONE_NEWTIME ? E_INVAL : E_OK;
}

/* The tid that the caller has chosen for the only namespace. E_EXIST comes later. */
static MUST_CHECK enum err copy_in_tid(const struct clone_args *a, int *out)
{
    *out = 0;
    if (a->set_tid_size == 0)
        return E_OK;
    if (a->set_tid_size > 1)
        return E_INVAL;
    enum err e = copy_in(out, virt(a->set_tid), sizeof *out);
    if (e == E_OK && *out < 1)
        return E_INVAL;
    if (e == E_OK && !capable(CAP_SYS_ADMIN) && !capable(CAP_LAST)) /* CAP_CHECKPOINT_RESTORE */
        return E_PERM;
    return e;
}

enum err sys_clone3(struct syscall *call)
{
    struct clone_args a;
    enum err e = copy_in_args(virt(call->arg[0]), call->arg[1], &a);
    int tid = 0;
    if (e == E_OK)
        e = check_args(&a);
    if (e == E_OK)
        e = copy_in_tid(&a, &tid);
    if (e != E_OK)
        return e;
    struct clone c = {
        .tid = tid,
        .flags = a.flags,
        .exit_signal = (int)a.exit_signal,
        .stack = a.stack + a.stack_size,
        .tls = a.tls,
        .parent_tid = a.parent_tid,
        .child_tid = a.child_tid,
        .pidfd = a.pidfd,
    };
    return clone_perform(call, &c);
}

enum err sys_fork(struct syscall *call)
{
    const struct clone c = {.exit_signal = SIGNAL_CHLD};
    return clone_perform(call, &c);
}

enum err sys_vfork(struct syscall *call)
{
    const struct clone c = {.flags = CLONE_VM | CLONE_VFORK, .exit_signal = SIGNAL_CHLD};
    return clone_perform(call, &c);
}
