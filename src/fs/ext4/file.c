/* SPDX-License-Identifier: MIT */
/* The blocks of files: allocated as unwritten, turned into data, cut in steps that each fit a handle. */
#include "fs/ext4/core.h"

#define ALL (1ull << 32)

uint64_t ext4_size_max(const struct ext4 *fs)
{
    return (uint64_t)UINT32_MAX << fs->block_bits;
}

static enum err allocate_step(struct ext4 *fs, uint32_t ino, uint32_t block, uint32_t count,
                              uint32_t *done)
{
    struct ext4_inode inode;
    struct ext4_run run;
    struct ext4_path path;
    uint32_t at = block, end = block + count;
    *done = 0;
    enum err e = ext4_inode_file(fs, ino, &inode);
    for (; e == E_OK && at < end; at += run.count) {
        e = ext4_extent_map(fs, &inode, at, end - at, &run);
        if (e != E_OK || run.state == EXT4_HOLE)
            break;
        *done = at + run.count - block;
    }
    if (e != E_OK || at >= end)
        return e;
    uint32_t wanted = run.count < EXT4_EXTENT_LENGTH ? run.count : EXT4_EXTENT_LENGTH - 1, taken;
    uint64_t place;
    e = ext4_path_find(fs, &inode, at, &path);
    if (e == E_OK)
        e = ext4_inode_change(fs, &inode);
    if (e == E_OK)
        e = ext4_blocks_take(fs, ext4_extent_goal(fs, &inode, &path, at), wanted, &place, &taken);
    if (e != E_OK)
        return e;
    struct ext4_extent extent = {.block = at, .length = (uint16_t)(taken + EXT4_EXTENT_LENGTH)};
    ext4_extent_place(&extent, place);
    e = ext4_extent_insert(fs, &inode, &extent);
    if (e == E_OK)
        e = ext4_inode_count_blocks(fs, &inode, taken);
    *done = at + taken - block;
    return e;
}

enum err ext4_allocate(struct ext4 *fs, uint32_t ino, uint32_t block, uint32_t count,
                       uint32_t *done)
{
    enum err e;
    if (count > UINT32_MAX - block)
        return E_FBIG;
    do {
        e = ext4_begin(fs);
        if (e == E_OK)
            e = ext4_end(fs, allocate_step(fs, ino, block, count, done));
    } while (ext4_retry(fs, e));
    return e;
}

static enum err written_step(struct ext4 *fs, uint32_t ino, uint32_t *block, uint64_t end,
                             uint64_t size)
{
    struct ext4_inode inode;
    enum err e = ext4_inode_file(fs, ino, &inode);
    for (uint32_t i = 0; e == E_OK && i < EXT4_EXTENTS_EACH / 2 && *block < end; i++)
        e = ext4_extent_convert(fs, &inode, *block, end, block);
    if (e != E_OK || *block < end || ext4_inode_size(inode.raw) >= size)
        return e;
    e = ext4_inode_change(fs, &inode);
    if (e == E_OK)
        ext4_inode_set_size(inode.raw, size);
    return e;
}

enum err ext4_written(struct ext4 *fs, uint32_t ino, uint32_t block, uint32_t count, uint64_t size)
{
    uint64_t end = (uint64_t)block + count;
    enum err e;
    if (count > UINT32_MAX - block || size > ext4_size_max(fs))
        return E_FBIG;
    do {
        uint32_t at = block;
        e = ext4_begin(fs);
        if (e != E_OK)
            return e;
        fs->use_reserve = true;
        e = ext4_end(fs, written_step(fs, ino, &at, end, size));
        if (e == E_OK)
            block = at;
    } while (ext4_retry(fs, e) || (e == E_OK && block < end));
    return e;
}

