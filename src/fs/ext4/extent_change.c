/* SPDX-License-Identifier: MIT */
/*
 * Extents, changed. An insertion makes room first: from the lowest node that has some, each full node below it gives half of its
 * entries (the last one, if the file grows at its end) to a new node; if no node has room, the root's entries move to
 * a node of their own. Each such step leaves a whole tree, and the path is found anew after it. The first logical block in a
 * node is that of the entry above it.
 */
#include "fs/ext4/core.h"

#include "base/str.h"

static enum err level_change(struct ext4 *fs, struct ext4_inode *inode, struct ext4_level *level)
{
    if (level->buffer == inode->buffer)
        return ext4_inode_change(fs, inode);
    size_t entries =
        level->head->entries + 1u < level->head->max ? level->head->entries + 1u : level->head->max;
    return ext4_change(fs, level->buffer, level->head,
                       sizeof(*level->head) + entries * sizeof(struct ext4_extent));
}

/* The first block of the path's leaf is now `block`. */
static enum err keys_correct(struct ext4 *fs, struct ext4_inode *inode, struct ext4_path *path,
                             uint32_t depth, uint32_t block)
{
    while (depth-- > 0) {
        struct ext4_level *level = &path->level[depth];
        struct ext4_extent_index *index = &ext4_indices(level->head)[level->at];
        if (index->block == block)
            return E_OK;
        enum err e = level_change(fs, inode, level);
        if (e != E_OK)
            return e;
        index->block = block;
        if (level->at > 0)
            return E_OK;
    }
    return E_OK;
}

enum err ext4_inode_block(struct ext4 *fs, struct ext4_inode *inode, uint64_t goal, uint64_t *block)
{
    uint32_t count;
    enum err e = ext4_inode_change(fs, inode);
    if (e == E_OK)
        e = ext4_blocks_take(fs, goal, 1, block, &count);
    return e == E_OK ? ext4_inode_count_blocks(fs, inode, 1) : e;
}

uint64_t ext4_extent_goal(struct ext4 *fs, const struct ext4_inode *inode,
                          const struct ext4_path *path, uint32_t block)
{
    const struct ext4_level *leaf = &path->level[path->depth];
    if (leaf->head->entries > 0) {
        const struct ext4_extent *extent = &ext4_extents(leaf->head)[leaf->at];
        uint64_t start = ext4_extent_start(extent);
        if (extent->block <= block)
            return start + (block - extent->block);
        return start > extent->block - block ? start - (extent->block - block) : start;
    }
    return ext4_group_start(fs, (inode->ino - 1) / fs->inodes_per_group);
}

void ext4_extent_init(struct ext4_raw *raw)
{
    memset(raw->block, 0, sizeof(raw->block));
    *(struct ext4_extent_head *)raw->block =
        (struct ext4_extent_head){.magic = EXT4_EXTENT_MAGIC, .max = 4};
    raw->flags |= EXT4_FL_EXTENTS;
}

/* ---- Room ---- */

/* A new node with the entries [from, ...) of `head`, near *block, which is set to its place. */
static enum err extent_node_new(struct ext4 *fs, struct ext4_inode *inode,
                                struct ext4_extent_head *head, uint32_t from, uint64_t *block)
{
    struct ext4_buffer *buffer;
    enum err e = ext4_inode_block(fs, inode, *block, block);
    if (e == E_OK)
        e = ext4_fresh(fs, *block, EXT4_EXTENT_NODE, inode->seed, &buffer);
    if (e != E_OK)
        return e;
    struct ext4_extent_head *to = (struct ext4_extent_head *)buffer->data;
    *to = (struct ext4_extent_head){
        .magic = EXT4_EXTENT_MAGIC,
        .entries = (uint16_t)(head->entries - from),
        .max = (uint16_t)((fs->block_size - sizeof(*to)) / sizeof(struct ext4_extent)),
        .depth = head->depth,
    };
    memcpy(ext4_extents(to), ext4_extents(head) + from, to->entries * sizeof(struct ext4_extent));
    buffer->intact = 1;
    return E_OK;
}

