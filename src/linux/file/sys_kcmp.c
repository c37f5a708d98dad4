/* SPDX-License-Identifier: MIT */
/* kcmp(2): whether two threads share something, or an order of what they have. */
#include "fs/pipe/epoll.h"
#include "fs/vfs/context.h"
#include "fs/vfs/file_table.h"
#include "kern/random.h"
#include "linux/file/sys_file.h"
#include "linux/task/process.h"
#include "mm/vm/usercopy.h"

enum { /* linux/kcmp.h */
    KCMP_FILE,
    KCMP_VM,
    KCMP_FILES,
    KCMP_FS,
    KCMP_SIGHAND,
    KCMP_IO,
    KCMP_SYSVSEM,
    KCMP_EPOLL_TFD,
};

struct kcmp_epoll_slot {
    uint32_t epoll, fd, offset;
};

/* 0: the same, 1: less, 2: greater, by the order of the addresses behind a secret that is odd, so that nothing is told about them. */
static uint64_t kcmp_order(const void *a, const void *b)
{
    static uint64_t secret[2];
    if (secret[1] == 0) {
        random_fill(secret, sizeof secret);
        secret[1] |= 1;
    }
    uint64_t x = ((uintptr_t)a ^ secret[0]) * secret[1], y = ((uintptr_t)b ^ secret[0]) * secret[1];
    return x == y ? 0 : x < y ? 1 : 2;
}

/* What the type says of a thread but KCMP_FILE; NULL: all threads have the same. Adjustments of semaphores belong to the process. */
static const void *kcmp_thing(const struct process *process, uint64_t type)
{
    const struct fs_context *fs = process->fs;
    switch (type) {
    case KCMP_VM:
        return process->program ? process->program->space : NULL;
    case KCMP_FILES:
        return fs ? fs->files : NULL;
    case KCMP_FS: /* the first in memory of those in the ring */
        if (fs)
            list_for_each (it, &fs->place_link) {
                const struct fs_context *other = CONTAINER_OF(it, struct fs_context, place_link);
                if (other < fs)
                    fs = other;
            }
        return fs;
    case KCMP_SIGHAND:
        return process;
    case KCMP_SYSVSEM:
        return list_empty(&process->sem_undos) && process->thread_count == 1 ? NULL : process;
    default:
        return NULL; /* KCMP_IO: no thread has a queue of its own */
    }
}

static struct file *kcmp_file(const struct process *process, uint64_t fd)
{
    return process->fs ? file_table_find(process->fs->files, (uint32_t)fd) : NULL;
}

static enum err kcmp_epoll(struct syscall *call, const struct process *second,
                           const struct file *file)
{
    struct kcmp_epoll_slot slot;
    enum err e = copy_in(&slot, virt(call->arg[4]), sizeof slot);
    if (e != E_OK)
        return e;
    struct file *epoll = kcmp_file(second, slot.epoll);
    if (!epoll)
        return E_BADF;
    if (!epoll_is(epoll))
        return E_INVAL;
    const struct file *watched = epoll_watched(epoll, (int)slot.fd, slot.offset);
    if (!watched)
        return E_NOENT;
    call->result = kcmp_order(file, watched);
    return E_OK;
}

enum err sys_kcmp(struct syscall *call)
{
    uint64_t type = (uint32_t)call->arg[2];
    const struct linux_thread *first = linux_thread_find((int)call->arg[0]),
                              *second = linux_thread_find((int)call->arg[1]);
    if (!first || !second)
        return E_SRCH;
    if (!process_may_trace(first, false) || !process_may_trace(second, false))
        return E_PERM;
    if (type == KCMP_FILE || type == KCMP_EPOLL_TFD) {
        const struct file *a = kcmp_file(first->process, call->arg[3]);
        if (type == KCMP_EPOLL_TFD)
            return a ? kcmp_epoll(call, second->process, a) : E_BADF;
        const struct file *b = kcmp_file(second->process, call->arg[4]);
        call->result = kcmp_order(a, b);
        return a && b ? E_OK : E_BADF;
    }
    if (type > KCMP_EPOLL_TFD)
        return E_INVAL;
    call->result = kcmp_order(kcmp_thing(first->process, type), kcmp_thing(second->process, type));
    return E_OK;
}
