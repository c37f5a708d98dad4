/* SPDX-License-Identifier: MIT */
/* A machine with a TSC, a reference clock and an APIC timer, which its host stops at random. */
#include "cpu/tsc_fit.h"

#include "base/mul_div.h"

#include "unit.h"

#include <stdlib.h>

#define PIT_HZ 1193182

static const struct clock_reference pit = {PIT_HZ, 0xffff};
static const struct clock_reference pm_timer = {3579545, 0xffffff};
static const struct clock_reference hpet = {100000000, UINT32_MAX};

struct machine {
    double now;             /* seconds of the host; all clocks run on it */
    double tsc_hz, apic_hz; /* of the clocks */
    double access;          /* seconds that one reading takes */
    double stop, every;     /* it is stopped so long, about so often (seconds); 0: never */
    double next_stop;
    uint64_t random;
    const struct clock_reference *reference;
};

static double uniform(struct machine *m)
{
    m->random = m->random * 6364136223846793005u + 1442695040888963407u;
    return (double)(m->random >> 11) / (double)(UINT64_C(1) << 53);
}

static void pass(struct machine *m, double seconds)
{
    double end = m->now + seconds;
    while (m->every > 0 && m->next_stop < end) {
        double stop = m->stop * (0.5 + uniform(m));
        m->now = m->next_stop + stop;
        end += stop;
        m->next_stop = m->now + m->every * (0.1 + 1.8 * uniform(m));
    }
    m->now = end;
}

static struct clock_sample look(struct machine *m)
{
    struct clock_sample s;
    s.before = (uint64_t)(m->now * m->tsc_hz);
    pass(m, m->access * (0.5 + uniform(m)));
    s.reference = (uint32_t)((uint64_t)(m->now * (double)m->reference->hz) & m->reference->mask);
    pass(m, m->access * (0.5 + uniform(m)));
    s.apic = (uint32_t)(uint64_t)(m->now * m->apic_hz);
    pass(m, m->access * (0.5 + uniform(m)));
    s.after = (uint64_t)(m->now * m->tsc_hz);
    return s;
}

/* As the kernel does it; false when the samples never agreed. */
static bool calibrate(struct machine *m, struct clock_rates *rates, struct clock_sample *first,
                      unsigned *needed)
{
    struct clock_sample samples[TSC_FIT_SAMPLES];
    for (unsigned n = 0; n < TSC_FIT_SAMPLES; n++) {
        samples[n] = look(m);
        pass(m, 0.0004);
        if (tsc_fit(samples, n + 1, m->reference, rates, first) && rates->error_ppm <= 800) {
            *needed = n + 1;
            return true;
        }
    }
    return false;
}

static double off_by_ppm(double found, double real)
{
    return found > real ? (found - real) / real * 1e6 : (real - found) / real * 1e6;
}

static void test_quiet_machine_takes_a_few_milliseconds(void **state)
{
    (void)state;
    for (double hz = 100e6; hz < 7e9; hz *= 1.7) {
        struct machine m = {
            .now = 12.5,
            .tsc_hz = hz,
            .apic_hz = 1e9,
            .access = 0.4e-6,
            .random = 1,
            .reference = &pit,
        };
        struct clock_rates rates;
        struct clock_sample first;
        unsigned needed = 0;
        assert_true(calibrate(&m, &rates, &first, &needed));
        assert_true(needed <= 8);
        assert_true(off_by_ppm((double)rates.tsc_hz, hz) <= rates.error_ppm);
        assert_true(off_by_ppm((double)rates.apic_hz, 1e9) <= 2 * rates.error_ppm);
    }
}

/* A machine that is stopped for 0.1 ms to 5 s, again and again. */
static struct machine stopped_machine(uint64_t seed, const struct clock_reference *reference)
{
    struct machine m = {
        .tsc_hz = 2.4e9, .apic_hz = 62.5e6, .access = 1e-6, .random = seed, .reference = reference};
    m.now = uniform(&m) * 100;
    m.stop = 0.0001 * (double)(1u << (seed % 16)) * (0.5 + uniform(&m));
    m.every = 0.002 + 0.03 * uniform(&m);
    m.next_stop = m.now + m.every * uniform(&m);
    return m;
}

