/* SPDX-License-Identifier: MIT */
/* Placement of areas: holes for new ones, growth of stacks. */
#include "mm/layout.h"
#include "mm/vm/areas_table.h"

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

/* Start of the area including its gap: the limit of areas below it. */
static uint64_t start_with_gap(const struct area *a)
{
    uint64_t start = a->range.start.v;
    if (!(a->flags & AREA_GROWS_DOWN))
        return start;
    return start > AREA_STACK_GAP ? start - AREA_STACK_GAP : 0;
}

enum err areas_find_hole(struct address_space *space, uint64_t size, uint64_t alignment,
                         virt_t hint, struct virt_range *out)
{
    if (size == 0 || size > LAYOUT_PROGRAM_END)
        return E_NOMEM;
    if (hint.v >= LAYOUT_PROGRAM_START && hint.v <= LAYOUT_PROGRAM_END - size) {
        size_t i = areas_index_above(space, hint);
        if (i == space->area_count || start_with_gap(&space->area[i]) >= hint.v + size) {
            *out = virt_range(hint.v, hint.v + size);
            return E_OK;
        }
    }
    return areas_find_hole_below(space, size, alignment, space->mmap_base, out);
}

enum err areas_find_hole_below(struct address_space *space, uint64_t size, uint64_t alignment,
                               virt_t limit, struct virt_range *out)
{
    uint64_t end = limit.v;
    size_t i = areas_index_above(space, limit);
    if (i < space->area_count && start_with_gap(&space->area[i]) < end)
        end = start_with_gap(&space->area[i]);
    while (i-- > 0) {
        const struct area *a = &space->area[i];
        uint64_t below = a->range.end.v;
        if (below <= end && fit_below(below, end, size, alignment, out)) {
            space->area_last = i + 1; /* areas_add() searches there next */
            return E_OK;
        }
        if (start_with_gap(a) < end)
            end = start_with_gap(a);
    }
    return fit_below(LAYOUT_PROGRAM_START, end, size, alignment, out) ? E_OK : E_NOMEM;
}

/* True if area i may grow down to `start`. */
static bool may_grow_to(const struct address_space *space, size_t i, uint64_t start)
{
    const struct area *a = &space->area[i];
    struct areas_policy policy = areas_policy();
    uint64_t more = a->range.start.v - start;
    if (start < LAYOUT_PROGRAM_START || a->range.end.v - start > policy.stack ||
        (policy.all != UINT64_MAX && areas_bytes_of(space, a->owner) + more > policy.all))
        return false;
    if (i == 0)
        return true;
    const struct area *below = &space->area[i - 1];
    if (start < below->range.end.v)
        return false;
    return below->flags & AREA_GROWS_DOWN || below->prot.bits == 0 ||
           start - below->range.end.v >= AREA_STACK_GAP;
}

enum err areas_grow_down(struct address_space *space, virt_t v)
{
    size_t i = areas_index_above(space, v);
    if (i == space->area_count || !(space->area[i].flags & AREA_GROWS_DOWN) ||
        space->area[i].range.start.v <= v.v)
        return E_FAULT;
    uint64_t start = align_down(v.v, PAGE_SIZE);
    if (!may_grow_to(space, i, start))
        return E_NOMEM;
    areas_add_bytes(space, space->area[i].range.start.v - start);
    space->area[i].range.start.v = start;
    areas_merge_below(space, i);
    return E_OK;
}

bool areas_gap_at(struct address_space *space, virt_t v, struct area *out)
{
    size_t i = areas_index_above(space, v);
    if (i == space->area_count || !(space->area[i].flags & AREA_GROWS_DOWN) ||
        space->area[i].range.start.v <= v.v)
        return false;
    const struct area *a = &space->area[i];
    uint64_t size = virt_range_size(a->range);
    uint64_t limit = areas_policy().stack, room = size < limit ? limit - size : 0;
    uint64_t end = room < a->range.start.v ? a->range.start.v - align_down(room, PAGE_SIZE) : 0;
    uint64_t lowest = i > 0 ? space->area[i - 1].range.end.v : LAYOUT_PROGRAM_START;
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
