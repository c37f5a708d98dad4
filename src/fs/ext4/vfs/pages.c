/* SPDX-License-Identifier: MIT */
/* The contents of files, for the page cache: pages from and to the device, by way of ext4_map(). */
#include "fs/ext4/vfs/volume.h"

#include "base/str.h"
#include "fs/vfs/abi.h"
#include "mm/phys/frames.h"

#define PIECES 64u /* of one request */

/* Pages [index, ...) of a file as blocks [block, end), and where they are in memory. */
struct span {
    struct volume *volume;
    uint32_t ino, block_size, block, end;
    uint64_t first; /* byte of the file where pages[0] begins */
    void *const *pages;
};

static struct span span_of(struct inode *inode, uint64_t index, void *const *pages, uint64_t bytes)
{
    struct volume *volume = volume_of(inode);
    uint32_t size = ext4_block_size(volume->fs);
    uint64_t first = index * PAGE_SIZE;
    return (struct span){
        .volume = volume,
        .ino = (uint32_t)inode->ino,
        .block_size = size,
        .block = (uint32_t)(first / size),
        .end = (uint32_t)((first + bytes + size - 1) / size),
        .first = first,
        .pages = pages,
    };
}

static uint8_t *memory_at(const struct span *span, uint32_t block)
{
    uint64_t offset = (uint64_t)block * span->block_size - span->first;
    return (uint8_t *)span->pages[offset / PAGE_SIZE] + offset % PAGE_SIZE;
}

/* Moves a run of blocks, in requests of PIECES blocks. */
static enum err run_move(const struct span *span, enum block_operation operation, uint32_t block,
                         const struct ext4_run *run)
{
    void *piece[PIECES];
    enum err e = E_OK;
    for (uint32_t at = 0; e == E_OK && at < run->count;) {
        uint32_t count = run->count - at < PIECES ? run->count - at : PIECES;
        for (uint32_t i = 0; i < count; i++)
            piece[i] = memory_at(span, block + at + i);
        e = block_move_pieces(span->volume->device, operation, (run->block + at) * span->block_size,
                              span->block_size, piece, count);
        at += count;
    }
    return e;
}

static enum err run_find(const struct span *span, uint32_t block, struct ext4_run *run)
{
    enum err e = volume_lock(span->volume, NULL);
    if (e != E_OK)
        return e;
    e = ext4_map(span->volume->fs, span->ino, block, span->end - block, run);
    volume_unlock(span->volume);
    return e;
}

/* The size in sectors and bytes may be another now. The lock is held. */
static void node_follow(struct inode *inode)
{
    struct ext4_stat stat;
    if (ext4_stat(volume_of(inode)->fs, (uint32_t)inode->ino, &stat) != E_OK)
        return;
    node_of(inode)->size = stat.size;
    node_of(inode)->sectors = stat.sectors;
}

static enum err read_pages(struct inode *inode, uint64_t index, unsigned count, void *const pages[])
{
    struct ext4_run run;
    if (volume_of(inode)->fs == NULL)
        return E_IO;
    struct span span = span_of(inode, index, pages, (uint64_t)count * PAGE_SIZE);
    for (uint32_t block = span.block; block < span.end; block += run.count) {
        enum err e = run_find(&span, block, &run);
        if (e == E_OK && run.state == EXT4_DATA)
            e = run_move(&span, BLOCK_READ, block, &run);
        if (e != E_OK)
            return e;
        for (uint32_t i = 0; run.state != EXT4_DATA && i < run.count; i++)
            memset(memory_at(&span, block + i), 0, span.block_size);
    }
    for (unsigned i = 0; i < count; i++) { /* what lies behind the end */
        uint64_t start = (index + i) * PAGE_SIZE;
        if (start + PAGE_SIZE > inode->size) {
            uint64_t kept = inode->size > start ? inode->size - start : 0;
            memset((uint8_t *)pages[i] + kept, 0, PAGE_SIZE - kept);
        }
    }
    return E_OK;
}

/* Blocks [block, block + count) are written: no longer unwritten, and the file reaches `size` on the disk. */
static enum err blocks_written(struct inode *inode, uint32_t block, uint32_t count, uint64_t size)
{
    struct volume *volume = volume_of(inode);
    enum err e = volume_lock(volume, NULL);
    if (e != E_OK)
        return e;
    e = ext4_written(volume->fs, (uint32_t)inode->ino, block, count, size);
    node_follow(inode);
    volume_unlock(volume);
    return e;
}

static enum err write_pages(struct inode *inode, uint64_t index, unsigned count,
                            void *const pages[], uint64_t bytes)
{
    struct ext4_run run;
    bool unwritten = false;
    (void)count;
    if (volume_of(inode)->fs == NULL)
        return E_IO;
    struct span span = span_of(inode, index, pages, bytes);
    for (uint32_t block = span.block; block < span.end; block += run.count) {
        enum err e = run_find(&span, block, &run);
        if (e == E_OK && run.state != EXT4_HOLE) /* a hole: not changed, zeros */
            e = run_move(&span, BLOCK_WRITE, block, &run);
        if (e != E_OK)
            return e;
        unwritten |= run.state == EXT4_UNWRITTEN;
    }
    uint64_t size = span.first + bytes;
    if (!unwritten && size <= node_of(inode)->size)
        return E_OK;
    return blocks_written(inode, span.block, span.end - span.block, size);
}

