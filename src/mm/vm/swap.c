/* SPDX-License-Identifier: MIT */
#include "mm/vm/swap.h"

#include "base/str.h"
#include "mm/phys/frames.h"
#include "mm/pt/table_frames.h"
#include "mm/vm/areas_table.h"
#include "mm/vm/slots.h"

#define COPY_PIECE 256 /* bytes on the stack */

COLD pte_t swap_entry(const struct address_space *space, virt_t page)
{
    struct pt_walk walk;
    paging_walk(space, page, &walk);
    bool swapped = walk.last_level == 1 && pt_swapped(walk.entry[1]);
    return swapped ? walk.entry[1] : (pte_t){0};
}

/* Copies a frame; there is one scratch page for both. */
COLD static void copy_frame(phys_t to, phys_t from)
{
    char piece[COPY_PIECE];
    for (unsigned at = 0; at < PAGE_SIZE; at += COPY_PIECE) {
        memcpy(piece, (char *)memory_scratch(from) + at, COPY_PIECE);
        memcpy((char *)memory_scratch(to) + at, piece, COPY_PIECE);
    }
}

/* The frame for one of several entries of a slot that the device does not have. */
COLD static enum err swap_copy(uint32_t slot, phys_t *out)
{
    enum err e = frames_alloc(&machine_frames, 0, out);
    if (e != E_OK)
        return e;
    copy_frame(*out, slots_frame(&swap_slots, slot));
    slots_put(&swap_slots, slot);
    return E_OK;
}

COLD enum err swap_in(struct address_space *space, const struct area *a, virt_t page, pte_t entry,
                      bool write)
{
    uint32_t slot = pt_swapped_slot(entry);
    phys_t frame;
    bool kept = false;
    if (slots_is_same(&swap_slots, slot)) {
        frame = slots_frame(&swap_slots, slot);
        frames_get(&machine_frames, frame);
        slots_put(&swap_slots, slot);
    } else if (!slots_is_cached(&swap_slots, slot)) {
        return E_AGAIN;
    } else if (slots_is_lost(&swap_slots, slot) && swap_slots.slot[slot].references > 1) {
        enum err e = swap_copy(slot, &frame);
        if (e != E_OK)
            return e;
    } else {
        kept = slots_take(&swap_slots, slot, !write, &frame);
    }
    prot_t prot = frames_references(&machine_frames, frame) > 1 ? prot_forked(a->prot) : a->prot;
    paging_exchange(space, page, entry, paging_leaf_of_swapped(entry, frame, prot, kept));
    areas_count_swapped(a, -UINT64_C(1));
    return E_OK;
}

/* Finds the first swapped entry. */
COLD static void find_swapped(void *context, virt_t at, int level, pte_t e)
{
    virt_t *found = context;
    (void)level;
    if (found->v == 0 && pt_swapped(e))
        *found = at;
}

COLD bool swap_next(struct address_space **space, virt_t *at)
{
    struct address_space *before = running_space;
    virt_t found = virt(0);
    if (*space == NULL || !areas_space_exists(*space)) {
        *space = areas_space_after(NULL);
        *at = virt(0);
    }
    const struct area *a = areas_first_above(*space, *at);
    for (unsigned i = 0; a != NULL && a->owner->swapped == 0 && i < AREAS_PIECE_AREAS; i++)
        a = area_above(a);
    if (a == NULL) {
        *space = areas_space_after(*space);
        *at = virt(0);
        return false;
    }
    if (at->v < a->range.start.v)
        *at = a->range.start;
    paging_run(*space);
    struct virt_range piece = areas_piece_of(*space, (struct virt_range){*at, a->range.end}, 4);
    paging_visit_kept(*space, piece, find_swapped, &found);
    paging_run(before);
    *at = found.v != 0 ? found : piece.end;
    return found.v != 0;
}

COLD enum err swap_bring_back(struct address_space *space, virt_t page)
{
    struct address_space *before = running_space;
    if (!areas_space_exists(space))
        return E_OK;
    const struct area *a = areas_find(space, page);
    paging_run(space);
    pte_t entry = swap_entry(space, page);
    enum err e = a != NULL && entry.v != 0 ? swap_in(space, a, page, entry, true) : E_OK;
    paging_run(before);
    return e;
}
