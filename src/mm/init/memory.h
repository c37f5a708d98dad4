/* SPDX-License-Identifier: MIT */
/*
 * Brings memory up: the only place that joins the firmware's memory map, the frame allocator and the
 * page tables. boot/steps.c calls memory_init(), and main.c memory_end_boot(). Drivers map device
 * memory with memory_map_physical(); reports and /proc read memory_totals(). For frames, mappings and
 * heap blocks, use mm/phys/, mm/pt/ and mm/heap/.
 *
 * memory_init() needs memory to manage memory. It breaks the circle with early frames, which are
 * taken from the end of the largest free range and are never freed, and proceeds in this order:
 *
 *   free_map_build()     the free ranges of RAM
 *   early frames         for the first tables
 *   recursive window     moved to its random slot; the walker works from here on
 *   frame metadata       mapped where there is RAM; holes of 2 GiB show one zero page
 *   frames_add()         the buddy allocator has the free ranges; the identity map is removed
 *   start()              the chosen back end reaches the tables from here on
 *
 * memory_end_boot() ends the boot: it frees what only boot needed and seals RO_AFTER_INIT.
 *
 * Cost: 12 bytes of metadata for each frame of RAM, and the tables that map it. Time: an entry of a
 * page table for each 2 MiB of metadata (682 MiB of RAM); frames.h clears metadata at its first use.
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
    unsigned window_slot; /* 256-495; 0: random */
    uint64_t random;      /* random bits for the slots; 0: no source */
    enum paging_kind pagetables;
    /* In the next three, 0 chooses a default for the machine. */
    unsigned arena; /* offset: frames, a power of two from 8 to 512 */
    uint64_t pool;  /* identity: frames */
    unsigned slots; /* temporary: 1-64 */
};

/* E_NOMEM if memory does not suffice for the kernel itself; E_RANGE with a message in *complaint if
 * the machine does not suit the chosen back end. Boot. */
MUST_CHECK enum err memory_init(const struct boot_info *boot, const struct memory_options *options,
                                const char **complaint);

/* Seals what is read-only after boot, and frees boot code, boot tables and the boot stack. Runs on
 * a guarded stack. */
void memory_end_boot(void);

/* Maps the physical range (any alignment) in the kernel's device slot, permanently. Returns the
 * address of its first byte, NULL if memory is short or the CPU has no such addresses. Boot, or under kernel_lock. */
MUST_CHECK void *memory_map_physical(struct phys_range range, prot_t prot);

struct memory_totals {
    uint64_t ram, total; /* bytes: of the machine; managed by the allocator */
    uint64_t free;       /* free bytes, including those reserved for page tables */
    uint64_t overhead;   /* bytes that the back end itself uses; varies over time */
};
void memory_totals(struct memory_totals *out);
/* memory_totals.total alone. O(1). */
static inline uint64_t memory_total(void)
{
    return machine_frames.total_frames << PAGE_SHIFT;
}

/* Of several CPUs: frames below 1 MiB for the start of the others (cpu/cpus.h); empty: there are none. Released they are
 * free as others are. Boot. */
#define MEMORY_LOW_FRAMES 3
struct phys_range memory_low_frames(void);
void memory_release_low_frames(void);
