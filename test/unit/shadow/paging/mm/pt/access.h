/* SPDX-License-Identifier: MIT */
/* Stands in for src/mm/pt/access.h in native tests: entries live in the simulated MMU's memory, and
 * every access goes through its translation. */
#pragma once

#include "mm/pt/paging.h"
#include "sim_mmu.h"

typedef volatile pte_t *pt_table_t; /* an address of the simulated machine */

static inline pte_t pt_load(pt_table_t table, unsigned index)
{
    return (pte_t){sim_load((uint64_t)(uintptr_t)table + index * sizeof(pte_t))};
}

static inline void pt_store(pt_table_t table, unsigned index, pte_t e)
{
    sim_store((uint64_t)(uintptr_t)table + index * sizeof(pte_t), e.v);
}

static inline bool pt_change(pt_table_t table, unsigned index, pte_t *old, pte_t now)
{
    (void)old;
    pt_store(table, index, now);
    return true;
}

static inline void pt_clear(pt_table_t table)
{
    for (unsigned i = 0; i < PT_ENTRIES; i++)
        pt_store(table, i, (pte_t){0});
}

static inline void pt_invalidate(virt_t v)
{
    sim_invlpg(v.v);
}

static inline void pt_invalidate_all(void)
{
    sim_flush_all();
}

static inline phys_t pt_root(void)
{
    return phys(sim_root());
}

static inline void pt_set_root(phys_t table)
{
    sim_set_root(table.v);
}
