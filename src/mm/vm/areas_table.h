/* SPDX-License-Identifier: MIT */
/*
 * The table of areas, for the files that work on it (mm/areas*.c) and nobody else.
 *
 * A sorted array, by value: lookups are a binary search over neighbouring memory, and a program
 * with a thousand threads moves a few ten kilobytes when it maps another stack.
 */
#pragma once

#include "mm/vm/areas.h"

struct areas_table {
    struct area *area;
    size_t count, capacity;
    size_t last;          /* what areas_search() last said, checked before it is used again */
    uint64_t bytes, peak; /* sum of all sizes, now and at most */
    bool lazyfree;        /* there may be pages that the shrinker finds */
    virt_t mmap_base;
};

extern struct areas_table areas;

size_t areas_search(virt_t v);

/* Index of the first area that ends above v. */
static inline size_t areas_index_above(virt_t v)
{
    size_t i = areas.last;
    if (i < areas.count && areas.area[i].range.end.v > v.v &&
        (i == 0 || areas.area[i - 1].range.end.v <= v.v))
        return i;
    return areas_search(v);
}

static inline void areas_add_bytes(uint64_t more)
{
    areas.bytes += more;
    if (areas.bytes > areas.peak)
        areas.peak = areas.bytes;
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
MUST_CHECK enum err areas_reserve(size_t more);
/* Joins area i and the one before it if they can be. */
void areas_merge_below(size_t i);

/* Makes v a boundary between leaves; the block of frames behind a large one becomes single frames.
 * E_NOMEM. */
MUST_CHECK enum err areas_cut_large(virt_t v);

/* The same, where v may lie inside a page of 2 MiB of the area. */
MUST_CHECK static inline enum err areas_cut_leaf(const struct area *a, virt_t v)
{
    uint64_t base = align_down(v.v, LARGE_SIZE);
    bool may = base != v.v && a->kind == AREA_ANONYMOUS && base >= a->range.start.v &&
               a->range.end.v - base >= LARGE_SIZE;
    return may ? areas_cut_large(v) : E_OK;
}

/* A pt_release: drops the reference that a leaf stands for. */
void areas_release_frame(void *context, phys_t frame, uint64_t size);
