/* SPDX-License-Identifier: MIT */
#include "mm/pt/recursive.h"

#include "base/panic.h"
#include "mm/pt/backend.h"
#include "mm/pt/recursive_boot.h"
#include "mm/pt/table_frames.h"
#include "mm/pt/walker.h"

/* Private to this file: the place of the window. */
RO_AFTER_INIT static unsigned window_slot = LAYOUT_WINDOW_SLOT_DEFAULT;
/* The first table of each level in the window. */
RO_AFTER_INIT static uint64_t window_tables[PT_LEVELS + 1];

static pt_table_t recursive_window_table(const struct address_space *space, int level, virt_t v,
                                         pte_t parent)
{
    /* The window shows the tables of the space in CR3 only. */
    if (level == PT_LEVELS && unlikely(space != running_space))
        assert(space == &kernel_space);
    (void)parent; /* the address alone determines the table's place */
    return ptr_of(virt(window_tables[level] | recursive_offset(level, v)));
}

/* Flushes the table's own page in both windows; any INVLPG also drops the paging-structure
 * caches. */
COLD static void recursive_relinked(int level, virt_t v)
{
    pt_invalidate(virt(recursive_table(window_slot, level, v)));
    CPUS_ADD(paging_counters.table_flushes, 1);
    if (pt_program_slot != 0)
        pt_flush_program_window(level, v);
}

/* An unlinked table has no place in the window: uses the scratch page. */
static pt_table_t recursive_unlinked(phys_t frame)
{
    virt_t page = memory_scratch_page(false);
    paging_recursive.replace(&kernel_space, page, frame, prot_rw());
    return ptr_of(page);
}

/* Unmaps the scratch page, which must not keep showing a frame that has become a table. */
static void recursive_put_unlinked(pt_table_t table)
{
    virt_t page = memory_scratch_page(false);
    if (virt_of((const void *)table).v == page.v)
        paging_recursive.replace(&kernel_space, page, memory_zero_frame(), prot_ro());
}

static const struct pt_access recursive_access = {
    .table = recursive_window_table,
    .put_unlinked = recursive_put_unlinked,
    .relinked = recursive_relinked,
    .alloc = memory_table_alloc,
    .free = memory_table_free,
    .unlinked = recursive_unlinked,
};

PT_BACK_END(recursive);

/* The level-4 table is reached through the old slot while the new one is written. */
COLD void recursive_move_window(unsigned slot)
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
        pt_store(recursive_window_table(&kernel_space, 4, virt(0), self), old, (pte_t){0});
    pt_invalidate_all();
}

void recursive_add_program_window(unsigned slot)
{
    pt_table_t top = recursive_window_table(&kernel_space, 4, virt(0), (pte_t){0});
    uint64_t self = pt_load(top, window_slot).v & PTE_ADDRESS;
    pt_store(top, slot, (pte_t){self | PTE_P | (paging_nx ? PTE_NX : 0)});
    pt_program_slot = slot;
    paging_program_window = recursive_base(slot);
}

void recursive_forget_low_half(void)
{
    pt_table_t top = recursive_window_table(&kernel_space, 4, virt(0), (pte_t){0});
    for (unsigned i = 0; i < PT_ENTRIES / 2; i++)
        pt_store(top, i, (pte_t){0});
    pt_invalidate_all();
}

void recursive_close_window(void)
{
    pt_store(recursive_window_table(&kernel_space, 4, virt(0), (pte_t){0}), window_slot,
             (pte_t){0});
    paging_window = 0;
    pt_invalidate_all();
}
