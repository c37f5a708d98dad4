/* SPDX-License-Identifier: MIT */
/* Scheduling attributes of a thread (sched(7)), and their mapping to kern/thread.h. */
#pragma once

#include "linux/task/process.h"

enum {
    SCHED_OTHER = 0,
    SCHED_FIFO = 1,
    SCHED_RR = 2,
    SCHED_BATCH = 3,
    SCHED_IDLE = 5,
    SCHED_DEADLINE = 6,
};

#define SCHED_RESET_ON_FORK 0x40000000
#define NICE_MIN            (-20)
#define NICE_MAX            19

/* True for SCHED_FIFO and SCHED_RR. */
static inline bool sched_is_realtime(int policy)
{
    return policy == SCHED_FIFO || policy == SCHED_RR;
}

/* The effective real-time priority: its own, or that of a waiter for one of its PI futexes. */
static inline int sched_priority(const struct linux_thread *lt)
{
    const struct scheduling *s = &lt->scheduling;
    return s->inherited > s->priority ? s->inherited : s->priority;
}

/* Applies lt->scheduling to the run queue. O(log n) in runnable threads. */
void sched_apply(const struct linux_thread *lt);
/* Sets the inherited real-time priority; 0 for none. */
void sched_set_inherited(struct linux_thread *lt, int priority);
/* The own priority of `lt` has changed, or what may be lent to it: sets what it inherits, and so on along
 * the chain of owners that wait. Defined in linux/futex/pi.c. */
void thread_lend_priority(struct linux_thread *lt);
/* Copies the attributes of the parent thread, subject to SCHED_RESET_ON_FORK. */
void sched_inherit(struct linux_thread *to, const struct linux_thread *from);
