/* SPDX-License-Identifier: MIT */
/*
 * All RAM is mapped once, at a base: the table behind an entry is at base + its physical address.
 *
 *      physical                     virtual
 *   0 +---------+                  +---------+ LAYOUT_PHYSICAL_START
 *     | RAM     |  ------------->  | rw, NX  |     pages of 1 GiB where the CPU has them, else 2 MiB,
 *     | (image) |  ------------->  | r-, NX  |     4 KiB at ragged ends
 *     | RAM     |  ------------->  | rw, NX  |
 *     +---------+                  +---------+
 *     | devices |                    (hole)
 *     +---------+
 *     | RAM     |  ------------->  +---------+     ... + table's physical address
 *
 * Cost: a table is one addition away, and its address lies in a large page that the TLB most likely
 * holds; nothing of this map changes when tables come and go. It takes a table for each range of RAM
 * that does not fill its gigabyte, or, without pages of 1 GiB, one for each gigabyte.
 *
 * What it cannot do: keep a secret. A stray pointer of the kernel, or of a program in the same ring,
 * writes any frame through it, page tables and other mappings' read-only pages included; of the
 * kernel image only what is writable anyway. Memory that another mapping makes uncached must not be
 * RAM, or the same bytes have two memory types (SDM 3A 11.12.4): ours is devices alone, and no
 * device is mapped here. RAM above 4 TiB does not fit.
 */
#include "mm/layout.h"
#include "mm/phys/free_map.h"
#include "mm/pt/backend.h"
#include "mm/pt/table_frames.h"

static pt_table_t unlinked(phys_t frame)
{
    return ptr_of(virt(LAYOUT_PHYSICAL_START + frame.v));
}

static pt_table_t pt_table(int level, virt_t v, pte_t parent)
{
    (void)v;
    return unlinked(level == PT_LEVELS ? pt_root_table : phys(parent.v & PTE_ADDRESS));
}

static void pt_put(pt_table_t table)
{
    (void)table;
}

static void pt_relinked(int level, virt_t v)
{
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

INIT_DATA static struct free_map ram;

INIT_CODE static enum err seal(struct phys_range range)
{
    return paging_protect(virt_range(LAYOUT_PHYSICAL_START + align_down(range.start.v, PAGE_SIZE),
                                     LAYOUT_PHYSICAL_START + align_up(range.end.v, PAGE_SIZE)),
                          prot_ro());
}

INIT_CODE static enum err start(struct pt_setup *setup)
{
    free_map_build(setup->boot, NULL, 0, &ram);
    if (ram.ram_end > LAYOUT_PHYSICAL_END - LAYOUT_PHYSICAL_START) {
        setup->complaint =
            "pagetables=physmap has room for 4 TiB of RAM, and this machine has more";
        return E_RANGE;
    }
    for (size_t i = 0; i < ram.count; i++) {
        struct phys_range r = ram.free[i];
        enum err e = paging_map(virt(LAYOUT_PHYSICAL_START + r.start.v), r.start,
                                phys_range_size(r), prot_rw());
        if (e != E_OK)
            return e;
    }
    enum err e = seal(setup->sealed);
    for (size_t i = 0; e == E_OK && i < setup->boot->module_count; i++)
        e = seal(setup->boot->modules[i]);
    return e;
}

static void image_freed(struct phys_range range)
{
    must(paging_protect(
        virt_range(LAYOUT_PHYSICAL_START + range.start.v, LAYOUT_PHYSICAL_START + range.end.v),
        prot_rw()));
}

static const struct pt_access access = {
    .table = pt_table,
    .relinked = pt_relinked,
    .alloc = pt_alloc,
    .free = pt_free,
    .unlinked = unlinked,
    .start = start,
    .reach = {{LAYOUT_PHYSICAL_START}, {LAYOUT_PHYSICAL_END}},
    .image_freed = image_freed,
};

const struct paging_ops paging_physmap = {
    .name = "physmap",
    .map = op_map,
    .unmap = op_unmap,
    .protect = op_protect,
    .replace = op_replace,
    .walk = op_walk,
    .trim = op_trim,
    .access = &access,
};
