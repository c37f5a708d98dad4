/* SPDX-License-Identifier: MIT */
/* Pages of the cache: how they come, change their state and go. */
#include "fs/cache/cache.h"

#include "base/panic.h"
#include "base/str.h"
#include "fs/vfs/wait.h"
#include "kern/thread.h"
#include "kern/time.h"
#include "mm/heap/heap.h"
#include "mm/phys/frames.h"
#include "mm/phys/shrinker.h"
#include "mm/vm/areas.h"

#define SHRINK_PIECE 256 /* clean pages that one call of the shrinker looks at, twice */
#define LEFT_FREE    32  /* a share of memory */

struct page_cache_counts page_cache_counts;
static struct list clean = LIST_INIT(clean); /* the oldest first */
static uint64_t changes;                     /* how often a page has become dirty */

void cache_settle(struct cached_page *page)
{
    list_remove(&page->link);
    list_add_tail(&clean, &page->link);
}

void cache_make_dirty(struct cached_page *page)
{
    struct page_cache *cache = page->cache;
    if (page->state & PAGE_DIRTY)
        return;
    page->state |= PAGE_DIRTY;
    page->order = ++changes;
    page->dirty_ns = time_now_ns();
    list_remove(&page->link);
    list_add_tail(&cache->dirty_pages, &page->link);
    page_cache_counts.dirty++;
    thread_current()->moved.stored[1] += PAGE_SIZE;
    if (cache->dirty++ == 0) {
        cache->dirty_order = page->order;
        list_add_tail(&cache_dirty_files, &cache->dirty_files);
    }
    cache_dirty_began();
}

static void cache_forget_dirty(struct cached_page *page)
{
    page->state &= (uint8_t)~PAGE_DIRTY;
    page_cache_counts.dirty--;
    if (--page->cache->dirty == 0)
        list_remove(&page->cache->dirty_files);
}

void cache_remove(struct cached_page *page)
{
    assert(!(page->state & (PAGE_BUSY | PAGE_WRITEBACK)) && page->pins == 0);
    if (page->state & PAGE_DIRTY)
        cache_forget_dirty(page);
    list_remove(&page->link);
    const void *taken = page_tree_take(&page->cache->pages, page->number);
    assert(taken == page);
    page_cache_counts.cached--;
    kpage_free(page->bytes);
    heap_free(page);
}

static bool cache_is_spare(const struct cached_page *page)
{
    return page->pins == 0 && !page->cache->inserts &&
           frames_references(&machine_frames, kpage_phys(page->bytes)) <= 1;
}

/* Frees clean pages, the oldest first; one that was used goes to the end once. Those that programs map
 * stay in the first round, and are unmapped in the second. */
static bool cache_shrink(void)
{
    bool freed = false;
    for (unsigned round = 0; round < 2 && !freed; round++)
        for (unsigned i = 0; i < SHRINK_PIECE && !list_empty(&clean); i++) {
            struct cached_page *page = CONTAINER_OF(clean.next, struct cached_page, link);
            struct inode *inode = cache_inode(page->cache);
            bool used = page->state & PAGE_USED;
            page->state &= (uint8_t)~PAGE_USED;
            if (round > 0 && page->pins == 0 && !page->cache->inserts)
                inode_pages_changed(inode, page->number, page->number + 1);
            if ((round == 0 && used) || !cache_is_spare(page)) {
                cache_settle(page);
                continue;
            }
            cache_remove(page);
            freed = true;
        }
    return freed;
}

static uint64_t cache_spare(void)
{
    uint64_t kept = page_cache_counts.dirty + page_cache_counts.writing;
    return page_cache_counts.cached > kept ? page_cache_counts.cached - kept : 0;
}

/* The cache leaves some frames free, for those that cannot wait until it has been shrunk. */
static void leave_frames(void)
{
    uint64_t least = machine_frames.total_frames / LEFT_FREE;
    if (machine_frames.free_frames < least && page_cache_counts.cached > least)
        (void)cache_shrink();
}

