/* SPDX-License-Identifier: MIT */
/*
 * Timers that send a signal: alarm, setitimer, timer_create.
 *
 * A periodic timer is armed again when its signal is taken, not when it fires (as in Linux), so
 * that a program that does not take signals, or uses a period of nanoseconds, causes no load of
 * interrupts; missed expiries are its overrun count. A timer on CPU time is armed for the CPU time
 * that remains, as it cannot advance faster than real time.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "kern/time.h"
#include "linux/task/signal.h"
#include "mm/heap/hash_table.h"

#include <stdbool.h>
#include <stdint.h>

enum timer_clock {
    TIMER_CLOCK_TIME,   /* time_now_ns() */
    TIMER_CLOCK_REAL,   /* time_realtime_ns() */
    TIMER_CLOCK_CPU,    /* CPU time of the process, or of process clock_tid */
    TIMER_CLOCK_THREAD, /* CPU time of the thread clock_tid */
};

struct interval_timer {
    struct timer timer;
    struct signal_entry entry;
    enum timer_clock clock;
    bool silent;                                   /* SIGEV_NONE: no signal */
    bool counts_overruns;                          /* the signal's siginfo has the overrun count */
    bool leader_first;                             /* ITIMER_REAL: as kill(), as in Linux */
    uint64_t deadline_ns GUARDED_BY(class_signal); /* on its clock; 0: not armed */
    /* 0: one-shot. Only threads write it, so that kernel_lock suffices to read it in a thread. */
    uint64_t interval_ns GUARDED_BY(class_signal);
    uint32_t overrun; /* of the last signal taken */
    struct process *process;
    int clock_tid;  /* 0: the timer's process */
    int target_tid; /* 0: the process */
};

enum {
    ITIMER_REAL,
    ITIMER_VIRTUAL,
    ITIMER_PROF,
    ITIMER_COUNT,
};

/* The timers of a process. Threads only. */
struct process_timers {
    struct interval_timer interval[ITIMER_COUNT];
    struct list posix;       /* of timer_create() */
    struct hash_table by_id; /* the same; the hash is the id */
    int next_id;
    struct timer cpu_limit; /* RLIMIT_CPU; armed while it is not infinite */
};

/* Initializes a timer; `info` is the siginfo of its signal. */
void interval_timer_init(struct interval_timer *t, struct process *process, enum timer_clock clock,
                         const struct siginfo *info);
/* Arms the timer: first expiry at `deadline_ns` of its clock, then every `interval_ns`. */
void interval_timer_start(struct interval_timer *t, uint64_t deadline_ns, uint64_t interval_ns);
/* Disarms the timer; a signal that is pending stays pending. */
void interval_timer_stop(struct interval_timer *t);
/* Nanoseconds until the next expiry, at least 1; 0 if not armed. */
uint64_t interval_timer_left(struct interval_timer *t);
/* The period; 0: one-shot. Callers: threads. */
static inline uint64_t interval_timer_period(const struct interval_timer *t) NO_LOCK_ANALYSIS
{
    return t->interval_ns;
}
uint64_t interval_timer_clock(const struct interval_timer *t);

/* Arms the timer of RLIMIT_CPU anew: SIGXCPU at the soft limit and each second from then on, each of
 * which raises it by one, and SIGKILL at the hard one (getrlimit(2)). */
void timers_limit_cpu(struct process *process);
/* Initializes a new process's timers: none is armed. */
void timers_init(struct process *process);
/* execve: deletes timers of timer_create(); those of setitimer() continue. */
void timers_exec(struct process *process);
/* Exit: deletes all timers. */
void timers_clear(struct process *process);
