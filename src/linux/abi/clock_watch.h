/* SPDX-License-Identifier: MIT */
/*
 * Setting the realtime clock, and what follows it: sleeps and timers whose time is absolute on it
 * (clock_settime(2): relative ones are not affected).
 *
 * Lock: kernel_lock. Callers: threads.
 */
#pragma once

#include "base/list.h"
#include "kern/wait.h"

#include <stdbool.h>
#include <stdint.h>

struct clock_watch {
    struct list link; /* an empty list: not joined */
    /* The clock was set `delta_ns` forward. It must not sleep or join. */
    void (*changed)(struct clock_watch *watch, int64_t delta_ns);
};

void clock_watch_init(struct clock_watch *watch,
                      void (*changed)(struct clock_watch *watch, int64_t delta_ns));
/* Joins, also if it has. O(1). */
void clock_watch_join(struct clock_watch *watch);
/* Leaves, also if it has. O(1). */
void clock_watch_leave(struct clock_watch *watch);
/* Sets the realtime clock. O(watches). */
void clock_set_realtime_ns(uint64_t now_ns);

/* A sleep until a time of the realtime clock. `set` belongs to the condition: the sleep ends and its
 * deadline is to be computed again. */
struct clock_sleep {
    struct clock_watch watch;
    struct wait_queue *queue;
    bool set;
};

void clock_sleep_begin(struct clock_sleep *sleep, struct wait_queue *queue);
void clock_sleep_end(struct clock_sleep *sleep);
