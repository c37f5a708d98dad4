/* SPDX-License-Identifier: MIT */
/* The CMOS real-time clock. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Seconds since 1970-01-01 00:00 UTC; the clock is assumed to run on UTC. 0 if there is no clock.
 * Boot only. */
uint64_t rtc_read(void);
/* Calls `began` once, at the start of the clock's next second, with that second, in the interrupt of
 * ISA line 8. Never if the clock has no such interrupt. Boot. */
void rtc_watch_second(void (*began)(uint64_t seconds));
