/* SPDX-License-Identifier: MIT */
#include "mm/pt/recursive.h"

#include "mm/pt/backend.h"
#include "mm/pt/recursive_boot.h"
#include "mm/pt/table_frames.h"

/* Where the window is: nothing else knows. */
RO_AFTER_INIT static unsigned window_slot = LAYOUT_WINDOW_SLOT_DEFAULT;
RO_AFTER_INIT static uint64_t
    window_tables[PT_LEVELS + 1]; /* the first table of each level in it */

static pt_table_t pt_table(int level, virt_t v, pte_t parent)
{
    (void)parent; /* the address alone tells where the table is */
    return ptr_of(virt(window_tables[level] | recursive_offset(level, v)));
}

static void pt_put(pt_table_t table)
{
    (void)table;
}

/* The table's own page, as it is seen in both windows; any INVLPG drops the paging-structure caches
 * too. */
static void pt_relinked(int level, virt_t v)
{
    pt_invalidate(virt(recursive_table(window_slot, level, v)));
    paging_counters.table_flushes++;
    if (pt_program_slot != 0)
        pt_flush_program_window(level, v);
}

static bool pt_alloc(phys_t *out)
{
    return memory_table_alloc(out);
}

static void pt_free(phys_t frame)
{
    memory_table_free(frame);
}

#include "mm/pt/walker.inc"

/* There is no place in the window for a table that nothing links yet. */
static pt_table_t unlinked(phys_t frame)
{
    op_replace(virt(LAYOUT_SCRATCH), frame, prot_rw());
    return ptr_of(virt(LAYOUT_SCRATCH));
}

/* The scratch page must not go on showing a frame that is a table by now. */
static void put_unlinked(pt_table_t table)
{
    if (virt_of((const void *)table).v == LAYOUT_SCRATCH)
        op_replace(virt(LAYOUT_SCRATCH), memory_zero_frame(), prot_ro());
}

static const struct pt_access access = {
    .table = pt_table,
    .put = put_unlinked,
    .relinked = pt_relinked,
    .alloc = pt_alloc,
    .free = pt_free,
    .unlinked = unlinked,
};

const struct paging_ops paging_recursive = {
    .name = "recursive",
    .map = op_map,
    .unmap = op_unmap,
    .protect = op_protect,
    .replace = op_replace,
    .walk = op_walk,
    .trim = op_trim,
    .access = &access,
};

/* The level-4 table reaches itself through the old slot while the new one is written. */
void recursive_move_window(unsigned slot)
{
    pt_table_t top = ptr_of(virt(recursive_table(window_slot, 4, virt(0))));
    pte_t self = {(pt_load(top, window_slot).v & PTE_ADDRESS) | PTE_P | PTE_W |
                  (paging_nx ? PTE_NX : 0)};
    unsigned old = window_slot;
    pt_store(top, slot, self);
    window_slot = slot;
    paging_window = recursive_base(slot);
    for (int level = 1; level <= PT_LEVELS; level++)
        window_tables[level] = recursive_table(slot, level, virt(0));
    if (old != slot)
        pt_store(pt_table(4, virt(0), self), old, (pte_t){0});
    pt_invalidate_all();
}

void recursive_add_program_window(unsigned slot)
{
    pt_table_t top = pt_table(4, virt(0), (pte_t){0});
    uint64_t self = pt_load(top, window_slot).v & PTE_ADDRESS;
    pt_store(top, slot, (pte_t){self | PTE_P | (paging_nx ? PTE_NX : 0)});
    pt_program_slot = slot;
    paging_program_window = recursive_base(slot);
}

void recursive_forget_low_half(void)
{
    pt_table_t top = pt_table(4, virt(0), (pte_t){0});
    for (unsigned i = 0; i < PT_ENTRIES / 2; i++)
        pt_store(top, i, (pte_t){0});
    pt_invalidate_all();
}

void recursive_close_window(void)
{
    pt_store(pt_table(4, virt(0), (pte_t){0}), window_slot, (pte_t){0});
    paging_window = 0;
    pt_invalidate_all();
}
