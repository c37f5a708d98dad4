/* SPDX-License-Identifier: MIT */
/*
 * The table of a space's areas (struct address_space), for mm/vm/ only.
 *
 * A balanced tree by address (base/gap_tree.h). The gap of a node is the room for mappings between
 * the area below it and its own, without the stack gap of a growing area. It changes with the start
 * of an area and with the end of the one below: areas_gap_changed().
 *
 * A pointer to an area is valid until the area is removed, by a merge too.
 */
#pragma once

#include "mm/pt/paging.h"
#include "mm/pt/table_frames.h"
#include "mm/vm/areas.h"

struct area_node {
    struct gap_node link;
    struct area area;
    struct list mapping; /* in the ring of area.source, if it has one */
    struct address_space *space;
    uint32_t cut; /* areas_truncate() */
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

/* The neighbour, or NULL. */
static inline struct area *area_above(const struct area *a)
{
    return area_of(area_link(a)->next);
}

static inline struct area *area_below(const struct area *a)
{
    return area_of(area_link(a)->previous);
}

/* The area below `above`; the highest of all if `above` is NULL. */
static inline struct area *areas_below(const struct address_space *space, const struct area *above)
{
    return area_of(above != NULL ? area_link(above)->previous : space->areas.last);
}

/* The space after one with areas (NULL: the first), or NULL. O(1). */
struct address_space *areas_space_after(const struct address_space *space);

/* First area that ends above v, or NULL. O(log areas). */
struct area *areas_search(struct address_space *space, virt_t v);

/* As areas_search(); tries the last result first. */
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

/* Start of the area including its gap: the limit of areas below it. */
static inline uint64_t area_start_with_gap(const struct area *a)
{
    uint64_t start = a->range.start.v;
    if (!(a->flags & AREA_GROWS_DOWN))
        return start;
    return start > AREA_STACK_GAP ? start - AREA_STACK_GAP : 0;
}

/* To be called when the start of the area (NULL: nothing is done) or the end of the one below it has
 * changed. O(log areas), O(1) if the gap is as before. */
void areas_gap_changed(struct area *a);

/* The owner's counter of sizes like the area's. */
static inline uint64_t *area_size_counter(const struct area *a)
{
    return &a->owner->sizes[(a->flags & AREA_SIZE_FLAGS) | (a->prot.bits & AREA_SIZE_PROT)];
}

/* To be called when the area has got larger, or one like it was added. */
static inline void areas_add_bytes(struct address_space *space, const struct area *a, uint64_t more)
{
    struct area_owner *owner = a->owner;
    space->bytes += more;
    if (unlikely(a->kind == AREA_GUARD))
        return;
    *area_size_counter(a) += more;
    owner->bytes += more;
    if (owner->bytes > owner->peak)
        owner->peak = owner->bytes;
}

/* The opposite. */
static inline void areas_drop_bytes(struct address_space *space, const struct area *a,
                                    uint64_t less)
{
    space->bytes -= less;
    if (unlikely(a->kind == AREA_GUARD))
        return;
    *area_size_counter(a) -= less;
    a->owner->bytes -= less;
}

/* Counts a leaf that was mapped in the area (`pages`: its size), or unmapped (negative). `shared`:
 * its frame is not its own (pt_leaf_is_borrowed()). O(1). */
static inline void areas_count_pages(const struct area *a, bool shared, phys_t frame,
                                     uint64_t pages)
{
    if (shared && frame.v == memory_zero_frame().v)
        return;
    enum area_pages kind = PAGES_ANONYMOUS;
    if (a->source != NULL && (shared || a->flags & AREA_SHARED))
        kind = a->flags & AREA_SHARED ? PAGES_SHARED : PAGES_FILE;
    a->owner->pages[kind] += pages;
}
/* A page of the area has got a slot, or has lost one. O(1). */
static inline void areas_count_swapped(const struct area *a, uint64_t pages)
{
    a->owner->swapped += pages;
    a->owner->pages[PAGES_ANONYMOUS] -= pages;
}
/* A pt_release: counts the leaf and drops its reference. The context is the area. */
void areas_release_leaf(void *context, pte_t leaf, uint64_t size);
/* Unmaps a part of the area, which cuts no large leaf. The number of pages falls only here, so its
 * peak is kept here. */
static inline void areas_unmap(struct address_space *space, const struct area *a,
                               struct virt_range part)
{
    a->owner->pages_peak = areas_peak_pages(a->owner);
    paging_unmap(space, part, areas_release_leaf, (void *)(uintptr_t)a);
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

/* An area with a source is in the source's ring as long as it is in the table. */

/* Puts a new area into the ring: first, so that areas_truncate() meets it. O(1). */
void mapping_begin(struct area_node *node);
/* The area has got larger: areas_truncate() has not seen all of it. O(1). */
void mapping_grew(struct area *a);
/* Takes the area out of the ring and drops its reference to the source. O(1). */
void mapping_end(struct area *a);
/* Verifies the area's place in the ring. */
bool mapping_is_linked(const struct area *a, const struct address_space *space);

/* Unmaps everything and drops all areas. */
void areas_drop_all(struct address_space *space);
void areas_free_spare(struct address_space *space);
/* Reserves nodes for `more` areas. E_NOMEM. */
MUST_CHECK enum err areas_reserve(struct address_space *space, size_t more);
/* Merges the area with the one below it if possible. */
void areas_merge_below(struct address_space *space, struct area *a);

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
