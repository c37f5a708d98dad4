/* SPDX-License-Identifier: MIT */
#include "cpu/features.h"

#include "base/compiler.h"
#include "base/str.h"
#include "cpu/x86.h"

RO_AFTER_INIT struct cpu_features cpu_features;

enum {
    LEAF1_ECX_XSAVE = 1 << 26,
    LEAF1_ECX_RDRAND = 1 << 30,
    LEAF7_EBX_SMEP = 1 << 7,
    LEAF7_EBX_RDSEED = 1 << 18,
    EXTENDED_ECX_LAHF = 1,
    EXTENDED_EDX_NX = 1 << 20,
    EXTENDED_EDX_PAGE1GB = 1 << 26,
    XCR0_X87 = 1,
    XCR0_SSE = 2,
    XCR0_AVX = 4,
    XCR0_AVX512 = 0xe0,
    MXCSR_DEFAULT = 0x1f80,
    FCW_DEFAULT = 0x37f,
    FXSAVE_SIZE = 512,
    XSAVE_HEADER_SIZE = 64,
};

static void xsetbv(uint64_t value)
{
    __asm__ volatile("xsetbv" : : "c"(0), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)));
}

INIT_CODE static void features_read_identity(struct cpu_features *f)
{
    struct cpuid v = cpuid(0, 0);
    memcpy(f->vendor, &v.ebx, 4);
    memcpy(f->vendor + 4, &v.edx, 4);
    memcpy(f->vendor + 8, &v.ecx, 4);
    uint32_t leaf_max = v.eax;

    v = cpuid(1, 0);
    f->leaf1_edx = v.edx;
    f->leaf1_ecx = v.ecx;
    f->stepping = v.eax & 15;
    f->family = v.eax >> 8 & 15;
    f->model = v.eax >> 4 & 15;
    if (f->family == 6 || f->family == 15) /* SDM 2A, CPUID: extended model and family */
        f->model |= v.eax >> 12 & 0xf0;
    if (f->family == 15)
        f->family += v.eax >> 20 & 0xff;
    if (leaf_max >= 7)
        f->leaf7_ebx = cpuid(7, 0).ebx;

    uint32_t extended_max = cpuid(0x80000000, 0).eax;
    v = cpuid(0x80000001, 0);
    f->extended_edx = v.edx;
    f->lahf = v.ecx & EXTENDED_ECX_LAHF;
    for (uint32_t i = 0; i < 3 && extended_max >= 0x80000004; i++) {
        v = cpuid(0x80000002 + i, 0);
        memcpy(f->brand + 16 * i, &v, 16);
    }
    if (extended_max >= 0x80000007)
        f->invariant_tsc = cpuid(0x80000007, 0).edx & 1 << 8;
    f->physical_bits = extended_max >= 0x80000008 ? cpuid(0x80000008, 0).eax & 0xff : 36;
}

/* Components that are useful to programs and are saved and loaded together: x87, SSE, AVX,
 * AVX-512. */
INIT_CODE static void init_xsave(struct cpu_features *f)
{
    uint64_t supported = cpuid(13, 0).eax;
    f->xcr0 = XCR0_X87 | XCR0_SSE;
    if (supported & XCR0_AVX)
        f->xcr0 |= XCR0_AVX;
    if ((supported & (XCR0_AVX512 | XCR0_AVX)) == (XCR0_AVX512 | XCR0_AVX))
        f->xcr0 |= XCR0_AVX512;
    xsetbv(f->xcr0);
    f->xsave_size = cpuid(13, 0).ebx;
}

#define FXSAVE_MXCSR_MASK 28
#define MXCSR_MASK_OLD    UINT32_C(0xffbf) /* for a CPU that stores 0 (SDM 1 11.6.6) */

INIT_CODE static uint32_t read_mxcsr_mask(void)
{
    uint8_t area[FXSAVE_SIZE] ALIGNED(16);
    uint32_t mask;
    __asm__ volatile("fxsave64 %0" : "=m"(area));
    memcpy(&mask, area + FXSAVE_MXCSR_MASK, sizeof mask);
    return mask != 0 ? mask : MXCSR_MASK_OLD;
}