static void index_set(struct ext4_extent_index *index, uint32_t block, uint64_t node)
{
    *index = (struct ext4_extent_index){
        .block = block, .leaf_lo = (uint32_t)node, .leaf_hi = (uint16_t)(node >> 32)};
}

static enum err deepen(struct ext4 *fs, struct ext4_inode *inode, uint64_t goal)
{
    struct ext4_extent_head *root = (struct ext4_extent_head *)inode->raw->block;
    uint64_t block = goal;
    if (root->depth == EXT4_EXTENT_DEPTH)
        return E_NOSPC;
    uint32_t first = ext4_extents(root)->block;
    enum err e = extent_node_new(fs, inode, root, 0, &block);
    if (e != E_OK)
        return e;
    root->depth++;
    root->entries = 1;
    index_set(ext4_indices(root), first, block);
    return E_OK;
}

/* One step that makes room in the path's leaf or above it. */
static enum err path_make_room(struct ext4 *fs, struct ext4_inode *inode, struct ext4_path *path,
                               bool at_end, uint64_t goal)
{
    uint32_t full = path->depth;
    while (full > 0 && path->level[full - 1].head->entries == path->level[full - 1].head->max)
        full--;
    if (full == 0)
        return deepen(fs, inode, goal);
    struct ext4_level *above = &path->level[full - 1], *node = &path->level[full];
    uint32_t from = at_end ? node->head->entries - 1u : node->head->entries / 2u;
    uint64_t block = goal;
    enum err e = extent_node_new(fs, inode, node->head, from, &block);
    if (e == E_OK)
        e = level_change(fs, inode, node);
    if (e == E_OK)
        e = level_change(fs, inode, above);
    if (e != E_OK)
        return e;
    struct ext4_extent_index *index = &ext4_indices(above->head)[above->at + 1];
    memmove(index + 1, index, (above->head->entries - above->at - 1u) * sizeof(*index));
    index_set(index, ext4_extents(node->head)[from].block, block);
    above->head->entries++;
    node->head->entries = (uint16_t)from;
    return E_OK;
}

/* ---- Inserting ---- */

static bool joins(const struct ext4_extent *a, const struct ext4_extent *b)
{
    uint32_t count = ext4_extent_count(a), both = count + ext4_extent_count(b);
    bool unwritten = ext4_extent_unwritten(a);
    return unwritten == ext4_extent_unwritten(b) && a->block + count == b->block &&
           ext4_extent_start(a) + count == ext4_extent_start(b) &&
           both <= EXT4_EXTENT_LENGTH - (unwritten ? 1u : 0u);
}

static void entry_remove(struct ext4_extent_head *head, uint32_t at)
{
    struct ext4_extent *e = ext4_extents(head);
    head->entries--;
    memmove(&e[at], &e[at + 1], (head->entries - at) * sizeof(*e));
}

/* Joins extent `at` of a leaf, which was changed, with the next one if they are one. */
static void join_next(struct ext4_extent_head *head, uint32_t at)
{
    struct ext4_extent *e = ext4_extents(head);
    if (at + 1 < head->entries && joins(&e[at], &e[at + 1])) {
        e[at].length = (uint16_t)(e[at].length + ext4_extent_count(&e[at + 1]));
        entry_remove(head, at + 1);
    }
}

