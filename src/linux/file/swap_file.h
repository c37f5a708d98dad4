/* SPDX-License-Identifier: MIT */
/* swapon(2) without a program: the word swap=. */
#pragma once

#include "base/compiler.h"
#include "base/err.h"

struct location;

#define SWAP_PRIORITY (-2) /* Linux's for the first device without one */

/* Swaps to the block device or file. E_INVAL: it is neither, has holes, or no header of mkswap(8); E_BUSY, E_PERM: there is swap already;
 * those of swap_on(). Sleeps. O(slots + extents). */
MUST_CHECK enum err swapon_at(const struct location *at, int priority);