/* An accepted rate is as exact as it claims, and nearly all are accepted. */
static void stopped_machine_is_within_the_bound(const struct clock_reference *reference)
{
    unsigned accepted = 0, tried = 0;
    for (uint64_t seed = 1; seed <= 4000; seed++) {
        struct machine m = stopped_machine(seed, reference);
        struct clock_rates rates;
        struct clock_sample first;
        unsigned needed;
        tried++;
        if (!calibrate(&m, &rates, &first, &needed))
            continue;
        accepted++;
        assert_true(rates.error_ppm <= 800);
        assert_true(off_by_ppm((double)rates.tsc_hz, 2.4e9) <= rates.error_ppm);
    }
    assert_true(accepted >= tried * 95 / 100);
}

static void test_stopped_machine_is_within_the_bound(void **state)
{
    (void)state;
    stopped_machine_is_within_the_bound(&pit);
    stopped_machine_is_within_the_bound(&pm_timer);
    stopped_machine_is_within_the_bound(&hpet);
}

/* A sample 5 to 500 ms later makes the rate more exact, even beyond many wraps of the PIT. */
static void test_later_sample_makes_the_rate_more_exact(void **state)
{
    (void)state;
    unsigned better = 0, tried = 0;
    for (uint64_t seed = 1; seed <= 4000; seed++) {
        struct machine m = stopped_machine(seed, seed % 3 ? &pit : &pm_timer);
        struct clock_rates rates;
        struct clock_sample first;
        unsigned needed;
        if (!calibrate(&m, &rates, &first, &needed))
            continue;
        uint32_t before = rates.error_ppm;
        pass(&m, 0.005 + uniform(&m) * 0.5);
        struct clock_sample last = look(&m);
        tried++;
        if (tsc_fit_longer(&first, &last, m.reference, &rates)) {
            better++;
            assert_true(rates.error_ppm < before);
        }
        assert_true(off_by_ppm((double)rates.tsc_hz, 2.4e9) <= rates.error_ppm);
    }
    assert_true(better >= tried * 90 / 100);
}

static void test_later_sample_beyond_countable_wraps_is_refused(void **state)
{
    (void)state;
    struct clock_rates rates = {.tsc_hz = 1000000000, .error_ppm = 800};
    struct clock_sample first = {1000, 2000, 100, 0}, last = first;
    for (uint64_t seconds = 1; seconds <= 1000; seconds *= 10) {
        struct clock_rates r = rates;
        last.before = first.before + seconds * 1000000000;
        last.after = last.before + 1000;
        last.reference = (uint32_t)(first.reference + seconds * PIT_HZ) & 0xffff;
        assert_int_equal(tsc_fit_longer(&first, &last, &pit, &r), seconds <= 10);
        assert_int_equal(r.tsc_hz, 1000000000);
    }
}

/* The wrong number of ticks by a fiftieth: neither a wrap nor an error of the samples. */
static void test_later_sample_that_contradicts_is_refused(void **state)
{
    (void)state;
    struct clock_rates rates = {.tsc_hz = 1000000000, .error_ppm = 800};
    struct clock_sample first = {0, 1000, 0, 0}, last = {10000000, 10001000, 12170, 0};
    assert_false(tsc_fit_longer(&first, &last, &pit, &rates));
    last.reference = 11932;
    assert_true(tsc_fit_longer(&first, &last, &pit, &rates));
}

static void test_apic_timer_by_the_tsc(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 1000; seed++) {
        struct machine m = stopped_machine(seed, &pit);
        struct clock_sample first = look(&m);
        pass(&m, 0.0005);
        struct clock_sample last = look(&m);
        uint64_t hz;
        uint32_t ppm;
        assert_true(tsc_fit_apic(&first, &last, 2400000000, &hz, &ppm));
        assert_true(off_by_ppm((double)hz, m.apic_hz) <= ppm + 1);
    }
}

static void test_apic_timer_that_ran_out_is_refused(void **state)
{
    (void)state;
    struct clock_sample first = {0, 100, 0, 0x1000}, last = {100000, 100100, 0, 0x2000};
    uint64_t hz = 7;
    uint32_t ppm;
    assert_true(tsc_fit_apic(&first, &last, 2400000000, &hz, &ppm));
    last.apic = 0;
    hz = 7;
    assert_false(tsc_fit_apic(&first, &last, 2400000000, &hz, &ppm));
    assert_int_equal(hz, 7);
}