enum err ext4_extent_insert(struct ext4 *fs, struct ext4_inode *inode,
                            const struct ext4_extent *extent)
{
    for (;;) {
        struct ext4_path path;
        enum err e = ext4_path_find(fs, inode, extent->block, &path);
        if (e != E_OK)
            return e;
        struct ext4_level *leaf = &path.level[path.depth];
        struct ext4_extent *entries = ext4_extents(leaf->head);
        uint32_t count = leaf->head->entries, at = leaf->at;
        if (count > 0 && entries[at].block < extent->block)
            at++;
        e = level_change(fs, inode, leaf);
        if (e != E_OK)
            return e;
        if (at > 0 && joins(&entries[at - 1], extent)) {
            entries[at - 1].length = (uint16_t)(entries[at - 1].length + ext4_extent_count(extent));
            join_next(leaf->head, at - 1);
            return E_OK;
        }
        if (at < count && joins(extent, &entries[at])) {
            uint32_t more = ext4_extent_count(extent);
            entries[at].block = extent->block;
            entries[at].length = (uint16_t)(entries[at].length + more);
            ext4_extent_place(&entries[at], ext4_extent_start(extent));
            return at == 0 ? keys_correct(fs, inode, &path, path.depth, extent->block) : E_OK;
        }
        if (count < leaf->head->max) {
            memmove(&entries[at + 1], &entries[at], (count - at) * sizeof(*entries));
            entries[at] = *extent;
            leaf->head->entries++;
            return at == 0 ? keys_correct(fs, inode, &path, path.depth, extent->block) : E_OK;
        }
        e = path_make_room(fs, inode, &path, at == count && ext4_path_next(&path) == UINT32_MAX,
                           ext4_extent_start(extent));
        if (e != E_OK)
            return e;
    }
}

/* ---- Removing ---- */

/* Removes the path's entry at `depth`, and the nodes that are empty then. */
static enum err path_remove(struct ext4 *fs, struct ext4_inode *inode, struct ext4_path *path)
{
    uint32_t depth = path->depth;
    for (;; depth--) {
        struct ext4_level *level = &path->level[depth];
        enum err e = level_change(fs, inode, level);
        if (e != E_OK)
            return e;
        entry_remove(level->head, level->at);
        if (level->head->entries > 0) {
            if (level->at > 0)
                return E_OK;
            return keys_correct(fs, inode, path, depth, ext4_extents(level->head)->block);
        }
        if (depth == 0) {
            level->head->depth = 0;
            return E_OK;
        }
        e = ext4_inode_change(fs, inode);
        if (e == E_OK)
            e = ext4_blocks_free(fs, level->buffer->block, 1, true);
        if (e == E_OK)
            e = ext4_inode_count_blocks(fs, inode, -1);
        if (e != E_OK)
            return e;
    }
}

static void extent_set_count(struct ext4_extent *e, uint32_t count)
{
    e->length = (uint16_t)(ext4_extent_unwritten(e) ? count + EXT4_EXTENT_LENGTH : count);
}

/* The part of an extent from `from` on. */
static struct ext4_extent extent_from(const struct ext4_extent *e, uint32_t from)
{
    struct ext4_extent part = *e;
    uint32_t into = from - e->block;
    part.block = from;
    extent_set_count(&part, ext4_extent_count(e) - into);
    ext4_extent_place(&part, ext4_extent_start(e) + into);
    return part;
}

/* Takes [from, end) out of the path's extent, in which it lies. */
static enum err extent_cut(struct ext4 *fs, struct ext4_inode *inode, struct ext4_path *path,
                           uint32_t from, uint64_t end)
{
    struct ext4_level *leaf = &path->level[path->depth];
    struct ext4_extent *e = &ext4_extents(leaf->head)[leaf->at];
    bool head = from == e->block, tail = end == (uint64_t)e->block + ext4_extent_count(e);
    if (head && tail)
        return path_remove(fs, inode, path);
    enum err error = level_change(fs, inode, leaf);
    if (error != E_OK)
        return error;
    struct ext4_extent rest = tail ? *e : extent_from(e, (uint32_t)end);
    if (head) {
        *e = rest;
        return leaf->at > 0 ? E_OK : keys_correct(fs, inode, path, path->depth, e->block);
    }
    extent_set_count(e, from - e->block);
    return tail ? E_OK : ext4_extent_insert(fs, inode, &rest);
}

