/* SPDX-License-Identifier: MIT */
#include "mm/vm/areas.h"

#include "base/panic.h"
#include "base/str.h"
#include "mm/heap/heap.h"
#include "mm/layout.h"
#include "mm/pt/paging.h"
#include "mm/vm/areas_table.h"
#include "mm/vm/slots.h"

#define SPARE_KEPT 4 /* nodes kept when areas go: the next mprotect() may need two */

uint64_t areas_count(const struct address_space *space)
{
    return space->area_count;
}

uint64_t areas_bytes(const struct address_space *space)
{
    return space->bytes;
}

uint64_t areas_bytes_of(const struct area_owner *owner, uint32_t with, uint32_t without)
{
    uint64_t bytes = 0;
    for (uint32_t bits = 0; bits < ARRAY_LENGTH(owner->sizes); bits++)
        if ((bits & with) == with && (bits & without) == 0)
            bytes += owner->sizes[bits];
    return bytes;
}

struct area *areas_search(struct address_space *space, virt_t v)
{
    struct area *found = NULL;
    for (struct gap_node *at = space->areas.root; at != NULL;) {
        struct area *a = area_of(at);
        bool above = a->range.end.v > v.v;
        if (above)
            found = a;
        at = at->child[!above];
    }
    space->area_last = found;
    return found;
}

const struct area *areas_next(struct address_space *space, virt_t v)
{
    return areas_first_above(space, v);
}

const struct area *areas_find(struct address_space *space, virt_t v)
{
    const struct area *a = areas_first_above(space, v);
    return a != NULL && a->range.start.v <= v.v ? a : NULL;
}

const struct area *areas_after(const struct address_space *space, const struct area *area)
{
    (void)space;
    return area_above(area);
}

static void put_spare_node(struct address_space *space, struct area_node *node)
{
    node->link.next = space->spare != NULL ? &space->spare->link : NULL;
    space->spare = node;
    space->spare_count++;
}

static struct area_node *take_spare_node(struct address_space *space)
{
    struct area_node *node = space->spare;
    assert(node != NULL);
    space->spare =
        node->link.next != NULL ? CONTAINER_OF(node->link.next, struct area_node, link) : NULL;
    space->spare_count--;
    return node;
}

enum err areas_reserve(struct address_space *space, size_t more)
{
    while (space->spare_count < more) {
        struct area_node *node = heap_alloc(sizeof *node);
        if (node == NULL)
            return E_NOMEM;
        put_spare_node(space, node);
    }
    return E_OK;
}

static uint64_t gap_between(const struct area *below, const struct area *a)
{
    uint64_t end = below != NULL ? below->range.end.v : LAYOUT_PROGRAM_START;
    uint64_t start = area_start_with_gap(a);
    return start > end ? start - end : 0;
}

static uint64_t gap_below(const struct area *a)
{
    return gap_between(area_below(a), a);
}

void areas_gap_changed(struct area *a)
{
    if (a == NULL)
        return;
    uint64_t gap = gap_below(a);
    if (gap != area_link(a)->gap)
        gap_tree_set(area_link(a), gap);
}

/* Inserts a copy of the area below `above` (NULL: at the end), in a node from areas_reserve(). */
static struct area *insert_area(struct address_space *space, const struct area *area,
                                struct area *above, uint64_t gap)
{
    struct area_node *node = take_spare_node(space);
    node->area = *area;
    node->space = space;
    if (area->source != NULL)
        mapping_begin(node);
    gap_tree_insert(&space->areas, &node->link, above != NULL ? area_link(above) : NULL, gap);
    space->area_count++;
    return &node->area;
}

static void free_node(struct address_space *space, struct area *a)
{
    struct area_node *node = CONTAINER_OF(a, struct area_node, area);
    if (space->spare_count < SPARE_KEPT)
        put_spare_node(space, node);
    else
        heap_free(node);
}

/* Takes the area out of the tree. The caller handles its pages, its source and the gap above it. */
static void drop_area(struct address_space *space, struct area *a)
{
    if (space->area_last == a)
        space->area_last = area_above(a);
    gap_tree_remove(&space->areas, area_link(a));
    space->area_count--;
    free_node(space, a);
}

