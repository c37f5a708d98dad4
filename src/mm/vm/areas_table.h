/* SPDX-License-Identifier: MIT */
/*
 * The table of a space's areas (struct address_space), for mm/vm/areas*.c.
 *
 * A sorted array of structures: a lookup is a binary search in contiguous memory, and adding an
 * area moves those above it, a few ten kilobytes for a program with a thousand threads.
 */
#pragma once

#include "mm/vm/areas.h"

/* Index of the first area that ends above v. O(log areas). */
size_t areas_search(struct address_space *space, virt_t v);

/* As areas_search(); tries the last result first. */
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

/* Reserves room for `more` areas. E_NOMEM. */
MUST_CHECK enum err areas_reserve(struct address_space *space, size_t more);
/* Merges area i with the one below it if possible. */
void areas_merge_below(struct address_space *space, size_t i);

/* Makes v a boundary between leaves; the block of frames behind a large leaf is split into single
 * frames. E_NOMEM. */
MUST_CHECK enum err areas_cut_large(struct address_space *space, virt_t v);

/* As areas_cut_large(), but a no-op unless v may lie inside a 2 MiB page of the area. */
MUST_CHECK static inline enum err areas_cut_leaf(struct address_space *space, const struct area *a,
                                                 virt_t v)
{
    uint64_t base = align_down(v.v, LARGE_SIZE);
    bool may = base != v.v && a->kind == AREA_ANONYMOUS && base >= a->range.start.v &&
               a->range.end.v - base >= LARGE_SIZE;
    return may ? areas_cut_large(space, v) : E_OK;
}

/* A pt_release: drops the leaf's reference. */
void areas_release_frame(void *context, phys_t frame, uint64_t size);
