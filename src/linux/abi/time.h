/* SPDX-License-Identifier: MIT */
/* Times as the ABI spells them (linux/time.h), and the way between them and nanoseconds. */
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

#define USER_HZ 100 /* clock ticks a second, as times() and /proc count them: AT_CLKTCK */

struct timespec timespec_of_ns(uint64_t ns);
struct timeval timeval_of_ns(uint64_t ns);
/* E_INVAL when not normalised or negative; more than INT64_MAX nanoseconds become INT64_MAX. Pure.
 */
MUST_CHECK enum err timespec_to_ns(const struct timespec *t, uint64_t *out);
MUST_CHECK enum err timeval_to_ns(const struct timeval *t, uint64_t *out);

/* The same from and to the program. */
MUST_CHECK enum err timespec_copy_in(virt_t from, uint64_t *ns);
MUST_CHECK enum err timespec_copy_out(virt_t to, uint64_t ns);

/* time_now_ns() + ns, at most NO_DEADLINE - 1. */
uint64_t deadline_after(uint64_t ns);
