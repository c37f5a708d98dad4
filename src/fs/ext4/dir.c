/* SPDX-License-Identifier: MIT */
/*
 * Directories: the entries of one block, and the operations on a whole directory, which are those of a hashed tree
 * (dir_index.c) or go through all blocks, of which a directory without a tree has one if others than Ouro did not make more.
 */
#include "fs/ext4/core.h"

#include "base/str.h"
#include "mm/heap/heap.h"

uint32_t ext4_dir_room(const struct ext4 *fs)
{
    return fs->block_size - (ext4_has_csum(fs) ? (uint32_t)sizeof(struct ext4_dir_tail) : 0);
}

uint32_t ext4_dir_blocks(const struct ext4 *fs, const struct ext4_inode *dir)
{
    uint64_t blocks = ext4_inode_size(dir->raw) >> fs->block_bits;
    return blocks > UINT32_MAX ? UINT32_MAX : (uint32_t)blocks;
}

uint8_t ext4_entry_type(const struct ext4 *fs, uint32_t mode)
{
    static const uint8_t types[16] = {
        [1] = 5, [2] = 3, [4] = 2, [6] = 4, [8] = 1, [10] = 7, [12] = 6};
    return fs->incompat & EXT4_FILETYPE ? types[mode >> 12 & 15] : 0;
}

/* ---- One block ---- */

/* True if the entries fill the block, each as long as its name needs. */
static bool entries_right(const struct ext4 *fs, uint8_t *data)
{
    uint32_t room = ext4_dir_room(fs), at = 0;
    while (at < room) {
        const struct ext4_entry *entry = ext4_entry_at(data, at);
        if (room - at < 12 || entry->length < ext4_entry_size(entry->name_length) ||
            entry->length < 12 || entry->length % 4 != 0 || entry->length > room - at ||
            (entry->ino != 0 && (entry->name_length == 0 || entry->ino > fs->inodes)))
            return false;
        at += entry->length;
    }
    return true;
}

enum err ext4_dir_block(struct ext4 *fs, const struct ext4_inode *dir, uint32_t index,
                        enum ext4_kind kind, struct ext4_buffer **out)
{
    uint64_t block;
    if (index >= ext4_dir_blocks(fs, dir))
        return ext4_damage(fs, dir->ino, index, "a directory's block is beyond its end");
    enum err e = ext4_extent_one(fs, dir, index, &block);
    if (e == E_OK)
        e = ext4_get(fs, block, kind, dir->seed, out);
    if (e != E_OK || kind != EXT4_DIR_LEAF || ((*out)->intact & 1) != 0)
        return e;
    if (!entries_right(fs, (*out)->data))
        return ext4_damage(fs, dir->ino, block, "a directory's entries are wrong");
    (*out)->intact |= 1;
    return E_OK;
}

void ext4_dir_leaf_init(const struct ext4 *fs, uint8_t *data)
{
    uint32_t room = ext4_dir_room(fs);
    *ext4_entry_at(data, 0) = (struct ext4_entry){.length = (uint16_t)room};
    if (room < fs->block_size)
        *(struct ext4_dir_tail *)(data + room) =
            (struct ext4_dir_tail){.length = sizeof(struct ext4_dir_tail), .type = EXT4_TAIL_TYPE};
}

bool ext4_leaf_find(const struct ext4 *fs, struct ext4_buffer *leaf, const char *name,
                    size_t length, struct ext4_found *out)
{
    uint32_t room = ext4_dir_room(fs);
    struct ext4_entry *previous = NULL, *entry;
    for (uint32_t at = 0; at < room; at += entry->length, previous = entry) {
        entry = ext4_entry_at(leaf->data, at);
        if (entry->ino == 0 || entry->name_length != length ||
            memcmp(entry->name, name, length) != 0)
            continue;
        *out = (struct ext4_found){leaf, entry, previous};
        return true;
    }
    return false;
}

enum err ext4_leaf_add(struct ext4 *fs, struct ext4_buffer *leaf, const struct ext4_adding *new)
{
    uint32_t room = ext4_dir_room(fs), need = ext4_entry_size(new->length), used = 0;
    struct ext4_entry *entry = NULL;
    uint32_t at = 0;
    for (; at < room; at += entry->length) {
        entry = ext4_entry_at(leaf->data, at);
        used = entry->ino != 0 ? ext4_entry_size(entry->name_length) : 0;
        if (entry->length - used >= need)
            break;
    }
    if (at >= room)
        return E_NOSPC;
    enum err e = ext4_change(fs, leaf, entry, used + need);
    if (e != E_OK)
        return e;
    uint16_t rest = (uint16_t)(entry->length - used);
    if (used > 0) {
        entry->length = (uint16_t)used;
        entry = ext4_entry_at(leaf->data, at + used);
    }
    entry->ino = new->ino;
    entry->length = rest;
    entry->name_length = (uint8_t) new->length;
    entry->type = ext4_entry_type(fs, new->mode);
    memcpy(entry->name, new->name, new->length);
    return E_OK;
}

