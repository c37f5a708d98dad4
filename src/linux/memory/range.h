/* SPDX-License-Identifier: MIT */
/* What the memory calls share: ranges, limits, and making pages present. Threads only. */
#pragma once

#include "base/addr.h"
#include "base/compiler.h"
#include "base/err.h"
#include "mm/layout.h"
#include "mm/vm/areas.h"

#include <stdbool.h>

/* The pages that [at, at + size) touches; false when they do not lie in the program's half. `at` is
 * aligned. */
static inline bool mem_range(uint64_t at, uint64_t size, struct virt_range *out)
{
    if (at > LAYOUT_PROGRAM_END || size > LAYOUT_PROGRAM_END - at)
        return false;
    *out = virt_range(at, at + align_up(size, PAGE_SIZE));
    return true;
}

/* Is all of the range covered by areas? */
bool mem_covered(struct virt_range range);
/* Is there no area in it, and is it the program's? */
bool mem_is_free(struct virt_range range);
/* Does no part of it belong to another program? */
bool mem_is_ours(struct virt_range range);
/* Bytes of the range that areas cover. */
uint64_t mem_bytes_in(struct virt_range range);

/* Makes the pages of the range present, writable ones as if they were written to. Stops at the
 * first that cannot be: E_NOMEM (a hole, or no memory), E_ACCES (no permission), E_FAULT (past the
 * end of the file). */
MUST_CHECK enum err mem_populate(struct virt_range range, bool write);
/* As after mmap() of locked memory: each area as its permissions say; nobody hears of failures. */
void mem_populate_mapped(struct virt_range range);

/* Do RLIMIT_AS and RLIMIT_DATA allow `more` bytes of an area with these permissions and flags? */
bool mem_may_expand(prot_t prot, uint32_t flags, uint64_t more);
/* Would Linux's heuristic overcommit refuse it: more than there could ever be? */
bool mem_overcommits(prot_t prot, uint32_t flags, uint64_t more);
/* AREA_LOCKED and AREA_LOCK_ON_FAULT as mlockall(MCL_FUTURE) gives them to new areas. */
uint32_t mem_future_lock(void);
void mem_set_future_lock(uint32_t flags);
/* May the program lock anything at all; may it have `more` bytes locked (RLIMIT_MEMLOCK)? */
bool mem_can_lock(void);
bool mem_may_lock(uint64_t more);
uint64_t mem_locked_bytes(void);
