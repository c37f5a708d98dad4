/* SPDX-License-Identifier: MIT */
/*
 * Bringing memory up, and the few places where frames meet mappings.
 *
 *   free_map_build()   what is free
 *   early frames         taken off the end of the largest free range, for the first tables
 *   recursive window     moved to its random slot; the walker works from here on
 *   frame metadata       mapped where there is RAM; all else of that window shows one zero page
 *   frames_add()         the buddy allocator takes over
 *   start()              the back end that was asked for; from here on tables are reached its way
 */
#pragma once

#include "base/addr.h"
#include "base/compiler.h"
#include "base/err.h"
#include "mm/phys/frames.h"
#include "mm/prot.h"
#include "mm/pt/paging.h"
#include "mm/pt/table_frames.h"
#include "parse/boot_info.h"

struct memory_options {
    unsigned window_slot; /* 256-495, or 0 for a random one */
    uint64_t random;      /* bits to draw the slots from; 0 when there is no source */
    enum paging_kind pagetables;
    /* 0: what suits the machine. */
    unsigned arena; /* offset: frames, a power of two from 8 to 512 */
    uint64_t pool;  /* identity: frames */
    unsigned slots; /* temporary: 1-64 */
};

/* E_NOMEM when there is too little for the kernel itself; E_RANGE with a sentence in *complaint when
 * the machine is not one for this way to reach page tables. Boot only. */
MUST_CHECK enum err memory_init(const struct boot_info *boot, const struct memory_options *options,
                                const char **complaint);

/* Takes the identity map away and gives the pages of boot code, boot tables and the boot stack
 * back; seals what is read-only after boot. Runs on a guarded stack. */
void memory_end_boot(void);

/* Maps the physical range (any alignment) in the kernel's device slot; returns the address of its
 * first byte, NULL when memory is short. Never unmapped. Boot only. */
MUST_CHECK void *memory_map_physical(struct phys_range range, prot_t prot);

struct memory_totals {
    uint64_t ram, total; /* bytes: of the machine, managed by the allocator */
    uint64_t free;       /* ... free now, also those that only page tables can have */
    uint64_t overhead;   /* ... that reaching page tables takes, more or less from call to call */
};
void memory_totals(struct memory_totals *out);
/* Of these, `total` alone. */
static inline uint64_t memory_total(void)
{
    return machine_frames.total_frames << PAGE_SHIFT;
}
