/* SPDX-License-Identifier: MIT */
/*
 * A sorted array, by value: lookups are a binary search over neighbouring memory, and a program
 * with a thousand threads moves a few ten kilobytes when it maps another stack.
 */
#include "mm/areas.h"

#include "base/panic.h"
#include "base/str.h"
#include "mm/frames.h"
#include "mm/heap.h"
#include "mm/layout.h"
#include "mm/paging.h"

static struct area *areas;
static size_t count, capacity;
static size_t last_found; /* what index_above() last said, checked before it is used again */
static uint64_t total_bytes, peak_bytes;
static uint64_t stack_limit = UINT64_MAX, all_limit = UINT64_MAX;
static virt_t mmap_base = {LAYOUT_PROGRAM_END};

void areas_set_mmap_base(virt_t base)
{
    mmap_base = base;
}

uint64_t areas_count(void)
{
    return count;
}

uint64_t areas_bytes(void)
{
    return total_bytes;
}

uint64_t areas_peak_bytes(void)
{
    return peak_bytes;
}

static void add_bytes(uint64_t more)
{
    total_bytes += more;
    if (total_bytes > peak_bytes)
        peak_bytes = total_bytes;
}

/* Index of the first area that ends above v. */
static size_t index_above(virt_t v)
{
    size_t low = last_found, high = count;
    if (low < count && areas[low].range.end.v > v.v &&
        (low == 0 || areas[low - 1].range.end.v <= v.v))
        return low;
    low = 0;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (areas[middle].range.end.v <= v.v)
            low = middle + 1;
        else
            high = middle;
    }
    last_found = low;
    return low;
}

const struct area *areas_next(virt_t v)
{
    size_t i = index_above(v);
    return i < count ? &areas[i] : NULL;
}

const struct area *areas_find(virt_t v)
{
    size_t i = index_above(v);
    return i < count && areas[i].range.start.v <= v.v ? &areas[i] : NULL;
}

/* Room for `more` areas. */
static enum err reserve(size_t more)
{
    if (count + more > AREAS_MAX)
        return E_NOMEM;
    if (count + more <= capacity)
        return E_OK;
    size_t wanted = capacity == 0 ? 30 : capacity * 2;
    struct area *grown = heap_resize(areas, wanted * sizeof *areas);
    if (grown == NULL)
        return E_NOMEM;
    areas = grown;
    capacity = wanted;
    return E_OK;
}

static void insert_at(size_t i, const struct area *a)
{
    memmove(&areas[i + 1], &areas[i], (count - i) * sizeof *areas);
    areas[i] = *a;
    count++;
}

static void remove_at(size_t i)
{
    count--;
    memmove(&areas[i], &areas[i + 1], (count - i) * sizeof *areas);
}

static void source_get(const struct area *a)
{
    if (a->source != NULL)
        a->source->ops->get(a->source);
}

static void source_put(const struct area *a)
{
    if (a->source != NULL)
        a->source->ops->put(a->source);
}

static bool can_merge(const struct area *low, const struct area *high)
{
    if (low->range.end.v != high->range.start.v || low->kind != high->kind ||
        ((low->flags ^ high->flags) & ~(uint32_t)AREA_CLEAN) ||
        !prot_equal(low->prot, high->prot) || low->kind == AREA_GUARD)
        return false;
    if (low->kind == AREA_ANONYMOUS)
        return true;
    return low->source == high->source && low->file_end == high->file_end &&
           low->offset + virt_range_size(low->range) == high->offset;
}

/* Joins areas i and i + 1 if they can be. */
static bool merge_at(size_t i)
{
    if (i + 1 >= count || !can_merge(&areas[i], &areas[i + 1]))
        return false;
    areas[i].range.end = areas[i + 1].range.end;
    areas[i].flags &= areas[i + 1].flags | ~(uint32_t)AREA_CLEAN;
    source_put(&areas[i + 1]);
    remove_at(i + 1);
    return true;
}

/* Cuts area i at v, which lies inside it; there is room. */
static void split_at(size_t i, virt_t v)
{
    struct area high = areas[i];
    uint64_t below = v.v - high.range.start.v;
    high.range.start = v;
    if (high.kind == AREA_FILE)
        high.offset += below;
    source_get(&high);
    areas[i].range.end = v;
    insert_at(i + 1, &high);
}

