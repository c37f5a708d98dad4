/* SPDX-License-Identifier: MIT */
/* Truncation, holes and allocation of cached files. */
#include "fs/cache/cache.h"

#include "base/str.h"
#include "fs/vfs/process.h"
#include "fs/vfs/wait.h"

/* Removes all pages in [first, end), waiting for those under way. */
static void remove_range(struct page_cache *cache, uint64_t first, uint64_t end)
{
    struct inode *inode = cache_inode(cache);
    while (page_tree_next(&cache->pages, first, &first) && first < end) {
        struct cached_page *page = cache_find(cache, first);
        if (page->state & (PAGE_BUSY | PAGE_WRITEBACK)) {
            cache_wait(cache, first, first + 1, PAGE_BUSY | PAGE_WRITEBACK);
            continue;
        }
        inode_pages_changed(inode, first, first + 1);
        cache_remove(page);
        if (++first % PAGE_CACHE_RUN == 0)
            fs_give_way();
    }
}

static void cut_begin(struct page_cache *cache, uint64_t first, uint64_t end)
{
    cache->cut_first = first;
    cache->cut_end = end;
    cache->cuts++;
    remove_range(cache, first, end);
}

static void cut_end(struct page_cache *cache)
{
    cache->cut_first = cache->cut_end = 0;
    cache->cuts++;
    wait_queue_wake(&cache->waiters);
}

static bool is_zero(const char *bytes, uint64_t size)
{
    for (uint64_t i = 0; i < size; i++)
        if (bytes[i] != 0)
            return false;
    return true;
}

/* Zeros [from, to), a range in one page and in the file, in the cache; the page becomes dirty. */
static enum err clear_part(struct page_cache *cache, uint64_t from, uint64_t to)
{
    struct inode *inode = cache_inode(cache);
    uint64_t number = cache_page_of(from), inside = from & PAGE_MASK;
    struct cached_page *page;
    if (from >= to)
        return E_OK;
    for (;;) {
        enum err e = cache_page_in(cache, number, &page);
        if (e != E_OK)
            return e;
        char *bytes = (char *)page->bytes + inside;
        if (is_zero(bytes, to - from)) /* a hole stays one */
            return E_OK;
        if (!(page->state & PAGE_DIRTY) && cache->ops->prepare_write) {
            e = cache->ops->prepare_write(inode, from, to - from);
            if (e != E_OK)
                return e;
            page = cache_find(cache, number);
            if (!page || (page->state & PAGE_BUSY))
                continue;
            bytes = (char *)page->bytes + inside;
        }
        memset(bytes, 0, to - from);
        cache_make_dirty(page);
        inode_pages_written(inode, number, number + 1);
        return E_OK;
    }
}

/* Shrinks the file. Nothing but set_size() can fail once a page has been cut. */
static enum err cut_to(struct page_cache *cache, uint64_t size)
{
    struct inode *inode = cache_inode(cache);
    uint64_t old = inode->size, first = cache_pages_of(size);
    uint64_t page_end = first << PAGE_SHIFT;
    enum err e = E_OK;
    if (!cache->ops->clears_tail)
        e = clear_part(cache, size, old < page_end ? old : page_end);
    else if (size < page_end)
        cache_wait(cache, first - 1, first, PAGE_BUSY);
    if (e != E_OK)
        return e;
    inode->size = size;
    cache_clear_behind(cache);
    cut_begin(cache, first, UINT64_MAX);
    inode_pages_cut(inode, first);
    e = cache->ops->set_size(inode, size);
    if (e != E_OK)
        inode->size = old;
    cut_end(cache);
    return e;
}

static enum err grow_to(struct page_cache *cache, uint64_t size)
{
    struct inode *inode = cache_inode(cache);
    cache_clear_behind(cache);
    enum err e = cache->ops->set_size(inode, size);
    if (e == E_OK) {
        cache_grows(cache);
        inode->size = size;
    }
    return e;
}

