/* SPDX-License-Identifier: MIT */
/* The time-stamp counter as the clock; calibrates it and the local APIC's timer. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Finds the TSC's frequency from CPUID leaf 15H or 40000010H, else measures it against the PIT for
 * 2 ms; calibrates the APIC timer too. The APIC must be on. False if no source gives a frequency: 1
 * GHz is assumed then. Boot. */
bool tsc_init(void);
/* Frequency in Hz, and its source ("CPUID 15H", "PIT"). */
uint64_t tsc_hz(void);
const char *tsc_source(void);

/* Converts TSC cycles to nanoseconds: cycles * tsc_ns_per_cycle() >> 32, in 128 bits. */
uint64_t tsc_to_ns(uint64_t cycles);
/* Nanoseconds per cycle, 32.32 fixed point. */
uint64_t tsc_ns_per_cycle(void);

/* Busy-waits, for hardware that does not signal completion. Callers: any. */
void tsc_wait_ns(uint64_t ns);
