/* SPDX-License-Identifier: MIT */
/* What a thread asked of the scheduler (sched(7)), and what kern/ makes of it. */
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

/* Hands lt->scheduling to the run queue. O(log n) of the runnable threads. */
void sched_apply(const struct linux_thread *lt);
/* Lends a real-time priority; 0 takes it back. */
void sched_set_inherited(struct linux_thread *lt, int priority);
/* A new thread is scheduled as the one that made it (SCHED_RESET_ON_FORK). */
void sched_inherit(struct linux_thread *to, const struct linux_thread *from);
