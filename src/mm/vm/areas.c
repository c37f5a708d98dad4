/* SPDX-License-Identifier: MIT */
#include "mm/vm/areas.h"

#include "base/panic.h"
#include "base/str.h"
#include "mm/heap/heap.h"
#include "mm/layout.h"
#include "mm/pt/paging.h"
#include "mm/vm/areas_table.h"

struct areas_table areas = {.mmap_base = {LAYOUT_PROGRAM_END}};

uint64_t areas_count(void)
{
    return areas.count;
}

uint64_t areas_bytes(void)
{
    return areas.bytes;
}

uint64_t areas_bytes_of(uint32_t owner)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < areas.count; i++)
        if (areas.area[i].owner == owner)
            bytes += virt_range_size(areas.area[i].range);
    return bytes;
}

uint64_t areas_peak_bytes(void)
{
    return areas.peak;
}

size_t areas_search(virt_t v)
{
    size_t low = 0, high = areas.count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (areas.area[middle].range.end.v <= v.v)
            low = middle + 1;
        else
            high = middle;
    }
    areas.last = low;
    return low;
}

const struct area *areas_next(virt_t v)
{
    size_t i = areas_index_above(v);
    return i < areas.count ? &areas.area[i] : NULL;
}

const struct area *areas_find(virt_t v)
{
    size_t i = areas_index_above(v);
    return i < areas.count && areas.area[i].range.start.v <= v.v ? &areas.area[i] : NULL;
}

const struct area *areas_after(const struct area *area)
{
    return area + 1 < areas.area + areas.count ? area + 1 : NULL;
}

enum err areas_reserve(size_t more)
{
    if (areas.count + more > AREAS_MAX)
        return E_NOMEM;
    if (areas.count + more <= areas.capacity)
        return E_OK;
    size_t wanted = areas.capacity == 0 ? 30 : areas.capacity * 2;
    struct area *grown = heap_resize(areas.area, wanted * sizeof *grown);
    if (grown == NULL)
        return E_NOMEM;
    areas.area = grown;
    areas.capacity = wanted;
    return E_OK;
}

/* Room for `more` areas from index i on, which areas_reserve() made; their contents are undefined. */
static void open_gap(size_t i, size_t more)
{
    memmove(&areas.area[i + more], &areas.area[i], (areas.count - i) * sizeof areas.area[0]);
    areas.count += more;
}

