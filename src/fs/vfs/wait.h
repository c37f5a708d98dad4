/* SPDX-License-Identifier: MIT */
/*
 * The one place where the file systems sleep, as a function with a condition, so that native tests
 * can put the other thread in its place (test/unit/support/fs_native.c).
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "kern/wait.h"

#include <stdbool.h>

/* Asked with interrupts off; must not sleep. */
typedef bool (*fs_condition)(void *context);

/* Sleeps until the condition holds. E_INTR, E_TIMEDOUT. Everything may have changed meanwhile. */
MUST_CHECK enum err fs_wait(struct wait_queue *queue, fs_condition condition, void *context,
                            uint64_t deadline_ns);
