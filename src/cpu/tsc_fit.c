/* SPDX-License-Identifier: MIT */
/*
 * 1. Each step between two samples gives a rate. If the reference wrapped in a step, the rate is too
 *    high by at least a factor of two, so the lowest rate that three steps share is about right.
 * 2. That rate tells how often the reference wrapped in each step, unless a step is too long.
 * 3. The rate comes from the two samples that bound it best, if each sample between them lies on
 *    the line through them.
 */
#include "cpu/tsc_fit.h"

#include "base/mul_div.h"

#define AGREEMENT  10 /* steps agree if their rates differ by less than a tenth */
#define PERIODS    4  /* of the reference: the wraps of a longer step cannot be counted */
#define CYCLES_MAX (UINT64_C(1) << 42) /* of a step: minutes */
#define MILLION    1000000

INIT_CODE static uint64_t sample_middle(const struct clock_sample *s)
{
    return s->before + (s->after - s->before) / 2;
}

INIT_CODE static uint64_t sample_width(const struct clock_sample *s)
{
    return s->after - s->before;
}

/* part / whole in millionths, rounded up; UINT32_MAX if that does not fit. */
INIT_CODE static uint32_t ppm_above(uint64_t part, uint64_t whole)
{
    uint64_t ppm = mul_div(part, MILLION, whole);
    return ppm < UINT32_MAX ? (uint32_t)ppm + 1 : UINT32_MAX;
}

INIT_CODE static bool is_tsc_rate(uint64_t hz)
{
    return hz >= TSC_HZ_MIN && hz <= TSC_HZ_MAX;
}

INIT_CODE static uint64_t ticks_between(const struct clock_sample *from,
                                        const struct clock_sample *to, uint32_t mask)
{
    return (to->reference - from->reference) & mask;
}

/* The lowest rate that enough steps share; 0 if there is none. */
INIT_CODE static uint64_t shared_rate(const struct clock_sample *samples, unsigned count,
                                      const struct clock_reference *reference)
{
    uint64_t rates[TSC_FIT_SAMPLES], lowest = 0;
    unsigned steps = 0;
    for (unsigned i = 1; i < count; i++) {
        uint64_t cycles = sample_middle(&samples[i]) - sample_middle(&samples[i - 1]);
        uint64_t ticks = ticks_between(&samples[i - 1], &samples[i], reference->mask);
        uint64_t rate = mul_div(cycles, reference->hz, ticks);
        if (cycles < CYCLES_MAX && is_tsc_rate(rate))
            rates[steps++] = rate;
    }
    for (unsigned i = 0; i < steps; i++) {
        uint64_t sum = 0, sharing = 0;
        for (unsigned j = 0; j < steps; j++) {
            if (rates[j] >= rates[i] && rates[j] - rates[i] <= rates[i] / AGREEMENT) {
                sum += rates[j];
                sharing++;
            }
        }
        if (sharing >= TSC_FIT_STEPS && (lowest == 0 || sum / sharing < lowest))
            lowest = sum / sharing;
    }
    return lowest;
}

/* Adds to `ticks` of the reference, which are modulo its period, the wraps that make it nearest to
 * `expected`. */
INIT_CODE static uint64_t add_wraps(uint64_t ticks, uint64_t expected, uint64_t period)
{
    uint64_t limit = expected + period / 2;
    return limit > ticks ? ticks + (limit - ticks) / period * period : ticks;
}

/* Counts the reference's ticks from the first sample on, wraps included. Returns the first sample
 * that can be used: the one after the last step that is too long. */
INIT_CODE static unsigned unwrap(const struct clock_sample *samples, unsigned count,
                                 const struct clock_reference *reference, uint64_t rate,
                                 uint64_t *ticks)
{
    uint64_t period = (uint64_t)reference->mask + 1;
    unsigned first = 0;
    ticks[0] = 0;
    for (unsigned i = 1; i < count; i++) {
        uint64_t cycles = sample_middle(&samples[i]) - sample_middle(&samples[i - 1]);
        uint64_t step = ticks_between(&samples[i - 1], &samples[i], reference->mask);
        uint64_t expected = mul_div(cycles, reference->hz, rate);
        if (cycles >= CYCLES_MAX || expected > PERIODS * period)
            first = i;
        else
            step = add_wraps(step, expected, period);
        ticks[i] = ticks[i - 1] + step;
    }
    return first;
}

/* The most by which the cycles between two samples can be wrong, which are `span` ticks apart. */
INIT_CODE static uint64_t doubt_between(const struct clock_sample *a, const struct clock_sample *b,
                                        uint64_t span)
{
    uint64_t tick = (sample_middle(b) - sample_middle(a)) / span;
    return (sample_width(a) + sample_width(b)) / 2 + tick;
}

