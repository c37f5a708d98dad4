/* SPDX-License-Identifier: MIT */
/* What a process shares with others of files, root and names, and leaves. */
#include "fs/vfs/context.h"
#include "linux/task/process.h"

void process_take_context(struct fs_context *new)
{
    struct process *process = process_current();
    struct fs_context *old = process->fs;
    if (new == NULL)
        return;
    uint64_t irq = signal_lock();
    process->fs = new;
    list_for_each (it, &process->threads)
        CONTAINER_OF(it, struct linux_thread, link)->thread->fs_context = new;
    signal_unlock(irq);
    fs_context_put(old);
}

void process_leave_context(struct process *process)
{
    if (process->fs == NULL)
        return;
    fs_context_put(process->fs);
    namespace_put(&process->uts->base);
    process->fs = NULL;
    process->uts = NULL;
}