/* Frees blocks [from, end) in steps. */
static enum err remove_steps(struct ext4 *fs, uint32_t ino, uint32_t from, uint64_t end)
{
    bool done = false;
    enum err e;
    do {
        struct ext4_inode inode;
        e = ext4_begin(fs);
        if (e != E_OK)
            return e;
        fs->use_reserve = true;
        e = ext4_inode_get(fs, ino, &inode);
        if (e == E_OK)
            e = ext4_extent_remove(fs, &inode, from, end, &done);
        e = ext4_end(fs, e);
    } while (ext4_retry(fs, e) || (e == E_OK && !done));
    return e;
}

enum err ext4_cut(struct ext4 *fs, uint32_t ino, uint32_t block)
{
    return remove_steps(fs, ino, block, ALL);
}

static enum err truncate_begin(struct ext4 *fs, uint32_t ino, uint64_t size, bool *done)
{
    struct ext4_inode inode;
    enum err e = ext4_inode_file(fs, ino, &inode);
    if (e == E_OK)
        e = ext4_inode_change(fs, &inode);
    if (e != E_OK)
        return e;
    uint64_t from = (size + fs->block_size - 1) >> fs->block_bits;
    struct ext4_time now = fs->io.now(fs->io.context);
    ext4_inode_set_size(inode.raw, size);
    ext4_inode_set_time(fs, inode.raw, EXT4_MTIME, now);
    ext4_inode_set_time(fs, inode.raw, EXT4_CTIME, now);
    e = ext4_extent_remove(fs, &inode, (uint32_t)from, ALL, done);
    if (e == E_OK && inode.raw->links > 0)
        e = *done ? ext4_orphan_remove(fs, &inode) : ext4_orphan_add(fs, &inode);
    return e;
}

enum err ext4_truncate(struct ext4 *fs, uint32_t ino, uint64_t size)
{
    struct ext4_inode inode;
    bool done = false;
    enum err e = ext4_begin(fs);
    if (e != E_OK)
        return e;
    e = size > ext4_size_max(fs) ? E_FBIG : truncate_begin(fs, ino, size, &done);
    e = ext4_end(fs, e);
    if (e != E_OK || done)
        return e;
    e = ext4_cut(fs, ino, (uint32_t)((size + fs->block_size - 1) >> fs->block_bits));
    if (e == E_OK)
        e = ext4_begin(fs);
    if (e != E_OK)
        return e;
    e = ext4_inode_get(fs, ino, &inode);
    if (e == E_OK && inode.raw->links > 0)
        e = ext4_orphan_remove(fs, &inode);
    return ext4_end(fs, e);
}

enum err ext4_punch(struct ext4 *fs, uint32_t ino, uint32_t block, uint32_t count)
{
    struct ext4_inode inode;
    ext4_enter(fs);
    enum err e = ext4_inode_file(fs, ino, &inode);
    return e == E_OK ? remove_steps(fs, ino, block, (uint64_t)block + count) : e;
}

static enum err evict_end(struct ext4 *fs, uint32_t ino)
{
    struct ext4_inode inode;
    enum err e = ext4_inode_get(fs, ino, &inode);
    if (e == E_OK)
        e = ext4_inode_change(fs, &inode);
    if (e == E_OK)
        e = ext4_xattr_drop(fs, &inode);
    if (e == E_OK)
        e = ext4_orphan_remove(fs, &inode);
    if (e == E_OK)
        e = ext4_inode_free(fs, ino, ext4_is(inode.raw, 0040000));
    if (e != E_OK)
        return e;
    ext4_inode_set_size(inode.raw, 0);
    inode.raw->dtime = (uint32_t)fs->io.now(fs->io.context).seconds;
    return E_OK;
}

enum err ext4_evict(struct ext4 *fs, uint32_t ino)
{
    struct ext4_inode inode;
    if (!ext4_orphan_find(fs, ino))
        return E_OK;
    ext4_enter(fs);
    enum err e = ext4_inode_get(fs, ino, &inode);
    if (e != E_OK || inode.raw->links > 0)
        return e;
    if (inode.raw->flags & EXT4_FL_EXTENTS)
        e = ext4_cut(fs, ino, 0);
    if (e == E_OK)
        e = ext4_begin(fs);
    return e == E_OK ? ext4_end(fs, evict_end(fs, ino)) : e;
}
