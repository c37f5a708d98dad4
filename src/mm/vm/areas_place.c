/* SPDX-License-Identifier: MIT */
/* Placement of areas: holes for new ones, growth of stacks. */
#include "mm/layout.h"
#include "mm/vm/areas_table.h"

/* A hole may be large enough for the size and not for the alignment. After so many holes the search
 * goes on with those that are large enough for both wherever they start. */
#define HOLES_TRIED 32

void areas_set_mmap_base(struct address_space *space, virt_t base)
{
    space->mmap_base = base;
}

/* The highest place for `size` bytes in [start, end); false if there is none. */
static bool fit_below(uint64_t start, uint64_t end, uint64_t size, uint64_t alignment,
                      struct virt_range *out)
{
    if (end < size)
        return false;
    uint64_t at = align_down(end - size, alignment);
    if (at < start || at < LAYOUT_PROGRAM_START)
        return false;
    *out = virt_range(at, at + size);
    return true;
}

enum err areas_find_hole(struct address_space *space, uint64_t size, uint64_t alignment,
                         virt_t hint, struct virt_range *out)
{
    if (size == 0 || size > LAYOUT_PROGRAM_END)
        return E_NOMEM;
    if (hint.v >= LAYOUT_PROGRAM_START && hint.v <= LAYOUT_PROGRAM_END - size) {
        const struct area *above = areas_first_above(space, hint);
        if (above == NULL || area_start_with_gap(above) >= hint.v + size) {
            *out = virt_range(hint.v, hint.v + size);
            return E_OK;
        }
    }
    return areas_find_hole_below(space, size, alignment, space->mmap_base, out);
}

enum err areas_find_hole_below(struct address_space *space, uint64_t size, uint64_t alignment,
                               virt_t limit, struct virt_range *out)
{
    struct area *above = areas_first_above(space, limit);
    uint64_t end = limit.v, least = size;
    if (above != NULL && area_start_with_gap(above) < end)
        end = area_start_with_gap(above);
    for (unsigned tried = 1;; tried++) {
        const struct area *below = areas_below(space, above);
        uint64_t start = below != NULL ? below->range.end.v : LAYOUT_PROGRAM_START;
        if (start <= end && fit_below(start, end, size, alignment, out)) {
            space->area_last = above; /* areas_add() searches there next */
            return E_OK;
        }
        if (tried == HOLES_TRIED)
            least = size + alignment - PAGE_SIZE; /* enough wherever the hole starts */
        above =
            area_of(gap_tree_before(&space->areas, above != NULL ? area_link(above) : NULL, least));
        if (above == NULL)
            return E_NOMEM;
        end = area_start_with_gap(above);
    }
}

/* True if the area may grow down to `start`. */
static bool may_grow_to(const struct area *a, uint64_t start)
{
    struct areas_policy policy = areas_policy();
    uint64_t more = a->range.start.v - start;
    if (start < LAYOUT_PROGRAM_START || a->range.end.v - start > policy.stack ||
        (policy.all != UINT64_MAX && a->owner->bytes + more > policy.all))
        return false;
    const struct area *below = area_below(a);
    if (below == NULL)
        return true;
    if (start < below->range.end.v)
        return false;
    return below->flags & AREA_GROWS_DOWN || below->prot.bits == 0 ||
           start - below->range.end.v >= AREA_STACK_GAP;
}

COLD enum err areas_grow_down(struct address_space *space, virt_t v)
{
    struct area *a = areas_first_above(space, v);
    if (a == NULL || !(a->flags & AREA_GROWS_DOWN) || a->range.start.v <= v.v)
        return E_FAULT;
    uint64_t start = align_down(v.v, PAGE_SIZE);
    if (!may_grow_to(a, start))
        return E_NOMEM;
    areas_add_bytes(space, a, a->range.start.v - start);
    a->range.start.v = start;
    areas_gap_changed(a);
    areas_merge_below(space, a);
    return E_OK;
}

COLD bool areas_gap_at(struct address_space *space, virt_t v, struct area *out)
{
    const struct area *a = areas_first_above(space, v);
    if (a == NULL || !(a->flags & AREA_GROWS_DOWN) || a->range.start.v <= v.v)
        return false;
    const struct area *below = area_below(a);
    uint64_t size = virt_range_size(a->range);
    uint64_t limit = areas_policy().stack, room = size < limit ? limit - size : 0;
    uint64_t end = room < a->range.start.v ? a->range.start.v - align_down(room, PAGE_SIZE) : 0;
    uint64_t lowest = below != NULL ? below->range.end.v : LAYOUT_PROGRAM_START;
    /* A neighbour stops it before the limit does. */
    if (end < lowest + AREA_STACK_GAP)
        end =
            lowest + AREA_STACK_GAP < a->range.start.v ? lowest + AREA_STACK_GAP : a->range.start.v;
    if (v.v >= end)
        return false;
    uint64_t start = end - lowest > AREA_STACK_GAP ? end - AREA_STACK_GAP : lowest;
    *out = (struct area){
        .range = virt_range(start, end),
        .kind = AREA_GUARD,
        .flags = a->flags & AREA_STACK,
        .file_end = UINT64_MAX,
    };
    return v.v >= start;
}
