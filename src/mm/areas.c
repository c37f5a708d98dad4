/* SPDX-License-Identifier: MIT */
/*
 * A sorted array, by value: lookups are a binary search over neighbouring memory, and a program with a
 * thousand threads moves a few ten kilobytes when it maps another stack.
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
static uint64_t total_bytes;
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

/* Index of the first area that ends above v. */
static size_t index_above(virt_t v)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (areas[middle].range.end.v <= v.v)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const struct area *areas_next(virt_t v)
{
    size_t i = index_above(v);
    return i < count ? &areas[i] : NULL;
}

const struct area *areas_find(virt_t v)
{
    const struct area *a = areas_next(v);
    return a != NULL && a->range.start.v <= v.v ? a : NULL;
}

/* Room for `more` areas. */
static enum err reserve(size_t more)
{
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
        low->flags != high->flags || !prot_equal(low->prot, high->prot) || low->kind == AREA_GUARD)
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
    source_put(&areas[i + 1]);
    remove_at(i + 1);
    return true;
}

/* Cuts area i at v, which lies inside it; reserve(1) was called. */
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
    total_bytes += virt_range_size(area->range);
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
    enum err e = reserve(1);
    if (e != E_OK)
        return e;
    for (size_t i = index_above(range.start); i < count && areas[i].range.start.v < range.end.v;) {
        struct area *a = &areas[i];
        if (a->kind == AREA_GUARD) {
            i++;
            continue;
        }
        if (a->range.start.v < range.start.v) {
            split_at(i, range.start);
            i++;
            continue;
        }
        if (a->range.end.v > range.end.v)
            split_at(i, range.end);
        a = &areas[i];
        total_bytes -= virt_range_size(a->range);
        paging_unmap(a->range, release_frame, NULL);
        source_put(a);
        remove_at(i);
    }
    return E_OK;
}

enum err areas_protect(struct virt_range range, prot_t prot)
{
    enum err e = reserve(2);
    if (e != E_OK)
        return e;
    virt_t at = range.start;
    size_t i = index_above(at);
    for (; at.v < range.end.v; i++) {
        if (i == count || areas[i].range.start.v > at.v || areas[i].kind == AREA_GUARD)
            return E_NOMEM;
        if (areas[i].range.start.v < at.v)
            split_at(i++, at);
        if (areas[i].range.end.v > range.end.v)
            split_at(i, range.end);
        at = areas[i].range.end;
        if (prot_equal(areas[i].prot, prot))
            continue;
        e = paging_protect(areas[i].range, prot);
        if (e != E_OK)
            return e;
        areas[i].prot = prot;
        if (i > 0 && merge_at(i - 1))
            i--;
    }
    if (i > 0)
        merge_at(i - 1);
    /* A split for a part that then kept its permissions is undone here, too. */
    size_t first = index_above(range.start);
    if (first > 0)
        merge_at(first - 1);
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

enum err areas_find_hole(uint64_t size, uint64_t alignment, virt_t hint, struct virt_range *out)
{
    if (size == 0 || size > LAYOUT_PROGRAM_END)
        return E_NOMEM;
    if (hint.v >= LAYOUT_PROGRAM_START && hint.v <= LAYOUT_PROGRAM_END - size) {
        const struct area *a = areas_next(hint);
        if (a == NULL || a->range.start.v >= hint.v + size) {
            *out = virt_range(hint.v, hint.v + size);
            return E_OK;
        }
    }
    uint64_t end = mmap_base.v;
    for (size_t i = index_above(mmap_base); i-- > 0;) {
        if (areas[i].range.end.v <= end &&
            fit_below(areas[i].range.end.v, end, size, alignment, out))
            return E_OK;
        if (areas[i].range.start.v < end)
            end = areas[i].range.start.v;
    }
    return fit_below(LAYOUT_PROGRAM_START, end, size, alignment, out) ? E_OK : E_NOMEM;
}

void areas_clear(void)
{
    for (size_t i = 0; i < count; i++) {
        paging_unmap(areas[i].range, release_frame, NULL);
        source_put(&areas[i]);
    }
    count = 0;
    total_bytes = 0;
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