enum err cache_add(struct page_cache *cache, uint64_t number, uint8_t state,
                   struct cached_page **out)
{
    static struct shrinker shrinker = {.shrink = cache_shrink, .spare = cache_spare};
    static bool registered;
    if (!registered)
        shrinker_register(&shrinker);
    registered = true;
    leave_frames();
    struct cached_page *page = heap_alloc_zero(sizeof(*page));
    if (!page)
        return E_NOMEM;
    page->cache = cache;
    page->number = number;
    page->state = state | PAGE_USED;
    list_init(&page->link);
    page->bytes = kpage_alloc();
    if (!page->bytes)
        goto free_page;
    cache->inserts = true; /* its nodes must stay, if memory is short */
    enum err e = page_tree_insert(&cache->pages, number, page);
    cache->inserts = false;
    if (e != E_OK)
        goto free_bytes;
    page_cache_counts.cached++;
    *out = page;
    return E_OK;

free_bytes:
    kpage_free(page->bytes);
free_page:
    heap_free(page);
    return E_NOMEM;
}

void cache_clear_behind(struct page_cache *cache)
{
    uint64_t size = cache_inode(cache)->size, inside = size & PAGE_MASK;
    struct cached_page *last = cache_find(cache, cache_page_of(size));
    if (last && inside > 0 && !(last->state & PAGE_BUSY))
        memset((char *)last->bytes + inside, 0, PAGE_SIZE - inside);
}

void cache_unstore(struct page_cache *cache, uint64_t number)
{
    struct cached_page *page = cache_find(cache, number);
    cache->cuts++;
    if (!page || !(page->state & PAGE_STORABLE))
        return;
    page->state &= (uint8_t)~PAGE_STORABLE;
    areas_pages_clean(&cache_inode(cache)->pages, number, number + 1);
}

void cache_grows(struct page_cache *cache)
{
    uint64_t size = cache_inode(cache)->size;
    if (size & PAGE_MASK)
        cache_unstore(cache, cache_page_of(size));
}

struct page_wait {
    struct page_cache *cache;
    uint64_t first, end;
    uint8_t state;
};

static bool are_free(void *context)
{
    const struct page_wait *wait = context;
    uint64_t number = wait->first;
    for (; page_tree_next(&wait->cache->pages, number, &number) && number < wait->end; number++)
        if (cache_find(wait->cache, number)->state & wait->state)
            return false;
    return true;
}

void cache_wait(struct page_cache *cache, uint64_t first, uint64_t end, uint8_t state)
{
    struct page_wait wait = {cache, first, end, state};
    fs_wait_device(&cache->waiters, are_free, &wait);
}

struct cut_wait {
    const struct page_cache *cache;
    uint64_t number;
};

static bool is_not_cut(void *context)
{
    const struct cut_wait *wait = context;
    return !cache_is_cut(wait->cache, wait->number);
}

/* Makes the BUSY pages of a run; returns how many. *e: why none. */
static unsigned begin_run(struct page_cache *cache, uint64_t number, uint64_t most,
                          void *pages[PAGE_CACHE_RUN], enum err *e)
{
    uint64_t end = cache_pages_of(cache_inode(cache)->size);
    unsigned count = 0, limit = cache->ops->most;
    if (limit == 0 || limit > PAGE_CACHE_RUN)
        limit = PAGE_CACHE_RUN;
    *e = E_OK;
    while (count < limit && (count == 0 || (count < most && number + count < end))) {
        struct cached_page *page;
        if (cache_find(cache, number + count) || cache_is_cut(cache, number + count))
            break;
        *e = cache_add(cache, number + count, PAGE_BUSY, &page);
        if (*e != E_OK)
            break;
        pages[count++] = page->bytes;
    }
    return count;
}

/* After read_pages(): `keep` of the run's pages are whole. */
static void end_run(struct page_cache *cache, uint64_t number, unsigned count, bool keep)
{
    for (unsigned i = 0; i < count; i++) {
        struct cached_page *page = cache_find(cache, number + i);
        page->state &= (uint8_t)~PAGE_BUSY;
        if (keep)
            cache_settle(page);
        else
            cache_remove(page);
    }
    wait_queue_wake(&cache->waiters);
}

