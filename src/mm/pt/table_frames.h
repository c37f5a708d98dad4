/* SPDX-License-Identifier: MIT */
/*
 * What the back ends and the page-fault handler get from mm/init/memory.c, which stands above them:
 * frames for page tables, the zero frame, the scratch page. One implementation each, so plain
 * functions.
 */
#pragma once

#include "base/addr.h"
#include "base/compiler.h"

#include <stdbool.h>

/* Frames for page tables; before the buddy allocator stands they come from the early ones. O(1). */
MUST_CHECK bool memory_table_alloc(phys_t *out);
void memory_table_free(phys_t frame);

/* A frame of zeros that is mapped read-only wherever the program reads memory that it never wrote.
 */
phys_t memory_zero_frame(void);

/* Maps a frame at the scratch page, which is the caller's until it maps another. Not preempted,
 * threads only. */
void *memory_scratch(phys_t frame);