enum err page_cache_truncate(struct inode *inode, uint64_t size)
{
    struct page_cache *cache = page_cache_of(inode);
    if (size > FILE_OFFSET_MAX)
        return E_FBIG;
    if (!cache->ops->set_size)
        return E_PERM;
    if (size > inode->size && size > fs_limit(FS_RLIMIT_FSIZE)) {
        fs_raise(FS_SIGXFSZ);
        return E_FBIG;
    }
    enum err e = inode_take_turn(inode);
    if (e != E_OK)
        return e;
    inode_get(inode);
    inode_turn_keep(inode);
    if (size < inode->size)
        e = cut_to(cache, size);
    else if (size > inode->size)
        e = grow_to(cache, size);
    if (e == E_OK) {
        inode_touch_modified(inode);
        if (cache->ops->changed)
            cache->ops->changed(inode);
    }
    inode_turn_end(inode);
    inode_put(inode);
    return e;
}

static enum err cache_punch(struct page_cache *cache, uint32_t mode, uint64_t from, uint64_t to)
{
    struct inode *inode = cache_inode(cache);
    uint64_t first = cache_pages_of(from), end = cache_page_of(to);
    if (to >= inode->size) { /* the last page goes as a whole */
        to = inode->size;
        end = cache_pages_of(to);
    }
    if (from >= to)
        return E_OK;
    uint64_t low = first << PAGE_SHIFT, high = end << PAGE_SHIFT;
    enum err e = clear_part(cache, from, low < to ? low : to);
    if (e == E_OK && end >= first && high < to)
        e = clear_part(cache, high, to);
    if (e != E_OK)
        return e;
    if (end > first)
        cut_begin(cache, first, end);
    e = cache->ops->allocate(inode, mode, from, to - from);
    if (end > first)
        cut_end(cache);
    cache_unstore(cache, cache_page_of(from)); /* of the parts, too, blocks are gone */
    cache_unstore(cache, cache_page_of(to));
    return e;
}

enum err page_cache_allocate(struct inode *inode, uint32_t mode, uint64_t offset, uint64_t size)
{
    struct page_cache *cache = page_cache_of(inode);
    uint64_t end = offset + size; /* both at most FILE_OFFSET_MAX */
    bool grows = !(mode & (FALLOC_KEEP_SIZE | FALLOC_PUNCH_HOLE));
    if (!cache->ops->allocate)
        return E_NOTSUP;
    if (!(mode & FALLOC_PUNCH_HOLE) && end > FILE_OFFSET_MAX)
        return E_FBIG;
    if (!(mode & FALLOC_PUNCH_HOLE) && end > inode->size && end > fs_limit(FS_RLIMIT_FSIZE)) {
        fs_raise(FS_SIGXFSZ);
        return E_FBIG;
    }
    if ((mode & FALLOC_PUNCH_HOLE)
            ? mode != (FALLOC_PUNCH_HOLE | FALLOC_KEEP_SIZE)
            : (mode & ~(uint32_t)(FALLOC_KEEP_SIZE | FALLOC_ZERO_RANGE)) != 0)
        return E_NOTSUP;
    enum err e = inode_take_turn(inode);
    if (e != E_OK)
        return e;
    inode_get(inode);
    inode_turn_keep(inode);
    if (mode & FALLOC_PUNCH_HOLE) {
        e = cache_punch(cache, mode, offset, end);
    } else {
        if (mode & FALLOC_ZERO_RANGE) /* a hole, and blocks for it */
            e = cache_punch(cache, FALLOC_PUNCH_HOLE | FALLOC_KEEP_SIZE, offset, end);
        if (e == E_OK)
            e = cache->ops->allocate(inode, mode & FALLOC_KEEP_SIZE, offset, size);
        if (e == E_OK && grows && end > inode->size) {
            cache_clear_behind(cache);
            cache_grows(cache);
            inode->size = end;
        }
    }
    if (e == E_OK) {
        inode_touch_modified(inode);
        if (cache->ops->changed)
            cache->ops->changed(inode);
    }
    inode_turn_end(inode);
    inode_put(inode);
    return e;
}
