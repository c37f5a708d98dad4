/* SPDX-License-Identifier: MIT */
/* Features of this CPU, read once at boot. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct cpu_features {
    char vendor[13]; /* "GenuineIntel" */
    char brand[49];  /* processor brand string; "" when CPUID has none */
    uint32_t family, model, stepping;
    uint32_t leaf1_edx, leaf1_ecx; /* CPUID.1, raw: AT_HWCAP is leaf1_edx */
    uint32_t leaf7_ebx;            /* CPUID.(7,0) */
    uint32_t extended_edx;         /* CPUID.80000001H */
    bool lahf;                     /* LAHF and SAHF in long mode */
    bool nx, huge_pages, xsave, invariant_tsc, rdrand, rdseed, smep, hypervisor;
    bool tcg; /* QEMU's emulation, whose translations of code are by physical and virtual address */
    uint64_t xcr0;       /* state components that XSAVE manages */
    uint32_t xsave_size; /* bytes of an XSAVE (or, without it, FXSAVE) area for xcr0 */
    uint32_t mxcsr_mask; /* bits of MXCSR that may be set */
    uint8_t physical_bits;
};

extern struct cpu_features cpu_features;

/* Fills cpu_features and writes CR0, CR4, EFER and XCR0 whole. Boot. */
void cpu_features_init(void);

/* Sets XCR0 and the FPU of another CPU, on it. False: it has not the features that the first has. Boot. */
bool cpu_features_adopt(void);

/* Saves and loads the FPU state; `area` is 64-byte aligned and has xsave_size bytes. */
void cpu_fpu_save(void *area);
void cpu_fpu_load(const void *area);
/* Loads the registers' initial state. */
void cpu_fpu_start(void);
/* The FPU state of a new program (SDM 1 13.6, ABI 3.4.1). */
void cpu_fpu_reset(void *area);
