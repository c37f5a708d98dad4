/* SPDX-License-Identifier: MIT */
/*
 * The rates of the TSC and of the APIC timer, from samples taken beside a clock of known rate (the
 * reference).
 *
 * The host of a virtual machine may stop it between any two instructions, and the reference may
 * wrap in the meantime (the PIT has 16 bits, 55 ms). So each sample says how long it took, which
 * bounds its error, and a rate is accepted only if several samples agree with it. All numbers may
 * be arbitrary: nothing overflows, and a rate outside [TSC_HZ_MIN, TSC_HZ_MAX] is no rate. Pure.
 */
#pragma once

#include "base/compiler.h"

#include <stdbool.h>
#include <stdint.h>

#define TSC_HZ_MIN UINT64_C(1000000)
#define TSC_HZ_MAX UINT64_C(100000000000)

/* All clocks at one moment: the other two were read between two readings of the TSC. All count up. */
struct clock_sample {
    uint64_t before, after; /* TSC */
    uint32_t reference;
    uint32_t apic;
};

struct clock_reference {
    uint64_t hz;   /* not 0 */
    uint32_t mask; /* of the bits that count, from bit 0 up */
};

struct clock_rates {
    uint64_t tsc_hz, apic_hz;
    uint32_t error_ppm; /* bound of the error of tsc_hz, from the width of the samples */
};

#define TSC_FIT_SAMPLES 64 /* later samples are ignored */
#define TSC_FIT_STEPS   3  /* the fewest steps between samples that must agree */

/* Fits both rates to samples in order of time, and copies to *first a sample to go on from with
 * tsc_fit_longer(). False if the samples do not agree. O(count^2), O(count^3) on a machine that is
 * stopped again and again. */
MUST_CHECK bool tsc_fit(const struct clock_sample *samples, unsigned count,
                        const struct clock_reference *reference, struct clock_rates *rates,
                        struct clock_sample *first);

/* Makes the TSC's rate more exact with a sample `last`, taken long after `first`. False, and the
 * rate unchanged, if the rate is too inexact to count the wraps in between, the new one would not
 * be better, or contradicts the old one. O(1). */
MUST_CHECK bool tsc_fit_longer(const struct clock_sample *first, const struct clock_sample *last,
                               const struct clock_reference *reference, struct clock_rates *rates);

/* The APIC timer's rate from two samples, at a known rate of the TSC; *error_ppm bounds its error
 * beside the TSC's own. False if the APIC timer ran out in between, or no error can be given. */
MUST_CHECK bool tsc_fit_apic(const struct clock_sample *first, const struct clock_sample *last,
                             uint64_t tsc_hz, uint64_t *apic_hz, uint32_t *error_ppm);
