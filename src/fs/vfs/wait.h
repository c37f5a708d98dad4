/* SPDX-License-Identifier: MIT */
/*
 * The only functions of the file systems that let other threads run. They take the condition as a function, so that
 * native tests can run the other thread in its place (test/unit/support/fs_native.c).
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "kern/wait.h"

#include <stdbool.h>

/* Called with interrupts off; must not sleep. */
typedef bool (*fs_condition)(void *context);

/* Sleeps until the condition holds. E_INTR, E_TIMEDOUT. Other threads may change any structure
 * meanwhile. */
MUST_CHECK enum err fs_wait(struct wait_queue *queue, fs_condition condition, void *context,
                            uint64_t deadline_ns);
/* As fs_wait(), in the queue's list `one`: an event that serves one thread wakes one of those. A
 * thread that leaves something for another calls wait_queue_wake_one(). */
MUST_CHECK enum err fs_wait_one(struct wait_queue *queue, fs_condition condition, void *context,
                                uint64_t deadline_ns);

/* As fs_wait_one(), whatever signals come: only for what other threads, or a device, end soon. */
void fs_wait_surely(struct wait_queue *queue, fs_condition condition, void *context);

/* As fs_wait(), for what a device ends: signals do not end it. */
void fs_wait_device(struct wait_queue *queue, fs_condition condition, void *context);

/* A preemption point of a long loop (thread_give_way()). Other threads may change any structure
 * meanwhile, unless a flag of the caller excludes it. True if a signal is pending for the calling
 * thread. */
bool fs_give_way(void);
