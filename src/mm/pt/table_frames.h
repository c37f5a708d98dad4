/* SPDX-License-Identifier: MIT */
/*
 * Services of mm/init/memory.c for the back ends and the page-fault handler, which are below it:
 * frames for page tables, the zero frame, the scratch page. One implementation each, so plain
 * functions.
 */
#pragma once

#include "base/addr.h"
#include "base/compiler.h"
#include "cpu/cpus.h"
#include "mm/layout.h"

#include <stdbool.h>

/* Frames for page tables; until the buddy allocator runs, early frames. O(1). */
MUST_CHECK bool memory_table_alloc(phys_t *out);
void memory_table_free(phys_t frame);

/* A frame of zeros, mapped read-only where the program reads memory that it never wrote. */
phys_t memory_zero_frame(void);

/* The scratch page of this CPU; `second`: of several CPUs, which each have two. */
static inline virt_t memory_scratch_page(bool second)
{
    return virt(SEVERAL_CPUS ? LAYOUT_SCRATCH_CPUS + (2 * cpu_index() + second) * PAGE_SIZE
                             : LAYOUT_SCRATCH);
}

/* Maps a frame at the second scratch page, and keeps it there while others are at the first. */
void *memory_scratch_second(phys_t frame);
/* Maps a frame at the scratch page and returns its address, valid until the next call. Callers:
 * threads, not preempted. */
void *memory_scratch(phys_t frame);