static bool can_merge(const struct area *low, const struct area *high)
{
    if (!prot_equal(low->prot, high->prot) || low->range.end.v != high->range.start.v ||
        low->kind != high->kind || low->owner != high->owner ||
        ((low->flags ^ high->flags) & ~(uint32_t)AREA_CLEAN) || low->kind == AREA_GUARD)
        return false;
    if (low->kind == AREA_ANONYMOUS)
        return true;
    return low->source == high->source && low->file_end == high->file_end &&
           low->offset + virt_range_size(low->range) == high->offset;
}

/* Merges `high`, the area above `low`, into `low`. */
static void absorb(struct address_space *space, struct area *low, struct area *high)
{
    low->range.end = high->range.end;
    if (low->source != NULL)
        mapping_grew(low);
    low->flags &= high->flags | ~(uint32_t)AREA_CLEAN;
    if (high->source != NULL)
        mapping_end(high);
    if (space->area_last == high)
        space->area_last = low;
    drop_area(space, high);
}

/* Merges neighbours, where possible, among the areas from `a` that start at or below `end`. */
static NOINLINE void merge_until(struct address_space *space, struct area *a, virt_t end)
{
    struct area *above;
    while ((above = area_above(a)) != NULL && above->range.start.v <= end.v)
        if (can_merge(a, above))
            absorb(space, a, above);
        else
            a = above;
}

/* Merges neighbours, where possible, among the areas that touch the range; `first` is the first
 * area that ends above the range's start. */
static void merge_range(struct address_space *space, struct area *first, struct virt_range range)
{
    if (first == NULL)
        return;
    struct area *below = area_below(first);
    merge_until(space, below != NULL ? below : first, range.end);
}

void areas_merge_below(struct address_space *space, struct area *a)
{
    struct area *below = area_below(a);
    if (below != NULL && can_merge(below, a))
        absorb(space, below, a);
}

/* Makes the area, or the rest of it, start at v, which lies inside it. */
static void set_start(struct area *a, virt_t v)
{
    if (a->kind == AREA_FILE)
        a->offset += v.v - a->range.start.v;
    a->range.start = v;
}

/* Splits the area at v, with a node from areas_reserve(). Returns the part from v on. */
static struct area *split_area(struct address_space *space, struct area *a, virt_t v)
{
    struct area *high = insert_area(space, a, area_above(a), 0);
    set_start(high, v);
    a->range.end = v;
    area_source_get(a);
    return high;
}

uint64_t areas_max = 65530;

/* True if v is inside the area and not at its start. False for a guard, which is never cut. */
static bool is_inside(const struct area *a, virt_t v)
{
    return a != NULL && a->range.start.v < v.v && a->range.end.v > v.v && a->kind != AREA_GUARD;
}

/* As areas_reserve(). E_NOMEM also if there would be more than areas_max areas. */
static enum err reserve_cuts(struct address_space *space, size_t more)
{
    return more > 0 && space->area_count + more > areas_max ? E_NOMEM : areas_reserve(space, more);
}

/* Reserves `more` nodes, and cuts the leaves at the start of the range, in `low`, and at its end, in
 * `high`, where an area is to be split. */
static NOINLINE enum err make_cuts(struct address_space *space, struct virt_range range,
                                   const struct area *low, const struct area *high, size_t more)
{
    enum err e = reserve_cuts(space, more);
    if (e == E_OK && is_inside(low, range.start))
        e = areas_cut_leaf(space, low, range.start);
    if (e == E_OK && is_inside(high, range.end))
        e = areas_cut_leaf(space, high, range.end);
    return e;
}

/* Makes both ends of the range boundaries between leaves and reserves nodes, so that the areas can
 * be split there. `low` is the first area that ends above the start of the range; *high becomes the
 * first that ends above its end. `stay`: the parts in the range remain areas; otherwise they will be
 * removed. The program cannot see the change. */
static ALWAYS_INLINE enum err prepare_cuts(struct address_space *space, struct virt_range range,
                                           struct area *low, struct area **high, bool stay)
{
    struct area *end = low;
    while (end != NULL && end->range.end.v <= range.end.v)
        end = area_above(end);
    *high = end;
    size_t below = is_inside(low, range.start), above = is_inside(end, range.end);
    if (below + above == 0)
        return E_OK;
    return make_cuts(space, range, low, end,
                     stay ? below + above : below + above == 2 && low == end);
}

