/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>

/* Starts the clock: zero was at the given TSC value, and it is realtime_ns now. After tsc_init().
 * Boot only. */
void time_init(uint64_t tsc_at_entry, uint64_t realtime_ns);
