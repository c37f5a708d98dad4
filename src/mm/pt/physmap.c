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
 * Cost: a table is one addition away, and its address lies in a large page that is most likely in
 * the TLB; the map does not change when tables are added or removed. It takes a table for each
 * range of RAM that does not fill its gigabyte or, without pages of 1 GiB, one for each gigabyte.
 *
 * It gives no protection. A stray pointer of the kernel, or of a program in the same ring, can
 * write any frame through it, including page tables and pages that are read-only elsewhere; of the
 * kernel image only the writable part. Memory that another mapping makes uncached must not be RAM,
 * or it has two memory types (SDM 3A 11.12.4): the kernel maps only devices uncached, and no device
 * is mapped here. RAM above 4 TiB does not fit.
 */
#include "mm/layout.h"
#include "mm/phys/free_map.h"
#include "mm/pt/backend.h"
#include "mm/pt/table_frames.h"
#include "mm/pt/walker.h"

static pt_table_t physmap_unlinked(phys_t frame)
{
    return ptr_of(virt(LAYOUT_PHYSICAL_START + frame.v));
}

static pt_table_t physmap_table(const struct address_space *space, int level, virt_t v,
                                pte_t parent)
{
    (void)v;
    return physmap_unlinked(level == PT_LEVELS ? space->root : phys(parent.v & PTE_ADDRESS));
}

INIT_DATA static struct free_map ram;

INIT_CODE static enum err physmap_seal(struct phys_range range)
{
    return paging_protect(&kernel_space,
                          virt_range(LAYOUT_PHYSICAL_START + align_down(range.start.v, PAGE_SIZE),
                                     LAYOUT_PHYSICAL_START + align_up(range.end.v, PAGE_SIZE)),
                          prot_ro());
}

INIT_CODE static enum err physmap_start(struct pt_setup *setup)
{
    free_map_build(setup->boot, NULL, 0, &ram);
    if (ram.ram_end > LAYOUT_PHYSICAL_END - LAYOUT_PHYSICAL_START) {
        setup->complaint =
            "pagetables=physmap has room for 4 TiB of RAM, and this machine has more";
        return E_RANGE;
    }
    for (size_t i = 0; i < ram.count; i++) {
        struct phys_range r = ram.free[i];
        enum err e = paging_map(&kernel_space, virt(LAYOUT_PHYSICAL_START + r.start.v), r.start,
                                phys_range_size(r), prot_rw());
        if (e != E_OK)
            return e;
    }
    enum err e = physmap_seal(setup->sealed);
    for (size_t i = 0; e == E_OK && i < setup->boot->module_count; i++)
        e = physmap_seal(setup->boot->modules[i]);
    return e;
}

static void physmap_image_freed(struct phys_range range)
{
    must(paging_protect(
        &kernel_space,
        virt_range(LAYOUT_PHYSICAL_START + range.start.v, LAYOUT_PHYSICAL_START + range.end.v),
        prot_rw()));
}

static const struct pt_access physmap_access = {
    .table = physmap_table,
    .relinked = pt_flush_program_window,
    .alloc = memory_table_alloc,
    .free = memory_table_free,
    .unlinked = physmap_unlinked,
    .start = physmap_start,
    .reach = {{LAYOUT_PHYSICAL_START}, {LAYOUT_PHYSICAL_END}},
    .image_freed = physmap_image_freed,
};

PT_BACK_END(physmap);
