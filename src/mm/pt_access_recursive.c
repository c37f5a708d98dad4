/* SPDX-License-Identifier: MIT */
#include "mm/pt_access_recursive.h"

#include "base/str.h"
#include "cpu/x86.h"
#include "mm/memory.h"

/* The only variables that know where the windows are. */
RO_AFTER_INIT static unsigned window_slot = LAYOUT_WINDOW_SLOT_DEFAULT;
RO_AFTER_INIT static unsigned program_slot;

typedef volatile pte_t *pt_table_t;

static pt_table_t pt_table(int level, virt_t v, pte_t parent)
{
    (void)parent; /* the address alone tells where the table is */
    return ptr_of(virt(recursive_table(window_slot, level, v)));
}

static pte_t pt_load(pt_table_t table, unsigned index)
{
    return (pte_t){table[index].v};
}

static void pt_store(pt_table_t table, unsigned index, pte_t e)
{
    table[index].v = e.v;
}

/* The table's own page, as it is seen in both windows; any INVLPG drops the paging-structure caches
 * too. */
static void pt_relinked(int level, virt_t v)
{
    invlpg(recursive_table(window_slot, level, v));
    if (program_slot != 0)
        invlpg(recursive_table(program_slot, level, v));
}

static void pt_flush_page(virt_t v)
{
    invlpg(v.v);
}

static void pt_flush_all(void)
{
    write_cr3(read_cr3());
}

static bool pt_alloc(phys_t *out)
{
    return memory_table_alloc(out);
}

static void pt_free(phys_t frame)
{
    memory_table_free(frame);
}

static void op_replace(virt_t page, phys_t to, prot_t prot);

static void pt_fill(phys_t frame, const pte_t *entries)
{
    op_replace(virt(LAYOUT_SCRATCH), frame, prot_rw());
    memcpy(ptr_of(virt(LAYOUT_SCRATCH)), entries, PAGE_SIZE);
}

#include "mm/paging_walker.inc"

const struct paging_ops paging_recursive = {
    .name = "recursive",
    .map = op_map,
    .unmap = op_unmap,
    .protect = op_protect,
    .replace = op_replace,
    .walk = op_walk,
    .visit = op_visit,
};

/* The level-4 table reaches itself through the old slot while the new one is written. */
void recursive_move_window(unsigned slot)
{
    volatile pte_t *top = pt_table(4, virt(0), (pte_t){0});
    pte_t self = {(top[window_slot].v & PTE_ADDRESS) | PTE_P | PTE_W | (paging_nx ? PTE_NX : 0)};
    unsigned old = window_slot;
    top[slot].v = self.v;
    window_slot = slot;
    if (old != slot)
        pt_store(pt_table(4, virt(0), self), old, (pte_t){0});
    pt_flush_all();
}

void recursive_add_program_window(unsigned slot)
{
    volatile pte_t *top = pt_table(4, virt(0), (pte_t){0});
    top[slot].v = (top[window_slot].v & PTE_ADDRESS) | PTE_P | (paging_nx ? PTE_NX : 0);
    program_slot = slot;
    paging_program_window = recursive_base(slot);
}

void recursive_forget_low_half(void)
{
    volatile pte_t *top = pt_table(4, virt(0), (pte_t){0});
    for (unsigned i = 0; i < PT_ENTRIES / 2; i++)
        top[i].v = 0;
    pt_flush_all();
}
