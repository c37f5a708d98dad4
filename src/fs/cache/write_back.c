/* SPDX-License-Identifier: MIT */
/* Write-back: dirty pages go to the device, by age, amount and request. */
#include "fs/cache/cache.h"

#include "base/str.h"
#include "fs/vfs/wait.h"
#include "kern/thread.h"
#include "kern/time.h"
#include "mm/heap/heap.h"
#include "mm/phys/frames.h"
#include "mm/vm/areas.h"

#define LOOK_NS (UINT64_C(5) * NS_PER_SECOND)  /* vm.dirty_writeback_centisecs */
#define OLD_NS  (UINT64_C(30) * NS_PER_SECOND) /* vm.dirty_expire_centisecs */

struct list cache_dirty_files = LIST_INIT(cache_dirty_files);
static struct wait_queue thread_queue = WAIT_QUEUE_INIT(thread_queue);
static bool thread_runs;

/* Pages that may be dirty before the thread writes without regard for age, and before write() waits. */
static uint64_t background_limit(void)
{
    return machine_frames.total_frames / 10;
}

static bool is_over_limit(void)
{
    return page_cache_counts.dirty > machine_frames.total_frames / 5;
}

/* Bytes of the file's last page behind its end are zeros on the device: a mapping may have stored there. */
static void cache_clear_tail(const struct page_cache *cache, uint64_t number, void *bytes)
{
    uint64_t size = cache_inode(cache)->size;
    if (number == cache_page_of(size))
        memset((char *)bytes + (size & PAGE_MASK), 0, PAGE_SIZE - (size & PAGE_MASK));
}

/* The dirty page from which a run up to `page` goes, and that may be written now. */
static uint64_t run_start(const struct page_cache *cache, uint64_t number, uint64_t first,
                          unsigned limit)
{
    for (unsigned i = 1; i < limit && number > first; i++) {
        const struct cached_page *page = cache_find(cache, number - 1);
        if (!page || (page->state & (PAGE_DIRTY | PAGE_WRITEBACK)) != PAGE_DIRTY ||
            cache_is_cut(cache, number - 1))
            break;
        number--;
    }
    return number;
}

/* Puts the run of dirty pages from `number` on, up to `end`, into WRITEBACK. */
static unsigned take_run(struct page_cache *cache, uint64_t number, uint64_t end, unsigned limit,
                         void *pages[PAGE_CACHE_RUN])
{
    unsigned count = 0;
    for (; count < limit && number + count < end; count++) {
        struct cached_page *page = cache_find(cache, number + count);
        if (!page || (page->state & (PAGE_DIRTY | PAGE_WRITEBACK)) != PAGE_DIRTY ||
            cache_is_cut(cache, number + count))
            break;
        page->state =
            (uint8_t)((page->state & ~(unsigned)(PAGE_DIRTY | PAGE_STORABLE)) | PAGE_WRITEBACK);
        list_remove(&page->link);
        pages[count] = page->bytes;
        cache_clear_tail(cache, number + count, page->bytes);
    }
    page_cache_counts.dirty -= count;
    page_cache_counts.writing += count;
    cache->writing += count;
    cache->dirty -= count;
    if (cache->dirty == 0)
        list_remove(&cache->dirty_files);
    cache->store_told = false;
    if (cache_inode(cache)->mappings > 0)
        areas_pages_clean(&cache_inode(cache)->pages, number, number + count);
    return count;
}

static void end_write_run(struct page_cache *cache, uint64_t number, unsigned count, enum err e)
{
    page_cache_counts.writing -= count;
    cache->writing -= count;
    for (unsigned i = 0; i < count; i++) {
        struct cached_page *page = cache_find(cache, number + i);
        page->state &= (uint8_t)~PAGE_WRITEBACK;
        if (e == E_AGAIN)
            cache_make_dirty(page);
        else if (!(page->state & PAGE_DIRTY))
            cache_settle(page);
    }
    if (e != E_OK && e != E_AGAIN) {
        cache->error = e;
        cache->errors++;
    }
    wait_queue_wake(&cache->waiters);
}

/* Writes the run of dirty pages around `number`, in [first, end). */
static enum err write_run(struct page_cache *cache, uint64_t number, uint64_t first, uint64_t end)
{
    struct inode *inode = cache_inode(cache);
    unsigned limit = cache->ops->most;
    if (limit == 0 || limit > PAGE_CACHE_RUN)
        limit = PAGE_CACHE_RUN;
    void *one, **pages = heap_alloc(PAGE_CACHE_RUN * sizeof(*pages));
    if (!pages) { /* memory is short, and this makes some */
        pages = &one;
        limit = 1;
    }
    number = run_start(cache, number, first, limit);
    unsigned count = take_run(cache, number, end, limit, pages);
    uint64_t start = number << PAGE_SHIFT, bytes = (uint64_t)count << PAGE_SHIFT;
    if (bytes > inode->size - start)
        bytes = inode->size - start;
    enum err e = cache->ops->write_pages(inode, number, count, pages, bytes);
    end_write_run(cache, number, count, e);
    if (pages != &one)
        heap_free(pages);
    return e;
}

