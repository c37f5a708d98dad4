/* SPDX-License-Identifier: MIT */
/* fsync() and its like, and what else an open cached file does. */
#include "fs/cache/cache.h"

/* The errors of write-back that the open file has not been told. */
static enum err new_error(struct file *file)
{
    const struct page_cache *cache = page_cache_of(file->inode);
    if (file->errors_seen == cache->errors)
        return E_OK;
    file->errors_seen = cache->errors;
    return cache->error;
}

COLD enum err cached_sync(struct file *file, uint64_t from, uint64_t end, enum file_sync how)
{
    struct inode *inode = file->inode;
    const struct page_cache_ops *ops = page_cache_of(inode)->ops;
    enum err e = page_cache_write_back(inode, cache_page_of(from),
                                       end > INT64_MAX ? UINT64_MAX : cache_pages_of(end),
                                       how != FILE_SYNC_START);
    if (how == FILE_SYNC_START)
        return E_OK;
    if (how >= FILE_SYNC_DATA && ops->sync) {
        enum err synced = ops->sync(inode, how == FILE_SYNC_DATA);
        e = e == E_OK ? synced : e;
    }
    enum err told = new_error(file);
    return e == E_OK ? told : e;
}

static enum err cached_open(struct file *file)
{
    struct inode *inode = file->inode;
    struct page_cache *cache = page_cache_of(inode);
    if (cache->ops->revalidate && cache->ops->revalidate(inode))
        page_cache_drop(inode, 0, UINT64_MAX);
    file->errors_seen = cache->errors;
    return E_OK;
}

static enum err cached_find(struct file *file, uint64_t from, bool data, uint64_t *out)
{
    struct inode *inode = file->inode;
    const struct page_cache_ops *ops = page_cache_of(inode)->ops;
    enum err e = E_OK;
    *out = data ? from : inode->size;
    if (ops->find)
        e = ops->find(inode, from, data, out);
    if (e == E_OK && *out >= inode->size) {
        *out = inode->size;
        e = data ? E_NXIO : E_OK;
    }
    return e;
}

const struct file_ops page_cache_file_ops = {
    .open = cached_open,
    .read = cached_read,
    .write = cached_write,
    .find = cached_find,
    .sync = cached_sync,
    .advise = cached_advise,
    .seekable = true,
    .direct = true,
    .shares = SHARES_READ,
};
