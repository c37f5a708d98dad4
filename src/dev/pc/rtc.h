/* SPDX-License-Identifier: MIT */
/* The CMOS real-time clock. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Seconds since 1970-01-01 00:00 UTC; the clock is assumed to run on UTC. 0 if there is no clock.
 * Boot only. */
uint64_t rtc_read(void);
