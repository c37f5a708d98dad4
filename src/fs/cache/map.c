/* SPDX-License-Identifier: MIT */
/* Mappings of cached files: the cache as a page source. */
#include "fs/cache/cache.h"

#include "base/str.h"
#include "mm/heap/heap.h"
#include "mm/phys/frames.h"

#define FIRST_WINDOW                                                                               \
    16 /* pages that a fault reads at once; a sequence of faults up to PAGE_CACHE_RUN */

static struct page_cache *cache_of_source(struct page_source *source)
{
    return page_cache_of(CONTAINER_OF(source, struct inode, pages));
}

/* The page, if it only needs to be mapped. */
static struct cached_page *page_for(const struct page_cache *cache, uint64_t index)
{
    struct cached_page *page = cache_find(cache, index);
    return page && !(page->state & PAGE_BUSY) ? page : NULL;
}

static enum err cached_page_of(struct page_source *source, uint64_t index, bool for_write,
                               phys_t *out)
{
    const struct page_cache *cache = cache_of_source(source);
    if (index >= cache_pages_of(cache_inode(cache)->size))
        return E_INVAL;
    struct cached_page *page = page_for(cache, index);
    if (!page || (for_write && !(page->state & PAGE_STORABLE)))
        return E_AGAIN;
    page->state |= PAGE_USED;
    *out = kpage_phys(page->bytes);
    frames_get(&machine_frames, *out);
    return E_OK;
}

static enum err cached_read_page(struct page_source *source, uint64_t offset, void *to, size_t size)
{
    const struct page_cache *cache = cache_of_source(source);
    const struct inode *inode = cache_inode(cache);
    char *at = to;
    if (cache_page_of(offset) >= cache_pages_of(inode->size))
        return E_INVAL;
    uint64_t left = inode->size > offset ? inode->size - offset : 0;
    left = left < size ? left : size;
    memset(at + left, 0, size - left);
    while (left > 0) {
        struct cached_page *page = page_for(cache, cache_page_of(offset));
        uint64_t inside = offset & PAGE_MASK;
        uint64_t part = PAGE_SIZE - inside < left ? PAGE_SIZE - inside : left;
        if (!page)
            return E_AGAIN;
        page->state |= PAGE_USED;
        memcpy(at, (const char *)page->bytes + inside, part);
        at += part;
        offset += part;
        left -= part;
    }
    return E_OK;
}

static bool cached_present(struct page_source *source, uint64_t index)
{
    const struct page_cache *cache = cache_of_source(source);
    return index < cache_pages_of(cache_inode(cache)->size) && page_for(cache, index);
}

static enum err fault_in(struct page_cache *cache, uint64_t index)
{
    if (cache_find(cache, index))
        return cache_bring_in(cache, index, 1);
    uint32_t window = index == cache->ahead && index > 0 ? cache->window * 2 : FIRST_WINDOW;
    if (window > PAGE_CACHE_RUN)
        window = PAGE_CACHE_RUN;
    if (machine_frames.free_frames < machine_frames.total_frames / 32)
        window = 1;
    cache->window = window;
    cache->ahead = index + window;
    return cache_bring_in(cache, index, window);
}

/* The page is there, and a store is to come. */
static enum err make_storable(struct page_cache *cache, uint64_t index)
{
    struct inode *inode = cache_inode(cache);
    uint64_t start = index << PAGE_SHIFT, left = inode->size - start;
    uint32_t cuts = cache->cuts;
    cache_limit_dirty();
    if (cache->ops->prepare_write) {
        enum err e = cache->ops->prepare_write(inode, start, left < PAGE_SIZE ? left : PAGE_SIZE);
        if (e != E_OK)
            return e;
    }
    struct cached_page *page = page_for(cache, index);
    if (!page || cuts != cache->cuts || cache_is_cut(cache, index) ||
        index >= cache_pages_of(inode->size))
        return E_AGAIN;
    cache_make_dirty(page);
    page->state |= PAGE_STORABLE;
    inode_touch_modified(inode);
    if (!cache->store_told && cache->ops->changed) {
        cache->store_told = true;
        cache->ops->changed(inode);
    }
    return E_OK;
}

static enum err cached_fetch(struct page_source *source, uint64_t index, bool for_write)
{
    struct page_cache *cache = cache_of_source(source);
    for (;;) {
        if (index >= cache_pages_of(cache_inode(cache)->size))
            return E_INVAL;
        const struct cached_page *page = page_for(cache, index);
        if (page && !for_write)
            return E_OK;
        if (page && (page->state & PAGE_STORABLE))
            return E_OK;
        enum err e = page ? make_storable(cache, index) : fault_in(cache, index);
        if (e != E_OK && e != E_AGAIN)
            return e;
    }
}

static enum err cached_punch(struct page_source *source, uint64_t offset, uint64_t size)
{
    return page_cache_allocate(CONTAINER_OF(source, struct inode, pages),
                               FALLOC_PUNCH_HOLE | FALLOC_KEEP_SIZE, offset, size);
}

static enum err cached_source_sync(struct page_source *source, uint64_t offset, uint64_t size)
{
    struct inode *inode = CONTAINER_OF(source, struct inode, pages);
    const struct page_cache_ops *ops = page_cache_of(inode)->ops;
    enum err e =
        page_cache_write_back(inode, cache_page_of(offset), cache_pages_of(offset + size), true);
    return e == E_OK && ops->sync ? ops->sync(inode, false) : e;
}

const struct page_source_ops page_cache_source_ops = {
    .page = cached_page_of,
    .read = cached_read_page,
    .fetch = cached_fetch,
    .present = cached_present,
    .punch = cached_punch,
    .sync = cached_source_sync,
    .get = inode_source_get,
    .put = inode_source_put,
    .name = inode_source_name,
    .inode = inode_source_number,
};
