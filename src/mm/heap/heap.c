/* SPDX-License-Identifier: MIT */
/*
 * Two parts.
 *
 * Pages: ranges of the heap's slot, backed by single frames. Free addresses are in a sorted table
 * of ranges. Addresses are plentiful (512 GiB): if the table is full, the smallest range is dropped
 * until reboot, which loses addresses but no memory. Freed single pages stay mapped in a short
 * list, linked through their first word, because files and slabs allocate and free pages all the
 * time.
 *
 * Blocks: up to 2 KiB from slabs, which are pages cut into blocks of one size class with a header
 * at their start; above that, whole pages with a header of 16 bytes. So a block at page offset 16
 * is a large one:
 *
 *   slab    | header 64 | block | block | ... |         first block at offset 64
 *   large   | size, pages | block ...................   block at offset 16
 *
 * Of several CPUs, threads that share kernel_lock take heap_lock for all of it, the tables of the heap's slot included; if no frame is free they get NULL, for
 * they cannot run the shrinkers: such a call begins again alone.
 *
 * Invariant: a slab with a free block is in its class's list, a full one in none.
 */
#include "mm/heap/heap.h"

#include "base/list.h"
#include "base/panic.h"
#include "base/str.h"
#include "cpu/lock.h"
#include "mm/layout.h"
#include "mm/phys/frames.h"
#include "mm/phys/reserve.h"
#include "mm/phys/shrinker.h"
#include "mm/pt/paging.h"

#define HOLES_MAX      512
#define CACHE_MAX      16
#define SLAB_HEADER    64
#define LARGE_HEADER   16
#define SLAB_BLOCK_MAX 2016 /* two blocks in a page after the header */

static const uint16_t class_size[] = {16,  32,  48,  64,  96,  128,  160,
                                      192, 256, 384, 512, 672, 1008, 2016};
#define CLASSES ARRAY_LENGTH(class_size)

struct slab {
    struct list link; /* in its class's list while it has a free block */
    void *free;       /* chain through the blocks' first words */
    uint16_t used, class;
};

struct large {
    uint64_t size, pages;
};

/* Freed addresses; those from `fresh` on have never been used. */
static struct virt_range holes[HOLES_MAX];
static size_t hole_count;
static virt_t fresh = {LAYOUT_HEAP_START};

static void *cached; /* freed pages, still mapped */
static unsigned cached_count;
static struct list partial[CLASSES];
static uint64_t bytes_used;

static struct short_lock heap_lock;

static void hole_remove(size_t at)
{
    hole_count--;
    memmove(&holes[at], &holes[at + 1], (hole_count - at) * sizeof holes[0]);
}

static bool take_addresses(uint64_t size, virt_t *out)
{
    for (size_t i = 0; i < hole_count; i++) {
        if (virt_range_size(holes[i]) < size)
            continue;
        *out = holes[i].start;
        holes[i].start.v += size;
        if (holes[i].start.v == holes[i].end.v)
            hole_remove(i);
        return true;
    }
    if (LAYOUT_HEAP_END - fresh.v < size)
        return false;
    *out = fresh;
    fresh.v += size;
    return true;
}

static void give_addresses(struct virt_range r)
{
    size_t i = 0;
    while (i < hole_count && holes[i].end.v < r.start.v)
        i++;
    if (i < hole_count && holes[i].end.v == r.start.v) {
        holes[i].end = r.end;
        if (i + 1 < hole_count && holes[i + 1].start.v == r.end.v) {
            holes[i].end = holes[i + 1].end;
            hole_remove(i + 1);
        }
        return;
    }
    if (i < hole_count && holes[i].start.v == r.end.v) {
        holes[i].start = r.start;
        return;
    }
    if (hole_count == HOLES_MAX) {
        size_t least = 0;
        for (size_t j = 1; j < hole_count; j++)
            if (virt_range_size(holes[j]) < virt_range_size(holes[least]))
                least = j;
        if (virt_range_size(holes[least]) >= virt_range_size(r))
            return;
        hole_remove(least);
        i -= least < i;
    }
    memmove(&holes[i + 1], &holes[i], (hole_count - i) * sizeof holes[0]);
    holes[i] = r;
    hole_count++;
}

