/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>

/* Starts the clocks: time 0 is the given TSC value, and the realtime clock is now realtime_ns.
 * After tsc_init(). Boot. */
void time_init(uint64_t tsc_at_entry, uint64_t realtime_ns);
/* Makes the clocks' rate more exact (tsc_refine()); the time of day and the time since the entry do
 * not step. Late in the boot, but before the PIT has another use, and best before the second thread
 * exists: a timer that was armed costs a measurement of 0.2 ms. Boot. */
void time_refine(void);
