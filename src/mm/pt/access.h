/* SPDX-License-Identifier: MIT */
/* The only place that reads and writes entries and this CPU's TLB. The native tests put a header of
 * the same name in front of it: there the two are a simulated MMU's. */
#pragma once

#include "cpu/x86.h"
#include "mm/pt/paging.h"

/* A table that is mapped now: its 512 entries. */
typedef volatile pte_t *pt_table_t;

static inline pte_t pt_load(pt_table_t table, unsigned index)
{
    return (pte_t){table[index].v};
}

static inline void pt_store(pt_table_t table, unsigned index, pte_t e)
{
    table[index].v = e.v;
}

/* Drops the page's translation, and all paging-structure caches (SDM 3A 4.10.4.1). */
static inline void pt_invalidate(virt_t v)
{
    invlpg(v.v);
}

/* Everything: no page is global here. */
static inline void pt_invalidate_all(void)
{
    write_cr3(read_cr3());
}

/* The level-4 table (SDM 3A 4.5.2). */
static inline phys_t pt_root(void)
{
    return phys(read_cr3() & PTE_ADDRESS);
}

static inline void pt_set_root(phys_t table)
{
    write_cr3(table.v);
}
