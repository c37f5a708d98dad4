/* SPDX-License-Identifier: MIT */
/*
 * A table is mapped while it is in use, in one of a few slots of one level-1 table.
 *
 *              the level-1 table behind LAYOUT_TEMPORARY_START
 *            +-----+-----+-----+-----+-----       -----+-------+
 *            |  0  |  1  |  2  |  3  |  ...            |  511  |
 *            +--|--+--|--+-----+--|--+-----       -----+---|---+
 *               v     v    free   v                        v
 *            PML4   PDPT         PT                this table itself
 *
 * Entry 511 maps the table that contains it, a recursive window of one page: through it the entries
 * are written without any other way to reach a table.
 *
 * Cost: two stores and an INVLPG per table, because the TLB may hold the slot's previous
 * translation. A walk holds one slot, a change up to four, one for each level. Benefit: only the
 * few tables and frames in slots are reachable at any time.
 *
 * The number of tables held at once is limited to the number of slots (pagetables.slots=N).
 * Exceeding it is an error of the caller or of N, and panics; the report that follows walks the
 * tables too, with the slots of the operation that was abandoned.
 */
#include "base/panic.h"
#include "mm/layout.h"
#include "mm/pt/backend.h"
#include "mm/pt/table_frames.h"
#include "mm/pt/walker.h"

#define SELF (PT_ENTRIES - 1)

RO_AFTER_INIT static unsigned slots;
static uint64_t slots_used; /* bit n: slot n is held */

static virt_t slot_address(unsigned slot)
{
    return virt(LAYOUT_TEMPORARY_START + slot * PAGE_SIZE);
}

static pt_table_t temporary_unlinked(phys_t frame)
{
    unsigned slot = slots_used == UINT64_MAX ? 64 : (unsigned)__builtin_ctzll(~slots_used);
    if (slot >= slots) {
        slots_used = 0;
        panic("pagetables=temporary: all %u slots hold a table: raise pagetables.slots=", slots);
    }
    slots_used |= UINT64_C(1) << slot;
    pt_table_t window = ptr_of(slot_address(SELF));
    pt_store(window, slot, (pte_t){frame.v | PTE_P | PTE_W | (paging_nx ? PTE_NX : 0)});
    pt_invalidate(slot_address(slot));
    paging_counters.table_flushes++;
    return ptr_of(slot_address(slot));
}

static pt_table_t temporary_table(const struct address_space *space, int level, virt_t v,
                                  pte_t parent)
{
    (void)v;
    return temporary_unlinked(level == PT_LEVELS ? space->root : phys(parent.v & PTE_ADDRESS));
}

static void temporary_put(pt_table_t table)
{
    unsigned slot = (unsigned)(((uint64_t)(uintptr_t)table - LAYOUT_TEMPORARY_START) >> PAGE_SHIFT);
    pt_table_t window = ptr_of(slot_address(SELF));
    pt_store(window, slot, (pte_t){0});
    slots_used &= ~(UINT64_C(1) << slot);
}

INIT_CODE static enum err temporary_start(struct pt_setup *setup)
{
    struct pt_walk walk;
    virt_t self = slot_address(SELF);
    slots = setup->slots;
    slots_used = 0;
    enum err e = paging_map(&kernel_space, self, memory_zero_frame(), PAGE_SIZE, prot_ro());
    if (e != E_OK)
        return e;
    paging_walk(&kernel_space, self, &walk);
    paging_replace(&kernel_space, self, phys(walk.entry[2].v & PTE_ADDRESS), prot_rw());
    return E_OK;
}

static const struct pt_access temporary_access = {
    .table = temporary_table,
    .put = temporary_put,
    .put_unlinked = temporary_put,
    .relinked = pt_flush_program_window,
    .alloc = memory_table_alloc,
    .free = memory_table_free,
    .unlinked = temporary_unlinked,
    .start = temporary_start,
    .reach = {{LAYOUT_TEMPORARY_START}, {LAYOUT_TEMPORARY_END}},
};

PT_BACK_END(temporary);
