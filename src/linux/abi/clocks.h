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

#define CLOCK_COARSE_RESOLUTION_NS                                                                 \
    4000000 /* one tick of a kernel with HZ=250: what programs expect */

/* What a clock can be asked for. */
enum clock_kind {
    CLOCK_KIND_NONE, /* no such clock */
    CLOCK_KIND_REAL, /* time_realtime_ns() */
    CLOCK_KIND_MONOTONIC,
    CLOCK_KIND_CPU, /* of a process */
    CLOCK_KIND_THREAD_CPU,
};

/* Also for the clocks that clock_getcpuclockid(3) makes from a pid, while there is such a process or
 * a thread of the caller's. */
enum clock_kind clock_kind(int id);
/* Does sleeping or a timer on it work (the coarse and raw ones only tell the time)? Pure. */
bool clock_has_timers(int id);
/* The clock must exist. */
uint64_t clock_read(int id);
/* The thread whose CPU time the clock counts; 0 when it counts no thread's. */
int clock_tid(int id);
