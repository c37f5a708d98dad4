/* SPDX-License-Identifier: MIT */
/* read() through the page cache, and read-ahead. */
#include "fs/cache/cache.h"

#include "base/str.h"
#include "cpu/lock.h"
#include "fs/vfs/wait.h"
#include "mm/phys/frames.h"

#define GIVE_WAY_BYTES (UINT64_C(64) << 10)
#define SECTOR         512
#define FIRST_WINDOW   4 /* pages of the first read-ahead of a sequential reader */

/* An open file's read-ahead: file->limit is the page after the last that it has read, file->state the
 * number of pages that were read at once (in the low bits) and the advice. */
#define WINDOW_BITS 0xffffu
#define ADVICE_AT   16

static unsigned advice_of(const struct file *file)
{
    return (unsigned)((uintptr_t)file->state >> ADVICE_AT);
}

static void keep_window(struct file *file, unsigned advice, uint64_t window)
{
    file->state = (void *)((uintptr_t)advice << ADVICE_AT | window);
}

/* How many pages to read at `number`, of which a call wants `wanted`: twice as many as before for one that
 * reads on, up to the largest run; no more than wanted for one that reads elsewhere. */
static uint64_t window_for(struct file *file, uint64_t number, uint64_t wanted)
{
    uint64_t window = (uintptr_t)file->state & WINDOW_BITS;
    unsigned advice = advice_of(file);
    if (wanted > PAGE_CACHE_RUN)
        wanted = PAGE_CACHE_RUN;
    if (advice == FILE_ADVICE_SEQUENTIAL)
        window = PAGE_CACHE_RUN;
    else if (advice == FILE_ADVICE_RANDOM || (number != file->limit && number != 0))
        window = wanted;
    else
        window = window < FIRST_WINDOW / 2 ? FIRST_WINDOW : window * 2;
    if (window < wanted)
        window = wanted;
    if (window > PAGE_CACHE_RUN)
        window = PAGE_CACHE_RUN;
    if (machine_frames.free_frames < machine_frames.total_frames / 32 && window > wanted)
        window = wanted;
    keep_window(file, advice, window);
    return window;
}

static enum err bring_in_for(struct file *file, const uint64_t *offset, uint64_t number,
                             uint64_t last)
{
    struct page_cache *cache = page_cache_of(file->inode);
    kernel_lock_alone();
    bool missing = !cache_find(cache, number);
    uint64_t window = missing ? window_for(file, number, last + 1 - number) : 1;
    file_turn_keep(file, offset, false);
    enum err e = cache_bring_in(cache, number, window);
    file_turn_end(file, offset, false);
    if (e == E_OK && missing)
        file->limit = number + window; /* the next one that is missing, if it reads on */
    return e;
}

enum err cached_read(struct file *file, struct io *io, uint64_t *offset)
{
    struct inode *inode = file->inode;
    uint64_t at = *offset, since = 0;
    enum err e = E_OK;
    if ((file->flags & O_DIRECT) && ((at | io_left(io)) % SECTOR) != 0)
        return E_INVAL;
    if (!(file->flags & O_NOATIME))
        inode_touch_accessed(inode, file->mount, at == 0);
    while (e == E_OK && io_left(io) > 0 && at < inode->size) {
        struct cached_page *page = cache_find(page_cache_of(inode), cache_page_of(at));
        uint64_t left = inode->size - at < io_left(io) ? inode->size - at : io_left(io);
        if (!page || (page->state & PAGE_BUSY)) {
            e = bring_in_for(file, offset, cache_page_of(at), cache_page_of(at + left - 1));
            continue;
        }
        uint64_t inside = at & PAGE_MASK, before = io_left(io);
        uint64_t size = PAGE_SIZE - inside < left ? PAGE_SIZE - inside : left;
        page->state |= PAGE_USED;
        CPUS_ADD(page->pins, 1);
        e = io_put(io, (const char *)page->bytes + inside, size);
        CPUS_ADD(page->pins, UINT16_MAX);
        at += before - io_left(io);
        since += size;
        if (since >= GIVE_WAY_BYTES && io_left(io) > 0) {
            file_give_way(file, offset, false);
            since = 0;
        }
    }
    *offset = at;
    return e;
}

COLD enum err page_cache_read(struct inode *inode, void *to, uint64_t size, uint64_t offset,
                              uint64_t *done)
{
    char *bytes = to;
    *done = 0;
    while (*done < size && offset < inode->size) {
        struct cached_page *page;
        enum err e = cache_page_in(page_cache_of(inode), cache_page_of(offset), &page);
        if (e != E_OK)
            return e;
        uint64_t inside = offset & PAGE_MASK, part = PAGE_SIZE - inside;
        if (part > size - *done)
            part = size - *done;
        if (offset >= inode->size)
            break;
        if (part > inode->size - offset)
            part = inode->size - offset;
        memcpy(bytes + *done, (const char *)page->bytes + inside, part);
        *done += part;
        offset += part;
    }
    return E_OK;
}

/* Reads what is not there of [first, end). Errors are those of a later read. */
static void read_in(struct page_cache *cache, uint64_t first, uint64_t end)
{
    uint64_t last = cache_pages_of(cache_inode(cache)->size);
    if (end > last)
        end = last;
    while (first < end) {
        uint64_t most = end - first < PAGE_CACHE_RUN ? end - first : PAGE_CACHE_RUN;
        if (!cache_find(cache, first) && cache_bring_in(cache, first, most) != E_OK)
            return;
        while (first < end && cache_find(cache, first))
            first++;
        if (machine_frames.free_frames < machine_frames.total_frames / 32)
            return;
        fs_give_way();
    }
}

COLD void cached_advise(struct file *file, uint64_t from, uint64_t end, enum file_advice advice)
{
    struct inode *inode = file->inode;
    switch (advice) {
    case FILE_ADVICE_NORMAL:
    case FILE_ADVICE_RANDOM:
    case FILE_ADVICE_SEQUENTIAL:
        keep_window(file, advice, 0);
        break;
    case FILE_ADVICE_WILL_NEED:
        read_in(page_cache_of(inode), cache_page_of(from), cache_pages_of(end));
        break;
    case FILE_ADVICE_DONT_NEED: /* whole pages only */
        (void)!page_cache_write_back(inode, cache_pages_of(from), cache_page_of(end), false);
        page_cache_drop(inode, cache_pages_of(from),
                        end >= inode->size ? UINT64_MAX : cache_page_of(end));
        break;
    case FILE_ADVICE_NO_REUSE:
        break;
    }
}
