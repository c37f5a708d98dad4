/* SPDX-License-Identifier: MIT */
/*
 * Setting the realtime clock (clock_settime(2)), which cancels timers with TFD_TIMER_CANCEL_ON_SET. Sleeps and timers with an
 * absolute time on that clock need nothing: kern/time.h.
 *
 * Lock: kernel_lock. Callers: threads.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "base/list.h"

#include <stdint.h>

struct clock_watch {
    struct list link; /* an empty list: not joined */
    /* The clock was set. It must not sleep or join. */
    void (*changed)(struct clock_watch *watch);
};

void clock_watch_init(struct clock_watch *watch, void (*changed)(struct clock_watch *watch));
/* Joins, also if it has. O(1). */
void clock_watch_join(struct clock_watch *watch);
/* Leaves, also if it has. O(1). */
void clock_watch_leave(struct clock_watch *watch);
/* Sets the realtime clock. E_INVAL: before the machine's start, or less than thirty years from the end of 64 bits of
 * nanoseconds, as Linux. O(watches). */
MUST_CHECK enum err clock_set_realtime_ns(uint64_t now_ns);
