/* SPDX-License-Identifier: MIT */
/* pidfd_open(2), pidfd_send_signal(2), pidfd_getfd(2), process_mrelease(2). */
#include "fs/vfs/context.h"
#include "fs/vfs/file_table.h"
#include "linux/process/sys_process.h"
#include "linux/process/sys_signal.h"
#include "linux/task/pidfd.h"
#include "linux/task/process.h"
#include "mm/vm/usercopy.h"

/* Installs the file, which is consumed, with close-on-exec. */
static enum err pidfd_install(struct syscall *call, struct file *file)
{
    int fd;
    enum err e = file_table_add(file_table_current(), file, 0, true, &fd);
    if (e == E_OK)
        call->result = (uint64_t)fd;
    else
        file_put(file);
    return e;
}

enum err sys_pidfd_open(struct syscall *call)
{
    int pid = (int)call->arg[0];
    uint32_t flags = (uint32_t)call->arg[1];
    struct file *file;
    if (flags & ~O_NONBLOCK || pid <= 0)
        return E_INVAL;
    const struct linux_thread *lt = linux_thread_find(pid);
    if (lt == NULL)
        return E_SRCH;
    if (lt->process->pid != pid)
        return E_INVAL;
    enum err e = pidfd_make(lt->process, flags, &file);
    return e == E_OK ? pidfd_install(call, file) : e;
}

/* The process of the descriptor, which may be the folder /proc/PID, too. */
static enum err signalled_process(uint64_t fd, struct process **out)
{
    enum err e = pidfd_process(fd, out, NULL);
    const struct file *file = e == E_BADF ? file_table_find(file_table_current(), fd) : NULL;
    if (file == NULL || (file->flags & O_PATH) || file->inode->ops == NULL ||
        file->inode->ops->process == NULL)
        return e;
    const struct linux_thread *lt = linux_thread_find((int)file->inode->ops->process(file->inode));
    if (lt == NULL)
        return E_SRCH;
    *out = lt->process;
    return E_OK;
}

enum err sys_pidfd_send_signal(struct syscall *call)
{
    struct process *process;
    int signal = (int)call->arg[1];
    if ((uint32_t)call->arg[3] != 0)
        return E_INVAL;
    enum err gone = signalled_process(call->arg[0], &process);
    if (gone == E_BADF)
        return gone;
    struct siginfo info = {
        .signal = signal,
        .code = SI_USER,
        .user = {.pid = process_current()->pid, .uid = credentials_current()->uid.real}};
    if (call->arg[2] != 0) {
        enum err e = copy_in(&info, virt(call->arg[2]), sizeof info);
        if (e != E_OK)
            return e;
        if (info.signal != signal)
            return E_INVAL;
        if ((gone != E_OK || process != process_current()) &&
            (info.code >= 0 || info.code == SI_TKILL))
            return E_PERM;
    }
    return gone == E_OK ? signal_process(process, &info) : gone;
}

enum err sys_pidfd_getfd(struct syscall *call)
{
    struct process *process;
    if ((uint32_t)call->arg[2] != 0)
        return E_INVAL;
    enum err e = pidfd_process(call->arg[0], &process, NULL);
    if (e != E_OK)
        return e;
    if (process->fs == NULL)
        return E_SRCH;
    if (!process_may_trace(process->leader, false))
        return E_PERM;
    struct file *file = file_table_find(process->fs->files, (uint32_t)call->arg[1]);
    if (file == NULL)
        return E_BADF;
    file_get(file);
    return pidfd_install(call, file);
}

/* A process that dies gives its memory back by itself: the call waits for it. */
enum err sys_process_mrelease(struct syscall *call)
{
    struct process *process;
    struct file *file;
    if ((uint32_t)call->arg[1] != 0)
        return E_INVAL;
    enum err e = pidfd_process((uint32_t)call->arg[0], &process, &file);
    if (e != E_OK)
        return e;
    if (process->program == NULL)
        return E_SRCH;
    if (!process->ending && !(signal_pending_of(process->leader) & signal_bit(SIGNAL_KILL)))
        return E_INVAL;
    return pidfd_wait_end(file);
}
