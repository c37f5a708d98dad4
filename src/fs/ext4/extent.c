/* SPDX-License-Identifier: MIT */
/*
 * Extents, read. The root of the tree is in the inode; the depth falls by one from each node to those below it, so a path has at
 * most six levels whatever the disk says. The entries of a node ascend, and lie within what its parent says of it; that is
 * checked when a node is read from the disk, in O(entries of a node), and of the root, which has four, each time.
 */
#include "fs/ext4/core.h"

static enum err bad(struct ext4 *fs, const struct ext4_inode *inode, const struct ext4_level *level)
{
    return ext4_damage(fs, inode->ino, level->buffer->block, "a node of extents is wrong");
}

/* True if the node's entries ascend from `low` on and end before `end`, and point to blocks of files. */
static bool extents_right(const struct ext4 *fs, struct ext4_extent_head *head, uint64_t low,
                          uint64_t end)
{
    const struct ext4_extent *e = ext4_extents(head);
    for (uint32_t i = 0; i < head->entries; i++) {
        uint32_t count = ext4_extent_count(&e[i]);
        if (e[i].block < low || count == 0 || (uint64_t)e[i].block + count > end ||
            ext4_not_for_files(fs, ext4_extent_start(&e[i]), count))
            return false;
        low = (uint64_t)e[i].block + count;
    }
    return true;
}

static bool indices_right(struct ext4_extent_head *head, uint64_t low, uint64_t end)
{
    const struct ext4_extent_index *e = ext4_indices(head);
    if (head->entries == 0)
        return false;
    for (uint32_t i = 0; i < head->entries; i++) {
        if (e[i].block < low || e[i].block >= end)
            return false;
        low = (uint64_t)e[i].block + 1;
    }
    return true;
}

static bool level_right(const struct ext4 *fs, const struct ext4_level *level, bool root,
                        uint32_t depth, struct ext4_range range)
{
    struct ext4_extent_head *head = level->head;
    uint64_t low = range.start, end = range.end;
    uint32_t max = root ? 4 : (fs->block_size - 12) / 12;
    if (head->magic != EXT4_EXTENT_MAGIC || head->max != max || head->entries > max ||
        head->depth != depth || (head->entries == 0 && depth > 0))
        return false;
    if (!root &&
        (level->buffer->intact & 1) != 0) { /* checked before; another node has another range */
        const struct ext4_extent *e = ext4_extents(head);
        return head->entries > 0 && e[0].block >= low && e[head->entries - 1].block < end;
    }
    level->buffer->intact |= root ? 0 : 1;
    if (depth > 0)
        return indices_right(head, low, end);
    return extents_right(fs, head, low, end);
}

/* The last entry at or before `block`, or 0. Extents and indices both begin with their logical block. */
static uint32_t entry_find(struct ext4_extent_head *head, uint32_t block)
{
    const struct ext4_extent *e = ext4_extents(head);
    uint32_t from = 0, to = head->entries;
    while (from < to) {
        uint32_t middle = (from + to) / 2;
        if (e[middle].block <= block)
            from = middle + 1;
        else
            to = middle;
    }
    return from > 0 ? from - 1 : 0;
}

enum err ext4_path_find(struct ext4 *fs, const struct ext4_inode *inode, uint32_t block,
                        struct ext4_path *path)
{
    if ((inode->raw->flags & EXT4_FL_EXTENTS) == 0)
        return E_NOTSUP; /* a block map of ext2, made before the file system was converted */
    struct ext4_level *level = path->level;
    *level = (struct ext4_level){
        .buffer = inode->buffer,
        .head = (struct ext4_extent_head *)inode->raw->block,
    };
    path->depth = level->head->depth;
    if (path->depth > EXT4_EXTENT_DEPTH)
        return bad(fs, inode, level);
    uint64_t low = 0, end = 1ull << 32;
    for (uint32_t depth = path->depth;; depth--, level++) {
        bool root = depth == path->depth;
        if (!level_right(fs, level, root, depth, (struct ext4_range){low, end}))
            return bad(fs, inode, level);
        level->at = entry_find(level->head, block);
        if (depth == 0)
            return E_OK;
        const struct ext4_extent_index *index = &ext4_indices(level->head)[level->at];
        low = index->block;
        if (level->at + 1 < level->head->entries)
            end = index[1].block;
        uint64_t at = (uint64_t)index->leaf_hi << 32 | index->leaf_lo;
        if (ext4_not_for_files(fs, at, 1))
            return bad(fs, inode, level);
        enum err e = ext4_get(fs, at, EXT4_EXTENT_NODE, inode->seed, &level[1].buffer);
        if (e != E_OK)
            return e;
        level[1].head = (struct ext4_extent_head *)level[1].buffer->data;
    }
}

uint32_t ext4_path_next(const struct ext4_path *path)
{
    for (uint32_t i = path->depth; i-- > 0;)
        if (path->level[i].at + 1u < path->level[i].head->entries)
            return ext4_indices(path->level[i].head)[path->level[i].at + 1].block;
    return UINT32_MAX;
}

enum err ext4_extent_map(struct ext4 *fs, const struct ext4_inode *inode, uint32_t block,
                         uint32_t count, struct ext4_run *out)
{
    struct ext4_path path;
    enum err e = ext4_path_find(fs, inode, block, &path);
    if (e != E_OK)
        return e;
    const struct ext4_level *leaf = &path.level[path.depth];
    const struct ext4_extent *extent = &ext4_extents(leaf->head)[leaf->at];
    uint32_t left = count, next = ext4_path_next(&path);
    if (leaf->head->entries == 0 || block < extent->block) {
        if (leaf->head->entries > 0)
            next = extent->block;
    } else if (block - extent->block < ext4_extent_count(extent)) {
        uint32_t into = block - extent->block;
        left = ext4_extent_count(extent) - into;
        *out = (struct ext4_run){ext4_extent_start(extent) + into, left < count ? left : count,
                                 ext4_extent_unwritten(extent) ? EXT4_UNWRITTEN : EXT4_DATA};
        return E_OK;
    } else if (leaf->at + 1u < leaf->head->entries) {
        next = extent[1].block;
    }
    left = next > block ? next - block : 1;
    *out = (struct ext4_run){0, left < count ? left : count, EXT4_HOLE};
    return E_OK;
}

enum err ext4_extent_one(struct ext4 *fs, const struct ext4_inode *inode, uint32_t block,
                         uint64_t *out)
{
    struct ext4_run run;
    enum err e = ext4_extent_map(fs, inode, block, 1, &run);
    if (e != E_OK)
        return e;
    if (run.state != EXT4_DATA)
        return ext4_damage(fs, inode->ino, block, "a directory or link has a hole");
    *out = run.block;
    return E_OK;
}

enum err ext4_map(struct ext4 *fs, uint32_t ino, uint32_t block, uint32_t count,
                  struct ext4_run *out)
{
    struct ext4_inode inode;
    ext4_enter(fs);
    enum err e = ext4_inode_file(fs, ino, &inode);
    return e == E_OK ? ext4_extent_map(fs, &inode, block, count, out) : e;
}