/* True if each sample between a and b lies on the line through them. */
INIT_CODE static bool on_a_line(const struct clock_sample *samples, const uint64_t *ticks,
                                unsigned a, unsigned b)
{
    uint64_t start = sample_middle(&samples[a]), cycles = sample_middle(&samples[b]) - start;
    uint64_t span = ticks[b] - ticks[a], doubt = doubt_between(&samples[a], &samples[b], span);
    for (unsigned i = a + 1; i < b; i++) {
        uint64_t line = start + mul_div(ticks[i] - ticks[a], cycles, span);
        uint64_t at = sample_middle(&samples[i]), off = line > at ? line - at : at - line;
        if (off > doubt + sample_width(&samples[i]) / 2 + cycles / span)
            return false;
    }
    return true;
}

/* The cycles from a to b; 0 if a number cannot be true. */
INIT_CODE static uint64_t cycles_between(const struct clock_sample *a, const struct clock_sample *b)
{
    uint64_t cycles = sample_middle(b) - sample_middle(a);
    bool sane = cycles < CYCLES_MAX && sample_width(a) < CYCLES_MAX && sample_width(b) < CYCLES_MAX;
    return sane ? cycles : 0;
}

/* The rate between two samples that are `span` ticks of the reference apart. False, and *out
 * unchanged, if it is none or its error is not below that of *out. */
INIT_CODE static bool rate_between(const struct clock_sample *a, const struct clock_sample *b,
                                   uint64_t span, uint64_t reference_hz, struct clock_rates *out)
{
    uint64_t cycles = cycles_between(a, b);
    if (span == 0 || cycles == 0)
        return false;
    uint64_t hz = mul_div(cycles, reference_hz, span);
    uint32_t ppm = ppm_above(doubt_between(a, b, span), cycles);
    if (!is_tsc_rate(hz) || ppm >= out->error_ppm)
        return false;
    uint64_t apic_hz = mul_div(b->apic - a->apic, reference_hz, span);
    *out = (struct clock_rates){hz, apic_hz, ppm};
    return true;
}

INIT_CODE bool tsc_fit(const struct clock_sample *samples, unsigned count,
                       const struct clock_reference *reference, struct clock_rates *rates,
                       struct clock_sample *first)
{
    uint64_t ticks[TSC_FIT_SAMPLES];
    if (count > TSC_FIT_SAMPLES)
        count = TSC_FIT_SAMPLES;
    uint64_t rate = shared_rate(samples, count, reference);
    if (rate == 0)
        return false;
    struct clock_rates best = {.error_ppm = UINT32_MAX};
    for (unsigned a = unwrap(samples, count, reference, rate, ticks); a < count; a++) {
        for (unsigned b = a + TSC_FIT_STEPS; b < count; b++) {
            struct clock_rates found = best;
            uint64_t span = ticks[b] - ticks[a];
            if (rate_between(&samples[a], &samples[b], span, reference->hz, &found) &&
                on_a_line(samples, ticks, a, b)) {
                best = found;
                *first = samples[a];
            }
        }
    }
    if (best.tsc_hz == 0)
        return false;
    *rates = best;
    return true;
}

INIT_CODE bool tsc_fit_longer(const struct clock_sample *first, const struct clock_sample *last,
                              const struct clock_reference *reference, struct clock_rates *rates)
{
    struct clock_rates longer = *rates;
    uint64_t period = (uint64_t)reference->mask + 1;
    uint64_t cycles = sample_middle(last) - sample_middle(first);
    if (cycles >= CYCLES_MAX || !is_tsc_rate(rates->tsc_hz))
        return false;
    uint64_t expected = mul_div(cycles, reference->hz, rates->tsc_hz);
    uint64_t step = ticks_between(first, last, reference->mask);
    if (mul_div(expected, rates->error_ppm, MILLION) >= period / 4 ||
        !rate_between(first, last, add_wraps(step, expected, period), reference->hz, &longer))
        return false;
    uint64_t old = rates->tsc_hz, now = longer.tsc_hz, off = now > old ? now - old : old - now;
    if (mul_div(off, MILLION, old) > (uint64_t)rates->error_ppm + longer.error_ppm)
        return false;
    rates->tsc_hz = longer.tsc_hz;
    rates->error_ppm = longer.error_ppm;
    return true;
}

INIT_CODE bool tsc_fit_apic(const struct clock_sample *first, const struct clock_sample *last,
                            uint64_t tsc_hz, uint64_t *apic_hz, uint32_t *error_ppm)
{
    uint64_t cycles = cycles_between(first, last);
    uint32_t ticks = last->apic - first->apic;
    if (last->apic == 0 || ticks == 0 || cycles == 0)
        return false;
    uint64_t hz = mul_div(ticks, tsc_hz, cycles);
    if (hz == 0 || hz == UINT64_MAX)
        return false;
    *apic_hz = hz;
    *error_ppm = ppm_above(doubt_between(first, last, ticks), cycles);
    return true;
}
