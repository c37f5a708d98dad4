/* SPDX-License-Identifier: MIT */
/*
 * The page that the kernel writes and the vDSO reads: "[vvar]", mapped read-only right below
 * "[vdso]", so that the code finds it relative to itself.
 *
 *   vdso - 4096   struct vvar, rest zero                  r--   a page of the kernel's data
 *   vdso          ELF header, symbols, code               r-x   pages of the kernel's constants
 *
 * No sequence count guards it, because no two words that belong together ever change: how cycles
 * become nanoseconds is fixed before the first program starts, and the two words that a program can
 * set (clock_settime, settimeofday) are each stored and loaded as one.
 */
#pragma once

#define VVAR_PAGE_SIZE    4096
#define VVAR_KERNEL_ENTRY 40

#ifndef __ASSEMBLER__
#include <stdint.h>

struct vvar {
    uint64_t tsc_start;       /* the counter when time_now_ns() was 0 */
    uint64_t ns_per_cycle;    /* 32.32 fixed point */
    uint64_t realtime_offset; /* ns: realtime - monotonic; changes as one word */
    uint64_t timezone; /* struct timezone: minutes west, then kind of daylight saving; one word */
    uint64_t coarse_resolution; /* ns, what clock_getres() says of the coarse clocks */
    uint64_t kernel_entry;      /* where `syscall` would go: vdso/call.S jumps there */
};
#endif
