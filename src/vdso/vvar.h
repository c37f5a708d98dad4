/* SPDX-License-Identifier: MIT */
/*
 * "[vvar]", the page that the kernel writes and the vDSO reads. It is mapped read-only directly
 * below "[vdso]", so that the vDSO's code addresses it RIP-relative.
 *
 *   vdso - 4096   struct vvar, rest zero                  r--   a page of the kernel's data
 *   vdso          ELF header, symbols, code               r-x   pages of the kernel's constants
 *
 * No sequence count guards the page: the conversion from cycles to nanoseconds is fixed before the
 * first program starts, and the two words that a program can set (clock_settime, settimeofday) are
 * independent and accessed with single loads and stores.
 */
#pragma once

#define VVAR_PAGE_SIZE    4096
#define VVAR_KERNEL_ENTRY 40

#ifndef __ASSEMBLER__
#include <stdint.h>

struct vvar {
    uint64_t tsc_start;         /* TSC at which time_now_ns() was 0 */
    uint64_t ns_per_cycle;      /* 32.32 fixed point */
    uint64_t realtime_offset;   /* ns: realtime - monotonic */
    uint64_t timezone;          /* struct timezone: minutes west, type of daylight saving */
    uint64_t coarse_resolution; /* ns; result of clock_getres() for the coarse clocks */
    uint64_t kernel_entry;      /* IA32_LSTAR, the target of `syscall`: vdso/call.S jumps there */
};
#endif
