/* SPDX-License-Identifier: MIT */
#include "kern/wait.h"

#include "kern/thread.h"

struct wait_queue any_event = {.sleepers = LIST_INIT(any_event.sleepers), .outside = true};

void wait_queue_init(struct wait_queue *queue)
{
    list_init(&queue->sleepers);
    queue->wakes = 0;
    queue->outside = false;
}

enum err wait_queue_sleep(struct wait_queue *queue, uint64_t deadline_ns)
{
    struct thread *self = thread_current();
    if (self->signal_pending)
        return E_INTR;
    if (deadline_ns != NO_DEADLINE) {
        if (time_now_ns() >= deadline_ns)
            return E_TIMEDOUT;
        timer_start(&self->sleep_timer, deadline_ns);
    }
    list_add_tail(&queue->sleepers, &self->wait_link);
    self->waits_on = queue;
    thread_block();
    timer_cancel(&self->sleep_timer);
    return self->wake_reason;
}

static void wake_all(struct wait_queue *queue) REQUIRES(class_sched)
{
    while (!list_empty(&queue->sleepers))
        thread_wake(CONTAINER_OF(queue->sleepers.next, struct thread, wait_link), E_OK);
}

void wait_queue_wake(struct wait_queue *queue)
{
    queue->wakes++; /* not atomic; interrupted, it still changes */
    /* No thread can go to sleep meanwhile: this one is running, or an interrupt handler is. */
    if (list_empty(&queue->sleepers) && list_empty(&any_event.sleepers))
        return;
    uint64_t flags = sched_lock();
    wake_all(queue);
    wake_all(&any_event);
    sched_unlock(flags);
}
