/* SPDX-License-Identifier: MIT */
/* Shared by the memory calls: ranges, limits, and making pages present. Callers: threads. */
#pragma once

#include "base/addr.h"
#include "base/compiler.h"
#include "base/err.h"
#include "cpu/lock.h"
#include "linux/task/process.h"
#include "mm/layout.h"
#include "mm/vm/areas.h"

#include <stdbool.h>

/* *out: the pages of [at, at + size); `at` must be page-aligned. False if the range leaves the
 * program's half of the address space. */
static inline bool mem_range(uint64_t at, uint64_t size, struct virt_range *out)
{
    if (at > LAYOUT_PROGRAM_END || size > LAYOUT_PROGRAM_END - at)
        return false;
    *out = virt_range(at, at + align_up(size, PAGE_SIZE));
    return true;
}

/* True if the range lies in the program's half and has no area in it. */
bool mem_is_free(struct virt_range range);
bool mem_share_now(struct virt_range range);
/* Before a change of areas, or of the pages of a range that is theirs. True: kernel_lock is shared, the areas in the range are plain memory, and the lock of the
 * space is held until mem_share_end(true). False: kernel_lock is alone. O(areas of a piece). */
static inline bool mem_share_begin(struct virt_range range)
{
    return kernel_lock_is_shared() && mem_share_now(range);
}
static inline void mem_share_end(bool shared) NO_LOCK_ANALYSIS
{
    if (shared)
        SHORT_UNLOCK(&space_current()->lock, class_space);
}
/* True if no area in the range belongs to another program. */
bool mem_is_ours(struct virt_range range);
/* Number of bytes of the range that areas cover. */
uint64_t mem_bytes_in(struct virt_range range);

/* Makes the pages of the range present, by simulated reads, or writes if `write`. Stops at the
 * first error: E_NOMEM (a hole, or no memory), E_ACCES (no permission), E_FAULT (past the end of
 * the file). O(pages). */
MUST_CHECK enum err mem_populate(struct virt_range range, bool write);
/* MAP_POPULATE and MAP_LOCKED: makes pages present as each area's permissions allow. Errors are
 * ignored, as in Linux. */
void mem_populate_mapped(struct virt_range range);

/* areas_remove() in pieces, between which other threads run and may map what is free already: no
 * piece is unmapped twice. Errors as there; the pieces before have gone then. O(areas + pages). */
MUST_CHECK enum err mem_remove(struct virt_range range);

/* True if RLIMIT_AS and RLIMIT_DATA allow `more` bytes with these permissions and flags.
 * O(1). */
bool mem_may_expand(prot_t prot, uint32_t flags, uint64_t more);
/* vm.overcommit_memory: 0, a mapping may not exceed all of memory; 1, all is allowed; 2, all private writable memory together
 * may not exceed swap and overcommit_ratio percent of memory. */
extern uint64_t overcommit_memory, overcommit_ratio;
/* Private writable memory of all processes. O(processes). */
uint64_t mem_committed_bytes(void);
/* True if that forbids the mapping. O(1); with 2, O(processes). */
bool mem_overcommits(prot_t prot, uint32_t flags, uint64_t more);
/* The lock flags (AREA_LOCKED, AREA_LOCK_ON_FAULT) of new areas, set by mlockall(MCL_FUTURE). */
uint32_t mem_future_lock(void);
void mem_set_future_lock(uint32_t flags);
/* True if the process may lock memory at all; may lock `more` bytes (RLIMIT_MEMLOCK). O(1). */
bool mem_can_lock(void);
bool mem_may_lock(uint64_t more);
uint64_t mem_locked_bytes(void);
