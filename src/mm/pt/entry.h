/* SPDX-License-Identifier: MIT */
/* Interpretation of page-table entries: arithmetic only. For the walkers (mm/pt/walker.h,
 * mm/pt/tables.c). */
#pragma once

#include "mm/pt/paging.h"

/* True if the entry points to a table or a page; a page with prot_none() counts, though its P is
 * clear. */
static inline bool pt_present(pte_t e)
{
    return e.v & PTE_P;
}

static inline bool pt_is_leaf(pte_t e, int level)
{
    return level == 1 || (level <= 3 && (e.v & PTE_PS));
}

static inline phys_t pt_phys(pte_t e, int level)
{
    return phys(e.v & PTE_ADDRESS & ~(pt_span(level) - 1));
}

static inline pte_t pt_leaf(phys_t to, int level, prot_t prot)
{
    uint64_t v = to.v;
    if (level > 1)
        v |= PTE_PS;
    if (prot.bits & PROT_BIT_COPY)
        v |= PTE_COW;
    if (prot.bits & PROT_BIT_FORKED)
        v |= PTE_FORKED;
    if (!(prot.bits & (PROT_BIT_READ | PROT_BIT_WRITE | PROT_BIT_EXECUTE)))
        return (pte_t){v}; /* PROT_NONE: kept, not present */
    v |= PTE_P;
    if (prot_can_write(prot) && !(prot.bits & PROT_BIT_COPY))
        v |= PTE_W;
    if (!prot_can_execute(prot) && paging_nx)
        v |= PTE_NX;
    if (prot.bits & PROT_BIT_UNCACHED)
        v |= PTE_PCD | PTE_PWT;
    if (prot.bits & PROT_BIT_COMBINING)
        v |= PTE_PWT;
    return (pte_t){v};
}

/* The rights `prot` for a leaf that replaces `old`: copy-on-write stays. */
static inline prot_t pt_keep_copy(pte_t old, prot_t prot)
{
    if (!(old.v & PTE_COW))
        return prot;
    return old.v & PTE_FORKED ? prot_forked(prot) : prot_copy_on_write(prot);
}

/* Start of the range of the entry after v's; 0 after the last. */
static inline virt_t pt_next(virt_t v, int level)
{
    return virt(align_down(v.v, pt_span(level)) + pt_span(level));
}

/* True if [v, end) covers only a part of the large leaf at v. */
static inline bool pt_cut(virt_t v, virt_t end, int level)
{
    return level > 1 && (v.v & (pt_span(level) - 1) || end.v - v.v < pt_span(level));
}

static inline bool pt_canonical(virt_t v)
{
    return (uint64_t)((int64_t)(v.v << 16) >> 16) == v.v;
}

/* The bits of a present entry that must be 0 (SDM 3A 4.5.4, tables 4-15 to 4-20). */
static inline uint64_t pt_reserved_bits(pte_t e, int level)
{
    uint64_t bits = paging_reserved;
    if (level > 1 && e.v & PTE_PS) {
        if (level == 4 || (level == 3 && !paging_huge))
            return bits | PTE_PS;
        bits |= PTE_ADDRESS & (pt_span(level) - 1) & ~PTE_PAT_BIG;
    }
    return bits;
}

/* Adds an entry to the walk; true if the walk ends there. */
static inline bool pt_walk_entry(struct pt_walk *walk, pte_t e, int level)
{
    uint8_t bit = (uint8_t)(1 << level);
    if (!pt_present(e)) {
        walk->absent = bit;
        return true;
    }
    if (e.v & pt_reserved_bits(e, level)) {
        walk->reserved = bit;
        return true;
    }
    if (!(e.v & PTE_W))
        walk->no_write |= bit;
    if (!(e.v & PTE_U))
        walk->no_user |= bit;
    if (e.v & PTE_NX)
        walk->no_execute |= bit;
    if (!pt_is_leaf(e, level))
        return false;
    walk->leaf_level = level;
    walk->phys = phys(pt_phys(e, level).v + (walk->address.v & (pt_span(level) - 1)));
    walk->writable = walk->no_write == 0;
    walk->executable = walk->no_execute == 0;
    walk->user = walk->no_user == 0;
    walk->accessed = e.v & PTE_A;
    walk->dirty = e.v & PTE_D;
    bool pat = e.v & (level == 1 ? PTE_PAT : PTE_PAT_BIG);
    walk->memory_type =
        (uint8_t)((pat ? 4 : 0) | (e.v & PTE_PCD ? 2 : 0) | (e.v & PTE_PWT ? 1 : 0));
    return true;
}