enum err ext4_extent_remove(struct ext4 *fs, struct ext4_inode *inode, uint32_t from, uint64_t end,
                            bool *done)
{
    bool metadata = !ext4_is(inode->raw, 0100000);
    uint32_t budget = EXT4_REVOKES - EXT4_REVOKES / 8; /* the others are for nodes */
    *done = end <= from;
    for (uint32_t i = 0; !*done && i < EXT4_EXTENTS_EACH && budget > 0; i++) {
        struct ext4_path path;
        enum err e = ext4_path_find(fs, inode, (uint32_t)(end - 1), &path);
        if (e != E_OK)
            return e;
        struct ext4_level *leaf = &path.level[path.depth];
        const struct ext4_extent *extent = &ext4_extents(leaf->head)[leaf->at];
        uint64_t last =
            leaf->head->entries > 0 ? (uint64_t)extent->block + ext4_extent_count(extent) : 0;
        if (leaf->head->entries == 0 || extent->block >= end || last <= from) {
            *done = true;
            return E_OK;
        }
        last = last < end ? last : end;
        uint64_t first = extent->block > from ? extent->block : from;
        if (metadata && last - first > budget)
            first = last - budget;
        uint32_t count = (uint32_t)(last - first);
        uint64_t start = ext4_extent_start(extent) + (first - extent->block);
        e = ext4_inode_change(fs, inode);
        if (e == E_OK)
            e = extent_cut(fs, inode, &path, (uint32_t)first, last);
        if (e == E_OK)
            e = ext4_blocks_free(fs, start, count, metadata);
        if (e == E_OK)
            e = ext4_inode_count_blocks(fs, inode, -(int64_t)count);
        if (e != E_OK)
            return e;
        end = first;
        budget -= metadata ? count : 0;
        *done = end <= from;
    }
    return E_OK;
}

/* ---- Unwritten extents ---- */

/* The path's extent becomes up to three: unwritten, [from, end) data, unwritten. */
static enum err extent_write(struct ext4 *fs, struct ext4_inode *inode, struct ext4_path *path,
                             uint32_t from, uint64_t end)
{
    struct ext4_level *leaf = &path->level[path->depth];
    struct ext4_extent *e = &ext4_extents(leaf->head)[leaf->at];
    enum err error = level_change(fs, inode, leaf);
    if (error != E_OK)
        return error;
    struct ext4_extent old = *e, data = extent_from(e, from), rest;
    bool tail = end == (uint64_t)old.block + ext4_extent_count(&old);
    rest = tail ? old : extent_from(&old, (uint32_t)end);
    data.length = (uint16_t)(end - from);
    if (from == old.block && leaf->at > 0 &&
        joins(e - 1, &data)) { /* a file that is written in order */
        e[-1].length = (uint16_t)(e[-1].length + data.length);
        if (!tail) {
            *e = rest;
            return E_OK;
        }
        entry_remove(leaf->head, leaf->at);
        join_next(leaf->head, leaf->at - 1);
        return E_OK;
    }
    if (from == old.block) {
        *e = data;
        if (tail)
            join_next(leaf->head, leaf->at);
    } else {
        extent_set_count(e, from - old.block);
        error = ext4_extent_insert(fs, inode, &data);
    }
    return error == E_OK && !tail ? ext4_extent_insert(fs, inode, &rest) : error;
}

enum err ext4_extent_convert(struct ext4 *fs, struct ext4_inode *inode, uint32_t block,
                             uint64_t end, uint32_t *done)
{
    struct ext4_path path;
    enum err e = ext4_path_find(fs, inode, block, &path);
    if (e != E_OK)
        return e;
    struct ext4_level *leaf = &path.level[path.depth];
    const struct ext4_extent *extent = &ext4_extents(leaf->head)[leaf->at];
    uint64_t last =
        leaf->head->entries > 0 ? (uint64_t)extent->block + ext4_extent_count(extent) : 0;
    if (leaf->head->entries == 0 || extent->block > block || last <= block) {
        *done = block + 1; /* a hole: the file was cut while it was written */
        return E_OK;
    }
    last = last < end ? last : end;
    *done = (uint32_t)last;
    return ext4_extent_unwritten(extent) ? extent_write(fs, inode, &path, block, last) : E_OK;
}