INIT_CODE void cpu_features_init(void)
{
    struct cpu_features *f = &cpu_features;
    features_read_identity(f);
    f->nx = f->extended_edx & EXTENDED_EDX_NX;
    f->huge_pages = f->extended_edx & EXTENDED_EDX_PAGE1GB;
    f->xsave = f->leaf1_ecx & LEAF1_ECX_XSAVE;
    f->rdrand = f->leaf1_ecx & LEAF1_ECX_RDRAND;
    f->rdseed = f->leaf7_ebx & LEAF7_EBX_RDSEED;
    f->smep = f->leaf7_ebx & LEAF7_EBX_SMEP;
    f->hypervisor = f->leaf1_ecx >> 31;
    f->tcg = f->hypervisor && cpuid(CPUID_HYPERVISOR, 0).ebx == CPUID_HYPERVISOR_TCG;

    write_cr0(CR0_KNOWN);
    /* SMEP and SMAP keep ring 0 away from user pages. There are no user pages (mm/pt/audit.h), so
     * both stay off; firmware may have set them, hence CR4 is written whole. */
    write_cr4(CR4_PAE | CR4_PGE | CR4_OSFXSR | CR4_OSXMMEXCPT | (f->xsave ? CR4_OSXSAVE : 0));
    wrmsr(MSR_EFER, EFER_SCE | EFER_LME | EFER_LMA | (f->nx ? EFER_NXE : 0));
    /* The PAT's reset value except for entry 1: 0 WB, 1 WC, 2 UC-, 3 UC. No mapping uses entry 1
     * yet. */
    wrmsr(MSR_PAT, UINT64_C(0x0007040600070106));
    if (f->xsave) {
        init_xsave(f);
    } else {
        f->xcr0 = XCR0_X87 | XCR0_SSE;
        f->xsave_size = FXSAVE_SIZE;
    }
    __asm__ volatile("fninit");
    uint32_t mxcsr = MXCSR_DEFAULT;
    __asm__ volatile("ldmxcsr %0" : : "m"(mxcsr));
    f->mxcsr_mask = read_mxcsr_mask();
}

#define LEAF1_ECX_OF_ONE (1u << 27) /* OSXSAVE, as CR4 has it */

bool cpu_features_adopt(void)
{
    const struct cpu_features *f = &cpu_features;
    struct cpuid one = cpuid(1, 0);
    if (one.edx != f->leaf1_edx || ((one.ecx ^ f->leaf1_ecx) & ~LEAF1_ECX_OF_ONE) != 0 ||
        (f->leaf7_ebx != 0 && cpuid(7, 0).ebx != f->leaf7_ebx) ||
        cpuid(0x80000001, 0).edx != f->extended_edx)
        return false;
    if (f->xsave)
        xsetbv(f->xcr0);
    __asm__ volatile("fninit");
    uint32_t mxcsr = MXCSR_DEFAULT;
    __asm__ volatile("ldmxcsr %0" : : "m"(mxcsr));
    return true;
}

void cpu_fpu_save(void *area)
{
    if (cpu_features.xsave)
        __asm__ volatile("xsave64 (%0)"
                         :
                         : "r"(area), "a"((uint32_t)cpu_features.xcr0), "d"(0)
                         : "memory");
    else
        __asm__ volatile("fxsave64 (%0)" : : "r"(area) : "memory");
}

void cpu_fpu_load(const void *area)
{
    if (cpu_features.xsave)
        __asm__ volatile("xrstor64 (%0)"
                         :
                         : "r"(area), "a"((uint32_t)cpu_features.xcr0), "d"(0)
                         : "memory");
    else
        __asm__ volatile("fxrstor64 (%0)" : : "r"(area) : "memory");
}

void cpu_fpu_start(void)
{
    /* XSTATE_BV is 0: no component is read, but MXCSR always is (SDM 1 13.8.1). */
    static ALIGNED(64) struct {
        uint16_t fcw, unused[11];
        uint32_t mxcsr;
        uint8_t rest[FXSAVE_SIZE + 64 - 28];
    } initial;
    initial.fcw = FCW_DEFAULT;
    initial.mxcsr = MXCSR_DEFAULT;
    cpu_fpu_load(&initial);
}

void cpu_fpu_reset(void *area)
{
    memset(area, 0, cpu_features.xsave_size);
    uint16_t fcw = FCW_DEFAULT;
    uint32_t mxcsr = MXCSR_DEFAULT;
    memcpy(area, &fcw, sizeof fcw); /* SDM 1 10.5.1, table 10-2 */
    memcpy((char *)area + 24, &mxcsr, sizeof mxcsr);
    if (cpu_features.xsave) {
        uint64_t components =
            XCR0_X87 | XCR0_SSE; /* XSTATE_BV: all other components are in their initial state */
        memcpy((char *)area + FXSAVE_SIZE, &components, sizeof components);
    }
}
