/* SPDX-License-Identifier: MIT */
#include "mm/vm/areas.h"

#include "base/panic.h"
#include "base/str.h"
#include "mm/heap/heap.h"
#include "mm/layout.h"
#include "mm/pt/paging.h"
#include "mm/vm/areas_table.h"

uint64_t areas_count(const struct address_space *space)
{
    return space->area_count;
}

uint64_t areas_bytes(const struct address_space *space)
{
    return space->bytes;
}

uint64_t areas_bytes_of(const struct address_space *space, uint32_t owner)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < space->area_count; i++)
        if (space->area[i].owner == owner)
            bytes += virt_range_size(space->area[i].range);
    return bytes;
}

uint64_t areas_peak_bytes(const struct address_space *space)
{
    return space->peak;
}

size_t areas_search(struct address_space *space, virt_t v)
{
    size_t low = 0, high = space->area_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (space->area[middle].range.end.v <= v.v)
            low = middle + 1;
        else
            high = middle;
    }
    space->area_last = low;
    return low;
}

const struct area *areas_next(struct address_space *space, virt_t v)
{
    size_t i = areas_index_above(space, v);
    return i < space->area_count ? &space->area[i] : NULL;
}

const struct area *areas_find(struct address_space *space, virt_t v)
{
    size_t i = areas_index_above(space, v);
    return i < space->area_count && space->area[i].range.start.v <= v.v ? &space->area[i] : NULL;
}

const struct area *areas_after(const struct address_space *space, const struct area *area)
{
    return area + 1 < space->area + space->area_count ? area + 1 : NULL;
}

enum err areas_reserve(struct address_space *space, size_t more)
{
    if (space->area_count + more > AREAS_MAX)
        return E_NOMEM;
    if (space->area_count + more <= space->area_capacity)
        return E_OK;
    size_t wanted = space->area_capacity == 0 ? 30 : space->area_capacity * 2;
    struct area *grown = heap_resize(space->area, wanted * sizeof *grown);
    if (grown == NULL)
        return E_NOMEM;
    space->area = grown;
    space->area_capacity = wanted;
    return E_OK;
}

/* Opens a gap of `more` areas at index i, in room from areas_reserve(); its contents are
 * undefined. */
static void open_gap(struct address_space *space, size_t i, size_t more)
{
    memmove(&space->area[i + more], &space->area[i],
            (space->area_count - i) * sizeof space->area[0]);
    space->area_count += more;
}

