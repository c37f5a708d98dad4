/* SPDX-License-Identifier: MIT */
/* Where the slots of the swap device or file are, and requests for them. Used by kern/swap.c. */
#pragma once

#include "kern/swap.h"

/* What is swapped to; swap_device points to it while there is swap. */
extern struct swap_device swap_one;

/* The sector of the slot, and how many slots from it on follow it there. O(log extents). */
uint64_t swap_sector(uint32_t slot, uint32_t *together);
/* A request for the first of the frames, as many as the device takes at once, which begin at `slot`. `segments`: as many as frames; they
 * stay the caller's. O(log extents + frames). */
struct block_request swap_request(enum block_operation operation, uint32_t slot,
                                  const phys_t *frame, uint32_t count,
                                  struct block_segment *segments);
/* Moves at most CLOCK_RUN frames between memory and slots from `slot` on, in as few requests as the device allows. E_IO. Sleeps. */
MUST_CHECK enum err swap_move_pages(enum block_operation operation, uint32_t slot,
                                    const phys_t *frame, uint32_t count);