static void heap_release_frame(void *context, pte_t leaf, uint64_t size)
{
    (void)context;
    frames_put(&machine_frames, pt_leaf_frame(leaf, size));
}

static void pages_free(void *start, uint64_t pages)
{
    struct virt_range r = {virt_of(start), virt(virt_of(start).v + pages * PAGE_SIZE)};
    paging_unmap(&kernel_space, r, heap_release_frame, NULL);
    give_addresses(r);
}

static void *pages_alloc_once(uint64_t pages)
{
    virt_t start;
    if (!take_addresses(pages * PAGE_SIZE, &start))
        return NULL;
    for (uint64_t i = 0; i < pages; i++) {
        phys_t frame;
        enum err e = frames_alloc(&machine_frames, 0, &frame);
        if (e == E_OK) {
            e = paging_map(&kernel_space, virt(start.v + i * PAGE_SIZE), frame, PAGE_SIZE,
                           prot_rw());
            if (e != E_OK)
                frames_put(&machine_frames, frame);
        }
        if (e != E_OK) {
            if (i > 0)
                pages_free(ptr_of(start), i);
            give_addresses(virt_range(start.v + i * PAGE_SIZE, start.v + pages * PAGE_SIZE));
            return NULL;
        }
    }
    return ptr_of(start);
}

/* True if memory was freed. The heap is whole, and may be used meanwhile. */
static bool heap_make_room(void) REQUIRES(class_heap)
{
    if (kernel_lock_is_shared())
        return false;
    SHORT_UNLOCK(&heap_lock, class_heap);
    bool more = paging_trim(running_space) || shrinkers_run() || reserve_refill();
    SHORT_LOCK(&heap_lock, class_heap);
    return more;
}

/* Contents undefined; NULL if memory is short. */
static void *pages_alloc(uint64_t pages) REQUIRES(class_heap)
{
    void *start;
    if (unlikely(machine_frames.free_frames < swap_reserve.least))
        reserve_owe();
    do
        start = pages_alloc_once(pages);
    while (start == NULL && heap_make_room());
    return start;
}

static void *page_take(void) REQUIRES(class_heap)
{
    void *page = cached;
    if (page == NULL)
        return pages_alloc(1);
    cached = *(void **)page;
    cached_count--;
    return page;
}

static void page_give(void *page)
{
    phys_t frame = kpage_phys(page);
    if (cached_count == CACHE_MAX || frames_references(&machine_frames, frame) != 1) {
        pages_free(page, 1); /* the frame has other references */
        return;
    }
    *(void **)page = cached;
    cached = page;
    cached_count++;
}

void heap_trim(void)
{
    SHORT_LOCK(&heap_lock, class_heap);
    while (cached != NULL)
        pages_free(page_take(), 1);
    SHORT_UNLOCK(&heap_lock, class_heap);
}

void *kpage_alloc(void)
{
    SHORT_LOCK(&heap_lock, class_heap);
    void *page = page_take();
    if (page != NULL) {
        memset(page, 0, PAGE_SIZE);
        bytes_used += PAGE_SIZE;
    }
    SHORT_UNLOCK(&heap_lock, class_heap);
    return page;
}

void kpage_free(void *page)
{
    SHORT_LOCK(&heap_lock, class_heap);
    bytes_used -= PAGE_SIZE;
    page_give(page);
    SHORT_UNLOCK(&heap_lock, class_heap);
}

phys_t kpage_phys(const void *page)
{
    phys_t frame;
    bool mapped = paging_translate(&kernel_space, virt_of(page), &frame);
    assert(mapped);
    return frame;
}

