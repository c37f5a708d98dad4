/* SPDX-License-Identifier: MIT */
#include "linux/task/pidfd.h"

#include "fs/vfs/anon_file.h"
#include "fs/vfs/file_table.h"
#include "fs/vfs/text.h"
#include "kern/wait.h"
#include "linux/task/process.h"
#include "mm/heap/heap.h"

struct pidfd {
    uint32_t references; /* files, and the process */
    struct process *process;
    struct wait_queue ended;
};

static void pidfd_put(struct pidfd *p)
{
    if (--p->references == 0)
        heap_free(p);
}

static void pidfd_release(struct file *file)
{
    pidfd_put(file->state);
}

static uint32_t pidfd_poll(struct file *file)
{
    const struct pidfd *p = file->state;
    return !p->process || p->process->zombie ? POLL_READABLE : 0;
}

static struct wait_queue *pidfd_queue(struct file *file, bool write)
{
    return write ? NULL : &((struct pidfd *)file->state)->ended;
}

static void pidfd_describe(struct file *file, struct text *text)
{
    const struct pidfd *p = file->state;
    int pid = p->process ? p->process->pid : -1;
    text_printf(text, "Pid:\t%d\nNSpid:\t%d\n", pid, pid);
}

static const struct file_ops pidfd_ops = {
    .release = pidfd_release, .poll = pidfd_poll, .queue = pidfd_queue, .describe = pidfd_describe};

enum err pidfd_make(struct process *process, uint32_t flags, struct file **out)
{
    struct pidfd *p = process->pidfd;
    if (!p) {
        p = heap_alloc_zero(sizeof(*p));
        if (!p)
            return E_NOMEM;
        wait_queue_init(&p->ended);
        p->process = process;
        p->references = 1;
        process->pidfd = p;
    }
    enum err e = anon_file_open("anon_inode:[pidfd]", &pidfd_ops, p, flags, out);
    if (e == E_OK)
        p->references++;
    return e;
}

enum err pidfd_process(uint64_t fd, struct process **out, struct file **file)
{
    struct file *found = file_table_find(file_table_current(), fd);
    if (!found || found->flags & O_PATH || found->ops != &pidfd_ops)
        return E_BADF;
    if (file)
        *file = found;
    *out = ((const struct pidfd *)found->state)->process;
    return *out ? E_OK : E_SRCH;
}

enum err pidfd_wait_end(struct file *file)
{
    struct pidfd *p = file->state;
    kernel_lock_assert();
    file_get(file);
    enum err e = WAIT_EVENT(&p->ended, p->process == NULL || p->process->zombie, NO_DEADLINE);
    file_put(file);
    return e;
}

void pidfd_wake(struct process *process, bool gone)
{
    struct pidfd *p = process->pidfd;
    if (!p)
        return;
    wait_queue_wake_all(&p->ended);
    if (!gone)
        return;
    p->process = NULL;
    pidfd_put(p);
}
