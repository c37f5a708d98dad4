/* SPDX-License-Identifier: MIT */
/*
 * The areas of a space (struct address_space), for the files that work on them: mm/vm/areas*.c.
 *
 * A sorted array, by value: lookups are a binary search over neighbouring memory, and a program
 * with a thousand threads moves a few ten kilobytes when it maps another stack.
 */
#pragma once

#include "mm/vm/areas.h"

/* Index of the first area that ends above v, searched for. */
size_t areas_search(struct address_space *space, virt_t v);

/* The same, first where the last search ended. */
static inline size_t areas_index_above(struct address_space *space, virt_t v)
{
    size_t i = space->area_last;
    if (i < space->area_count && space->area[i].range.end.v > v.v &&
        (i == 0 || space->area[i - 1].range.end.v <= v.v))
        return i;
    return areas_search(space, v);
}

static inline void areas_add_bytes(struct address_space *space, uint64_t more)
{
    space->bytes += more;
    if (space->bytes > space->peak)
        space->peak = space->bytes;
}

static inline void area_source_get(const struct area *a)
{
    if (a->source != NULL)
        a->source->ops->get(a->source);
}

static inline void area_source_put(const struct area *a)
{
    if (a->source != NULL)
        a->source->ops->put(a->source);
}

/* Room for `more` areas; E_NOMEM. */
MUST_CHECK enum err areas_reserve(struct address_space *space, size_t more);
/* Joins area i and the one before it if they can be. */
void areas_merge_below(struct address_space *space, size_t i);

/* Makes v a boundary between leaves; the block of frames behind a large one becomes single frames.
 * E_NOMEM. */
MUST_CHECK enum err areas_cut_large(struct address_space *space, virt_t v);

/* The same, where v may lie inside a page of 2 MiB of the area. */
MUST_CHECK static inline enum err areas_cut_leaf(struct address_space *space, const struct area *a,
                                                 virt_t v)
{
    uint64_t base = align_down(v.v, LARGE_SIZE);
    bool may = base != v.v && a->kind == AREA_ANONYMOUS && base >= a->range.start.v &&
               a->range.end.v - base >= LARGE_SIZE;
    return may ? areas_cut_large(space, v) : E_OK;
}

/* A pt_release: drops the reference that a leaf stands for. */
void areas_release_frame(void *context, phys_t frame, uint64_t size);