/* Makes both ends of the range boundaries between areas; *first remains the first that ends above
 * its start. The program cannot see the change: a merge alone undoes it. */
static NOINLINE enum err cut_ends(struct address_space *space, struct virt_range range,
                                  struct area **first)
{
    struct area *low = *first, *high;
    enum err e = prepare_cuts(space, range, low, &high, true);
    if (e != E_OK)
        return e;
    if (is_inside(high, range.end))
        split_area(space, high, range.end);
    if (is_inside(low, range.start))
        *first = split_area(space, low, range.start);
    return E_OK;
}

static bool range_ok(struct virt_range r)
{
    return is_aligned(r.start.v | r.end.v, PAGE_SIZE) && r.start.v < r.end.v &&
           r.start.v >= LAYOUT_PROGRAM_START && r.end.v <= LAYOUT_PROGRAM_END;
}

/* Merges the area into the neighbour below or above it. False if it can merge with neither. */
static bool join_neighbour(struct address_space *space, const struct area *area, struct area *below,
                           struct area *above)
{
    if (below != NULL && can_merge(below, area)) {
        below->range.end = area->range.end;
        if (below->source != NULL)
            mapping_grew(below);
        below->flags &= ~(uint32_t)AREA_CLEAN;
        areas_gap_changed(above);
        if (above != NULL && can_merge(below, above))
            absorb(space, below, above);
    } else if (above != NULL && can_merge(area, above)) {
        above->range.start = area->range.start;
        above->offset = area->offset;
        if (above->source != NULL)
            mapping_grew(above);
        above->flags &= ~(uint32_t)AREA_CLEAN;
        areas_gap_changed(above);
    } else {
        return false;
    }
    area_source_put(area);
    return true;
}

enum err areas_add(struct address_space *space, const struct area *area)
{
    struct area *above = areas_first_above(space, area->range.start), own;
    if (area->owner == NULL) {
        own = *area;
        own.owner = &space->unowned;
        area = &own;
    }
    if (!range_ok(area->range) || (above != NULL && above->range.start.v < area->range.end.v))
        return E_EXIST;
    if (space->area_count > areas_max) /* one more than by a split, as on Linux */
        return E_NOMEM;
    struct area *below = areas_below(space, above);
    if (!join_neighbour(space, area, below, above)) {
        enum err e = areas_reserve(space, 1);
        if (e != E_OK)
            return e;
        struct area *added = insert_area(space, area, above, gap_between(below, area));
        added->flags &= ~(uint32_t)AREA_CLEAN;
        areas_gap_changed(above);
        space->area_last = added;
    }
    areas_add_bytes(space, area, virt_range_size(area->range));
    return E_OK;
}

/* Removes a part of the area, with its pages; prepare_cuts() was called for its ends. */
static void remove_part_of(struct address_space *space, struct area *a, struct virt_range part)
{
    struct area *above = area_above(a);
    areas_drop_bytes(space, a, virt_range_size(part));
    areas_unmap(space, a, part);
    if (part.start.v > a->range.start.v) {
        if (part.end.v < a->range.end.v)
            above = split_area(space, a, part.end);
        a->range.end = part.start;
        areas_gap_changed(above);
    } else if (part.end.v < a->range.end.v) {
        set_start(a, part.end);
        areas_gap_changed(a);
    } else {
        if (a->source != NULL)
            mapping_end(a);
        drop_area(space, a);
        areas_gap_changed(above);
    }
}

enum err areas_remove(struct address_space *space, struct virt_range range)
{
    struct area *a = areas_first_above(space, range.start), *high, *above;
    enum err e = prepare_cuts(space, range, a, &high, false);
    if (e != E_OK)
        return e;
    for (; a != NULL && a->range.start.v < range.end.v; a = above) {
        above = area_above(a);
        if (a->kind != AREA_GUARD)
            remove_part_of(space, a, virt_range_intersection(a->range, range));
    }
    return E_OK;
}