enum err ext4_dir_remove(struct ext4 *fs, const struct ext4_found *found)
{
    struct ext4_entry *entry = found->entry, *previous = found->previous;
    enum err e = ext4_change(fs, found->buffer, entry, sizeof(*entry));
    if (e == E_OK && previous)
        e = ext4_change(fs, found->buffer, previous, sizeof(*previous));
    if (e != E_OK)
        return e;
    entry->ino = 0;
    if (previous)
        previous->length = (uint16_t)(previous->length + entry->length);
    return E_OK;
}

/* ---- The whole ---- */

enum err ext4_dir_dots(struct ext4 *fs, const struct ext4_inode *dir, struct ext4_buffer **buffer,
                       struct ext4_entry **dotdot)
{
    enum ext4_kind kind = ext4_dir_indexed(fs, dir) ? EXT4_DIR_ROOT : EXT4_DIR_LEAF;
    enum err e = ext4_dir_block(fs, dir, 0, kind, buffer);
    if (e != E_OK)
        return e;
    struct ext4_entry *dot = ext4_entry_at((*buffer)->data, 0),
                      *second = ext4_entry_at((*buffer)->data, 12);
    if (dot->length != 12 || dot->name_length != 1 || dot->name[0] != '.' ||
        second->name_length != 2 || memcmp(second->name, "..", 2) != 0 || second->length < 12)
        return ext4_damage(fs, dir->ino, (*buffer)->block, "a directory lacks \".\" or \"..\"");
    *dotdot = second;
    return E_OK;
}

enum err ext4_dir_find(struct ext4 *fs, const struct ext4_inode *dir, const char *name,
                       size_t length, struct ext4_found *out)
{
    struct ext4_buffer *leaf;
    struct ext4_index index;
    if (length == 0 || length > EXT4_NAME_MAX)
        return length == 0 ? E_NOENT : E_NAMETOOLONG;
    if (!ext4_dir_indexed(fs, dir)) {
        uint32_t blocks = ext4_dir_blocks(fs, dir);
        for (uint32_t i = 0; i < blocks; i++) {
            enum err e = ext4_dir_block(fs, dir, i, EXT4_DIR_LEAF, &leaf);
            if (e != E_OK)
                return e;
            if (ext4_leaf_find(fs, leaf, name, length, out))
                return E_OK;
            ext4_done_with(fs, leaf);
        }
        return E_NOENT;
    }
    uint32_t major;
    enum err e = ext4_index_find_name(fs, dir, name, length, &index);
    for (bool more = true; e == E_OK;) {
        e = ext4_dir_block(fs, dir, ext4_index_leaf(&index), EXT4_DIR_LEAF, &leaf);
        if (e != E_OK)
            return e;
        if (ext4_leaf_find(fs, leaf, name, length, out))
            return E_OK;
        e = ext4_index_next(fs, dir, &index, &more, &major);
        if (e == E_OK && (!more || major != (index.major | 1)))
            return E_NOENT;
    }
    return e;
}

enum err ext4_dir_append(struct ext4 *fs, struct ext4_inode *dir, enum ext4_kind kind,
                         uint32_t *index, struct ext4_buffer **out)
{
    struct ext4_path path;
    uint32_t block = ext4_dir_blocks(fs, dir);
    uint64_t at = 0;
    if (block >= UINT32_MAX - 1)
        return E_NOSPC;
    enum err e = ext4_path_find(fs, dir, block, &path);
    if (e == E_OK)
        e = ext4_inode_change(fs, dir);
    if (e == E_OK)
        e = ext4_inode_block(fs, dir, ext4_extent_goal(fs, dir, &path, block), &at);
    if (e != E_OK)
        return e;
    struct ext4_extent extent = {.block = block, .length = 1};
    ext4_extent_place(&extent, at);
    e = ext4_extent_insert(fs, dir, &extent);
    if (e == E_OK)
        e = ext4_fresh(fs, at, kind, dir->seed, out);
    if (e != E_OK)
        return e;
    (*out)->intact = 1;
    ext4_inode_set_size(dir->raw, (uint64_t)(block + 1) << fs->block_bits);
    *index = block;
    return E_OK;
}

