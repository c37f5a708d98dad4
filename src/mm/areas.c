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
    areas[i].flags &= ~(uint32_t)AREA_CLEAN;
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

static enum err protect_at(size_t i, prot_t prot)
{
    if (prot_equal(areas[i].prot, prot))
        return E_OK;
    enum err e = paging_protect(areas[i].range, prot);
    if (e == E_OK)
        areas[i].prot = prot;
    return e;
}

enum err areas_protect(struct virt_range range, prot_t prot)
{
    enum err e = reserve(2);
    if (e != E_OK)
        return e;
    virt_t at = range.start;
    for (size_t i = index_above(at); e == E_OK && at.v < range.end.v; i++) {
        if (i == count || areas[i].range.start.v > at.v || areas[i].kind == AREA_GUARD)
            return E_NOMEM;
        if (areas[i].range.start.v < at.v)
            split_at(i++, at);
        if (areas[i].range.end.v > range.end.v)
            split_at(i, range.end);
        at = areas[i].range.end;
        e = protect_at(i, prot);
        /* The next one merges backwards in its turn; the last has no next. */
        if (e != E_OK || at.v >= range.end.v)
            merge_at(i);
        if (i > 0 && merge_at(i - 1))
            i--;
    }
    return e;
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
    return areas_find_hole_below(size, alignment, mmap_base, out);
}

enum err areas_find_hole_below(uint64_t size, uint64_t alignment, virt_t limit,
                               struct virt_range *out)
{
    uint64_t end = limit.v;
    size_t i = index_above(limit);
    if (i < count && areas[i].range.start.v < end)
        end = areas[i].range.start.v;
    while (i-- > 0) {
        if (areas[i].range.end.v <= end &&
            fit_below(areas[i].range.end.v, end, size, alignment, out))
            return E_OK;
        if (areas[i].range.start.v < end)
            end = areas[i].range.start.v;
    }
    return fit_below(LAYOUT_PROGRAM_START, end, size, alignment, out) ? E_OK : E_NOMEM;
}

void areas_discard(struct virt_range range)
{
    for (size_t i = index_above(range.start); i < count && areas[i].range.start.v < range.end.v;
         i++) {
        struct virt_range part = areas[i].range;
        if (part.start.v < range.start.v)
            part.start = range.start;
        if (part.end.v > range.end.v)
            part.end = range.end;
        paging_unmap(part, release_frame, NULL);
    }
}

/* The entry goes from one place to the other, with the reference that it stands for. */
static enum err move_page(virt_t from, virt_t to, prot_t prot)
{
    struct pt_walk walk;
    paging_walk(from, &walk);
    if (walk.last_level > 1 || walk.entry[1].v == 0)
        return E_OK;
    if (walk.entry[1].v & PTE_COPY)
        prot = prot_copy_on_write(prot);
    enum err e = paging_map(to, phys(walk.entry[1].v & PTE_ADDRESS), PAGE_SIZE, prot);
    if (e != E_OK)
        return e;
    paging_mark(virt_range(to.v, to.v + PAGE_SIZE), walk.entry[1].v & (PTE_A | PTE_D));
    paging_unmap(virt_range(from.v, from.v + PAGE_SIZE), NULL, NULL);
    return E_OK;
}

static enum err move_pages(struct virt_range from, virt_t to, prot_t prot)
{
    for (uint64_t at = 0; at < virt_range_size(from); at += PAGE_SIZE) {
        enum err e = move_page(virt(from.start.v + at), virt(to.v + at), prot);
        if (e == E_OK)
            continue;
        /* Back: the tables of the old place exist still, or their frames just came free. */
        while (at > 0) {
            at -= PAGE_SIZE;
            must(move_page(virt(to.v + at), virt(from.start.v + at), prot));
        }
        return e;
    }
    return E_OK;
}

enum err areas_move(struct virt_range from, struct virt_range to)
{
    const struct area *old = areas_find(from.start);
    assert(old != NULL && old->range.end.v >= from.end.v);
    struct area moved = *old;
    moved.range = to;
    if (moved.kind == AREA_FILE) {
        moved.offset += from.start.v - old->range.start.v;
        if (moved.file_end != UINT64_MAX)
            moved.file_end += to.start.v - from.start.v;
    }
    enum err e = reserve(3);
    if (e != E_OK)
        return e;
    e = move_pages(from, to.start, moved.prot);
    if (e != E_OK)
        return e;
    source_get(&moved);
    must(areas_add(&moved));
    return areas_remove(from);
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
