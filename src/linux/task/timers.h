/* SPDX-License-Identifier: MIT */
/*
 * Timers that end in a signal: alarm, setitimer, timer_create.
 *
 * A periodic timer is armed again when its signal is taken, not when it fires, so that a program
 * that does not listen, or asks for nanoseconds, costs no interrupts; what was missed meanwhile is
 * its overrun count. (Linux does the same.) Timers on CPU time arm themselves for the CPU time that
 * is still missing: it cannot pass any faster than real time.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "kern/time.h"
#include "linux/task/signal.h"

#include <stdbool.h>
#include <stdint.h>

enum timer_clock {
    TIMER_CLOCK_TIME,   /* time_now_ns() */
    TIMER_CLOCK_CPU,    /* CPU time of the process */
    TIMER_CLOCK_THREAD, /* CPU time of the thread clock_tid */
};

struct interval_timer {
    struct timer timer;
    struct signal_entry entry;
    enum timer_clock clock;
    bool silent;                                   /* SIGEV_NONE: it only counts */
    bool counts_overruns;                          /* the signal's siginfo carries them */
    uint64_t deadline_ns GUARDED_BY(class_signal); /* of its clock; 0: not armed */
    /* 0: once. Threads write it, so that kernel_lock is enough to read it there. */
    uint64_t interval_ns GUARDED_BY(class_signal);
    uint32_t overrun; /* of the signal taken last */
    struct process *process;
    int clock_tid;
    int target_tid; /* 0: the signal is for the process */
};

enum {
    ITIMER_REAL,
    ITIMER_VIRTUAL,
    ITIMER_PROF,
    ITIMER_COUNT,
};

/* Of a process. Threads only. */
struct process_timers {
    struct interval_timer interval[ITIMER_COUNT];
    struct list posix; /* those of timer_create() */
    uint32_t posix_count;
    int next_id;
};

/* `info` is what its signal carries. */
void interval_timer_init(struct interval_timer *t, struct process *process, enum timer_clock clock,
                         const struct siginfo *info);
/* First at `deadline` of its clock, then every `interval`. */
void interval_timer_start(struct interval_timer *t, uint64_t deadline_ns, uint64_t interval_ns);
/* Disarms; a signal that is pending stays so. */
void interval_timer_stop(struct interval_timer *t);
/* Nanoseconds until the next expiry, at least 1; 0 when it is not armed. */
uint64_t interval_timer_left(struct interval_timer *t);
/* Its period, 0: once. Callers: threads. */
static inline uint64_t interval_timer_period(const struct interval_timer *t) NO_LOCK_ANALYSIS
{
    return t->interval_ns;
}
uint64_t interval_timer_clock(const struct interval_timer *t);

/* A new process has none that is armed. */
void timers_init(struct process *process);
/* exec: timers of timer_create() end, those of setitimer() go on. */
void timers_exec(struct process *process);
/* Exit: all end. */
void timers_clear(struct process *process);