enum err cache_read_pages(struct page_cache *cache, uint64_t number, uint64_t most)
{
    void **pages = heap_alloc(PAGE_CACHE_RUN * sizeof(*pages));
    enum err e = pages ? E_OK : E_NOMEM;
    while (e == E_OK) {
        unsigned count = begin_run(cache, number, most, pages, &e);
        if (count == 0)
            break; /* another thread has made it meanwhile, or memory is short */
        e = cache->ops->read_pages(cache_inode(cache), number, count, pages);
        end_run(cache, number, count, e == E_OK);
        if (e == E_OK)
            thread_current()->moved.stored[0] += (uint64_t)count * PAGE_SIZE;
        if (e == E_OK || count == 1)
            break;
        most = 1;
        e = E_OK;
    }
    heap_free(pages);
    return e;
}

enum err cache_bring_in(struct page_cache *cache, uint64_t number, uint64_t most)
{
    struct cut_wait wait = {cache, number};
    if (cache_is_cut(cache, number))
        fs_wait_device(&cache->waiters, is_not_cut, &wait);
    if (!cache_find(cache, number))
        return cache_read_pages(cache, number, most);
    cache_wait(cache, number, number + 1, PAGE_BUSY);
    return E_OK;
}

enum err cache_page_in(struct page_cache *cache, uint64_t number, struct cached_page **out)
{
    for (;;) {
        struct cached_page *page = cache_find(cache, number);
        if (page && !(page->state & PAGE_BUSY)) {
            *out = page;
            return E_OK;
        }
        enum err e = cache_bring_in(cache, number, 1);
        if (e != E_OK)
            return e;
    }
}

void page_cache_begin(struct cached_file *file, const struct page_cache_ops *ops)
{
    struct page_cache *cache = &file->cache;
    *cache = (struct page_cache){.ops = ops};
    list_init(&cache->dirty_pages);
    list_init(&cache->dirty_files);
    wait_queue_init(&cache->waiters);
    cache->waiters.outside = true;
    file->inode.file_ops = &page_cache_file_ops;
    file->inode.pages.ops = &page_cache_source_ops;
}

bool page_cache_is_clean(const struct inode *inode)
{
    const struct page_cache *cache = page_cache_of((struct inode *)(uintptr_t)inode);
    return cache->dirty == 0 && cache->writing == 0 && cache->users == 0;
}

void page_cache_drop(struct inode *inode, uint64_t first, uint64_t end)
{
    struct page_cache *cache = page_cache_of(inode);
    for (; page_tree_next(&cache->pages, first, &first) && first < end; first++) {
        struct cached_page *page = cache_find(cache, first);
        if (page->pins > 0 || (page->state & ~(unsigned)PAGE_USED))
            continue;
        inode_pages_changed(inode, first, first + 1);
        cache_remove(page);
    }
}

static bool has_no_users(void *context)
{
    return ((const struct page_cache *)context)->users == 0;
}

COLD enum err page_cache_end(struct inode *inode, bool keep)
{
    struct page_cache *cache = page_cache_of(inode);
    enum err e = keep ? page_cache_write_back(inode, 0, UINT64_MAX, true) : E_OK;
    for (uint64_t number = 0; page_tree_next(&cache->pages, number, &number);) {
        struct cached_page *page = cache_find(cache, number);
        if (page->state & (PAGE_BUSY | PAGE_WRITEBACK)) {
            cache_wait(cache, number, number + 1, PAGE_BUSY | PAGE_WRITEBACK);
            continue;
        }
        cache_remove(page);
        if (number++ % PAGE_CACHE_RUN == PAGE_CACHE_RUN - 1)
            fs_give_way();
    }
    if (cache->users > 0)
        fs_wait_device(&cache->waiters, has_no_users, cache);
    if (page_cache_counts.cached == 0)
        cache_emptied();
    return e;
}
