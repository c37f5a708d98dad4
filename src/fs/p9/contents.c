/* SPDX-License-Identifier: MIT */
#define LOG_TAG "9p"
#include "fs/p9/contents.h"

#include "base/log.h"
#include "base/str.h"
#include "fs/p9/node.h"
#include "fs/vfs/file.h"

enum {
    RUN = 120, /* pages of one message */
};

static void clear_pages(void *const pages[], uint64_t from, uint64_t end)
{
    while (from < end) {
        uint64_t in_page = from & PAGE_MASK;
        uint64_t size = PAGE_SIZE - in_page < end - from ? PAGE_SIZE - in_page : end - from;
        memset((uint8_t *)pages[from >> PAGE_SHIFT] + in_page, 0, size);
        from += size;
    }
}

static enum err contents_read(struct inode *inode, uint64_t index, unsigned count,
                              void *const pages[])
{
    uint64_t offset = index << PAGE_SHIFT, all = (uint64_t)count << PAGE_SHIFT, done = 0;
    uint64_t left = offset < inode->size ? inode->size - offset : 0;
    const struct p9_data data = {.pages = pages, .size = left < all ? left : all};
    uint32_t fid;
    enum err e = data.size > 0 ? node_open(inode, false, &fid) : E_OK;
    if (e == E_OK && data.size > 0)
        e = p9_read(p9_fs_of(inode)->client, fid, offset, &data, &done);
    clear_pages(pages, done, all);
    return e;
}

static enum err contents_write(struct inode *inode, uint64_t index, unsigned count,
                               void *const pages[], uint64_t bytes)
{
    uint64_t offset = index << PAGE_SHIFT, done;
    const struct p9_data data = {.pages = pages, .size = bytes};
    uint32_t fid;
    (void)count;
    p9_fs_of(inode)->changes++;
    enum err e = node_open(inode, true, &fid);
    if (e == E_OK)
        e = p9_write(p9_fs_of(inode)->client, fid, offset, &data, &done);
    if (e == E_OK)
        node_written(inode, offset + bytes);
    else if (e != E_NOMEM) /* what is cached is not the host's: dropped when it is looked at next */
        node_of(inode)->host_modified.nanoseconds = UINT32_MAX;
    p9_fs_of(inode)->changes++;
    return e == E_NOMEM ? E_AGAIN : e;
}

/* Errors that the host reports before a write are returned here; that its disk is full only shows in write_pages(). */
static enum err contents_prepare(struct inode *inode, uint64_t offset, uint64_t size)
{
    uint32_t fid;
    (void)offset;
    (void)size;
    return node_open(inode, true, &fid);
}

static void contents_written(struct inode *inode)
{
    p9_fs_of(inode)->changes++;
}

static enum err contents_sync(struct inode *inode, bool data_only)
{
    uint32_t fid = node_of(inode)->writer;
    return fid != P9_NO_FID ? p9_fsync(p9_fs_of(inode)->client, fid, data_only) : E_OK;
}

static const struct page_cache_ops contents_ops = {
    .most = RUN,
    .clears_tail = true,
    .read_pages = contents_read,
    .write_pages = contents_write,
    .prepare_write = contents_prepare,
    .changed = contents_written,
    .set_size = node_set_size,
    .sync = contents_sync,
};

/* Those of the page cache, but for open(). */
RO_AFTER_INIT static struct file_ops contents_file_ops;

/* The host's file is open from now on, whatever becomes of the name; errors are open()'s. */
static enum err contents_open(struct file *file)
{
    uint32_t fid;
    enum err e = file_can_write(file) ? node_open(file->inode, true, &fid) : E_OK;
    if (e == E_OK && (file_can_read(file) || !file_can_write(file)))
        e = node_open(file->inode, false, &fid);
    return e == E_OK ? page_cache_file_ops.open(file) : e;
}

INIT_CODE void contents_start(void)
{
    contents_file_ops = page_cache_file_ops;
    contents_file_ops.open = contents_open;
}

void contents_begin(struct inode *inode)
{
    page_cache_begin(&node_of(inode)->cached, &contents_ops);
    inode->file_ops = &contents_file_ops;
}

void contents_end(struct inode *inode)
{
    if (!mode_is(inode->mode, S_IFREG))
        return;
    enum err e = page_cache_end(inode, inode->nlink > 0);
    if (e != E_OK)
        log_warn("what was written to \"%s\" is lost: error %d",
                 node_of(inode)->name != NULL ? node_of(inode)->name : "?", e);
}

void contents_changed(struct inode *inode)
{
    if (mode_is(inode->mode, S_IFREG))
        page_cache_drop(inode, 0, UINT64_MAX);
}

bool contents_are_clean(const struct inode *inode)
{
    return !mode_is(inode->mode, S_IFREG) || page_cache_is_clean(inode);
}

enum err contents_write_back(struct inode *inode)
{
    return mode_is(inode->mode, S_IFREG) ? page_cache_write_back(inode, 0, UINT64_MAX, true) : E_OK;
}