static void close_gap(struct address_space *space, size_t i, size_t less)
{
    space->area_count -= less;
    memmove(&space->area[i], &space->area[i + less],
            (space->area_count - i) * sizeof space->area[0]);
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

/* Merges `high` into `low`. */
static void absorb(struct area *low, const struct area *high)
{
    low->range.end = high->range.end;
    low->flags &= high->flags | ~(uint32_t)AREA_CLEAN;
    area_source_put(high);
}

/* Merges neighbours, where possible, among the areas from index i that start at or below `end`. */
static void merge_until(struct address_space *space, size_t i, virt_t end)
{
    size_t from = i + 1;
    for (; from < space->area_count && space->area[from].range.start.v <= end.v; from++) {
        if (can_merge(&space->area[i], &space->area[from]))
            absorb(&space->area[i], &space->area[from]);
        else if (++i != from)
            space->area[i] = space->area[from];
    }
    if (i + 1 < from)
        close_gap(space, i + 1, from - (i + 1));
}

/* Merges neighbours, where possible, among the areas that touch the range; `first` is the index of
 * the first area that ends above the range's start. */
static void merge_range(struct address_space *space, size_t first, struct virt_range range)
{
    if (first < space->area_count)
        merge_until(space, first > 0 ? first - 1 : 0, range.end);
}

void areas_merge_below(struct address_space *space, size_t i)
{
    if (i > 0)
        merge_until(space, i - 1, space->area[i].range.start);
}

/* Makes area i, or the rest of it, start at v, which lies inside it. */
static void set_start(struct address_space *space, size_t i, virt_t v)
{
    struct area *a = &space->area[i];
    if (a->kind == AREA_FILE)
        a->offset += v.v - a->range.start.v;
    a->range.start = v;
}

/* Splits area i at v; the gap for the second part, at i + 1, exists. */
static void split_into(struct address_space *space, size_t i, virt_t v)
{
    space->area[i + 1] = space->area[i];
    space->area[i].range.end = v;
    set_start(space, i + 1, v);
    area_source_get(&space->area[i]);
}

/* True if v is inside the area and not at its start. False for a guard, which is never cut. */
static bool is_inside(const struct address_space *space, size_t i, virt_t v)
{
    return i < space->area_count && space->area[i].range.start.v < v.v &&
           space->area[i].range.end.v > v.v && space->area[i].kind != AREA_GUARD;
}

/* Makes both ends of the range boundaries between areas; *first remains the first that ends above
 * its start. The program cannot see the change: a merge alone undoes it. */
static enum err cut_ends(struct address_space *space, struct virt_range range, size_t *first)
{
    const size_t low = *first;
    size_t high = low;
    while (high < space->area_count && space->area[high].range.end.v <= range.end.v)
        high++;
    size_t below = is_inside(space, low, range.start), above = is_inside(space, high, range.end);
    enum err e = below + above > 0 ? areas_reserve(space, below + above) : E_OK;
    if (e == E_OK && below)
        e = areas_cut_leaf(space, &space->area[low], range.start);
    if (e == E_OK && above)
        e = areas_cut_leaf(space, &space->area[high], range.end);
    if (e != E_OK)
        return e;
    *first += below;
    if (above) {
        open_gap(space, high + 1, low == high ? below + above : above);
        split_into(space, high, range.end);
    }
    if (below) {
        if (low != high || !above)
            open_gap(space, low + 1, below);
        else
            space->area[low + 2] = space->area[low + 1]; /* one gap serves both cuts */
        split_into(space, low, range.start);
    }
    return E_OK;
}

static bool range_ok(struct virt_range r)
{
    return is_aligned(r.start.v | r.end.v, PAGE_SIZE) && r.start.v < r.end.v &&
           r.start.v >= LAYOUT_PROGRAM_START && r.end.v <= LAYOUT_PROGRAM_END;
}

enum err areas_add(struct address_space *space, const struct area *area)
{
    size_t i = areas_index_above(space, area->range.start);
    if (!range_ok(area->range) ||
        (i < space->area_count && space->area[i].range.start.v < area->range.end.v))
        return E_EXIST;
    enum err e = areas_reserve(space, 1);
    if (e != E_OK)
        return e;
    open_gap(space, i, 1);
    space->area[i] = *area;
    space->area[i].flags &= ~(uint32_t)AREA_CLEAN;
    areas_add_bytes(space, virt_range_size(area->range));
    merge_range(space, i, area->range);
    return E_OK;
}

enum err areas_remove(struct address_space *space, struct virt_range range)
{
    size_t i = areas_index_above(space, range.start);
    enum err e = cut_ends(space, range, &i);
    if (e != E_OK)
        return e;
    size_t kept = i, end = i;
    for (; end < space->area_count && space->area[end].range.start.v < range.end.v; end++) {
        struct area *a = &space->area[end];
        if (a->kind == AREA_GUARD) {
            space->area[kept++] = *a;
            continue;
        }
        space->bytes -= virt_range_size(a->range);
        paging_unmap(space, a->range, areas_release_frame, NULL);
        area_source_put(a);
    }
    if (kept < end)
        close_gap(space, kept, end - kept);
    return E_OK;
}

/* End of the contiguous areas that begin at range.start, in area i. */
static virt_t covered_until(const struct address_space *space, size_t i, struct virt_range range)
{
    virt_t at = range.start;
    for (; i < space->area_count && at.v < range.end.v; i++) {
        if (space->area[i].range.start.v > at.v || space->area[i].kind == AREA_GUARD)
            break;
        at = space->area[i].range.end;
    }
    return at.v < range.end.v ? at : range.end;
}

/* The fast path of mprotect(): the range lies in area i, which is no guard. */
static enum err protect_within(struct address_space *space, size_t i, struct virt_range range,
                               prot_t prot)
{
    const struct area *a = &space->area[i];
    size_t below = a->range.start.v<range.start.v, above = a->range.end.v> range.end.v;
    if (prot_equal(a->prot, prot))
        return E_OK;
    enum err e = areas_reserve(space, below + above);
    if (e == E_OK && below)
        e = areas_cut_leaf(space, &space->area[i], range.start);
    if (e == E_OK && above)
        e = areas_cut_leaf(space, &space->area[i], range.end);
    if (e == E_OK)
        e = paging_protect(space, range, prot);
    if (e != E_OK)
        return e;
    if (below + above > 0)
        open_gap(space, i + 1, below + above);
    if (above) {
        space->area[i + below + above] = space->area[i];
        set_start(space, i + below + above, range.end);
        area_source_get(&space->area[i]);
        space->area[i].range.end = range.end;
    }
    if (below) {
        split_into(space, i, range.start);
        i++;
    }
    space->area[i].prot = prot;
    space->area_last = i; /* likely the next to be searched */
    if (!above)
        merge_until(space, i > 0 && !below ? i - 1 : i, range.end);
    else if (!below)
        areas_merge_below(space, i);
    return E_OK;
}

enum err areas_protect(struct address_space *space, struct virt_range range, prot_t prot)
{
    size_t first = areas_index_above(space, range.start);
    if (first < space->area_count && space->area[first].range.start.v <= range.start.v &&
        space->area[first].range.end.v >= range.end.v && space->area[first].kind != AREA_GUARD)
        return protect_within(space, first, range, prot);
    struct virt_range part = {range.start, covered_until(space, first, range)};
    if (part.end.v == part.start.v)
        return E_NOMEM;
    enum err e = cut_ends(space, part, &first);
    if (e != E_OK)
        return e;
    for (size_t i = first;
         e == E_OK && i < space->area_count && space->area[i].range.start.v < part.end.v; i++) {
        struct area *a = &space->area[i];
        if (prot_equal(a->prot, prot))
            continue;
        e = paging_protect(space, a->range, prot);
        if (e == E_OK)
            a->prot = prot;
    }
    merge_range(space, first, part);
    return e == E_OK && part.end.v < range.end.v ? E_NOMEM : e;
}

enum err areas_change(struct address_space *space, struct virt_range range, uint32_t set,
                      uint32_t clear)
{
    size_t first = areas_index_above(space, range.start);
    enum err e = cut_ends(space, range, &first);
    if (e != E_OK)
        return e;
    for (size_t i = first; i < space->area_count && space->area[i].range.start.v < range.end.v; i++)
        if (space->area[i].kind != AREA_GUARD)
            space->area[i].flags = (space->area[i].flags & ~clear) | set;
    merge_range(space, first, range);
    return E_OK;
}

void areas_clear(struct address_space *space)
{
    for (size_t i = 0; i < space->area_count; i++) {
        if (space->area[i].kind != AREA_GUARD)
            paging_unmap(space, space->area[i].range, areas_release_frame, NULL);
        area_source_put(&space->area[i]);
    }
    space->area_count = space->area_last = 0;
    space->bytes = space->peak = 0;
    space->lazyfree = false;
    if (virt_range_size(paging_reserved_range) == 0)
        return;
    /* The back end's own range: closed to mappings and to accesses. */
    const struct area closed = {
        .range = paging_reserved_range, .kind = AREA_GUARD, .file_end = UINT64_MAX};
    must(areas_add(space, &closed));
}

void areas_remove_owner(struct address_space *space, uint32_t owner)
{
    size_t kept = 0;
    for (size_t i = 0; i < space->area_count; i++) {
        struct area *a = &space->area[i];
        if (a->owner != owner || a->kind == AREA_GUARD) {
            space->area[kept++] = *a;
            continue;
        }
        space->bytes -= virt_range_size(a->range);
        paging_unmap(space, a->range, areas_release_frame, NULL);
        area_source_put(a);
    }
    space->area_count = kept;
    space->area_last = 0;
}

void areas_check(const struct address_space *space)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < space->area_count; i++) {
        const struct area *a = &space->area[i];
        assert(range_ok(a->range));
        assert(i == 0 || a[-1].range.end.v <= a->range.start.v);
        assert(i == 0 || !can_merge(&a[-1], a));
        bytes += virt_range_size(a->range);
    }
    assert(bytes == space->bytes);
}