/* End of the contiguous areas that begin at range.start, in area `a`. */
static virt_t covered_until(const struct area *a, struct virt_range range)
{
    virt_t at = range.start;
    for (; a != NULL && at.v < range.end.v; a = area_above(a)) {
        if (a->range.start.v > at.v || a->kind == AREA_GUARD)
            break;
        at = a->range.end;
    }
    return at.v < range.end.v ? at : range.end;
}

static void set_prot(struct area *a, prot_t prot)
{
    uint64_t size = virt_range_size(a->range);
    uint64_t *sizes = &a->owner->sizes[a->flags & AREA_SIZE_FLAGS];
    sizes[a->prot.bits & AREA_SIZE_PROT] -= size;
    sizes[prot.bits & AREA_SIZE_PROT] += size; /* no bit is in both masks */
    a->prot = prot;
}

/* The fast path of mprotect(): the range lies in the area, which is no guard. */
static enum err protect_within(struct address_space *space, struct area *a, struct virt_range range,
                               prot_t prot)
{
    size_t above = a->range.end.v > range.end.v, below = a->range.start.v < range.start.v;
    struct area *high;
    if (prot_equal(a->prot, prot))
        return E_OK;
    enum err e = reserve_cuts(space, below + above);
    if (e == E_OK && below)
        e = areas_cut_leaf(space, a, range.start);
    if (e == E_OK && above)
        e = areas_cut_leaf(space, a, range.end);
    if (e == E_OK)
        e = paging_protect(space, range, prot);
    if (e != E_OK)
        return e;
    if (above)
        split_area(space, a, range.end);
    if (below)
        a = split_area(space, a, range.start);
    set_prot(a, prot);
    space->area_last = a; /* likely the next to be searched */
    if (!above && (high = area_above(a)) != NULL && can_merge(a, high))
        absorb(space, a, high);
    if (!below)
        areas_merge_below(space, a);
    return E_OK;
}

enum err areas_protect(struct address_space *space, struct virt_range range, prot_t prot)
{
    struct area *first = areas_first_above(space, range.start);
    if (first != NULL && first->range.start.v <= range.start.v &&
        first->range.end.v >= range.end.v && first->kind != AREA_GUARD)
        return protect_within(space, first, range, prot);
    struct virt_range part = {range.start, covered_until(first, range)};
    if (part.end.v == part.start.v)
        return E_NOMEM;
    enum err e = cut_ends(space, part, &first);
    if (e != E_OK)
        return e;
    for (struct area *a = first; e == E_OK && a != NULL && a->range.start.v < part.end.v;
         a = area_above(a)) {
        if (prot_equal(a->prot, prot))
            continue;
        e = paging_protect(space, a->range, prot);
        if (e == E_OK)
            set_prot(a, prot);
    }
    merge_range(space, first, part);
    return e == E_OK && part.end.v < range.end.v ? E_NOMEM : e;
}

enum err areas_change(struct address_space *space, struct virt_range range, uint32_t set,
                      uint32_t clear)
{
    struct area *first = areas_first_above(space, range.start);
    enum err e = cut_ends(space, range, &first);
    if (e != E_OK)
        return e;
    for (struct area *a = first; a != NULL && a->range.start.v < range.end.v; a = area_above(a))
        if (a->kind != AREA_GUARD) {
            *area_size_counter(a) -= virt_range_size(a->range);
            a->flags = (a->flags & ~clear) | set;
            *area_size_counter(a) += virt_range_size(a->range);
        }
    merge_range(space, first, range);
    return E_OK;
}

COLD void areas_drop_all(struct address_space *space)
{
    struct area *above;
    paging_holds_flushes = true;
    for (struct area *a = areas_first(space); a != NULL; a = above) {
        above = area_above(a);
        areas_drop_bytes(space, a, virt_range_size(a->range));
        if (a->kind != AREA_GUARD)
            areas_unmap(space, a, a->range);
        if (a->source != NULL)
            mapping_end(a);
        free_node(space, a);
    }
    paging_holds_flushes = false;
    space->areas = (struct gap_tree){0};
    space->area_count = 0;
    space->area_last = NULL;
    space->lazyfree = false;
}

COLD void areas_free_spare(struct address_space *space)
{
    while (space->spare != NULL)
        heap_free(take_spare_node(space));
}

