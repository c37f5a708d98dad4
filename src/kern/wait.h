/* SPDX-License-Identifier: MIT */
/*
 * Wait queues: the only place where a thread blocks in the kernel.
 *
 * A queue stands for one kind of event ("this pipe has become readable"). Each waiter is an entry
 * with a function, which a wake-up calls: a sleeping thread, a call of poll(), an item of an epoll.
 * An entry is in one of two lists:
 *
 *     all   a wake-up calls every entry
 *     one   a wake-up calls entries in order until one takes the event: for events that serve one
 *
 * The condition is checked under class_sched, which a wake-up takes too. So an event that makes the
 * condition true and then wakes the queue cannot fall between check and sleep:
 *
 *     enum err e = WAIT_EVENT(&pipe->readers, pipe->used > 0 || pipe->writers == 0, NO_DEADLINE);
 *
 * The condition therefore takes no lock: it reads data under kernel_lock, or a word that an
 * interrupt handler writes before it wakes the queue. It is checked again before a signal or a
 * time-out is reported.
 *
 * A thread that was woken from the list `one` and leaves something for another must pass the wake-up
 * on (wait_queue_wake_one()).
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "base/list.h"
#include "kern/sched_lock.h"

#include <stdbool.h>
#include <stdint.h>

#define NO_DEADLINE UINT64_MAX

struct wait_queue {
    struct list all GUARDED_BY(class_sched); /* struct wait_entry.link */
    struct list one GUARDED_BY(class_sched);
    bool outside; /* woken by devices or users: its sleepers are not deadlocked */
};

struct wait_entry {
    struct list link GUARDED_BY(class_sched); /* an empty list: in no queue */
    /* Called under class_sched, in interrupts too. True if it takes the event. It may remove the
     * entry, change what class_sched guards, and wake other queues (wait_queue_wake_locked()). */
    bool (*wake)(struct wait_entry *entry);
};

#define WAIT_QUEUE_INIT(name)                                                                      \
    {                                                                                              \
        .all = LIST_INIT((name).all), .one = LIST_INIT((name).one)                                 \
    }

void wait_queue_init(struct wait_queue *queue);
void wait_entry_init(struct wait_entry *entry, bool (*wake)(struct wait_entry *entry));

/* Wakes all entries for the last time and removes them: the queue's memory is to be freed. None of
 * them is in the list `one`. */
void wait_queue_end(struct wait_queue *queue);

/* Adds an entry that is in no queue; `one`: to that list. O(1). */
void wait_queue_join(struct wait_queue *queue, struct wait_entry *entry, bool one);
/* Removes the entry, which may be in no queue. O(1). */
void wait_queue_leave(struct wait_entry *entry);

enum wait_how {
    WAIT_ALL, /* in the list `all` */
    WAIT_ONE, /* in the list `one` */
    WAIT_REALTIME =
        2, /* or with one of those: the deadline is on the clock of time_realtime_ns() */
    /* Or with one of those: a signal that is pending does not prevent the sleep. One that comes ends it, with E_INTR; the
     * caller sleeps again, where only the event may end the wait: a device's answer, which is not awaited in vain. */
    WAIT_DESPITE_SIGNALS = 4,
};
/* Sleeps until woken (E_OK), until the clock reads deadline_ns (E_TIMEDOUT), or until a signal is
 * pending for the thread and the deadline has not passed (E_INTR). Both locks are dropped while it sleeps. */
MUST_CHECK enum err wait_queue_sleep(struct wait_queue *queue, uint64_t deadline_ns, unsigned how)
    REQUIRES(kernel_lock, class_sched);

/* Calls all entries of `all`, and those of `one` until one takes the event. O(entries called).
 * Callers: any, interrupt handlers too. */
void wait_queue_wake(struct wait_queue *queue);
/* Passes the event on to the first of `one` that takes it. Callers: any. */
void wait_queue_wake_one(struct wait_queue *queue);
/* As wait_queue_wake(), but calls all entries of `one`: for a state that lasts, such as end of file. */
void wait_queue_wake_all(struct wait_queue *queue);
/* As wait_queue_wake(), under class_sched. True if an entry took the event. */
bool wait_queue_wake_locked(struct wait_queue *queue) REQUIRES(class_sched);

#define WAIT_EVENT_IN(queue, condition, deadline_ns, how)                                          \
    __extension__({                                                                                \
        enum err wait_err = E_OK;                                                                  \
        bool wait_done;                                                                            \
        kernel_lock_assert_any();                                                                  \
        uint64_t wait_flags = sched_lock();                                                        \
        while (!(wait_done = (condition)) && wait_err == E_OK)                                     \
            wait_err = wait_queue_sleep((queue), (deadline_ns), (how));                            \
        sched_unlock(wait_flags);                                                                  \
        wait_done ? E_OK : wait_err;                                                               \
    })
#define WAIT_EVENT(queue, condition, deadline_ns)                                                  \
    WAIT_EVENT_IN(queue, condition, deadline_ns, WAIT_ALL)
