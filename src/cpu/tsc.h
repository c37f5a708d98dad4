/* SPDX-License-Identifier: MIT */
/*
 * The time-stamp counter as the clock; calibrates it and the local APIC's timer.
 *
 * The sources of the TSC's frequency, best first: the host's word (tsc=), CPUID leaves 15H and
 * 40000010H, a measurement against the PIT, one against another clock (tsc_init_by()), CPUID leaf
 * 16H. A measurement takes a few milliseconds at the start of the boot; a second look at its end
 * makes it more exact. dev/pc/clocks.c has the order.
 */
#pragma once

#include "base/compiler.h"
#include "cpu/tsc_fit.h"

#include <stdbool.h>
#include <stdint.h>

/* A clock to measure the TSC against. */
struct tsc_reference {
    const char *name;
    struct clock_reference clock;
    void (*latch)(void);     /* holds the count */
    uint32_t (*count)(void); /* the count that is held; counts up */
};

/* Sets the TSC's frequency: `given_hz` if it is not 0, else from CPUID, else by the PIT. The APIC
 * must be on; its timer counts from now on. False if none of them tells the frequency: 1 GHz is
 * assumed then. Boot. */
MUST_CHECK bool tsc_init(uint64_t given_hz);
/* Measures against that clock. False, and no change, if its samples do not agree. Boot. */
MUST_CHECK bool tsc_init_by(const struct tsc_reference *reference);
/* Takes the nominal frequency from CPUID leaf 16H, which may be off by a percent. Boot. */
MUST_CHECK bool tsc_init_nominal(void);
/* Measures the APIC timer, which has counted since tsc_init(), and makes a measured frequency of the
 * TSC more exact by the time that has passed. The reference must have kept counting. The APIC timer
 * is not armed afterwards. Changes tsc_to_ns(). Boot. */
void tsc_refine(void);

/* Frequency in Hz, and its source ("CPUID 15H", "PIT", "tsc="). */
uint64_t tsc_hz(void);
const char *tsc_source(void);
/* Bound of the frequency's error; 0 if it was not measured here. */
uint32_t tsc_error_ppm(void);

/* Converts TSC cycles to nanoseconds: cycles * tsc_ns_per_cycle() >> 32, in 128 bits. */
uint64_t tsc_to_ns(uint64_t cycles);
/* Nanoseconds per cycle, 32.32 fixed point. */
uint64_t tsc_ns_per_cycle(void);

/* Busy-waits, for hardware that does not signal completion. Callers: any. */
void tsc_wait_ns(uint64_t ns);
