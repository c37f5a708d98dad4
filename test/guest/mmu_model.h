/* SPDX-License-Identifier: MIT */
/*
 * The MMU's treatment of an access by ring 0, computed from the rules of SDM 3A chapter 4: the
 * independent model with which the walker (natively), the simulated MMU (natively) and the CPU's MMU
 * (in the guest) are compared. Shares no code with them, not even the names of the bits.
 *
 *   entries, level 4 first:   P=0?        no translation: fault, whatever is below
 *                             reserved?   fault with RSVD
 *                             PS=1?       a leaf; else continue at the next level
 *   at the leaf:              U, W, NX of all levels together, then CR0.WP, EFER.NXE, SMEP, SMAP
 *
 * Left out, because the kernel never enables them: protection keys, shadow stacks, PCIDs, user mode.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum mmu_access {
    MMU_READ,
    MMU_WRITE,
    MMU_FETCH,
    MMU_ACCESSES,
};

struct mmu_mode {
    bool write_protect; /* CR0.WP */
    bool no_execute;    /* EFER.NXE */
    bool smep, smap;    /* CR4 */
    bool ac;            /* RFLAGS.AC, which suspends SMAP */
    bool huge;          /* the CPU has pages of 1 GiB */
    unsigned address_bits;
};

/* The entries that the access uses, by level: 4 down to `leaf`. */
struct mmu_path {
    int leaf;
    uint64_t entry[5];
};

/* A and D: bits in `must` are set afterwards; bits in `may` can be (the SDM leaves it open); others are not. */
struct mmu_verdict {
    bool fault;
    uint32_t error;
    int level; /* of the leaf, or of the entry that ends the walk */
    uint64_t must[5], may[5];
};

void mmu_judge(const struct mmu_mode *mode, const struct mmu_path *path, enum mmu_access access,
               struct mmu_verdict *out);

typedef void (*mmu_visitor)(void *context, const struct mmu_path *path);

/* Calls `visit` for paths with a leaf at level 1, 2 and (mode->huge) 3: each state of the leaf, with
 * A and D clear, A set, both set, times all other levels permissive, or one of them in each state.
 * With `pairs`, also two of them in each pair of states. table[n]: the frame to which an entry of
 * level n points; page[n]: the frame that a leaf of level n maps, 0 for no such paths. */
void mmu_each_path(const struct mmu_mode *mode, const uint64_t table[5], const uint64_t page[4],
                   bool pairs, mmu_visitor visit, void *context);
