/* SPDX-License-Identifier: MIT */
#include "linux/process/sys_wait.h"

#include "fs/vfs/file.h"
#include "linux/process/sys_limits.h"
#include "linux/task/parent.h"
#include "linux/task/pidfd.h"
#include "linux/task/process.h"
#include "mm/vm/usercopy.h"

enum err sys_getppid(struct syscall *call)
{
    call->result = (uint64_t)process_current()->ppid;
    return E_OK;
}

static bool group_exists(int group, int session)
{
    for (const struct process *p = process_first(); p != NULL;
         p = process_next((struct process *)p))
        if (p->pgid == group && p->sid == session)
            return true;
    return false;
}

enum err sys_getpgrp(struct syscall *call)
{
    call->result = (uint64_t)process_current()->pgid;
    return E_OK;
}

enum err sys_getpgid(struct syscall *call)
{
    const struct process *process = process_by_tid((int)call->arg[0]);
    if (process == NULL)
        return E_SRCH;
    call->result = (uint64_t)process->pgid;
    return E_OK;
}

enum err sys_getsid(struct syscall *call)
{
    const struct process *process = process_by_tid((int)call->arg[0]);
    if (process == NULL)
        return E_SRCH;
    call->result = (uint64_t)process->sid;
    return E_OK;
}

enum err sys_setpgid(struct syscall *call)
{
    const struct process *self = process_current();
    int pid = (int)call->arg[0], group = (int)call->arg[1];
    struct process *process = process_by_tid(pid);
    if (group < 0 || (group == 0 && pid < 0))
        return E_INVAL;
    if (process != NULL && pid != 0 && process->pid != pid)
        return E_INVAL;
    if (process == NULL || (process != self && process->parent != self))
        return E_SRCH;
    if (process != self && process->sid != self->sid)
        return E_PERM;
    if (process != self && process->has_run_exec)
        return E_ACCES;
    if (group == 0)
        group = process->pid;
    if (process->sid == process->pid || (group != process->pid && !group_exists(group, self->sid)))
        return E_PERM;
    process->pgid = group;
    return E_OK;
}

enum err sys_setsid(struct syscall *call)
{
    struct process *self = process_current();
    for (const struct process *p = process_first(); p != NULL;
         p = process_next((struct process *)p))
        if (p->pgid == self->pid)
            return E_PERM;
    self->sid = self->pgid = self->pid;
    call->result = (uint64_t)self->pid;
    return E_OK;
}

static MUST_CHECK enum err wait_put_usage(uint64_t to, const struct usage *used)
{
    struct rusage usage = rusage_of(used);
    return to != 0 ? copy_out(virt(to), &usage, sizeof usage) : E_OK;
}

enum err sys_wait4(struct syscall *call)
{
    int pid = (int)call->arg[0];
    struct family_wait w = {.options = (uint32_t)call->arg[2] | WEXITED};
    struct family_news news;
    if ((uint32_t)call->arg[2] & ~(WNOHANG | WSTOPPED | WCONTINUED | WNOTHREAD | WALL | WCLONE))
        return E_INVAL;
    if (pid == INT32_MIN)
        return E_SRCH;
    w.kind = pid > 0 ? WAIT_PID : pid == -1 ? WAIT_ANY : WAIT_GROUP;
    w.id = pid > 0 ? pid : pid == 0 ? process_current()->pgid : -pid;
    call->restart = true;
    enum err e = family_wait(&w, &news);
    if (e != E_OK || news.pid == 0)
        return e;
    call->result = (uint64_t)news.pid;
    if (call->arg[1] != 0)
        e = copy_out(virt(call->arg[1]), &news.status, sizeof news.status);
    return e == E_OK ? wait_put_usage(call->arg[3], &news.usage) : e;
}

enum { /* idtype_t */
    P_ALL,
    P_PID,
    P_PGID,
    P_PIDFD,
};

/* The selection of children by waitid()'s idtype and id. */
static MUST_CHECK enum err wait_choose(uint64_t type, int id, struct family_wait *w,
                                       bool *never_sleeps)
{
    struct process *process;
    struct file *file;
    enum err e;
    w->id = id;
    switch ((int)type) {
    case P_ALL:
        w->kind = WAIT_ANY;
        return E_OK;
    case P_PID:
        w->kind = WAIT_PID;
        return id <= 0 ? E_INVAL : E_OK;
    case P_PGID:
        w->kind = WAIT_GROUP;
        if (id == 0)
            w->id = process_current()->pgid;
        return id < 0 ? E_INVAL : E_OK;
    case P_PIDFD:
        if (id < 0)
            return E_INVAL;
        e = pidfd_process((uint32_t)id, &process, &file);
        if (e != E_OK)
            return e == E_SRCH ? E_CHILD : e;
        w->kind = WAIT_PID;
        w->id = process->pid;
        *never_sleeps = file->flags & O_NONBLOCK;
        return E_OK;
    default:
        return E_INVAL;
    }
}

static MUST_CHECK enum err waitid_wait(struct syscall *call, struct family_news *news)
{
    struct family_wait w = {.options = (uint32_t)call->arg[3]};
    if (w.options &
            ~(WNOHANG | WNOWAIT | WEXITED | WSTOPPED | WCONTINUED | WNOTHREAD | WALL | WCLONE) ||
        !(w.options & (WEXITED | WSTOPPED | WCONTINUED)))
        return E_INVAL;
    bool never_sleeps = false, waits = !(w.options & WNOHANG);
    enum err e = wait_choose(call->arg[0], (int)call->arg[1], &w, &never_sleeps);
    if (e != E_OK)
        return e;
    call->restart = true;
    w.options |= never_sleeps ? WNOHANG : 0;
    e = family_wait(&w, news);
    return e == E_OK && news->pid == 0 && never_sleeps && waits ? E_AGAIN : e;
}

/* As in Linux, the fields of the notice are written after an error, too: zeros. */
enum err sys_waitid(struct syscall *call)
{
    struct family_news news = {0};
    const struct siginfo *notice = &news.notice;
    uint64_t to = call->arg[2];
    enum err e = waitid_wait(call, &news);
    if (e == E_OK && news.pid != 0)
        e = wait_put_usage(call->arg[4], &news.usage);
    if (e == E_FAULT || to == 0)
        return e;
    bool put = copy_out(virt(to), notice, offsetof(struct siginfo, padding)) == E_OK &&
               copy_out(virt(to + offsetof(struct siginfo, child)), &notice->child,
                        offsetof(struct siginfo, child.user_time) -
                            offsetof(struct siginfo, child)) == E_OK;
    return put ? e : E_FAULT;
}
