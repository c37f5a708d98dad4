/* SPDX-License-Identifier: MIT */
#include "fs/vfs/wait.h"

#include "kern/thread.h"

enum err fs_wait(struct wait_queue *queue, fs_condition condition, void *context,
                 uint64_t deadline_ns)
{
    return WAIT_EVENT(queue, condition(context), deadline_ns);
}

enum err fs_wait_one(struct wait_queue *queue, fs_condition condition, void *context,
                     uint64_t deadline_ns)
{
    return WAIT_EVENT_IN(queue, condition(context), deadline_ns, WAIT_ONE);
}

void fs_wait_surely(struct wait_queue *queue, fs_condition condition, void *context)
{
    enum err e = E_INTR;
    kernel_lock_assert();
    uint64_t flags = sched_lock();
    while (!condition(context))
        e = wait_queue_sleep(queue, NO_DEADLINE, WAIT_ONE | WAIT_DESPITE_SIGNALS);
    sched_unlock(flags);
    (void)e; /* a signal is for later */
}

COLD void fs_wait_device(struct wait_queue *queue, fs_condition condition, void *context)
{
    enum err e = E_INTR;
    while (e != E_OK)
        e = WAIT_EVENT_IN(queue, condition(context), NO_DEADLINE, WAIT_ALL | WAIT_DESPITE_SIGNALS);
}

bool fs_give_way(void)
{
    thread_give_way();
    return thread_current()->signal_pending;
}
