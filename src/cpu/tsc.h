/* SPDX-License-Identifier: MIT */
/* The time-stamp counter as the clock, and the local APIC's timer, calibrated in one go. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Finds the TSC's frequency: CPUID leaf 15H or 40000010H, else it is measured against the PIT for 2
 * ms, with the APIC timer beside it. The APIC must be on. False when nothing could tell: a guess of
 * 1 GHz is used then. Boot only. */
bool tsc_init(void);
/* Hz, and where it came from ("CPUID 15H", "PIT"). */
uint64_t tsc_hz(void);
const char *tsc_source(void);

/* Nanoseconds that so many cycles take. */
uint64_t tsc_to_ns(uint64_t cycles);
/* ... which is cycles * tsc_ns_per_cycle() >> 32, in 128 bits. */
uint64_t tsc_ns_per_cycle(void);

/* Waits with the processor busy: for hardware that says nothing when it is ready. Callers: any. */
void tsc_wait_ns(uint64_t ns);
