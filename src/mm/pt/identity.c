/* SPDX-License-Identifier: MIT */
/*
 * A pool of frames is mapped where virtual equals physical, and tables come from it: the number in
 * an entry is the address of the table.
 *
 *   physical   |      ..                |##pool##| .. end of RAM
 *                                            |
 *   virtual    | program |  ..  program |##pool##|        ..  program  ..         | not canonical
 *              0        4 MiB                                             0x7fff...
 *
 * Cost: nothing at all on the way to a table. But physical addresses are small, so the pool lies in
 * the program's half: the area allocator keeps its range closed (mm/vm/areas.h), and a program whose
 * image was linked there cannot run. It is cut off the end of RAM, above where images are linked.
 * The pool's size is chosen at boot (pagetables.pool=FRAMES): what it holds serves nothing else, and
 * when it is used up a mapping fails with E_NOMEM while RAM may still be free.
 *
 * What it cannot do: protect the tables. They are ordinary memory of the program's half, in the same
 * ring, and a stray store of the program writes them.
 */
#define LOG_TAG "mm"
#include "base/log.h"
#include "mm/pt/backend.h"

static pt_table_t unlinked(phys_t frame)
{
    return ptr_of(virt(frame.v));
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

static struct phys_range fresh; /* frames of the pool that were never handed out */
static phys_t free_frame;       /* the first one that came back; its first word names the next */
static uint64_t idle_frames, pool_frames;
static bool told;

static bool pt_alloc(phys_t *out)
{
    if (idle_frames == 0) {
        if (!told)
            log_warn(
                "pagetables=identity: all %llu frames of the pool are page tables: raise pagetables.pool=",
                (unsigned long long)pool_frames);
        told = true;
        return false;
    }
    idle_frames--;
    if (free_frame.v != 0) {
        *out = free_frame;
        free_frame = phys(pt_load(unlinked(free_frame), 0).v);
    } else {
        *out = fresh.start;
        fresh.start.v += PAGE_SIZE;
    }
    return true;
}

static void pt_free(phys_t frame)
{
    pt_store(unlinked(frame), 0, (pte_t){free_frame.v});
    free_frame = frame;
    idle_frames++;
}

#include "mm/pt/walker.inc"

static uint64_t idle(void)
{
    return idle_frames;
}

INIT_CODE static enum err start(struct pt_setup *setup)
{
    fresh = setup->pool;
    free_frame = phys(0);
    told = false;
    idle_frames = pool_frames = phys_range_size(fresh) >> PAGE_SHIFT;
    enum err e = paging_map(virt(fresh.start.v), fresh.start, phys_range_size(fresh), prot_rw());
    if (e != E_OK)
        return e;
    paging_reserved_range = virt_range(fresh.start.v, fresh.end.v);
    if (pt_count_tables() > pool_frames) {
        setup->complaint = "pagetables.pool= is too small for the kernel's own page tables";
        return E_RANGE;
    }
    return E_OK;
}

static const struct pt_access access = {
    .table = pt_table,
    .relinked = pt_relinked,
    .alloc = pt_alloc,
    .free = pt_free,
    .unlinked = unlinked,
    .start = start,
    .own_frames = true,
    .idle = idle,
};

const struct paging_ops paging_identity = {
    .name = "identity",
    .map = op_map,
    .unmap = op_unmap,
    .protect = op_protect,
    .replace = op_replace,
    .walk = op_walk,
    .trim = op_trim,
    .access = &access,
};
