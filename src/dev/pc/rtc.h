/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Seconds since 1970-01-01 00:00 UTC by the CMOS clock, which is taken to run on UTC; 0 when there
 * is none. Boot only. */
uint64_t rtc_read(void);
