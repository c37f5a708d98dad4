/* SPDX-License-Identifier: MIT */
#include "cpu/tsc.h"

#include "cpu/apic.h"
#include "cpu/features.h"
#include "cpu/x86.h"

#include <stddef.h>

#define PIT_HZ 1193182
/* Every PC has channel 0, QEMU's microvm too. Its interrupt line stays masked. */
#define PIT_CHANNEL_0   0x40
#define PIT_COMMAND     0x43
#define PIT_LATCH       0x00
#define PIT_STATUS      0xe2 /* read-back: the next byte read is channel 0's status */
#define PIT_RATE_MODE   0x34 /* channel 0, both bytes, mode 2: counts down and starts again */
#define PIT_STATUS_MODE 0x37 /* without the bit that mode 2 ignores */

#define ERROR_PPM       800     /* of a measurement that is good enough */
#define ROUNDS          16      /* of samples; each accepts a worse measurement */
#define STEPS_PER_S     5000    /* samples are 0.2 ms apart */
#define POLLS_MAX       1000000 /* of a reference, until it counts as dead */
#define APIC_ERROR_PPM  1000
#define APIC_NS         UINT64_C(200000) /* of a measurement of the APIC timer alone */
#define APIC_TRIES      1000
#define REFINE_LOOKS    8

RO_AFTER_INIT static uint64_t hz;
RO_AFTER_INIT static uint64_t ns_per_cycle; /* 32.32 fixed point */
RO_AFTER_INIT static const char *source = "guess";
RO_AFTER_INIT static struct clock_rates rates; /* error_ppm 0: tsc_hz was not measured */

INIT_DATA static const struct tsc_reference *measured_by;
INIT_DATA static struct clock_sample first; /* an early one, for tsc_refine() */

uint64_t tsc_hz(void)
{
    return hz;
}

const char *tsc_source(void)
{
    return source;
}

uint32_t tsc_error_ppm(void)
{
    return rates.error_ppm;
}

uint64_t tsc_ns_per_cycle(void)
{
    return ns_per_cycle;
}

uint64_t tsc_to_ns(uint64_t cycles)
{
    return (uint64_t)((unsigned __int128)cycles * ns_per_cycle >> 32);
}

INIT_CODE static bool set_hz(uint64_t found, const char *from)
{
    if (found < TSC_HZ_MIN || found > TSC_HZ_MAX)
        return false;
    hz = found;
    ns_per_cycle = (UINT64_C(1000000000) << 32) / hz;
    source = from;
    return true;
}

/* SDM 3A 19.7.3: crystal clock x EBX / EAX; 40000010H: kHz, VMware's and KVM's convention. */
INIT_CODE static bool set_from_cpuid(void)
{
    if (cpuid(0, 0).eax >= 0x15) {
        struct cpuid v = cpuid(0x15, 0);
        if (v.eax != 0 && set_hz((uint64_t)v.ecx * v.ebx / v.eax, "CPUID 15H"))
            return true;
    }
    if (!cpu_features.hypervisor)
        return false;
    uint32_t last = cpuid(0x40000000, 0).eax;
    return last >= 0x40000010 && last < 0x40001000 &&
           set_hz((uint64_t)cpuid(0x40000010, 0).eax * 1000, "CPUID 40000010H");
}

INIT_CODE static void pit_latch(void)
{
    out8(PIT_COMMAND, PIT_LATCH);
}

INIT_CODE static uint32_t pit_count(void)
{
    uint8_t low = in8(PIT_CHANNEL_0);
    return 0u - (uint32_t)(low | in8(PIT_CHANNEL_0) << 8); /* counts down */
}

/* False if there is no PIT. */
INIT_CODE static bool pit_start(void)
{
    out8(PIT_COMMAND, PIT_RATE_MODE);
    out8(PIT_CHANNEL_0, 0);
    out8(PIT_CHANNEL_0, 0); /* 65536 */
    out8(PIT_COMMAND, PIT_STATUS);
    return (in8(PIT_CHANNEL_0) & PIT_STATUS_MODE) == PIT_RATE_MODE;
}

/* `reference` may be NULL. */
INIT_CODE static struct clock_sample take_sample(const struct tsc_reference *reference)
{
    struct clock_sample s = {.before = rdtsc()};
    if (reference != NULL)
        reference->latch();
    s.apic = 0u - apic_timer_count(); /* counts down */
    s.after = rdtsc();
    if (reference != NULL)
        s.reference = reference->count();
    return s;
}

