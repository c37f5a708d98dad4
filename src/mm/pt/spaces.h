/* SPDX-License-Identifier: MIT */
/*
 * More than one address space: level-4 tables that share the kernel's half, and fork()'s copy of the program's half.
 *
 *       first space      another                       the level-3 tables of the kernel's slots are made before the
 *     0 | program   |  | program   |                   second level-4 table is, so that no kernel entry of a level-4
 *   255 |           |  |           |                   table changes from then on.
 *   256 | R --> own |  | R --> own |  windows: at the same addresses in each space, and show the space that runs
 *   496 | kernel ---+--+-> the same |
 *   511 |           |  |           |
 *
 * A copy is filled while it does not run: its tables are reached as frames that are not linked yet, one at a time, which
 * every back end can do. Callers: threads; the kernel is not preempted.
 */
#pragma once

#include "mm/pt/paging.h"
#include "mm/pt/tlb.h"

/* Gives the space a level-4 table with an empty program's half (with `identity`, the pool is in it). E_NOMEM.
 * O(1); the first call makes the kernel's level-3 tables. */
MUST_CHECK enum err paging_space_make(struct address_space *space);
/* Writes a level-4 table, at `to`, with the kernel's half of the running space and nothing else. For a CPU that starts. */
void paging_copy_kernel_half(void *to);
/* Frees the level-4 table; the space does not run, and nothing is mapped in its program's half but what
 * paging_space_make() mapped. O(1). */
void paging_space_free(struct address_space *space);

/* Receives a leaf of the copy, and takes a reference to its frame for it. */
typedef void (*pt_share)(void *context, pte_t leaf, uint64_t size);

/* A copy under way. */
struct pt_fork {
    struct address_space *to;
    pt_share share;
    void *context;
    virt_t at;               /* for which `table` was found */
    phys_t table[PT_LEVELS]; /* of `to`, by level, 1 to 3; 0: not known */
    struct tlb_batch tlb;    /* leaves of the running space that lost a right */
    bool failed;
};
void paging_fork_begin(struct pt_fork *fork, struct address_space *to, pt_share share,
                       void *context);
/* Gives `to`, where nothing is mapped in the range, the running space's leaves of the range. Leaves that may be written
 * become copy-on-write in both (PTE_FORKED). E_NOMEM: a part was copied. O(tables and entries of the range that exist).
 */
MUST_CHECK enum err paging_fork(struct pt_fork *fork, struct virt_range range);
/* Flushes what the running space may not write any more. To be called before anything else runs. */
void paging_fork_end(struct pt_fork *fork);
