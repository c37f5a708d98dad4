/* SPDX-License-Identifier: MIT */
/* Clocks and timers, all in nanoseconds. */
#pragma once

#include "base/pqueue.h"

#include <stdbool.h>
#include <stdint.h>

#define NS_PER_SECOND UINT64_C(1000000000)

/* Since the kernel was entered; never goes back. Callers: any. */
uint64_t time_now_ns(void);
/* Since 1970-01-01 00:00 UTC: the RTC at boot plus time_now_ns(), as last set. Callers: any. */
uint64_t time_realtime_ns(void);
void time_set_realtime_ns(uint64_t now);

/* What the clocks are made of, for the vDSO, which reads the TSC itself. */
struct time_base {
    uint64_t tsc_start; /* time_now_ns() = tsc_to_ns(TSC - tsc_start) */
    uint64_t realtime_offset_ns;
};
void time_base(struct time_base *out);

/* One-shot; the function runs in the timer interrupt, with interrupts off, holding no lock. */
struct timer {
    struct pqueue_node node;
    uint64_t deadline_ns; /* of time_now_ns() */
    void (*fire)(struct timer *timer);
    bool armed;
    bool background; /* its going off changes nothing for the program: see timer_any_armed() */
};

void timer_init(struct timer *timer, void (*fire)(struct timer *timer));
/* (Re)arms. A deadline in the past fires at once, from the interrupt. */
void timer_start(struct timer *timer, uint64_t deadline_ns);
void timer_cancel(struct timer *timer);
/* Is any armed but those in the background, so that something will happen by itself? Interrupts off. */
bool timer_any_armed(void);
