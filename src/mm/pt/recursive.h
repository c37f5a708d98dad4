/* SPDX-License-Identifier: MIT */
/*
 * The recursive window: the level-4 table has an entry (slot R) that points to itself.
 *
 * A walk through slot R uses a level-4 table as a level-3 one, and so on down: each pass through R
 * turns one level of translation into one level of table. After one pass the "page" at the end is a
 * level-1 table; after four it is the level-4 table itself:
 *
 *   virtual address     i4    i3    i2    i1    offset         what is seen there
 *   of a page           a     b     c     d     o              the page's byte o
 *   level-1 table       R     a     b     c     d * 8          the entry that maps the page
 *   level-2 table       R     R     a     b     c * 8          the entry that points to that table
 *   level-3 table       R     R     R     a     b * 8
 *   level-4 table       R     R     R     R     a * 8
 *
 *   CR3 --> +--------+          address of the entry of level n for address v
 *           | slot R |--.         = base(n) + (v[47:0] >> (12 + 9 (n - 1))) * 8
 *           |        |<-'         base(1) = R, base(2) = R R, base(3) = R R R, base(4) = R R R R
 *           +--------+
 *
 * So table addresses are computed, and tables need no other mapping. The cost: 512 GiB of
 * addresses, and TLB entries of the window itself, which INVLPG of the mapped page does not drop
 * (SDM 3A 4.10.4.1).
 */
#pragma once

#include "mm/layout.h"
#include "mm/pt/paging.h"

#define ADDRESS_BITS UINT64_C(0x0000ffffffffffff)

/* First address of a slot of 512 GiB. */
static inline uint64_t recursive_base(unsigned slot)
{
    uint64_t low = (uint64_t)slot << 39;
    return slot >= 256 ? low | ~ADDRESS_BITS : low;
}

/* Offset of the table of `level` on the way to v from the first table of its level. */
static inline uint64_t recursive_offset(int level, virt_t v)
{
    return (v.v & ADDRESS_BITS) >> (PAGE_SHIFT + 9 * level) << PAGE_SHIFT;
}

/* Address of the table of `level` that holds the entry for v, in the window of `slot`. */
static inline uint64_t recursive_table(unsigned slot, int level, virt_t v)
{
    uint64_t at = recursive_base(slot);
    for (int l = 2, shift = 30; l <= level; l++, shift -= 9)
        at |= (uint64_t)slot << shift;
    return at | recursive_offset(level, v);
}

/* Address of the entry of `level` for v, in the window of `slot`. */
static inline uint64_t recursive_entry(unsigned slot, int level, virt_t v)
{
    return recursive_table(slot, level, v) | pt_index(v, level) * sizeof(pte_t);
}

/* recursive_entry() under the SDM's names for the entries of level 1 to 4. */
static inline uint64_t pte_of(unsigned slot, virt_t v)
{
    return recursive_entry(slot, 1, v);
}

static inline uint64_t pde_of(unsigned slot, virt_t v)
{
    return recursive_entry(slot, 2, v);
}

static inline uint64_t pdpte_of(unsigned slot, virt_t v)
{
    return recursive_entry(slot, 3, v);
}

static inline uint64_t pml4e_of(unsigned slot, virt_t v)
{
    return recursive_entry(slot, 4, v);
}
