/* SPDX-License-Identifier: MIT */
#include "fs/cache/device_pages.h"

#include "base/str.h"
#include "fs/vfs/store_table.h"

static struct store device_store;
static bool device_unflushed; /* bytes were written since the last device_sync_all() */

/* Moves the first `bytes` bytes of pages [index, ...): whole blocks, as the size of a device is. */
static enum err device_move(struct inode *inode, enum block_operation operation, uint64_t index,
                            void *const pages[], uint64_t bytes)
{
    struct block_device *device = device_of_pages(inode);
    uint32_t whole = (uint32_t)(bytes / PAGE_SIZE), rest = (uint32_t)(bytes % PAGE_SIZE);
    enum err e = block_move_pieces(device, operation, index * PAGE_SIZE, PAGE_SIZE, pages, whole);
    if (e == E_OK && rest > 0)
        e = block_move_pieces(device, operation, (index + whole) * PAGE_SIZE, rest, pages + whole,
                              1);
    return e;
}

static enum err device_read_pages(struct inode *inode, uint64_t index, unsigned count,
                                  void *const pages[])
{
    uint64_t bytes = (uint64_t)count * PAGE_SIZE, left = inode->size - index * PAGE_SIZE;
    if (left < bytes) { /* only the last page is not whole */
        memset((char *)pages[count - 1] + left % PAGE_SIZE, 0, PAGE_SIZE - left % PAGE_SIZE);
        bytes = left;
    }
    return device_move(inode, BLOCK_READ, index, pages, bytes);
}

static enum err device_write_pages(struct inode *inode, uint64_t index, unsigned count,
                                   void *const pages[], uint64_t bytes)
{
    (void)count;
    device_unflushed = true;
    return device_move(inode, BLOCK_WRITE, index, pages, bytes);
}

static enum err device_sync(struct inode *inode, bool data_only)
{
    (void)data_only;
    return block_flush(device_of_pages(inode));
}

static const struct page_cache_ops device_page_ops = {
    .read_pages = device_read_pages,
    .write_pages = device_write_pages,
    .sync = device_sync,
};

static void device_evict(struct inode *inode)
{
    (void)!page_cache_end(inode, true); /* as on Linux, nobody is told */
    block_release(device_of_pages(inode));
}

static enum err device_sync_all(struct store *store, bool wait)
{
    enum err e = page_cache_sync_all(&store->fs, wait);
    if (!wait || !device_unflushed)
        return e;
    device_unflushed = false;
    for (struct block_device *d = block_next(NULL); d != NULL; d = block_next(d))
        if (d->partition == 0 && !d->readonly && !block_has_gone(d)) {
            enum err flushed = block_flush(d);
            e = e == E_OK ? flushed : e;
        }
    return e;
}

static const struct store_ops device_ops = {.evict = device_evict, .sync = device_sync_all};

/* The names lock. */
static enum err device_node_make(struct block_device *device, uint64_t number, struct inode **out)
{
    enum err e =
        store_inode_make(&device_store, sizeof(struct device_node), number, S_IFREG, NULL, out);
    if (e != E_OK)
        return e;
    struct device_node *node = (struct device_node *)*out;
    page_cache_begin(&node->cached, &device_page_ops);
    node->device = device;
    (*out)->size = block_bytes(device);
    block_hold(device);
    return E_OK;
}

enum err device_pages_get(struct block_device *device, struct inode **out)
{
    uint64_t number = (uint64_t)device->major << 32 | device->minor;
    if (device_store.ops == NULL)
        store_init(&device_store, &device_ops);
    device_store.fs.type = "bdev";
    enum err e = store_start_worker();
    if (e != E_OK)
        return e;
    store_lock(&device_store);
    *out = store_inode_get(&device_store, number);
    if (*out == NULL)
        e = device_node_make(device, number, out);
    store_unlock(&device_store);
    return e;
}

void device_pages_put(struct inode *inode)
{
    if (inode->references == 1) /* without the lock, for others' sake */
        (void)!page_cache_write_back(inode, 0, UINT64_MAX, true);
    inode_put(inode);
    store_reap(&device_store, false);
}

enum err device_pages_drop(struct inode *inode, uint64_t from, uint64_t end)
{
    uint64_t first = from / PAGE_SIZE, last = (end + PAGE_SIZE - 1) / PAGE_SIZE;
    enum err e = page_cache_write_back(inode, first, last, true);
    page_cache_drop(inode, first, last);
    return e;
}

void device_pages_settle(struct block_device *device)
{
    struct inode *inode;
    if (device_store.ops == NULL || device_store.inodes.count == 0 ||
        device_pages_get(device, &inode) != E_OK)
        return;
    (void)!device_pages_drop(inode, 0, UINT64_MAX - PAGE_SIZE);
    device_pages_put(inode);
}
