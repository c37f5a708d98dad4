/* SPDX-License-Identifier: MIT */
/*
 * A reading of the TSC lies between two of CLOCK_MONOTONIC_RAW, so its error is known. CLOCK_MONOTONIC_RAW is the hardware's
 * own time: NTP does not slew it.
 */
#include "host/host_tsc.h"

#include <stdbool.h>
#include <time.h>

#define TRIES     8
#define ERROR_PPM 200

#ifdef __x86_64__

#include <cpuid.h>
#include <x86intrin.h>

#define LEAF_POWER    0x80000007u
#define TSC_INVARIANT (1u << 8) /* EDX */

struct reading {
    uint64_t tsc, ns, width_ns;
};

static struct reading first;

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC_RAW, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Of a few readings the narrowest: between the others the process was interrupted. */
static struct reading read_clocks(void)
{
    struct reading best = {.width_ns = UINT64_MAX};
    for (int i = 0; i < TRIES; i++) {
        uint64_t before = now_ns(), tsc = __rdtsc(), after = now_ns();
        if (after - before < best.width_ns)
            best = (struct reading){tsc, before + (after - before) / 2, after - before};
    }
    return best;
}

static bool is_invariant(void)
{
    unsigned a, b, c, d = 0;
    return __get_cpuid(LEAF_POWER, &a, &b, &c, &d) != 0 && (d & TSC_INVARIANT) != 0;
}

void host_tsc_start(void)
{
    first = read_clocks();
}

uint64_t host_tsc_hz(void)
{
    struct reading last = read_clocks();
    uint64_t ns = last.ns - first.ns;
    if (!is_invariant() || (first.width_ns + last.width_ns) / 2 * (1000000 / ERROR_PPM) > ns)
        return 0;
    return (uint64_t)((unsigned __int128)(last.tsc - first.tsc) * 1000000000u / ns);
}

#else

void host_tsc_start(void)
{
}

uint64_t host_tsc_hz(void)
{
    return 0;
}

#endif
