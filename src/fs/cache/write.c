/* SPDX-License-Identifier: MIT */
/* write() through the page cache. */
#include "fs/cache/cache.h"

#include "base/str.h"
#include "fs/vfs/process.h"
#include "fs/vfs/wait.h"

#define SECTOR 512

/* One write() under way. */
struct cached_writer {
    struct inode *inode;
    struct page_cache *cache;
    struct io *io;
    uint64_t at;
    uint64_t last;     /* io_left() at the end */
    uint64_t prepared; /* up to this byte */
};

/* *out: how many of `size` bytes at `offset` may be written, at least 1. Raises SIGXFSZ. A block device does not grow. */
static enum err cached_allowed(const struct page_cache *cache, uint64_t offset, uint64_t size,
                               uint64_t *out)
{
    uint64_t limit = cache->ops->set_size ? fs_limit(FS_RLIMIT_FSIZE) : FILE_OFFSET_MAX;
    if (offset >= limit) {
        fs_raise(FS_SIGXFSZ);
        return E_FBIG;
    }
    if (offset >= FILE_OFFSET_MAX)
        return E_FBIG;
    uint64_t end = limit < FILE_OFFSET_MAX ? limit : FILE_OFFSET_MAX;
    *out = size < end - offset ? size : end - offset;
    return E_OK;
}

static enum err prepare_more(struct cached_writer *w)
{
    uint64_t todo = io_left(w->io) - w->last;
    uint64_t most = PAGE_CACHE_RUN * PAGE_SIZE - (w->at & PAGE_MASK);
    if (w->at < w->prepared || !w->cache->ops->prepare_write)
        return E_OK;
    cache_limit_dirty();
    if (todo > most)
        todo = most;
    enum err e = w->cache->ops->prepare_write(w->inode, w->at, todo);
    if (e == E_OK)
        w->prepared = w->at + todo;
    return e;
}

/* Moves bytes into the page, which is there. */
static enum err fill(struct cached_writer *w, struct cached_page *page, uint64_t inside,
                     uint64_t size)
{
    uint64_t before = io_left(w->io);
    page->pins++;
    enum err e = io_take(w->io, (char *)page->bytes + inside, size);
    page->pins--;
    uint64_t moved = before - io_left(w->io);
    if (moved == 0)
        return e;
    cache_make_dirty(page);
    page->state |= PAGE_USED;
    w->at += moved;
    if (w->at > w->inode->size) {
        cache_grows(w->cache);
        w->inode->size = w->at;
    }
    inode_pages_written(w->inode, page->number, page->number + 1);
    return e;
}

/* A page of which nothing needs to be read: it is not there, and all that the file has of it will be
 * overwritten. Without all the bytes it would have others than the file: *whole is false then, and
 * nothing has changed. */
static enum err fill_new(struct cached_writer *w, uint64_t number, uint64_t inside, uint64_t size,
                         bool *whole)
{
    struct cached_page *page;
    struct io start = *w->io;
    uint64_t at = w->at, old = w->inode->size;
    enum err e = cache_add(w->cache, number, 0, &page);
    if (e != E_OK)
        return e;
    cache_settle(page);
    e = fill(w, page, inside, size);
    *whole = e == E_OK || (at == w->at ? false : number >= cache_pages_of(old));
    if (!*whole) {
        *w->io = start;
        w->at = at;
        w->inode->size = old;
        cache_remove(page);
    }
    return e;
}

/* Writes the bytes of one page, or waits for it. */
static enum err write_page(struct cached_writer *w, bool *must_read)
{
    uint64_t number = cache_page_of(w->at), inside = w->at & PAGE_MASK;
    uint64_t size = io_left(w->io) - w->last;
    if (size > PAGE_SIZE - inside)
        size = PAGE_SIZE - inside;
    struct cached_page *page = cache_find(w->cache, number);
    if (page && !(page->state & PAGE_BUSY)) {
        *must_read = false;
        return fill(w, page, inside, size);
    }
    bool behind = number >= cache_pages_of(w->inode->size);
    bool covers = inside == 0 && (size == PAGE_SIZE || w->at + size >= w->inode->size);
    if (page || *must_read || !(behind || covers))
        return cache_bring_in(w->cache, number, 1);
    bool whole = false;
    enum err e = fill_new(w, number, inside, size, &whole);
    if (e == E_FAULT && !whole) { /* a part of it can be written, into what is there */
        *must_read = true;
        return E_OK;
    }
    return e;
}

static enum err write_all(struct cached_writer *w)
{
    bool must_read = false;
    unsigned pages = 0;
    enum err e = E_OK;
    while (e == E_OK && io_left(w->io) > w->last) {
        uint64_t before = io_left(w->io);
        e = prepare_more(w);
        if (e == E_OK)
            e = write_page(w, &must_read);
        if (before != io_left(w->io) && ++pages % 16 == 0)
            fs_give_way();
    }
    return e;
}

/* What O_SYNC, O_DSYNC and O_DIRECT ask for, of bytes [from, end) that were written. */
static enum err cached_write_through(struct file *file, uint64_t from, uint64_t end)
{
    if ((file->flags & O_SYNC) == O_SYNC)
        return cached_sync(file, from, end, FILE_SYNC_ALL);
    if (file->flags & O_DSYNC)
        return cached_sync(file, from, end, FILE_SYNC_DATA);
    return cached_sync(file, from, end, FILE_SYNC_WAIT);
}

enum err cached_write(struct file *file, struct io *io, uint64_t *offset)
{
    struct inode *inode = file->inode;
    uint64_t todo, before = io_left(io);
    if (before == 0)
        return E_OK;
    if (!page_cache_of(inode)->ops->write_pages)
        return E_ROFS;
    if ((file->flags & O_DIRECT) && ((*offset | before) % SECTOR) != 0)
        return E_INVAL;
    enum err e = cached_allowed(page_cache_of(inode), *offset, before, &todo);
    if (e != E_OK)
        return e;
    struct io start = *io;
    file_turn_keep(file, offset, true);
    if (unlikely(inode->quick & INODE_PRIVILEGED))
        inode_drop_privileges(inode);
    inode_touch_modified(inode);
    if (*offset > inode->size)
        cache_clear_behind(page_cache_of(inode));
    struct cached_writer w = {inode, page_cache_of(inode), io, *offset, before - todo, 0};
    e = write_all(&w);
    if (w.at != *offset && w.cache->ops->changed)
        w.cache->ops->changed(inode);
    if (w.at != *offset && (file->flags & (O_DSYNC | O_DIRECT))) {
        enum err written = cached_write_through(file, *offset, w.at);
        if (written != E_OK) { /* as on Linux, no byte counts */
            *io = start;
            w.at = *offset;
            e = written;
        }
    }
    *offset = w.at;
    file_turn_end(file, offset, true);
    return e;
}
