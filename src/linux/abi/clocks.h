/* SPDX-License-Identifier: MIT */
/* The clocks of clock_gettime(2). */
#pragma once

#include "base/compiler.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

enum clock_id {
    CLOCK_REALTIME,
    CLOCK_MONOTONIC,
    CLOCK_PROCESS_CPUTIME_ID,
    CLOCK_THREAD_CPUTIME_ID,
    CLOCK_MONOTONIC_RAW,
    CLOCK_REALTIME_COARSE,
    CLOCK_MONOTONIC_COARSE,
    CLOCK_BOOTTIME,
    CLOCK_REALTIME_ALARM,
    CLOCK_BOOTTIME_ALARM,
    CLOCK_TAI = 11,
};

#define CLOCK_COARSE_RESOLUTION_NS 4000000 /* one tick at HZ=250, a usual value on Linux */

/* What a clock measures. */
enum clock_kind {
    CLOCK_KIND_NONE, /* invalid clock id */
    CLOCK_KIND_REAL, /* time_realtime_ns() */
    CLOCK_KIND_MONOTONIC,
    CLOCK_KIND_CPU, /* CPU time of a process */
    CLOCK_KIND_THREAD_CPU,
};

/* Kind of a clock id. Covers clock_getcpuclockid(3) ids of an existing process, and
 * pthread_getcpuclockid(3) ids of a thread of the calling process. */
enum clock_kind clock_kind(int id);
/* True if the clock supports clock_nanosleep() and timers; coarse and raw clocks do not. Pure. */
bool clock_has_timers(int id);
/* Nanoseconds on the clock; clock_kind(id) must not be CLOCK_KIND_NONE. */
uint64_t clock_read(int id);
/* The tid of the thread, or the pid of the process, whose CPU time the clock counts; 0 for other clocks and the caller's process. */
int clock_tid(int id);
