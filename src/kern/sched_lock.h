/* SPDX-License-Identifier: MIT */
/* class_sched guards the run queue, thread states, wait queues and the list of all threads. */
#pragma once

#include "cpu/lock.h"

/* The only lock of class_sched (kern/thread.c). */
extern struct spin_lock sched_spin;

static ALWAYS_INLINE uint64_t sched_lock(void) ACQUIRE(class_sched)
{
    return spin_lock_irq(&sched_spin, &class_sched);
}

static ALWAYS_INLINE void sched_unlock(uint64_t flags) RELEASE(class_sched)
{
    spin_unlock_irq(&sched_spin, &class_sched, flags);
}
