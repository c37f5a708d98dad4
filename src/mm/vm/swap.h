/* SPDX-License-Identifier: MIT */
/*
 * Swap, seen from page faults and areas: entries of page tables that are not present and name a slot. mm/vm/slots.h has the
 * slots, mm/vm/clock.h says what is swapped out, kern/swap.h has the device and the thread.
 *
 *   63   55   54      53       52     12 11       1  0
 *   +-----+---------+---------+---------+---------+---+
 *   |  0  | SWAPPED | WRITTEN |  slot   |    0    | 0 |      pt_swapped(), only in level 1, in private areas
 *   +-----+---------+---------+---------+---------+---+
 *
 *   fault on it      the slot is busy            waits
 *                    its frame is in memory      maps it (swap_in())
 *                    else                        waits for a read, then as before
 *
 * Rights are those of the area at the time of the fault. A page that is mapped after a read access keeps its slot, and has PTE_SLOT:
 * evicted while it is clean, it needs no write. A fork's copy has the same entry, and the slot one reference more;
 * each side gets a frame of its own.
 *
 * PTE_WRITTEN keeps what the dirty bit said to paging_harvest() and to soft-dirty: a page that was written before it was swapped out
 * counts as dirty after it.
 */
#pragma once

#include "base/addr.h"
#include "base/compiler.h"
#include "base/err.h"
#include "mm/pt/paging.h"
#include "mm/vm/areas.h"
#include "mm/vm/fault.h"

/* The level-1 entry of the page, if it is swapped; else 0. The space runs. O(1). */
pte_t swap_entry(const struct address_space *space, virt_t page);
/* Maps the page of a swapped entry in the area. E_AGAIN: fault_fetch() first. The space runs. O(1). */
MUST_CHECK enum err swap_in(struct address_space *space, const struct area *a, virt_t page,
                            pte_t entry, bool write);

/* For the end of swapping. The next swapped page from *at in *space on (NULL: the first), in all spaces; false: not found yet, or, if *space is
 * NULL, there is none. O(a few tables). */
bool swap_next(struct address_space **space, virt_t *at);
/* Maps the page, if it is swapped and the space is there still. E_AGAIN, E_NOMEM as swap_in(). O(spaces). */
MUST_CHECK enum err swap_bring_back(struct address_space *space, virt_t page);

/* Defined above, in kern/swap.c: */

/* Waits until a frame is free, or until the page's slot is not busy and its frame is in memory: a part of fault_fetch(). Sleeps; the
 * space, which need not run, may end meanwhile. FAULT_RESOLVED: the access is worth another try. *done: there was nothing to wait for. */
enum fault_verdict swap_fetch(struct address_space *space, virt_t v, bool *done);
/* True if a fault that found no frame should wait: swap_fetch(). */
bool swap_may_help(void);