static struct slab *slab_new(unsigned class) REQUIRES(class_heap)
{
    struct slab *slab = page_take();
    if (slab == NULL)
        return NULL;
    slab->used = 0;
    slab->class = (uint16_t) class;
    slab->free = NULL;
    for (size_t at = SLAB_HEADER; at + class_size[class] <= PAGE_SIZE; at += class_size[class]) {
        void **block = (void **)((char *)slab + at);
        *block = slab->free;
        slab->free = block;
    }
    list_add_head(&partial[class], &slab->link);
    return slab;
}

static void *slab_alloc(size_t size) REQUIRES(class_heap)
{
    unsigned class = 0;
    while (class_size[class] < size)
        class ++;
    if (partial[class].next == NULL)
        list_init(&partial[class]);
    struct slab *slab = list_empty(&partial[class])
                            ? slab_new(class)
                            : CONTAINER_OF(partial[class].next, struct slab, link);
    if (slab == NULL)
        return NULL;
    void **block = slab->free;
    slab->free = *block;
    slab->used++;
    if (slab->free == NULL)
        list_remove(&slab->link);
    bytes_used += class_size[class];
    return block;
}

static void slab_free(struct slab *slab, void *block)
{
    bytes_used -= class_size[slab->class];
    if (slab->free == NULL)
        list_add_head(&partial[slab->class], &slab->link);
    *(void **)block = slab->free;
    slab->free = block;
    if (--slab->used == 0) {
        list_remove(&slab->link);
        page_give(slab);
    }
}

static ALWAYS_INLINE void *alloc_locked(size_t size) REQUIRES(class_heap)
{
    if (size <= SLAB_BLOCK_MAX)
        return slab_alloc(size);
    if (size > UINT64_C(1) << 40)
        return NULL;
    uint64_t pages = align_up(size + LARGE_HEADER, PAGE_SIZE) >> PAGE_SHIFT;
    struct large *large = pages_alloc(pages);
    if (large == NULL)
        return NULL;
    large->size = size;
    large->pages = pages;
    bytes_used += pages * PAGE_SIZE;
    return (char *)large + LARGE_HEADER;
}

void *heap_alloc(size_t size)
{
    SHORT_LOCK(&heap_lock, class_heap);
    void *block = alloc_locked(size);
    SHORT_UNLOCK(&heap_lock, class_heap);
    return block;
}

void *heap_alloc_zero(size_t size)
{
    void *block = heap_alloc(size);
    if (block != NULL)
        memset(block, 0, size);
    return block;
}

static bool is_large(const void *block)
{
    return (virt_of(block).v & PAGE_MASK) == LARGE_HEADER;
}

static void *page_of(void *block)
{
    return ptr_of(virt(align_down(virt_of(block).v, PAGE_SIZE)));
}

static ALWAYS_INLINE void free_locked(void *block) REQUIRES(class_heap)
{
    if (!is_large(block)) {
        slab_free(page_of(block), block);
        return;
    }
    struct large *large = page_of(block);
    bytes_used -= large->pages * PAGE_SIZE;
    pages_free(large, large->pages);
}

void heap_free(void *block)
{
    if (block == NULL)
        return;
    SHORT_LOCK(&heap_lock, class_heap);
    free_locked(block);
    SHORT_UNLOCK(&heap_lock, class_heap);
}

void *heap_resize(void *block, size_t size)
{
    if (block == NULL)
        return heap_alloc(size);
    size_t have = is_large(block)
                      ? ((struct large *)page_of(block))->pages * PAGE_SIZE - LARGE_HEADER
                      : class_size[((struct slab *)page_of(block))->class];
    if (size <= have && size >= have / 2)
        return block;
    void *moved = heap_alloc(size);
    if (moved == NULL)
        return NULL;
    memcpy(moved, block, size < have ? size : have);
    heap_free(block);
    return moved;
}

uint64_t heap_used(void)
{
    return bytes_used;
}