/* Is v inside a page of 2 MiB that the area could have? */
static bool may_cut_leaf(const struct area *a, virt_t v)
{
    uint64_t base = align_down(v.v, LARGE_SIZE);
    return base != v.v && a->kind == AREA_ANONYMOUS && base >= a->range.start.v &&
           a->range.end.v - base >= LARGE_SIZE;
}

/* Makes v a boundary between leaves; the block of frames behind a large one becomes single frames. */
static enum err cut_leaf(const struct area *a, virt_t v)
{
    struct pt_walk walk;
    if (!may_cut_leaf(a, v))
        return E_OK;
    paging_walk(v, &walk);
    if (walk.last_level != 2 || walk.entry[2].v == 0)
        return E_OK;
    enum err e = paging_split_at(v);
    if (e == E_OK)
        frames_split(&machine_frames, phys(align_down(walk.entry[2].v & PTE_ADDRESS, LARGE_SIZE)));
    return e;
}

/* The area, no guard, that has v inside it and not at its start. */
static bool cuts_area(virt_t v, size_t *index)
{
    *index = index_above(v);
    return *index < count && areas[*index].range.start.v < v.v && areas[*index].kind != AREA_GUARD;
}

/* Makes both ends boundaries between leaves. */
static enum err cut_leaves(struct virt_range range)
{
    size_t low, high;
    enum err e = cuts_area(range.start, &low) ? cut_leaf(&areas[low], range.start) : E_OK;
    return e == E_OK && cuts_area(range.end, &high) ? cut_leaf(&areas[high], range.end) : e;
}

/* Makes both ends of the range boundaries between areas. Changes nothing that a program can see,
 * so that it may be followed by any failure once the areas are merged. */
static enum err cut_ends(struct virt_range range)
{
    size_t low, high;
    bool cuts_low = cuts_area(range.start, &low), cuts_high = cuts_area(range.end, &high);
    enum err e = reserve((size_t)cuts_low + (size_t)cuts_high);
    if (e == E_OK && cuts_low)
        e = cut_leaf(&areas[low], range.start);
    if (e == E_OK && cuts_high)
        e = cut_leaf(&areas[high], range.end);
    if (e != E_OK)
        return e;
    if (cuts_high)
        split_at(high, range.end);
    if (cuts_low)
        split_at(low, range.start);
    return E_OK;
}

/* Joins what can be joined among the areas that touch the range. */
static void merge_range(struct virt_range range)
{
    size_t i = index_above(range.start);
    if (i > 0)
        i--;
    while (i + 1 < count && areas[i].range.end.v <= range.end.v)
        if (!merge_at(i))
            i++;
}

static bool range_ok(struct virt_range r)
{
    return is_aligned(r.start.v | r.end.v, PAGE_SIZE) && r.start.v < r.end.v &&
           r.start.v >= LAYOUT_PROGRAM_START && r.end.v <= LAYOUT_PROGRAM_END;
}

enum err areas_add(const struct area *area)
{
    size_t i = index_above(area->range.start);
    if (!range_ok(area->range) || (i < count && areas[i].range.start.v < area->range.end.v))
        return E_EXIST;
    enum err e = reserve(1);
    if (e != E_OK)
        return e;
    insert_at(i, area);
    areas[i].flags &= ~(uint32_t)AREA_CLEAN;
    add_bytes(virt_range_size(area->range));
    merge_at(i);
    if (i > 0)
        merge_at(i - 1);
    return E_OK;
}

static void release_frame(void *context, phys_t frame, uint64_t size)
{
    (void)context;
    (void)size;
    frames_put(&machine_frames, frame);
}

enum err areas_remove(struct virt_range range)
{
    enum err e = cut_ends(range);
    if (e != E_OK)
        return e;
    size_t i = index_above(range.start), kept = i, end = i;
    for (; end < count && areas[end].range.start.v < range.end.v; end++) {
        struct area *a = &areas[end];
        if (a->kind == AREA_GUARD) {
            areas[kept++] = *a;
            continue;
        }
        total_bytes -= virt_range_size(a->range);
        paging_unmap(a->range, release_frame, NULL);
        source_put(a);
    }
    if (kept < end) {
        memmove(&areas[kept], &areas[end], (count - end) * sizeof *areas);
        count -= end - kept;
    }
    return E_OK;
}