/* The first page of the range, by age, that was dirty before the change `order` and `until_ns`. */
static struct cached_page *next_dirty(const struct page_cache *cache, uint64_t first, uint64_t end,
                                      uint64_t order, uint64_t until_ns)
{
    for (struct list *link = cache->dirty_pages.next; link != &cache->dirty_pages;
         link = link->next) {
        struct cached_page *page = CONTAINER_OF(link, struct cached_page, link);
        if (page->order > order || page->dirty_ns > until_ns)
            return NULL;
        if (page->number >= first && page->number < end && !cache_is_cut(cache, page->number))
            return page;
    }
    return NULL;
}

/* As page_cache_write_back(), for pages that have been dirty since until_ns. */
static enum err write_back_until(struct page_cache *cache, uint64_t first, uint64_t end, bool wait,
                                 uint64_t until_ns)
{
    struct cached_page *page;
    uint64_t order = UINT64_MAX;
    enum err first_error = E_OK;
    if (!list_empty(&cache->dirty_pages)) /* what becomes dirty from now on is not waited for */
        order = CONTAINER_OF(cache->dirty_pages.prev, struct cached_page, link)->order;
    while ((page = next_dirty(cache, first, end, order, until_ns)) != NULL) {
        if (page->state & PAGE_WRITEBACK) { /* it was changed while it is written */
            if (!wait)
                break;
            cache_wait(cache, page->number, page->number + 1, PAGE_WRITEBACK);
            continue;
        }
        enum err e = write_run(cache, page->number, first, end);
        if (e == E_AGAIN)
            break;
        if (first_error == E_OK)
            first_error = e;
        fs_give_way();
    }
    if (wait && cache->writing > 0)
        cache_wait(cache, first, end, PAGE_WRITEBACK);
    return first_error;
}

enum err page_cache_write_back(struct inode *inode, uint64_t first, uint64_t end, bool wait)
{
    struct page_cache *cache = page_cache_of(inode);
    return cache->dirty + cache->writing > 0 ? write_back_until(cache, first, end, wait, UINT64_MAX)
                                             : E_OK;
}

/* The first file of the list that became dirty after the change `after`, and not after `last`. */
static struct page_cache *next_file(const struct filesystem *fs, uint64_t after, uint64_t last)
{
    for (struct list *link = cache_dirty_files.next; link != &cache_dirty_files;
         link = link->next) {
        struct page_cache *cache = CONTAINER_OF(link, struct page_cache, dirty_files);
        if (cache->dirty_order > last)
            return NULL;
        if (cache->dirty_order > after && (fs == NULL || cache_inode(cache)->fs == fs))
            return cache;
    }
    return NULL;
}

/* Writes what is older than until_ns of all files of `fs` (NULL: of all file systems). */
static enum err write_files(struct filesystem *fs, bool wait, uint64_t until_ns)
{
    enum err first_error = E_OK;
    struct page_cache *cache;
    uint64_t last = 0;
    if (!list_empty(&cache_dirty_files))
        last = CONTAINER_OF(cache_dirty_files.prev, struct page_cache, dirty_files)->dirty_order;
    for (uint64_t at = 0; (cache = next_file(fs, at, last)) != NULL;) {
        at = cache->dirty_order;
        cache->users++; /* no reference: page_cache_end() waits */
        enum err e = write_back_until(cache, 0, UINT64_MAX, wait, until_ns);
        if (--cache->users == 0)
            wait_queue_wake(&cache->waiters);
        if (first_error == E_OK)
            first_error = e;
    }
    return first_error;
}

enum err page_cache_sync_all(struct filesystem *fs, bool wait)
{
    return write_files(fs, wait, UINT64_MAX);
}

static bool is_never(void *unused)
{
    (void)unused;
    return false;
}

static bool is_much(void)
{
    return page_cache_counts.dirty > background_limit();
}

static bool has_work(void *unused)
{
    (void)unused;
    return is_much() || page_cache_counts.cached == 0;
}

/* Ends when nothing is dirty any more. */
static void write_back_thread(void *unused)
{
    (void)unused;
    while (page_cache_counts.dirty > 0) {
        uint64_t now = time_now_ns();
        (void)!fs_wait(&thread_queue, has_work, NULL, now + LOOK_NS);
        if (is_much())
            (void)!write_files(NULL, false, UINT64_MAX);
        if (is_much()) /* not now: E_AGAIN */
            (void)!fs_wait(&thread_queue, is_never, NULL, now + LOOK_NS / 50);
        now = time_now_ns();
        (void)!write_files(NULL, false, now > OLD_NS ? now - OLD_NS : 0);
    }
    thread_runs = false;
}

void cache_dirty_began(void)
{
    struct thread *thread;
    kernel_lock_assert();
    if (!thread_runs)
        thread_runs = thread_create("writeback", write_back_thread, NULL, &thread) == E_OK;
    else if (page_cache_counts.dirty == background_limit() + 1)
        wait_queue_wake(&thread_queue);
}

void cache_emptied(void)
{
    wait_queue_wake(&thread_queue);
}

void cache_limit_dirty(void)
{
    if (is_over_limit())
        (void)!page_cache_sync_all(NULL, false);
}
