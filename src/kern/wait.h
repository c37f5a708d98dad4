/* SPDX-License-Identifier: MIT */
/*
 * Wait queues: the only place where a thread blocks in the kernel.
 *
 * The condition is checked under class_sched, which a wake-up takes too. So an event that makes the
 * condition true and then wakes the queue cannot fall between check and sleep:
 *
 *     enum err e = WAIT_EVENT(&pipe->readers, pipe->used > 0 || pipe->writers == 0, NO_DEADLINE);
 *
 * The condition therefore takes no lock: it reads data under kernel_lock, or a word that an
 * interrupt handler writes before it wakes the queue.
 *
 * A wake-up wakes all sleepers, and each checks its condition again. Waking a queue also wakes
 * `any_event`, on which poll() and its kin sleep.
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
    struct list sleepers GUARDED_BY(class_sched); /* struct thread.wait_link */
    uint32_t wakes; /* count of wake-ups, wrapping: shows a missed one (fs/pipe/epoll.c) */
    bool outside;   /* woken by devices or users: its sleepers are not deadlocked */
};

#define WAIT_QUEUE_INIT(name)                                                                      \
    {                                                                                              \
        .sleepers = LIST_INIT((name).sleepers)                                                     \
    }

/* Woken by every wake-up of any queue. */
extern struct wait_queue any_event;

void wait_queue_init(struct wait_queue *queue);

/* Sleeps until woken (E_OK), until time_now_ns() >= deadline_ns (E_TIMEDOUT), or until a signal is
 * pending for the thread (E_INTR). Both locks are dropped while it sleeps. */
MUST_CHECK enum err wait_queue_sleep(struct wait_queue *queue, uint64_t deadline_ns)
    REQUIRES(kernel_lock, class_sched);

/* Makes all sleepers runnable. Callers: any, interrupt handlers too. O(sleepers). */
void wait_queue_wake(struct wait_queue *queue);

#define WAIT_EVENT(queue, condition, deadline_ns)                                                  \
    __extension__({                                                                                \
        enum err wait_err = E_OK;                                                                  \
        kernel_lock_assert();                                                                      \
        uint64_t wait_flags = sched_lock();                                                        \
        while (wait_err == E_OK && !(condition))                                                   \
            wait_err = wait_queue_sleep((queue), (deadline_ns));                                   \
        sched_unlock(wait_flags);                                                                  \
        wait_err;                                                                                  \
    })
