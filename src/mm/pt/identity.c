/* SPDX-License-Identifier: MIT */
/*
 * A pool of frames is mapped where virtual equals physical, and tables come from it: the frame
 * address in an entry is the address of the table.
 *
 *   physical   |      ..                |##pool##| .. end of RAM
 *                                            |
 *   virtual    | program |  ..  program |##pool##|        ..  program  ..         | not canonical
 *              0        4 MiB                                             0x7fff...
 *
 * Cost: no computation on the way to a table. But physical addresses are low, so the pool lies in
 * the program's half: a guard area keeps its range closed (mm/vm/areas.h), and a program whose
 * image was linked there cannot run. The pool is taken from the end of RAM, above the usual
 * addresses of images. Its size is fixed at boot (pagetables.pool=FRAMES): its frames serve no
 * other purpose, and when it is exhausted a mapping fails with E_NOMEM though RAM may be free.
 *
 * It cannot protect the tables. They are ordinary memory in the program's half and ring, which a
 * stray store of the program can overwrite.
 */
#define LOG_TAG "mm"
#include "base/log.h"
#include "mm/pt/backend.h"
#include "mm/pt/walker.h"

static pt_table_t identity_unlinked(phys_t frame)
{
    return ptr_of(virt(frame.v));
}

static pt_table_t identity_table(const struct address_space *space, int level, virt_t v,
                                 pte_t parent)
{
    (void)v;
    return identity_unlinked(level == PT_LEVELS ? space->root : phys(parent.v & PTE_ADDRESS));
}

static struct phys_range fresh; /* frames of the pool that were never allocated */
static phys_t free_frame;       /* list of freed frames, linked through their first words */
static uint64_t idle_frames, pool_frames;
static bool warned;

static bool identity_alloc(phys_t *out)
{
    if (idle_frames == 0) {
        if (!warned)
            log_warn(
                "pagetables=identity: all %llu frames of the pool are page tables: raise pagetables.pool=",
                (unsigned long long)pool_frames);
        warned = true;
        return false;
    }
    idle_frames--;
    if (free_frame.v != 0) {
        *out = free_frame;
        free_frame = phys(pt_load(identity_unlinked(free_frame), 0).v);
    } else {
        *out = fresh.start;
        fresh.start.v += PAGE_SIZE;
    }
    return true;
}

static void identity_free(phys_t frame)
{
    pt_store(identity_unlinked(frame), 0, (pte_t){free_frame.v});
    free_frame = frame;
    idle_frames++;
}

static uint64_t identity_idle(void)
{
    return idle_frames;
}

INIT_CODE static enum err identity_start(struct pt_setup *setup)
{
    fresh = setup->pool;
    free_frame = phys(0);
    warned = false;
    idle_frames = pool_frames = phys_range_size(fresh) >> PAGE_SHIFT;
    enum err e = paging_map(&kernel_space, virt(fresh.start.v), fresh.start, phys_range_size(fresh),
                            prot_rw());
    if (e != E_OK)
        return e;
    paging_reserved_range = virt_range(fresh.start.v, fresh.end.v);
    if (pt_count_tables() > pool_frames) {
        setup->complaint = "pagetables.pool= is too small for the kernel's own page tables";
        return E_RANGE;
    }
    return E_OK;
}

static const struct pt_access identity_access = {
    .table = identity_table,
    .relinked = pt_flush_program_window,
    .alloc = identity_alloc,
    .free = identity_free,
    .unlinked = identity_unlinked,
    .start = identity_start,
    .own_frames = true,
    .idle = identity_idle,
};

PT_BACK_END(identity);