COLD enum err areas_close_reserved(struct address_space *space)
{
    const struct area closed = {
        .range = paging_reserved_range, .kind = AREA_GUARD, .file_end = UINT64_MAX};
    return virt_range_size(paging_reserved_range) != 0 ? areas_add(space, &closed) : E_OK;
}

COLD void areas_clear(struct address_space *space)
{
    areas_drop_all(space);
    paging_flush();
    must(areas_close_reserved(space)); /* in the node that it had before */
    areas_free_spare(space);
}

COLD bool areas_remove_owner(struct address_space *space, const struct area_owner *owner,
                             virt_t *at, bool last)
{
    struct area *a = areas_first_above(space, *at), *above;
    bool whole = true;
    paging_holds_flushes = last;
    for (uint64_t cost = 0; whole && a != NULL && cost < AREAS_PIECE_AREAS; a = above) {
        above = area_above(a);
        cost++;
        if (a->owner != owner || a->kind == AREA_GUARD)
            continue;
        struct virt_range part = areas_piece(space, a->range);
        whole = part.end.v == a->range.end.v;
        cost += virt_range_size(part) / LARGE_SIZE * (AREAS_PIECE_AREAS / AREAS_PIECE_TABLES);
        remove_part_of(space, a, part);
    }
    paging_holds_flushes = false;
    if (!whole)
        return true; /* *at is below the rest */
    *at = a != NULL ? a->range.start : *at;
    return a != NULL;
}

struct owner_sums {
    const struct area *area;
    uint64_t pages[ARRAY_LENGTH(((struct area_owner *)0)->pages)];
    uint64_t swapped;
};

COLD static void add_leaf_again(void *context, virt_t at, int level, pte_t leaf)
{
    (void)at;
    struct owner_sums *sums = context;
    if (pt_swapped(leaf)) {
        assert(slots_is_used(&swap_slots, pt_swapped_slot(leaf)) &&
               !(sums->area->flags & AREA_SHARED));
        sums->swapped++;
        return;
    }
    struct area_owner again = {.bytes = 0};
    struct area a = *sums->area;
    a.owner = &again;
    areas_count_pages(&a, pt_leaf_is_borrowed(leaf), phys(leaf.v & PTE_ADDRESS),
                      pt_span(level) / PAGE_SIZE);
    for (size_t i = 0; i < ARRAY_LENGTH(sums->pages); i++)
        sums->pages[i] += again.pages[i];
}

/* Compares the owner's counters with its areas, from `a` on, and their pages. */
COLD static void check_owner(const struct address_space *space, const struct area *a)
{
    struct area_owner *owner = a->owner;
    struct owner_sums sums = {.area = a};
    uint64_t sizes[ARRAY_LENGTH(owner->sizes)] = {0}, bytes = 0;
    for (; a != NULL; a = area_above(a)) {
        if (a->owner != owner || a->kind == AREA_GUARD)
            continue;
        sums.area = a;
        bytes += virt_range_size(a->range);
        sizes[area_size_counter(a) - owner->sizes] += virt_range_size(a->range);
        paging_visit_kept(space, a->range, add_leaf_again, &sums);
    }
    assert(bytes == owner->bytes && bytes <= owner->peak && sums.swapped == owner->swapped);
    for (size_t i = 0; i < ARRAY_LENGTH(sizes); i++)
        assert(sizes[i] == owner->sizes[i]);
    for (size_t i = 0; i < ARRAY_LENGTH(sums.pages); i++)
        assert(sums.pages[i] == owner->pages[i]);
}

COLD void areas_check(const struct address_space *space)
{
    static uint32_t audits;
    uint64_t bytes = 0, count = 0;
    audits++;
    for (const struct area *a = areas_first(space), *below = NULL; a != NULL; a = area_above(a)) {
        assert(range_ok(a->range));
        assert(below == NULL || below->range.end.v <= a->range.start.v);
        assert(below == NULL || !can_merge(below, a));
        assert(area_link(a)->gap == gap_below(a));
        assert(a->source == NULL || mapping_is_linked(a, space));
        if (a->owner->audit != audits)
            check_owner(space, a);
        a->owner->audit = audits;
        bytes += virt_range_size(a->range);
        count++;
        below = a;
    }
    assert(bytes == space->bytes && count == space->area_count);
}