/* Where the areas without a gap between them end that begin at range.start. */
static virt_t covered_until(struct virt_range range)
{
    virt_t at = range.start;
    for (size_t i = index_above(at); i < count && at.v < range.end.v; i++) {
        if (areas[i].range.start.v > at.v || areas[i].kind == AREA_GUARD)
            break;
        at = areas[i].range.end;
    }
    return at.v < range.end.v ? at : range.end;
}

enum err areas_protect(struct virt_range range, prot_t prot)
{
    struct virt_range part = {range.start, covered_until(range)};
    if (part.end.v == part.start.v)
        return E_NOMEM;
    /* The whole of it already has them: what programs that ask again and again meet. */
    size_t i = index_above(part.start);
    if (areas[i].range.end.v >= range.end.v && prot_equal(areas[i].prot, prot))
        return E_OK;
    enum err e = cut_ends(part);
    for (i = index_above(part.start); e == E_OK && i < count && areas[i].range.start.v < part.end.v;
         i++) {
        if (prot_equal(areas[i].prot, prot))
            continue;
        e = paging_protect(areas[i].range, prot);
        if (e == E_OK)
            areas[i].prot = prot;
    }
    merge_range(part);
    return e == E_OK && part.end.v < range.end.v ? E_NOMEM : e;
}

enum err areas_change(struct virt_range range, uint32_t set, uint32_t clear)
{
    enum err e = cut_ends(range);
    if (e != E_OK)
        return e;
    for (size_t i = index_above(range.start); i < count && areas[i].range.start.v < range.end.v;
         i++)
        if (areas[i].kind != AREA_GUARD)
            areas[i].flags = (areas[i].flags & ~clear) | set;
    merge_range(range);
    return E_OK;
}

/* Highest place below `end` and above `start` for size bytes; false when it does not fit. */
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

/* What lies below it must end here. */
static uint64_t start_with_gap(const struct area *a)
{
    uint64_t start = a->range.start.v;
    if (!(a->flags & AREA_GROWS_DOWN))
        return start;
    return start > AREA_STACK_GAP ? start - AREA_STACK_GAP : 0;
}

enum err areas_find_hole(uint64_t size, uint64_t alignment, virt_t hint, struct virt_range *out)
{
    if (size == 0 || size > LAYOUT_PROGRAM_END)
        return E_NOMEM;
    if (hint.v >= LAYOUT_PROGRAM_START && hint.v <= LAYOUT_PROGRAM_END - size) {
        size_t i = index_above(hint);
        if (i == count || start_with_gap(&areas[i]) >= hint.v + size) {
            *out = virt_range(hint.v, hint.v + size);
            return E_OK;
        }
    }
    return areas_find_hole_below(size, alignment, mmap_base, out);
}

enum err areas_find_hole_below(uint64_t size, uint64_t alignment, virt_t limit,
                               struct virt_range *out)
{
    uint64_t end = limit.v;
    size_t i = index_above(limit);
    if (i < count && start_with_gap(&areas[i]) < end)
        end = start_with_gap(&areas[i]);
    while (i-- > 0) {
        if (areas[i].range.end.v <= end &&
            fit_below(areas[i].range.end.v, end, size, alignment, out))
            return E_OK;
        if (start_with_gap(&areas[i]) < end)
            end = start_with_gap(&areas[i]);
    }
    return fit_below(LAYOUT_PROGRAM_START, end, size, alignment, out) ? E_OK : E_NOMEM;
}

void areas_set_limits(uint64_t stack, uint64_t all)
{
    stack_limit = stack;
    all_limit = all;
}

/* May area i start at `start`, which is below it? */
static bool may_grow_to(size_t i, uint64_t start)
{
    const struct area *a = &areas[i];
    uint64_t more = a->range.start.v - start;
    if (start < LAYOUT_PROGRAM_START || a->range.end.v - start > stack_limit ||
        total_bytes + more > all_limit)
        return false;
    if (i == 0)
        return true;
    const struct area *below = &areas[i - 1];
    if (start < below->range.end.v)
        return false;
    return below->flags & AREA_GROWS_DOWN || below->prot.bits == 0 ||
           start - below->range.end.v >= AREA_STACK_GAP;
}

