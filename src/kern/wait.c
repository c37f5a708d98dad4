/* SPDX-License-Identifier: MIT */
#include "kern/wait.h"

#include "kern/thread.h"

void wait_queue_init(struct wait_queue *queue)
{
    list_init(&queue->all);
    list_init(&queue->one);
    queue->outside = false;
}

void wait_entry_init(struct wait_entry *entry, bool (*wake)(struct wait_entry *entry))
{
    list_init(&entry->link);
    entry->wake = wake;
}

void wait_queue_join(struct wait_queue *queue, struct wait_entry *entry, bool one)
{
    uint64_t flags = sched_lock();
    list_add_tail(one ? &queue->one : &queue->all, &entry->link);
    sched_unlock(flags);
}

void wait_queue_leave(struct wait_entry *entry)
{
    uint64_t flags = sched_lock();
    list_remove(&entry->link);
    sched_unlock(flags);
}

bool thread_wake_entry(struct wait_entry *entry)
{
    thread_wake(CONTAINER_OF(entry, struct thread, wait), E_OK);
    return true;
}

static bool has_passed(uint64_t deadline_ns, unsigned how)
{
    return (how & WAIT_REALTIME ? time_realtime_ns() : time_now_ns()) >= deadline_ns;
}

enum err wait_queue_sleep(struct wait_queue *queue, uint64_t deadline_ns, unsigned how)
{
    struct thread *self = thread_current();
    if (deadline_ns != NO_DEADLINE && has_passed(deadline_ns, how))
        return E_TIMEDOUT;
    if (unlikely(self->signal_pending) && !(how & WAIT_DESPITE_SIGNALS))
        return E_INTR;
    if (deadline_ns != NO_DEADLINE) {
        self->sleep_timer.realtime = how & WAIT_REALTIME;
        timer_start(&self->sleep_timer, deadline_ns);
    }
    list_add_tail(how & WAIT_ONE ? &queue->one : &queue->all, &self->wait.link);
    self->waits_on = queue;
    thread_block();
    if (deadline_ns != NO_DEADLINE) {
        timer_cancel(&self->sleep_timer);
        if (self->wake_reason == E_INTR && has_passed(deadline_ns, how))
            return E_TIMEDOUT;
    }
    return self->wake_reason;
}

/* Calls every entry; true if one takes the event. */
static bool wake_each(struct list *entries) REQUIRES(class_sched)
{
    bool taken = false;
    for (struct list *link = entries->next, *next; link != entries; link = next) {
        struct wait_entry *entry = CONTAINER_OF(link, struct wait_entry, link);
        next = link->next; /* the entry may leave */
        taken |= entry->wake(entry);
    }
    return taken;
}

/* Calls entries in order until one takes the event; false if none does. */
static ALWAYS_INLINE bool wake_first(struct list *entries) REQUIRES(class_sched)
{
    for (struct list *link = entries->next, *next; link != entries; link = next) {
        struct wait_entry *entry = CONTAINER_OF(link, struct wait_entry, link);
        next = link->next; /* the entry may leave */
        if (entry->wake(entry))
            return true;
    }
    return false;
}

bool wait_queue_wake_locked(struct wait_queue *queue)
{
    bool taken = wake_each(&queue->all);
    return list_empty(&queue->one) ? taken : wake_first(&queue->one) || taken;
}

/* No entry can be added meanwhile: only threads add entries, and the running one is here. If others share kernel_lock with it, they
 * can: the look is under the lock then. */
static bool is_deserted(const struct wait_queue *queue) NO_LOCK_ANALYSIS
{
    return !kernel_lock_is_shared() && list_empty(&queue->all) && list_empty(&queue->one);
}

static CPUS_NOINLINE void wait_queue_wake_any(struct wait_queue *queue)
{
    uint64_t flags = sched_lock();
    wait_queue_wake_locked(queue);
    sched_unlock(flags);
}

void wait_queue_wake(struct wait_queue *queue)
{
    if (!is_deserted(queue))
        wait_queue_wake_any(queue);
}

void wait_queue_wake_one(struct wait_queue *queue)
{
    if (!kernel_lock_is_shared() && list_empty(&queue->one)) /* as is_deserted() */
        return;
    uint64_t flags = sched_lock();
    wake_first(&queue->one);
    sched_unlock(flags);
}

void wait_queue_wake_all(struct wait_queue *queue)
{
    if (is_deserted(queue))
        return;
    uint64_t flags = sched_lock();
    wake_each(&queue->all);
    wake_each(&queue->one);
    sched_unlock(flags);
}

void wait_queue_end(struct wait_queue *queue)
{
    wait_queue_wake_all(queue);
    uint64_t flags = sched_lock();
    while (!list_empty(&queue->all))
        list_remove(queue->all.next);
    sched_unlock(flags);
}
