/* SPDX-License-Identifier: MIT */
/*
 * The inside of the page cache, for fs/cache/ only.
 *
 * A pointer to a page is valid until the thread sleeps or allocates: memory may be short then, and the
 * shrinker frees clean pages. `pins` keeps one over an allocation, BUSY and WRITEBACK over a sleep.
 */
#pragma once

#include "fs/cache/page_cache.h"
#include "fs/vfs/file.h"

enum page_state {
    PAGE_BUSY = 1,
    PAGE_DIRTY = 2,
    PAGE_WRITEBACK = 4,
    PAGE_USED = 8,      /* since the shrinker has last looked at it */
    PAGE_STORABLE = 16, /* DIRTY, and prepare_write() was called for all that the file has of it */
};

struct cached_page {
    struct page_cache *cache;
    uint64_t number;
    void *bytes;
    struct list link;  /* DIRTY: cache->dirty_pages; clean: all clean pages; else none */
    uint64_t order;    /* DIRTY: number of the change that made it so, of all pages */
    uint64_t dirty_ns; /* DIRTY: since when */
    uint16_t pins;
    uint8_t state; /* enum page_state */
};

static inline struct inode *cache_inode(const struct page_cache *cache)
{
    return &CONTAINER_OF(cache, struct cached_file, cache)->inode;
}

static inline uint64_t cache_page_of(uint64_t offset)
{
    return offset >> PAGE_SHIFT;
}

static inline uint64_t cache_pages_of(uint64_t bytes)
{
    return (bytes + PAGE_SIZE - 1) >> PAGE_SHIFT;
}

/* The page, in any state; NULL. O(height of the tree). */
static inline struct cached_page *cache_find(const struct page_cache *cache, uint64_t number)
{
    return page_tree_find(&cache->pages, number);
}

/* True while a hole is punched there: no page may come in or become dirty. */
static inline bool cache_is_cut(const struct page_cache *cache, uint64_t number)
{
    return number >= cache->cut_first && number < cache->cut_end;
}

/* cache.c: */

/* Adds a page with zeros, in this state, which the caller sees through. E_NOMEM. */
MUST_CHECK enum err cache_add(struct page_cache *cache, uint64_t number, uint8_t state,
                              struct cached_page **out);
/* Makes a page clean: into the list of those that memory may be taken from. */
void cache_settle(struct cached_page *page);
/* The page becomes dirty, for which prepare_write() was called. */
void cache_make_dirty(struct cached_page *page);
/* Removes and frees a page that is neither BUSY nor in WRITEBACK; its mappings must be gone or go. */
void cache_remove(struct cached_page *page);
/* Clears the bytes behind the end of the file, where a mapping may have stored: before it grows. O(height). */
void cache_clear_behind(struct page_cache *cache);
/* The next store into the page faults, and asks prepare_write() again: blocks of it are gone, or the file has more of it now. O(height). */
void cache_unstore(struct page_cache *cache, uint64_t number);
/* Before inode->size grows: cache_unstore() of the last page, of which the file has a part. O(height). */
void cache_grows(struct page_cache *cache);
/* Sleeps until no page in [first, end) is in one of the states. */
void cache_wait(struct page_cache *cache, uint64_t first, uint64_t end, uint8_t state);
/* Reads page `number`, which is not there, and up to `most` in all that follow and are not there
 * either, up to the end of the file. Sleeps. E_OK: it was there. */
MUST_CHECK enum err cache_read_pages(struct page_cache *cache, uint64_t number, uint64_t most);
/* Waits for the page, or reads it with up to `most` pages. Sleeps. E_OK: look again. */
MUST_CHECK enum err cache_bring_in(struct page_cache *cache, uint64_t number, uint64_t most);
/* As cache_bring_in() until the page is there and not BUSY. */
MUST_CHECK enum err cache_page_in(struct page_cache *cache, uint64_t number,
                                  struct cached_page **out);

/* write_back.c: */

/* Before more pages become dirty: waits if too many are. Sleeps. */
void cache_limit_dirty(void);
/* Wakes the write-back thread if enough is dirty; starts it. */
void cache_dirty_began(void);
/* No page is cached any more: the thread ends. */
void cache_emptied(void);
extern struct list cache_dirty_files; /* struct page_cache.dirty_files */

/* read.c, write.c, sync.c: */
enum err cached_read(struct file *file, struct io *io, uint64_t *offset);
enum err cached_write(struct file *file, struct io *io, uint64_t *offset);
enum err cached_sync(struct file *file, uint64_t from, uint64_t end, enum file_sync how);
void cached_advise(struct file *file, uint64_t from, uint64_t end, enum file_advice advice);