/* Of a few samples the one that took the least time, and so bounds the error best. */
INIT_CODE static struct clock_sample take_narrow_sample(const struct tsc_reference *reference)
{
    struct clock_sample best = take_sample(reference);
    for (int i = 1; i < REFINE_LOOKS; i++) {
        struct clock_sample s = take_sample(reference);
        if (s.after - s.before < best.after - best.before)
            best = s;
    }
    return best;
}

/* Takes samples until the rates are known to `error_ppm`. *dead: the reference does not count. */
INIT_CODE static bool measure_round(const struct tsc_reference *reference, uint32_t error_ppm,
                                    bool *dead)
{
    INIT_DATA static struct clock_sample samples[TSC_FIT_SAMPLES];
    const struct clock_reference *clock = &reference->clock;
    uint32_t step = (uint32_t)(clock->hz / STEPS_PER_S);
    samples[0] = take_sample(reference);
    for (unsigned count = 1, polls = 0; count < TSC_FIT_SAMPLES && !*dead; polls++) {
        struct clock_rates found;
        *dead = polls == POLLS_MAX;
        samples[count] = take_sample(reference);
        if (((samples[count].reference - samples[count - 1].reference) & clock->mask) < step)
            continue;
        polls = 0;
        if (tsc_fit(samples, ++count, clock, &found, &first) && found.error_ppm <= error_ppm) {
            rates = found;
            return true;
        }
    }
    return false;
}

/* Starts to count the APIC timer beside the TSC, for tsc_refine(). */
INIT_CODE static void start_apic(void)
{
    apic_timer_start_measuring();
    first = take_narrow_sample(NULL);
}

INIT_CODE bool tsc_init_by(const struct tsc_reference *reference)
{
    bool dead = false;
    apic_timer_start_measuring();
    for (uint32_t round = 1; round <= ROUNDS && !dead; round++) {
        if (!measure_round(reference, ERROR_PPM * round, &dead))
            continue;
        measured_by = reference;
        apic_timer_set_hz(rates.apic_hz);
        return set_hz(rates.tsc_hz, reference->name);
    }
    start_apic();
    return false;
}

INIT_CODE bool tsc_init_nominal(void)
{
    return cpuid(0, 0).eax >= 0x16 &&
           set_hz((cpuid(0x16, 0).eax & UINT16_MAX) * UINT64_C(1000000), "CPUID 16H");
}

INIT_CODE bool tsc_init(uint64_t given_hz)
{
    static const struct tsc_reference pit = {"PIT", {PIT_HZ, UINT16_MAX}, pit_latch, pit_count};
    start_apic();
    if (set_hz(given_hz, "tsc=") || set_from_cpuid() || (pit_start() && tsc_init_by(&pit)))
        return true;
    set_hz(UINT64_C(1000000000), "guess");
    return false;
}

/* Measures the APIC timer's rate by the TSC now. */
INIT_CODE static void measure_apic(void)
{
    uint64_t apic_hz = 0;
    uint32_t error = UINT32_MAX;
    for (int tries = 0; tries < APIC_TRIES && error > APIC_ERROR_PPM; tries++) {
        start_apic();
        tsc_wait_ns(APIC_NS);
        struct clock_sample last = take_narrow_sample(NULL);
        if (!tsc_fit_apic(&first, &last, hz, &apic_hz, &error))
            error = UINT32_MAX;
    }
    apic_timer_set_hz(apic_hz);
}

INIT_CODE void tsc_refine(void)
{
    struct clock_sample last = take_narrow_sample(measured_by);
    if (measured_by != NULL && tsc_fit_longer(&first, &last, &measured_by->clock, &rates))
        set_hz(rates.tsc_hz, source);
    uint64_t apic_hz;
    uint32_t error;
    if (apic_timer_is_measuring() && tsc_fit_apic(&first, &last, hz, &apic_hz, &error) &&
        error <= APIC_ERROR_PPM)
        apic_timer_set_hz(apic_hz);
    else
        measure_apic();
    apic_timer_disarm();
}

void tsc_wait_ns(uint64_t ns)
{
    uint64_t start = rdtsc();
    while (tsc_to_ns(rdtsc() - start) < ns)
        cpu_pause();
}