enum err ext4_dir_init(struct ext4 *fs, struct ext4_inode *dir, uint32_t parent)
{
    uint32_t index;
    struct ext4_buffer *buffer;
    enum err e = ext4_dir_append(fs, dir, EXT4_DIR_LEAF, &index, &buffer);
    if (e != E_OK)
        return e;
    ext4_dir_leaf_init(fs, buffer->data);
    e = ext4_leaf_add(fs, buffer, &(struct ext4_adding){".", 1, dir->ino, 0040000});
    if (e == E_OK)
        e = ext4_leaf_add(fs, buffer, &(struct ext4_adding){"..", 2, parent, 0040000});
    return e;
}

/* Adds to a directory without a tree. */
static enum err add_linear(struct ext4 *fs, struct ext4_inode *dir, const struct ext4_adding *new,
                           bool *made)
{
    struct ext4_buffer *leaf = NULL;
    uint32_t blocks = ext4_dir_blocks(fs, dir), index;
    *made = false;
    for (uint32_t i = 0; i < blocks; i++) {
        if (leaf)
            ext4_done_with(fs, leaf);
        enum err e = ext4_dir_block(fs, dir, i, EXT4_DIR_LEAF, &leaf);
        if (e == E_OK)
            e = ext4_leaf_add(fs, leaf, new);
        if (e != E_NOSPC)
            return e;
    }
    if (blocks == 1 && (fs->compat & EXT4_DIR_INDEX)) {
        *made = true;
        return ext4_index_make(fs, dir, leaf);
    }
    enum err e = ext4_dir_append(fs, dir, EXT4_DIR_LEAF, &index, &leaf);
    if (e != E_OK)
        return e;
    ext4_dir_leaf_init(fs, leaf->data);
    return ext4_leaf_add(fs, leaf, new);
}

enum err ext4_dir_add(struct ext4 *fs, struct ext4_inode *dir, const struct ext4_adding *new)
{
    struct ext4_index index;
    struct ext4_buffer *leaf;
    enum err e = E_OK;
    if (!ext4_dir_indexed(fs, dir)) {
        bool made;
        e = add_linear(fs, dir, new, &made);
        if (e != E_OK || !made)
            return e;
    }
    e = ext4_index_find_name(fs, dir, new->name, new->length, &index);
    if (e == E_OK)
        e = ext4_dir_block(fs, dir, ext4_index_leaf(&index), EXT4_DIR_LEAF, &leaf);
    if (e == E_OK)
        e = ext4_leaf_add(fs, leaf, new);
    if (e != E_NOSPC)
        return e;
    e = ext4_index_split(fs, dir, &index, leaf, &leaf);
    return e == E_OK ? ext4_leaf_add(fs, leaf, new) : e;
}

/* True if the leaf has another entry than "." and "..". */
static bool leaf_used(const struct ext4 *fs, struct ext4_buffer *leaf)
{
    struct ext4_entry *entry;
    for (uint32_t at = 0; at < ext4_dir_room(fs); at += entry->length) {
        entry = ext4_entry_at(leaf->data, at);
        bool dots = entry->name[0] == '.' &&
                    (entry->name_length == 1 || (entry->name_length == 2 && entry->name[1] == '.'));
        if (entry->ino != 0 && !dots)
            return true;
    }
    return false;
}

/* Goes through the leaves of a tree, not its blocks: those of its nodes are of another kind. */
static enum err tree_empty(struct ext4 *fs, const struct ext4_inode *dir, bool *empty)
{
    struct ext4_index index;
    struct ext4_buffer *leaf;
    uint32_t major;
    bool more = true;
    enum err e = ext4_index_find(fs, dir, 0, &index);
    while (e == E_OK && more) {
        e = ext4_dir_block(fs, dir, ext4_index_leaf(&index), EXT4_DIR_LEAF, &leaf);
        if (e != E_OK)
            return e;
        *empty = !leaf_used(fs, leaf);
        if (!*empty)
            return E_OK;
        ext4_done_with(fs, leaf);
        e = ext4_index_next(fs, dir, &index, &more, &major);
    }
    return e;
}

enum err ext4_dir_empty(struct ext4 *fs, const struct ext4_inode *dir, bool *empty)
{
    if (ext4_dir_indexed(fs, dir))
        return tree_empty(fs, dir, empty);
    *empty = true;
    for (uint32_t i = 0; *empty && i < ext4_dir_blocks(fs, dir); i++) {
        struct ext4_buffer *leaf;
        enum err e = ext4_dir_block(fs, dir, i, EXT4_DIR_LEAF, &leaf);
        if (e != E_OK)
            return e;
        *empty = !leaf_used(fs, leaf);
        ext4_done_with(fs, leaf);
    }
    return E_OK;
}
