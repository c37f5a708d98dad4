/* SPDX-License-Identifier: MIT */
/* Clocks and timers, all in nanoseconds. */
#pragma once

#include "base/pqueue.h"

#include <stdbool.h>
#include <stdint.h>

#define NS_PER_SECOND UINT64_C(1000000000)

/* Time since the kernel's entry; never decreases. Callers: any. */
uint64_t time_now_ns(void);
/* Time since 1970-01-01 00:00 UTC, as last set or corrected. Callers: any. */
uint64_t time_realtime_ns(void);
/* For the program: no correction follows. Not before the machine's start, so at least time_now_ns(). O(1): timers on
 * this clock keep their deadlines. Callers: threads. */
void time_set_realtime_ns(uint64_t now);
/* For a clock that has turned out to be more exact; no effect after time_set_realtime_ns(). Callers:
 * any. */
void time_correct_realtime_ns(uint64_t now);
/* Defined above, in linux/time/vdso.c: the offset of the realtime clock may have changed. Callers:
 * interrupts off. */
void time_realtime_changed(void);

/* The parameters of the clocks, for the vDSO, which reads the TSC itself. */
struct time_base {
    uint64_t tsc_start; /* time_now_ns() = tsc_to_ns(TSC - tsc_start) */
    uint64_t realtime_offset_ns;
};
void time_base(struct time_base *out);

/* A one-shot timer. The function runs in the timer interrupt, interrupts off, no lock held. */
struct timer {
    struct pqueue_node node;
    uint64_t deadline_ns; /* on the clock of time_now_ns(), or of time_realtime_ns() */
    void (*fire)(struct timer *timer);
    uint8_t cpu; /* of several CPUs: the one that armed it, in whose interrupt it fires */
    bool armed;
    bool
        realtime; /* on the clock of time_realtime_ns(), and follows when it is set; while not armed */
    bool background; /* no effect on the program: see timer_any_armed() */
};

void timer_init(struct timer *timer, void (*fire)(struct timer *timer));
/* Arms the timer, again if armed. A deadline in the past fires at once, in the interrupt. */
void timer_start(struct timer *timer, uint64_t deadline_ns);
void timer_cancel(struct timer *timer);
/* True if a timer other than a background one is armed, so that an event is to come. Interrupts
 * off. */
bool timer_any_armed(void);
/* The clock of time_realtime_ns() was set on another CPU. Callers: an interrupt of this one. */
void time_kicked(void);
/* True if the timer interrupt came while program code ran. Callers: a timer's function. */
bool time_interrupted_program(void);