static void test_no_rate_from_too_few_steps(void **state)
{
    (void)state;
    struct machine m = {
        .tsc_hz = 1e9, .apic_hz = 1e9, .access = 1e-6, .random = 3, .reference = &pit};
    struct clock_sample samples[TSC_FIT_STEPS];
    struct clock_rates rates;
    struct clock_sample first;
    for (unsigned i = 0; i < TSC_FIT_STEPS; i++) {
        samples[i] = look(&m);
        pass(&m, 0.001);
        assert_false(tsc_fit(samples, i + 1, &pit, &rates, &first));
    }
}

static void test_no_rate_from_a_clock_that_stands(void **state)
{
    (void)state;
    struct clock_sample samples[TSC_FIT_SAMPLES];
    struct clock_rates rates;
    struct clock_sample first;
    for (unsigned i = 0; i < TSC_FIT_SAMPLES; i++)
        samples[i] = (struct clock_sample){i * 1000000ul, i * 1000000ul + 500, 77, 77};
    assert_false(tsc_fit(samples, TSC_FIT_SAMPLES, &pit, &rates, &first));
}

/* Any numbers at all: no overflow, no division by zero (the sanitizers watch), and no absurd answer. */
static void test_noise_is_survived(void **state)
{
    (void)state;
    struct machine m = {.random = 11};
    for (int round = 0; round < 20000; round++) {
        struct clock_sample samples[TSC_FIT_SAMPLES];
        struct clock_rates rates;
        struct clock_sample first;
        for (unsigned i = 0; i < TSC_FIT_SAMPLES; i++) {
            (void)uniform(&m);
            unsigned shift = (unsigned)(m.random >> 58);
            samples[i] = (struct clock_sample){m.random >> shift, m.random >> shift >> 1,
                                               (uint32_t)(m.random >> 13), (uint32_t)m.random};
        }
        const struct clock_reference any = {m.random % 1000000000 + 1,
                                            UINT32_MAX >> (m.random >> 59)};
        const struct clock_sample *last = &samples[TSC_FIT_SAMPLES - 1];
        uint64_t apic_hz;
        uint32_t ppm;
        rates = (struct clock_rates){.tsc_hz = m.random >> (m.random & 63), .error_ppm = 1000};
        if (tsc_fit_longer(&samples[0], last, &any, &rates))
            assert_in_range(rates.tsc_hz, TSC_HZ_MIN, TSC_HZ_MAX);
        if (tsc_fit_apic(&samples[0], last, rates.tsc_hz, &apic_hz, &ppm))
            assert_true(apic_hz > 0);
        if (tsc_fit(samples, TSC_FIT_SAMPLES, &any, &rates, &first))
            assert_in_range(rates.tsc_hz, TSC_HZ_MIN, TSC_HZ_MAX);
    }
}

static void test_mul_div(void **state)
{
    (void)state;
    assert_int_equal(mul_div(7, 6, 4), 10);
    assert_int_equal(mul_div(0, 5, 7), 0);
    assert_int_equal(mul_div(UINT64_MAX, UINT64_MAX, UINT64_MAX), UINT64_MAX);
    assert_int_equal(mul_div(UINT64_C(1) << 63, 6, 3), UINT64_MAX); /* 2^64 does not fit */
    assert_int_equal(mul_div((UINT64_C(1) << 63) - 1, 6, 3), UINT64_MAX - 1);
    assert_int_equal(mul_div(1, 1, 0), UINT64_MAX);
    assert_int_equal(mul_div(0, 0, 0), UINT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_quiet_machine_takes_a_few_milliseconds),
        cmocka_unit_test(test_stopped_machine_is_within_the_bound),
        cmocka_unit_test(test_later_sample_makes_the_rate_more_exact),
        cmocka_unit_test(test_later_sample_beyond_countable_wraps_is_refused),
        cmocka_unit_test(test_later_sample_that_contradicts_is_refused),
        cmocka_unit_test(test_apic_timer_by_the_tsc),
        cmocka_unit_test(test_apic_timer_that_ran_out_is_refused),
        cmocka_unit_test(test_no_rate_from_too_few_steps),
        cmocka_unit_test(test_no_rate_from_a_clock_that_stands),
        cmocka_unit_test(test_noise_is_survived),
        cmocka_unit_test(test_mul_div),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
