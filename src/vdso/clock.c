/* SPDX-License-Identifier: MIT */
/*
 * The functions of Linux's vDSO (vdso(7)): clocks without a system call. This file is program code:
 * it runs in the program's half, on the program's stacks, and shares with the kernel only struct
 * vvar and the per-CPU index.
 *
 * The arithmetic is that of time_now_ns(), so these functions and the system calls read one clock.
 * LFENCE orders RDTSC after the caller's earlier loads (SDM 2B RDTSC).
 */
#include "cpu/percpu.h"
#include "vdso/vvar.h"

#define EXPORT        __attribute__((visibility("default")))

#define NS_PER_SECOND UINT64_C(1000000000)

/* clockid_t (linux/time.h) */
enum {
    CLOCK_REALTIME = 0,
    CLOCK_MONOTONIC = 1,
    CLOCK_MONOTONIC_RAW = 4,
    CLOCK_REALTIME_COARSE = 5,
    CLOCK_MONOTONIC_COARSE = 6,
    CLOCK_BOOTTIME = 7,
    CLOCK_TAI = 11,

    CLOCKS_REAL = 1 << CLOCK_REALTIME | 1 << CLOCK_REALTIME_COARSE | 1 << CLOCK_TAI,
    CLOCKS_MONOTONIC = 1 << CLOCK_MONOTONIC | 1 << CLOCK_MONOTONIC_RAW |
                       1 << CLOCK_MONOTONIC_COARSE | 1 << CLOCK_BOOTTIME,
    CLOCKS_COARSE = 1 << CLOCK_REALTIME_COARSE | 1 << CLOCK_MONOTONIC_COARSE,
};

/* Linux's system call numbers. */
enum {
    SYS_CLOCK_GETTIME = 228,
    SYS_CLOCK_GETRES = 229,
};

struct timespec {
    int64_t seconds, nanoseconds;
};

struct timeval {
    int64_t seconds, microseconds;
};

int __vdso_clock_gettime(int id, struct timespec *out);
int __vdso_clock_getres(int id, struct timespec *out);
int __vdso_gettimeofday(struct timeval *out, uint64_t *zone);
int64_t __vdso_time(int64_t *out);
int __vdso_getcpu(uint32_t *cpu, uint32_t *node, void *unused);

/* The page below __ehdr_start, the image's first byte. In assembler, because that address lies
 * outside of every C object. */
static inline const volatile struct vvar *vvar(void)
{
    const volatile struct vvar *page;
    __asm__("lea __ehdr_start - %c1(%%rip), %0" : "=r"(page) : "i"(VVAR_PAGE_SIZE));
    return page;
}

static inline uint64_t monotonic(void)
{
    uint32_t low, high;
    __asm__ volatile("lfence; rdtsc" : "=a"(low), "=d"(high) : : "memory");
    uint64_t cycles = ((uint64_t)high << 32 | low) - vvar()->tsc_start;
    return (uint64_t)((unsigned __int128)cycles * vvar()->ns_per_cycle >> 32);
}

static inline uint64_t realtime(void)
{
    return monotonic() + vvar()->realtime_offset;
}

static inline int clock_in(int id, unsigned set)
{
    return (unsigned)id < 32 && (set >> id & 1);
}

static inline int64_t system_call(int64_t number, int64_t first, void *second)
{
    int64_t result = number;
    __asm__ volatile("syscall" : "+a"(result) : "D"(first), "S"(second) : "rcx", "r11", "memory");
    return result;
}

EXPORT int __vdso_clock_gettime(int id, struct timespec *out)
{
    uint64_t now;
    if (clock_in(id, CLOCKS_MONOTONIC))
        now = monotonic();
    else if (clock_in(id, CLOCKS_REAL))
        now = realtime();
    else
        return (int)system_call(SYS_CLOCK_GETTIME, id, out);
    out->seconds = (int64_t)(now / NS_PER_SECOND);
    out->nanoseconds = (int64_t)(now % NS_PER_SECOND);
    return 0;
}

EXPORT int __vdso_clock_getres(int id, struct timespec *out)
{
    if (!clock_in(id, CLOCKS_MONOTONIC | CLOCKS_REAL))
        return (int)system_call(SYS_CLOCK_GETRES, id, out);
    if (out)
        *out = (struct timespec){0, clock_in(id, CLOCKS_COARSE) ? (int64_t)vvar()->coarse_resolution
                                                                : 1};
    return 0;
}

EXPORT int __vdso_gettimeofday(struct timeval *out, uint64_t *zone)
{
    if (out) {
        uint64_t now = realtime();
        out->seconds = (int64_t)(now / NS_PER_SECOND);
        out->microseconds = (int64_t)(now % NS_PER_SECOND / 1000);
    }
    if (zone)
        *zone = vvar()->timezone;
    return 0;
}

EXPORT int64_t __vdso_time(int64_t *out)
{
    int64_t now = (int64_t)(realtime() / NS_PER_SECOND);
    if (out)
        *out = now;
    return now;
}

/* The GS base is the kernel's per-CPU area. */
EXPORT int __vdso_getcpu(uint32_t *cpu, uint32_t *node, void *unused)
{
    uint32_t index;
    (void)unused;
    __asm__ volatile("movl %%gs:%c1, %0" : "=r"(index) : "i"(PERCPU_INDEX));
    if (cpu)
        *cpu = index;
    if (node)
        *node = 0;
    return 0;
}
