/* SPDX-License-Identifier: MIT */
/* What the memory calls share. */
#pragma once

#include "base/addr.h"
#include "mm/layout.h"

/* The pages that [at, at + size) touches; false when they do not lie in the program's half. `at` is
 * aligned. */
static inline bool mem_range(uint64_t at, uint64_t size, struct virt_range *out)
{
    if (at > LAYOUT_PROGRAM_END || size > LAYOUT_PROGRAM_END - at)
        return false;
    *out = virt_range(at, at + align_up(size, PAGE_SIZE));
    return true;
}

/* Makes the pages of the range appear, as far as memory goes. */
void mem_populate(struct virt_range range);
