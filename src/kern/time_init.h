/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>

/* Starts the clocks: time 0 is the given TSC value, and the realtime clock is now realtime_ns.
 * After tsc_init(). Boot. */
void time_init(uint64_t tsc_at_entry, uint64_t realtime_ns);