static void close_gap(size_t i, size_t less)
{
    areas.count -= less;
    memmove(&areas.area[i], &areas.area[i + less], (areas.count - i) * sizeof areas.area[0]);
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

/* `high` becomes a part of `low`. */
static void absorb(struct area *low, const struct area *high)
{
    low->range.end = high->range.end;
    low->flags &= high->flags | ~(uint32_t)AREA_CLEAN;
    area_source_put(high);
}

/* Joins what can be joined among the areas from index i on that start at `end` or before. */
static void merge_until(size_t i, virt_t end)
{
    size_t from = i + 1;
    for (; from < areas.count && areas.area[from].range.start.v <= end.v; from++) {
        if (can_merge(&areas.area[i], &areas.area[from]))
            absorb(&areas.area[i], &areas.area[from]);
        else if (++i != from)
            areas.area[i] = areas.area[from];
    }
    if (i + 1 < from)
        close_gap(i + 1, from - (i + 1));
}

/* ... among those that touch the range, of which `first` is the first to end above its start. */
static void merge_range(size_t first, struct virt_range range)
{
    if (first < areas.count)
        merge_until(first > 0 ? first - 1 : 0, range.end);
}

void areas_merge_below(size_t i)
{
    if (i > 0)
        merge_until(i - 1, areas.area[i].range.start);
}

/* Area i, or the part of it that is left, begins at v, which lies inside it. */
static void set_start(size_t i, virt_t v)
{
    struct area *a = &areas.area[i];
    if (a->kind == AREA_FILE)
        a->offset += v.v - a->range.start.v;
    a->range.start = v;
}

/* Areas [i, i + 2) have room for two where one is; it is cut at v. */
static void split_into(size_t i, virt_t v)
{
    areas.area[i + 1] = areas.area[i];
    areas.area[i].range.end = v;
    set_start(i + 1, v);
    area_source_get(&areas.area[i]);
}

/* Is v inside the area, and not at its start? A guard is not cut. */
static bool is_inside(size_t i, virt_t v)
{
    return i < areas.count && areas.area[i].range.start.v < v.v &&
           areas.area[i].range.end.v > v.v && areas.area[i].kind != AREA_GUARD;
}

/* Makes both ends of the range boundaries between areas; *first, the first that ends above its
 * start, stays that. Changes nothing that a program can see, so that it may be followed by any
 * failure once the areas are merged. */
static enum err cut_ends(struct virt_range range, size_t *first)
{
    const size_t low = *first;
    size_t high = low;
    while (high < areas.count && areas.area[high].range.end.v <= range.end.v)
        high++;
    size_t below = is_inside(low, range.start), above = is_inside(high, range.end);
    enum err e = below + above > 0 ? areas_reserve(below + above) : E_OK;
    if (e == E_OK && below)
        e = areas_cut_leaf(&areas.area[low], range.start);
    if (e == E_OK && above)
        e = areas_cut_leaf(&areas.area[high], range.end);
    if (e != E_OK)
        return e;
    *first += below;
    if (above) {
        open_gap(high + 1, low == high ? below + above : above);
        split_into(high, range.end);
    }
    if (below) {
        if (low != high || !above)
            open_gap(low + 1, below);
        else
            areas.area[low + 2] = areas.area[low + 1]; /* the gap is for both */
        split_into(low, range.start);
    }
    return E_OK;
}

static bool range_ok(struct virt_range r)
{
    return is_aligned(r.start.v | r.end.v, PAGE_SIZE) && r.start.v < r.end.v &&
           r.start.v >= LAYOUT_PROGRAM_START && r.end.v <= LAYOUT_PROGRAM_END;
}

enum err areas_add(const struct area *area)
{
    size_t i = areas_index_above(area->range.start);
    if (!range_ok(area->range) ||
        (i < areas.count && areas.area[i].range.start.v < area->range.end.v))
        return E_EXIST;
    enum err e = areas_reserve(1);
    if (e != E_OK)
        return e;
    open_gap(i, 1);
    areas.area[i] = *area;
    areas.area[i].flags &= ~(uint32_t)AREA_CLEAN;
    areas_add_bytes(virt_range_size(area->range));
    merge_range(i, area->range);
    return E_OK;
}

enum err areas_remove(struct virt_range range)
{
    size_t i = areas_index_above(range.start);
    enum err e = cut_ends(range, &i);
    if (e != E_OK)
        return e;
    size_t kept = i, end = i;
    for (; end < areas.count && areas.area[end].range.start.v < range.end.v; end++) {
        struct area *a = &areas.area[end];
        if (a->kind == AREA_GUARD) {
            areas.area[kept++] = *a;
            continue;
        }
        areas.bytes -= virt_range_size(a->range);
        paging_unmap(a->range, areas_release_frame, NULL);
        area_source_put(a);
    }
    if (kept < end)
        close_gap(kept, end - kept);
    return E_OK;
}

/* Where the areas without a gap between them end that begin at range.start, in area i. */
static virt_t covered_until(size_t i, struct virt_range range)
{
    virt_t at = range.start;
    for (; i < areas.count && at.v < range.end.v; i++) {
        if (areas.area[i].range.start.v > at.v || areas.area[i].kind == AREA_GUARD)
            break;
        at = areas.area[i].range.end;
    }
    return at.v < range.end.v ? at : range.end;
}

/* The range lies in area i, which is no guard: what programs ask for most. */
static enum err protect_within(size_t i, struct virt_range range, prot_t prot)
{
    const struct area *a = &areas.area[i];
    size_t below = a->range.start.v<range.start.v, above = a->range.end.v> range.end.v;
    if (prot_equal(a->prot, prot))
        return E_OK;
    enum err e = areas_reserve(below + above);
    if (e == E_OK && below)
        e = areas_cut_leaf(&areas.area[i], range.start);
    if (e == E_OK && above)
        e = areas_cut_leaf(&areas.area[i], range.end);
    if (e == E_OK)
        e = paging_protect(range, prot);
    if (e != E_OK)
        return e;
    if (below + above > 0)
        open_gap(i + 1, below + above);
    if (above) {
        areas.area[i + below + above] = areas.area[i];
        set_start(i + below + above, range.end);
        area_source_get(&areas.area[i]);
        areas.area[i].range.end = range.end;
    }
    if (below) {
        split_into(i, range.start);
        i++;
    }
    areas.area[i].prot = prot;
    areas.last = i; /* they are often asked for again */
    if (!above)
        merge_until(i > 0 && !below ? i - 1 : i, range.end);
    else if (!below)
        areas_merge_below(i);
    return E_OK;
}

enum err areas_protect(struct virt_range range, prot_t prot)
{
    size_t first = areas_index_above(range.start);
    struct virt_range part = {range.start, covered_until(first, range)};
    if (part.end.v == part.start.v)
        return E_NOMEM;
    if (areas.area[first].range.end.v >= range.end.v)
        return protect_within(first, range, prot);
    enum err e = cut_ends(part, &first);
    if (e != E_OK)
        return e;
    for (size_t i = first; e == E_OK && i < areas.count && areas.area[i].range.start.v < part.end.v;
         i++) {
        struct area *a = &areas.area[i];
        if (prot_equal(a->prot, prot))
            continue;
        e = paging_protect(a->range, prot);
        if (e == E_OK)
            a->prot = prot;
    }
    merge_range(first, part);
    return e == E_OK && part.end.v < range.end.v ? E_NOMEM : e;
}

enum err areas_change(struct virt_range range, uint32_t set, uint32_t clear)
{
    size_t first = areas_index_above(range.start);
    enum err e = cut_ends(range, &first);
    if (e != E_OK)
        return e;
    for (size_t i = first; i < areas.count && areas.area[i].range.start.v < range.end.v; i++)
        if (areas.area[i].kind != AREA_GUARD)
            areas.area[i].flags = (areas.area[i].flags & ~clear) | set;
    merge_range(first, range);
    return E_OK;
}

void areas_clear(void)
{
    for (size_t i = 0; i < areas.count; i++) {
        if (areas.area[i].kind != AREA_GUARD)
            paging_unmap(areas.area[i].range, areas_release_frame, NULL);
        area_source_put(&areas.area[i]);
    }
    areas.count = areas.last = 0;
    areas.bytes = areas.peak = 0;
    areas.lazyfree = false;
    if (virt_range_size(paging_reserved_range) == 0)
        return;
    /* Nobody may touch it: neither a mapping nor, by way of it, what lies there. */
    const struct area closed = {
        .range = paging_reserved_range, .kind = AREA_GUARD, .file_end = UINT64_MAX};
    must(areas_add(&closed));
}

void areas_remove_owner(uint32_t owner)
{
    size_t kept = 0;
    for (size_t i = 0; i < areas.count; i++) {
        struct area *a = &areas.area[i];
        if (a->owner != owner || a->kind == AREA_GUARD) {
            areas.area[kept++] = *a;
            continue;
        }
        areas.bytes -= virt_range_size(a->range);
        paging_unmap(a->range, areas_release_frame, NULL);
        area_source_put(a);
    }
    areas.count = kept;
    areas.last = 0;
}

void areas_check(void)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < areas.count; i++) {
        const struct area *a = &areas.area[i];
        assert(range_ok(a->range));
        assert(i == 0 || a[-1].range.end.v <= a->range.start.v);
        assert(i == 0 || !can_merge(&a[-1], a));
        bytes += virt_range_size(a->range);
    }
    assert(bytes == areas.bytes);
}