enum err areas_grow_down(virt_t v)
{
    size_t i = index_above(v);
    if (i == count || !(areas[i].flags & AREA_GROWS_DOWN) || areas[i].range.start.v <= v.v)
        return E_FAULT;
    uint64_t start = align_down(v.v, PAGE_SIZE);
    if (!may_grow_to(i, start))
        return E_NOMEM;
    add_bytes(areas[i].range.start.v - start);
    areas[i].range.start.v = start;
    if (i > 0)
        merge_at(i - 1);
    return E_OK;
}

bool areas_gap_at(virt_t v, struct area *out)
{
    size_t i = index_above(v);
    if (i == count || !(areas[i].flags & AREA_GROWS_DOWN) || areas[i].range.start.v <= v.v)
        return false;
    const struct area *a = &areas[i];
    uint64_t size = virt_range_size(a->range);
    uint64_t room = size < stack_limit ? stack_limit - size : 0;
    uint64_t end = room < a->range.start.v ? a->range.start.v - align_down(room, PAGE_SIZE) : 0;
    uint64_t lowest = i > 0 ? areas[i - 1].range.end.v : LAYOUT_PROGRAM_START;
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

bool areas_may_store(const struct page_source *source)
{
    for (size_t i = 0; i < count; i++)
        if (areas[i].source == source && areas[i].flags & AREA_SHARED &&
            !(areas[i].flags & AREA_READ_ONLY))
            return true;
    return false;
}

/* ---- the pages of areas ---- */

enum err areas_discard(struct virt_range range)
{
    enum err e = cut_leaves(range);
    for (size_t i = index_above(range.start);
         e == E_OK && i < count && areas[i].range.start.v < range.end.v; i++)
        if (areas[i].kind != AREA_GUARD)
            paging_unmap(virt_range_intersection(areas[i].range, range), release_frame, NULL);
    return e;
}

/* The leaf at `from`, or the first below a gap, goes to the same distance from `to`, with the
 * reference that it stands for. *size is what it spans, mapped or not. */
static enum err move_leaf(virt_t from, virt_t to, prot_t prot, uint64_t *size)
{
    struct pt_walk walk;
    paging_walk(from, &walk);
    pte_t leaf = walk.entry[walk.last_level];
    uint64_t span = pt_span(walk.last_level);
    *size = span - (from.v & (span - 1));
    if (leaf.v == 0)
        return E_OK;
    if (leaf.v & PTE_COPY)
        prot = prot_copy_on_write(prot);
    enum err e = paging_map(to, phys(align_down(leaf.v & PTE_ADDRESS, span)), span, prot);
    if (e != E_OK)
        return e;
    paging_unmap(virt_range(from.v, from.v + span), NULL, NULL);
    paging_mark(virt_range(to.v, to.v + span), leaf.v & (PTE_A | PTE_D));
    return E_OK;
}

/* Leaves of 2 MiB stay that where the new place allows it; what is cut stays cut on failure. */
static enum err cut_for_move(const struct area *a, struct virt_range from, virt_t to)
{
    enum err e = cut_leaf(a, from.start);
    if (e == E_OK)
        e = cut_leaf(a, from.end);
    if (is_aligned(from.start.v ^ to.v, LARGE_SIZE))
        return e;
    for (uint64_t at = align_up(from.start.v, LARGE_SIZE); e == E_OK && at < from.end.v;
         at += LARGE_SIZE)
        e = cut_leaf(a, virt(at + PAGE_SIZE));
    return e;
}

static enum err move_leaves(struct virt_range from, virt_t to, prot_t prot)
{
    uint64_t size;
    for (uint64_t at = 0; at < virt_range_size(from); at += size) {
        enum err e = move_leaf(virt(from.start.v + at), virt(to.v + at), prot, &size);
        if (e == E_OK)
            continue;
        /* Back: the tables of the old place exist still, or their frames just came free. */
        for (uint64_t back = 0; back < at; back += size)
            must(move_leaf(virt(to.v + back), virt(from.start.v + back), prot, &size));
        return e;
    }
    return E_OK;
}

/* What the part of `old` that starts at `from` becomes at `to`. */
static struct area area_moved(const struct area *old, virt_t from, struct virt_range to)
{
    struct area moved = *old;
    moved.range = to;
    if (moved.kind == AREA_FILE) {
        moved.offset += from.v - old->range.start.v;
        if (moved.file_end != UINT64_MAX)
            moved.file_end += to.start.v - from.v;
    }
    return moved;
}

enum err areas_move(struct virt_range from, struct virt_range to, bool keep)
{
    const struct area *old = areas_find(from.start);
    assert(old != NULL && old->range.end.v >= from.end.v);
    struct area moved = area_moved(old, from.start, to);
    enum err e = reserve(3);
    if (e == E_OK)
        e = cut_for_move(areas_find(from.start), from, to.start);
    if (e == E_OK)
        e = move_leaves(from, to.start, moved.prot);
    if (e != E_OK)
        return e;
    source_get(&moved);
    must(areas_add(&moved));
    if (!keep)
        must(areas_remove(from));
    return E_OK;
}

enum err areas_duplicate(virt_t from, struct virt_range to)
{
    const struct area *old = areas_find(from);
    assert(old != NULL && old->flags & AREA_SHARED);
    struct area twin = area_moved(old, from, to);
    source_get(&twin);
    enum err e = areas_add(&twin);
    if (e != E_OK)
        source_put(&twin);
    return e;
}

/* Where the area shows pages [first, end) of the source. */
static struct virt_range shown(const struct area *a, const struct page_source *source,
                               uint64_t first, uint64_t end)
{
    uint64_t start = a->offset >> PAGE_SHIFT;
    uint64_t after = start + (virt_range_size(a->range) >> PAGE_SHIFT);
    if (a->source != source || end <= start || first >= after)
        return (struct virt_range){a->range.start, a->range.start};
    uint64_t low = first > start ? first - start : 0;
    uint64_t high = (end < after ? end : after) - start;
    return virt_range(a->range.start.v + (low << PAGE_SHIFT),
                      a->range.start.v + (high << PAGE_SHIFT));
}

static void forget_page(const struct area *a, virt_t page)
{
    struct pt_walk walk;
    paging_walk(page, &walk);
    bool of_file = a->flags & AREA_SHARED || walk.entry[1].v & PTE_COPY;
    if (walk.last_level == 1 && walk.entry[1].v != 0 && of_file)
        paging_unmap(virt_range(page.v, page.v + PAGE_SIZE), release_frame, NULL);
}

void areas_forget_pages(const struct page_source *source, uint64_t first, uint64_t end)
{
    for (size_t i = 0; i < count; i++) {
        struct virt_range part = shown(&areas[i], source, first, end);
        for (virt_t page = part.start; page.v < part.end.v; page.v += PAGE_SIZE)
            forget_page(&areas[i], page);
        if (virt_range_size(part) != 0) /* the new pages are mapped later, and not dirty then */
            areas[i].flags &= ~(uint32_t)AREA_CLEAN;
    }
}

void areas_pages_written(const struct page_source *source, uint64_t first, uint64_t end)
{
    for (size_t i = 0; i < count; i++)
        paging_mark(shown(&areas[i], source, first, end), PTE_D);
}

void areas_mark_clean(void)
{
    for (size_t i = 0; i < count; i++)
        areas[i].flags |= AREA_CLEAN;
}

void areas_clear(void)
{
    for (size_t i = 0; i < count; i++) {
        if (areas[i].kind != AREA_GUARD)
            paging_unmap(areas[i].range, release_frame, NULL);
        source_put(&areas[i]);
    }
    count = 0;
    total_bytes = peak_bytes = 0;
    last_found = 0;
    if (virt_range_size(paging_reserved_range) == 0)
        return;
    /* Nobody may touch it: neither a mapping nor, by way of it, what lies there. */
    const struct area closed = {
        .range = paging_reserved_range, .kind = AREA_GUARD, .file_end = UINT64_MAX};
    must(areas_add(&closed));
}

void areas_check(void)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < count; i++) {
        assert(range_ok(areas[i].range));
        assert(i == 0 || areas[i - 1].range.end.v <= areas[i].range.start.v);
        assert(i == 0 || !can_merge(&areas[i - 1], &areas[i]));
        bytes += virt_range_size(areas[i].range);
    }
    assert(bytes == total_bytes);
}
