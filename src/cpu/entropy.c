/* SPDX-License-Identifier: MIT */
#include "cpu/entropy.h"

#include "cpu/features.h"
#include "cpu/x86.h"

bool cpu_random(uint64_t *out)
{
    for (int tries = 0; tries < 10; tries++) {
        uint8_t ok = 0;
        if (cpu_features.rdseed)
            __asm__ volatile("rdseed %0; setc %1" : "=r"(*out), "=qm"(ok) : : "cc");
        if (!ok && cpu_features.rdrand)
            __asm__ volatile("rdrand %0; setc %1" : "=r"(*out), "=qm"(ok) : : "cc");
        if (ok)
            return true;
    }
    return false;
}

uint64_t cpu_jitter(void)
{
    uint64_t bits = 0;
    for (int i = 0; i < 64; i++) {
        uint64_t start = rdtsc();
        cpuid(0, 0); /* serialises */
        bits = (bits << 7 | bits >> 57) ^ (rdtsc() - start) ^ start;
    }
    return bits;
}
