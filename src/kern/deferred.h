/* SPDX-License-Identifier: MIT */
/*
 * Work that an interrupt asks for and that needs kernel_lock: what a network card brought, what a timer of the
 * network asks for. It runs on the stack of the thread that the CPU is on, and counts as that thread's time:
 *
 *   an interrupt of the program         before the program goes on
 *   an interrupt of the kernel          at its next preemption point, or on the way back to the program
 *   an idle CPU                         at once
 *
 * The function runs with interrupts on and kernel_lock held (it says so by kernel_lock_assert()). It must not sleep and not give way; it raises its work again
 * where more is left than 2,000,000 instructions do. It must not look at the thread it runs on.
 */
#pragma once

#include "base/list.h"
#include "cpu/lock.h"

#include <stdbool.h>
#include <stdint.h>

struct deferred {
    void (*run)(struct deferred *work);
    struct list link GUARDED_BY(class_sched);
    bool raised GUARDED_BY(class_sched);
};

void deferred_init(struct deferred *work, void (*run)(struct deferred *work));
/* The function runs soon, once, however often this is called before. Callers: any, under no spin lock of class_sched or
 * below. O(1). */
void deferred_raise(struct deferred *work);

/* For kern/thread.c. Runs what is raised now; what is raised meanwhile runs the next time, so that work that raises itself
 * keeps nobody waiting. Interrupts on. O(raised). */
void deferred_run(void) REQUIRES(kernel_lock);
/* For an idle CPU: runs what is raised, with interrupts on, or waits for an interrupt. Returns the duration of the work in
 * nanoseconds. */
uint64_t deferred_idle(void) REQUIRES(class_sched);
