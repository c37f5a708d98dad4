/* SPDX-License-Identifier: MIT */
/* Time structures of the ABI (linux/time.h), and their conversion to and from nanoseconds. */
#pragma once

#include "base/addr.h"
#include "base/compiler.h"
#include "base/err.h"

#include <stdint.h>

struct timespec {
    int64_t seconds, nanoseconds;
};

struct timeval {
    int64_t seconds, microseconds;
};

struct itimerspec {
    struct timespec interval, value;
};

struct itimerval {
    struct timeval interval, value;
};

#define USER_HZ 100 /* clock ticks a second in times() and /proc; AT_CLKTCK */

struct timespec timespec_of_ns(uint64_t ns);
struct timeval timeval_of_ns(uint64_t ns);
/* E_INVAL if negative or not normalised. Saturates at INT64_MAX nanoseconds. Pure. */
MUST_CHECK enum err timespec_to_ns(const struct timespec *t, uint64_t *out);
MUST_CHECK enum err timeval_to_ns(const struct timeval *t, uint64_t *out);

/* Convert a struct timespec in the program's memory, as timespec_to_ns(); also E_FAULT. */
MUST_CHECK enum err timespec_copy_in(virt_t from, uint64_t *ns);
MUST_CHECK enum err timespec_copy_out(virt_t to, uint64_t ns);

/* now + ns, at most NO_DEADLINE - 1. */
uint64_t deadline_after_on(uint64_t now, uint64_t ns);
/* The same of time_now_ns(). */
uint64_t deadline_after(uint64_t ns);
