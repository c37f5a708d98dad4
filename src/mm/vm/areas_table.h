/* SPDX-License-Identifier: MIT */
/*
 * The areas of a space (struct address_space), for the files that work on them: mm/vm/areas*.c.
 *
 * A balanced tree by address (base/gap_tree.h). The gap of a node is what may be mapped between the
 * area below and this one: the stack gap of a growing area does not count. It is set where an area
 * starts or the one below it ends: areas_gap_changed().
 *
 * A pointer to an area is valid until that area goes: by a merge, too.
 */
#pragma once

#include "mm/vm/areas.h"

struct area_node {
    struct gap_node link;
    struct area area;
};

static inline struct area *area_of(struct gap_node *link)
{
    return link != NULL ? &CONTAINER_OF(link, struct area_node, link)->area : NULL;
}

static inline struct gap_node *area_link(const struct area *a)
{
    return &CONTAINER_OF(a, struct area_node, area)->link;
}

static inline struct area *areas_first(const struct address_space *space)
{
    return area_of(space->areas.first);
}

/* The neighbours, or NULL. */
static inline struct area *area_above(const struct area *a)
{
    return area_of(area_link(a)->next);
}

static inline struct area *area_below(const struct area *a)
{
    return area_of(area_link(a)->previous);
}

/* The area below `above`; the highest of all if that is NULL. */
static inline struct area *areas_below(const struct address_space *space, const struct area *above)
{
    return area_of(above != NULL ? area_link(above)->previous : space->areas.last);
}

/* The first area that ends above v, or NULL, searched for. O(log areas). */
struct area *areas_search(struct address_space *space, virt_t v);

/* The same, first where the last search ended. */
static inline struct area *areas_first_above(struct address_space *space, virt_t v)
{
    struct area *a = space->area_last;
    if (a != NULL && a->range.end.v > v.v) {
        struct area *below = area_below(a);
        if (below == NULL || below->range.end.v <= v.v)
            return a;
    }
    return areas_search(space, v);
}

/* What lies below the area must end here. */
static inline uint64_t area_start_with_gap(const struct area *a)
{
    uint64_t start = a->range.start.v;
    if (!(a->flags & AREA_GROWS_DOWN))
        return start;
    return start > AREA_STACK_GAP ? start - AREA_STACK_GAP : 0;
}

/* After the start of the area (NULL: none) or the end of the one below it has changed. O(log
 * areas), O(1) if the gap is as it was. */
void areas_gap_changed(struct area *a);

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

/* Nodes for `more` areas; E_NOMEM. */
MUST_CHECK enum err areas_reserve(struct address_space *space, size_t more);
/* Joins the area and the one below it if they can be. */
void areas_merge_below(struct address_space *space, struct area *a);

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
