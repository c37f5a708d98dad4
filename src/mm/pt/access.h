/* SPDX-License-Identifier: MIT */
/* The only code that reads and writes entries and flushes this CPU's TLB. The native tests include
 * another header of this name, over a simulated MMU. */
#pragma once

#include "base/str.h"
#include "cpu/x86.h"
#include "mm/pt/paging.h"

/* A mapped table: its 512 entries. */
typedef volatile pte_t *pt_table_t;

static inline pte_t pt_load(pt_table_t table, unsigned index)
{
    return (pte_t){table[index].v};
}

static inline void pt_store(pt_table_t table, unsigned index, pte_t e)
{
    table[index].v = e.v;
}

/* Makes an entry `now` if it still is *old; else *old is what another CPU's accesses have made of it (A, D), and the result
 * is false. */
static inline bool pt_change(pt_table_t table, unsigned index, pte_t *old, pte_t now)
{
    if (SEVERAL_CPUS)
        return __atomic_compare_exchange_n(&table[index].v, &old->v, now.v, false, __ATOMIC_SEQ_CST,
                                           __ATOMIC_SEQ_CST);
    table[index].v = now.v;
    return true;
}

/* Makes all entries empty. */
static inline void pt_clear(pt_table_t table)
{
    memset((void *)(uintptr_t)table, 0, PAGE_SIZE);
}

/* INVLPG: drops the page's translation and all paging-structure caches (SDM 3A 4.10.4.1). */
static inline void pt_invalidate(virt_t v)
{
    invlpg(v.v);
}

/* Flushes the whole TLB: no page is global here. */
static inline void pt_invalidate_all(void)
{
    write_cr3(read_cr3());
}

/* Physical address of the level-4 table (SDM 3A 4.5.2). */
static inline phys_t pt_root(void)
{
    return phys(read_cr3() & PTE_ADDRESS);
}

static inline void pt_set_root(phys_t table)
{
    write_cr3(table.v);
}
