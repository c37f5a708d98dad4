/* SPDX-License-Identifier: MIT */
/* A thread that waits for one request: each has a queue of its own, so that an answer wakes only the thread that it is for. */
#include "kern/block.h"
#include "kern/thread.h"
#include "kern/wait.h"

struct block_waiter {
    struct wait_queue queue;
    bool done;
};

/* The waiter is on the stack of its thread: it is over as soon as class_sched is dropped. */
static void wake_waiter(struct block_request *request)
{
    struct block_waiter *waiter = request->context;
    uint64_t flags = sched_lock();
    waiter->done = true;
    wait_queue_wake_locked(&waiter->queue);
    sched_unlock(flags);
}

enum err block_perform(struct block_device *device, struct block_request *request)
{
    struct block_waiter waiter;
    kernel_lock_assert();
    wait_queue_init(&waiter.queue);
    waiter.queue.outside = true;
    waiter.done = false;
    request->done = wake_waiter;
    request->context = &waiter;
    block_submit(device, request);
    uint64_t flags = sched_lock();
    while (!waiter.done) {
        enum err e = wait_queue_sleep(&waiter.queue, NO_DEADLINE, WAIT_ALL | WAIT_DESPITE_SIGNALS);
        (void)e; /* a signal waits, too */
    }
    sched_unlock(flags);
    return request->result;
}