/* Gives each block of [block, end) a place. The lock is not held. */
static enum err blocks_allocate(struct inode *inode, uint64_t block, uint64_t end)
{
    struct volume *volume = volume_of(inode);
    uint32_t ino = (uint32_t)inode->ino, done;
    struct ext4_run run;
    if (end > UINT32_MAX)
        return E_FBIG;
    enum err e = volume_lock(volume, NULL);
    if (e != E_OK)
        return e;
    while (e == E_OK && block < end) {
        e = ext4_map(volume->fs, ino, (uint32_t)block, (uint32_t)(end - block), &run);
        if (e == E_OK && run.state != EXT4_HOLE) {
            block += run.count;
            continue;
        }
        if (e == E_OK)
            e = ext4_allocate(volume->fs, ino, (uint32_t)block, (uint32_t)(end - block), &done);
        block += e == E_OK ? done : 0;
    }
    node_follow(inode);
    volume_unlock(volume);
    return e;
}

static enum err prepare_write(struct inode *inode, uint64_t offset, uint64_t size)
{
    if (volume_of(inode)->fs == NULL)
        return E_IO;
    uint32_t block_size = ext4_block_size(volume_of(inode)->fs);
    return blocks_allocate(inode, offset / block_size,
                           (offset + size + block_size - 1) / block_size);
}

static enum err set_size(struct inode *inode, uint64_t size)
{
    struct volume *volume = volume_of(inode);
    enum err e = volume_lock(volume, NULL);
    if (e != E_OK)
        return e;
    e = ext4_truncate(volume->fs, (uint32_t)inode->ino, size);
    node_follow(inode);
    volume_unlock(volume);
    return e;
}

static enum err allocate(struct inode *inode, uint32_t mode, uint64_t offset, uint64_t size)
{
    struct volume *volume = volume_of(inode);
    if (volume->fs == NULL)
        return E_IO;
    uint32_t block_size = ext4_block_size(volume->fs);
    uint64_t end = offset + size, first = (offset + block_size - 1) / block_size;
    if (end > ext4_size_max(volume->fs))
        return E_FBIG;
    if (mode == (FALLOC_PUNCH_HOLE | FALLOC_KEEP_SIZE)) {
        uint64_t last = (end + (end >= inode->size ? block_size - 1 : 0)) / block_size;
        enum err e = last > first ? volume_lock(volume, NULL) : E_OK;
        if (e != E_OK || last <= first)
            return e;
        e = ext4_punch(volume->fs, (uint32_t)inode->ino, (uint32_t)first, (uint32_t)(last - first));
        node_follow(inode);
        volume_unlock(volume);
        return e;
    }
    if ((mode & ~(uint32_t)FALLOC_KEEP_SIZE) != 0)
        return E_NOTSUP;
    enum err e = blocks_allocate(inode, offset / block_size, (end + block_size - 1) / block_size);
    if (e == E_OK && mode == 0 && end > node_of(inode)->size)
        e = blocks_written(inode, 0, 0, end);
    return e;
}

static void node_changed(struct inode *inode)
{
    store_inode_dirty(inode);
}

/* Unwritten blocks are data here: their pages may be dirty. */
static enum err find_data(struct inode *inode, uint64_t from, bool data, uint64_t *out)
{
    if (volume_of(inode)->fs == NULL)
        return E_IO;
    uint64_t size = inode->size;
    while (from < size) {
        struct ext4_run run;
        struct span span = span_of(inode, 0, NULL, size);
        enum err e = run_find(&span, (uint32_t)(from / span.block_size), &run);
        if (e != E_OK)
            return e;
        if ((run.state != EXT4_HOLE) == data) {
            *out = from;
            return E_OK;
        }
        from = (from / span.block_size + run.count) * span.block_size;
    }
    *out = size;
    return data ? E_NXIO : E_OK;
}

enum err volume_node_place(struct inode *inode, uint64_t offset, struct store_run *out)
{
    struct volume *volume = volume_of(inode);
    struct ext4_run run;
    if (volume->fs == NULL)
        return E_IO;
    struct span span = span_of(inode, 0, NULL, ext4_size_max(volume->fs));
    uint64_t block = offset / span.block_size, inside = offset % span.block_size;
    enum err e = page_cache_write_back(inode, 0, UINT64_MAX, true);
    if (e == E_OK)
        e = run_find(&span, (uint32_t)block, &run);
    if (e != E_OK)
        return e;
    *out = (struct store_run){volume->device, run.block * span.block_size + inside,
                              (uint64_t)run.count * span.block_size - inside};
    return run.state == EXT4_HOLE ? E_NXIO : E_OK;
}

static enum err sync_node(struct inode *inode, bool data_only)
{
    struct volume *volume = volume_of(inode);
    enum err e = volume_lock(volume, NULL);
    if (e != E_OK)
        return e;
    if (!data_only && !ext4_readonly(volume->fs))
        e = volume_node_write(inode);
    if (e == E_OK)
        e = ext4_commit(volume->fs);
    volume_unlock(volume);
    return e;
}

const struct page_cache_ops ext4_page_ops = {
    .read_pages = read_pages,
    .write_pages = write_pages,
    .prepare_write = prepare_write,
    .changed = node_changed,
    .set_size = set_size,
    .allocate = allocate,
    .find = find_data,
    .sync = sync_node,
};
