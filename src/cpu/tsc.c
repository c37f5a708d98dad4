/* SPDX-License-Identifier: MIT */
#include "cpu/tsc.h"

#include "base/compiler.h"
#include "cpu/apic.h"
#include "cpu/features.h"
#include "cpu/x86.h"

#include <stddef.h>

#define PIT_HZ UINT64_C(1193182)
/* Every PC has channel 0, QEMU's microvm too. Its interrupt line stays masked. */
#define PIT_CHANNEL_0     0x40
#define PIT_COMMAND       0x43

#define CALIBRATION_TICKS 2386 /* 2 ms */

RO_AFTER_INIT static uint64_t hz;
RO_AFTER_INIT static uint64_t ns_per_cycle; /* 32.32 fixed point */
RO_AFTER_INIT static const char *source = "guess";

uint64_t tsc_hz(void)
{
    return hz;
}

const char *tsc_source(void)
{
    return source;
}

uint64_t tsc_ns_per_cycle(void)
{
    return ns_per_cycle;
}

uint64_t tsc_to_ns(uint64_t cycles)
{
    return (uint64_t)((unsigned __int128)cycles * ns_per_cycle >> 32);
}

/* SDM 3A 19.7.3: crystal clock x EBX / EAX; 40000010H: kHz, VMware's and KVM's convention. */
INIT_CODE static uint64_t hz_from_cpuid(void)
{
    if (cpuid(0, 0).eax >= 0x15) {
        struct cpuid v = cpuid(0x15, 0);
        if (v.eax != 0 && v.ebx != 0 && v.ecx != 0) {
            source = "CPUID 15H";
            return (uint64_t)v.ecx * v.ebx / v.eax;
        }
    }
    if (cpu_features.hypervisor && cpuid(0x40000000, 0).eax >= 0x40000010 &&
        cpuid(0x40000000, 0).eax < 0x40001000) {
        uint32_t khz = cpuid(0x40000010, 0).eax;
        if (khz != 0) {
            source = "CPUID 40000010H";
            return (uint64_t)khz * 1000;
        }
    }
    return 0;
}

struct sample {
    uint64_t tsc;
    uint32_t apic;
    uint16_t pit; /* counts down */
};

/* Reads all clocks at one moment: the fastest of four tries, since port reads are slow. */
INIT_CODE static struct sample sample_clocks(void)
{
    struct sample best = {0};
    uint64_t least = UINT64_MAX;
    for (int i = 0; i < 4; i++) {
        uint64_t before = rdtsc();
        out8(PIT_COMMAND, 0); /* latch channel 0 */
        uint64_t after = rdtsc();
        uint32_t apic = apic_timer_count();
        uint8_t low = in8(PIT_CHANNEL_0);
        uint16_t count = (uint16_t)(low | in8(PIT_CHANNEL_0) << 8);
        if (after - before < least) {
            least = after - before;
            best = (struct sample){before + least / 2, apic, count};
        }
    }
    return best;
}

/* Runs channel 0 for two milliseconds and samples all clocks at both ends. */
INIT_CODE static bool tsc_measure(uint64_t *tsc_rate, uint64_t *apic_rate)
{
    out8(PIT_COMMAND, 0x34); /* channel 0, both bytes, mode 2: counts down and starts again */
    out8(PIT_CHANNEL_0, 0);
    out8(PIT_CHANNEL_0, 0); /* 65536 */
    struct sample start = sample_clocks(), end = start;
    uint64_t ticks = 0;
    for (int polls = 0; ticks < CALIBRATION_TICKS; polls++) {
        end = sample_clocks();
        ticks = (uint16_t)(start.pit - end.pit);
        if (polls == 1000000 || (polls > 8 && end.pit == 0xffff))
            return false; /* no PIT */
    }
    *tsc_rate = (end.tsc - start.tsc) * PIT_HZ / ticks;
    *apic_rate = (uint64_t)(start.apic - end.apic) * PIT_HZ / ticks;
    return *tsc_rate != 0;
}

INIT_CODE bool tsc_init(void)
{
    hz = hz_from_cpuid();
    uint64_t tsc_rate, apic_rate;
    apic_timer_start_measuring();
    bool measured = tsc_measure(&tsc_rate, &apic_rate);
    if (measured) {
        apic_timer_set_hz(apic_rate);
        if (hz == 0) {
            hz = tsc_rate;
            source = "PIT";
        }
    }
    bool known = hz != 0;
    if (!known)
        hz = UINT64_C(1000000000);
    ns_per_cycle = (UINT64_C(1000000000) << 32) / hz;
    if (!measured) { /* no PIT: compare the APIC timer with the TSC itself */
        uint64_t start = rdtsc();
        uint32_t from = apic_timer_count();
        while (rdtsc() - start < hz / 500)
            cpu_pause();
        apic_timer_set_hz((uint64_t)(from - apic_timer_count()) * 500);
    }
    return known;
}

void tsc_wait_ns(uint64_t ns)
{
    uint64_t start = rdtsc();
    while (tsc_to_ns(rdtsc() - start) < ns)
        cpu_pause();
}
