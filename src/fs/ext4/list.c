/* SPDX-License-Identifier: MIT */
/*
 * Directories, listed: in the order of the names' hashes, which stays while leaves are split, and of which a cookie is one; the
 * entries of a directory of several blocks without a tree never move, and there a cookie is a place.
 */
#include "fs/ext4/core.h"

#include "mm/heap/heap.h"

static bool emit_one(const struct ext4_entry *entry, uint64_t cookie, ext4_emit *emit,
                     void *context)
{
    static const uint8_t types[8] = {0, 8, 4, 2, 6, 1, 12, 10}; /* DT_* */
    struct ext4_name name = {entry->ino, types[entry->type & 7], entry->name_length, entry->name};
    return emit(context, &name, cookie);
}

static bool name_is_dots(const struct ext4_entry *entry)
{
    return entry->name[0] == '.' &&
           (entry->name_length == 1 || (entry->name_length == 2 && entry->name[1] == '.'));
}

static enum err list_by_place(struct ext4 *fs, const struct ext4_inode *dir, uint64_t *cookie,
                              ext4_emit *emit, void *context)
{
    uint32_t blocks = ext4_dir_blocks(fs, dir);
    for (uint64_t i = *cookie >> fs->block_bits; i < blocks; i++) {
        struct ext4_buffer *leaf;
        struct ext4_entry *entry;
        enum err e = ext4_dir_block(fs, dir, (uint32_t)i, EXT4_DIR_LEAF, &leaf);
        if (e != E_OK)
            return e;
        for (uint32_t at = 0; at < ext4_dir_room(fs); at += entry->length) {
            uint64_t place = (i << fs->block_bits) + at;
            entry = ext4_entry_at(leaf->data, at);
            if (entry->ino == 0 || place < *cookie || name_is_dots(entry))
                continue;
            if (!emit_one(entry, place, emit, context)) {
                *cookie = place;
                return E_OK;
            }
        }
        ext4_done_with(fs, leaf);
    }
    *cookie = EXT4_LIST_END;
    return E_OK;
}

struct group_of_leaves {
    uint32_t version, next;
    struct ext4_index *index; /* NULL: one block without a tree */
    struct ext4_hashes hashes;
    bool more;
};

/* The entries of the next leaf, and of those that go on with its last hash. *more: there are leaves
 * after these, from the hash *next on. */
static enum err group_read(struct ext4 *fs, const struct ext4_inode *dir, struct group_of_leaves *g)
{
    struct ext4_index *index = g->index;
    uint32_t leaves = 0, block = index ? ext4_index_leaf(index) : 0;
    do {
        struct ext4_buffer *leaf;
        enum err e = ext4_dir_block(fs, dir, block, EXT4_DIR_LEAF, &leaf);
        if (e == E_OK)
            e = ext4_hashes_add(fs, g->version, leaf, &g->hashes);
        if (e != E_OK)
            return e;
        g->more = false;
        if (!index)
            return E_OK;
        e = ext4_index_next(fs, dir, index, &g->more, &g->next);
        if (e != E_OK)
            return e;
        if (++leaves > ext4_dir_blocks(fs, dir))
            return ext4_damage(fs, dir->ino, 0, "a hashed tree has more leaves than blocks");
        block = ext4_index_leaf(index);
    } while (g->more && (g->next & 1) != 0);
    return E_OK;
}

struct pass { /* of a listing */
    ext4_emit *emit;
    void *context;
    bool stopped; /* `emit` refused an entry */
};

/* One group of leaves. */
static enum err list_group(struct ext4 *fs, const struct ext4_inode *dir, uint64_t *cookie,
                           struct pass *pass)
{
    struct ext4_index tree;
    struct group_of_leaves g = {.version = ext4_hash_version(fs, fs->super->hash_version)};
    enum err e = E_OK;
    if (ext4_dir_indexed(fs, dir)) {
        g.index = &tree;
        e = ext4_index_find(fs, dir, (uint32_t)(*cookie >> 32) << 1, &tree);
        g.version = e == E_OK ? tree.version : 0;
    }
    if (e == E_OK)
        e = group_read(fs, dir, &g);
    if (e == E_OK)
        ext4_hashes_sort(&g.hashes);
    uint64_t end = g.more ? (uint64_t)(g.next >> 1) << 32 : EXT4_LIST_END;
    if (e == E_OK && end <= *cookie)
        e = ext4_damage(fs, dir->ino, 0, "the hashes of a tree do not ascend");
    for (uint32_t i = 0; e == E_OK && !pass->stopped && i < g.hashes.count; i++) {
        struct ext4_hash hash = g.hashes.entry[i].hash;
        uint64_t key = (uint64_t)(hash.major >> 1) << 32 | hash.minor;
        if (key < *cookie || emit_one(g.hashes.entry[i].entry, key, pass->emit, pass->context))
            continue;
        pass->stopped = true;
        end = key;
    }
    heap_free(g.hashes.entry);
    if (e == E_OK)
        *cookie = end;
    return e;
}

enum err ext4_list(struct ext4 *fs, uint32_t dir, uint64_t *cookie, ext4_emit *emit, void *context)
{
    enum err e = E_OK;
    struct pass pass = {.emit = emit, .context = context};
    while (e == E_OK && !pass.stopped && *cookie != EXT4_LIST_END) {
        struct ext4_inode inode;
        ext4_enter(fs); /* so that a long list keeps no more in memory than a short one */
        e = ext4_inode_dir(fs, dir, &inode);
        if (e != E_OK)
            return e;
        if (ext4_dir_indexed(fs, &inode) ||
            ((fs->compat & EXT4_DIR_INDEX) && ext4_dir_blocks(fs, &inode) == 1))
            e = list_group(fs, &inode, cookie, &pass);
        else
            return list_by_place(fs, &inode, cookie, emit, context);
    }
    return e;
}
