/* SPDX-License-Identifier: MIT */
/*
 * Hashed trees of directories. Block 0 has "." and "..". The entry ".." covers the rest of the block, which holds the root: entries
 * {hash, block}, ascending, of which the first has no hash. Below it are leaves, or at most one level of nodes and then leaves;
 * a leaf is a block of entries like that of a directory without a tree. The lowest bit of a hash in an entry says that names with
 * the last hash of the leaf before are in this one too.
 */
#include "fs/ext4/core.h"

#include "base/str.h"
#include "mm/heap/heap.h"

#define LEVELS 2

static enum err index_bad(struct ext4 *fs, const struct ext4_inode *dir, struct ext4_buffer *buffer)
{
    return ext4_damage(fs, dir->ino, buffer->block, "a hashed tree is wrong");
}

static uint32_t entries_at(const struct ext4_buffer *buffer)
{
    return buffer->kind == EXT4_DIR_ROOT ? EXT4_INDEX_ROOT_AT : EXT4_INDEX_NODE_AT;
}

static uint32_t limit_of(const struct ext4 *fs, const struct ext4_buffer *buffer)
{
    uint32_t tail = ext4_has_csum(fs) ? (uint32_t)sizeof(struct ext4_index_tail) : 0;
    return (fs->block_size - entries_at(buffer) - tail) / (uint32_t)sizeof(struct ext4_index_entry);
}

static enum err node_open(struct ext4 *fs, const struct ext4_inode *dir, struct ext4_index *index,
                          uint32_t level, uint32_t block)
{
    struct ext4_buffer *buffer;
    enum err e =
        ext4_dir_block(fs, dir, block, level == 0 ? EXT4_DIR_ROOT : EXT4_DIR_NODE, &buffer);
    if (e != E_OK)
        return e;
    struct ext4_index_entry *entries =
        (struct ext4_index_entry *)(buffer->data + entries_at(buffer));
    if (entries->limit != limit_of(fs, buffer) || entries->count == 0 ||
        entries->count > entries->limit)
        return index_bad(fs, dir, buffer);
    index->node[level].buffer = buffer;
    index->node[level].entries = entries;
    index->node[level].at = 0;
    return E_OK;
}

static enum err root_open(struct ext4 *fs, const struct ext4_inode *dir, struct ext4_index *index)
{
    enum err e = node_open(fs, dir, index, 0, 0);
    if (e != E_OK)
        return e;
    struct ext4_buffer *root = index->node[0].buffer;
    const struct ext4_index_info *info =
        (struct ext4_index_info *)(root->data + EXT4_INDEX_ROOT_AT - sizeof(*info));
    struct ext4_hash hash;
    index->version = ext4_hash_version(fs, info->hash_version);
    index->levels = info->levels + 1u;
    if (info->reserved != 0 || info->length != sizeof(*info) || (info->flags & 1) != 0 ||
        index->levels > LEVELS || !ext4_hash(fs, index->version, "", 0, &hash))
        return index_bad(fs, dir, root);
    return E_OK;
}

static enum err walk_down(struct ext4 *fs, const struct ext4_inode *dir, uint32_t major,
                          struct ext4_index *index)
{
    index->major = major;
    for (uint32_t level = 0;; level++) {
        const struct ext4_index_entry *entries = index->node[level].entries;
        uint32_t from = 1, to = entries->count; /* the first entry of a greater hash */
        while (from < to) {
            uint32_t middle = (from + to) / 2;
            if (entries[middle].hash <= major)
                from = middle + 1;
            else
                to = middle;
        }
        index->node[level].at = from - 1;
        if (level + 1 == index->levels)
            return E_OK;
        enum err e = node_open(fs, dir, index, level + 1, entries[from - 1].block & 0xfffffff);
        if (e != E_OK)
            return e;
    }
}

enum err ext4_index_find(struct ext4 *fs, const struct ext4_inode *dir, uint32_t major,
                         struct ext4_index *index)
{
    enum err e = root_open(fs, dir, index);
    return e == E_OK ? walk_down(fs, dir, major, index) : e;
}

enum err ext4_index_find_name(struct ext4 *fs, const struct ext4_inode *dir, const char *name,
                              size_t length, struct ext4_index *index)
{
    struct ext4_hash hash;
    enum err e = root_open(fs, dir, index);
    if (e != E_OK || !ext4_hash(fs, index->version, name, length, &hash))
        return e;
    return walk_down(fs, dir, hash.major, index);
}

enum err ext4_index_next(struct ext4 *fs, const struct ext4_inode *dir, struct ext4_index *index,
                         bool *more, uint32_t *major)
{
    for (uint32_t level = index->levels; level-- > 0;) {
        const struct ext4_index_entry *entries = index->node[level].entries;
        if (index->node[level].at + 1 >= entries->count)
            continue;
        const struct ext4_index_entry *entry = &entries[++index->node[level].at];
        *major = entry->hash;
        *more = true;
        return level + 1 == index->levels
                   ? E_OK
                   : node_open(fs, dir, index, level + 1, entry->block & 0xfffffff);
    }
    *more = false;
    return E_OK;
}

/* ---- Entries by hash ---- */

static bool entry_is_dots(const struct ext4_entry *entry)
{
    return entry->name[0] == '.' &&
           (entry->name_length == 1 || (entry->name_length == 2 && entry->name[1] == '.'));
}

enum err ext4_hashes_add(struct ext4 *fs, uint32_t version, struct ext4_buffer *leaf,
                         struct ext4_hashes *hashes)
{
    struct ext4_entry *entry;
    for (uint32_t at = 0; at < ext4_dir_room(fs); at += entry->length) {
        entry = ext4_entry_at(leaf->data, at);
        if (entry->ino == 0 || entry_is_dots(entry))
            continue;
        if (hashes->count == hashes->room) {
            uint32_t room = hashes->room ? 2 * hashes->room : 128;
            struct ext4_hashed *grown = heap_resize(hashes->entry, room * sizeof(*grown));
            if (!grown)
                return E_NOMEM;
            hashes->entry = grown;
            hashes->room = room;
        }
        struct ext4_hashed *hashed = &hashes->entry[hashes->count++];
        hashed->entry = entry;
        if (!ext4_hash(fs, version, entry->name, entry->name_length, &hashed->hash))
            return E_INVAL;
    }
    return E_OK;
}

static bool hash_less(const struct ext4_hash *a, const struct ext4_hash *b)
{
    return a->major != b->major ? a->major < b->major : a->minor < b->minor;
}

/* Shell's sort: a block has a few hundred. */
void ext4_hashes_sort(struct ext4_hashes *hashes)
{
    static const uint16_t gaps[] = {701, 301, 132, 57, 23, 10, 4, 1};
    for (size_t g = 0; g < ARRAY_LENGTH(gaps); g++)
        for (uint32_t i = gaps[g]; i < hashes->count; i++) {
            struct ext4_hashed moved = hashes->entry[i];
            uint32_t to = i;
            for (; to >= gaps[g] && hash_less(&moved.hash, &hashes->entry[to - gaps[g]].hash);
                 to -= gaps[g])
                hashes->entry[to] = hashes->entry[to - gaps[g]];
            hashes->entry[to] = moved;
        }
}

/* ---- Growing ---- */

/* Adds {hash, block} behind the entry that was followed. There is room. */
static enum err entry_add(struct ext4 *fs, struct ext4_index *index, uint32_t level, uint32_t hash,
                          uint32_t block)
{
    struct ext4_index_entry *entries = index->node[level].entries;
    uint32_t at = index->node[level].at + 1, count = entries->count;
    enum err e =
        ext4_change(fs, index->node[level].buffer, entries, (count + 1) * sizeof(*entries));
    if (e != E_OK)
        return e;
    memmove(&entries[at + 1], &entries[at], (count - at) * sizeof(*entries));
    entries[at].hash = hash;
    entries[at].block = block;
    entries->count = (uint16_t)(count + 1);
    return E_OK;
}

struct half { /* of a node: the entries [from, count) */
    const struct ext4_index_entry *entries;
    uint32_t from, block; /* the new node's */
    struct ext4_buffer *buffer;
};

/* A new node with these entries of another. */
static enum err index_node_new(struct ext4 *fs, struct ext4_inode *dir, struct half *half)
{
    const struct ext4_index_entry *entries = half->entries;
    uint32_t from = half->from;
    struct ext4_buffer **buffer = &half->buffer;
    enum err e = ext4_dir_append(fs, dir, EXT4_DIR_NODE, &half->block, buffer);
    if (e != E_OK)
        return e;
    uint8_t *data = (*buffer)->data;
    ext4_entry_at(data, 0)->length = (uint16_t)fs->block_size;
    struct ext4_index_entry *to = (struct ext4_index_entry *)(data + EXT4_INDEX_NODE_AT);
    memcpy(to, entries + from, (entries->count - from) * sizeof(*to));
    to->count = (uint16_t)(entries->count - from);
    to->limit = (uint16_t)limit_of(fs, *buffer);
    return E_OK;
}

static void node_take(struct ext4_index *index, uint32_t level, struct ext4_buffer *buffer,
                      uint32_t at)
{
    index->node[level].buffer = buffer;
    index->node[level].entries = (struct ext4_index_entry *)(buffer->data + entries_at(buffer));
    index->node[level].at = at;
}

/* All entries of the root move to a node below it. */
static enum err root_deepen(struct ext4 *fs, struct ext4_inode *dir, struct ext4_index *index)
{
    struct ext4_buffer *root = index->node[0].buffer;
    struct ext4_index_entry *entries = index->node[0].entries;
    uint32_t at = index->node[0].at;
    struct half half = {.entries = entries};
    enum err e = index_node_new(fs, dir, &half);
    if (e == E_OK)
        e = ext4_change(fs, root, root->data, EXT4_INDEX_ROOT_AT + sizeof(*entries));
    if (e != E_OK)
        return e;
    struct ext4_index_info *info =
        (struct ext4_index_info *)(root->data + EXT4_INDEX_ROOT_AT - sizeof(*info));
    info->levels = 1;
    entries->count = 1;
    entries->block = half.block;
    index->levels = 2;
    index->node[0].at = 0;
    node_take(index, 1, half.buffer, at);
    return E_OK;
}

/* The upper half of the node moves to a new one beside it. */
static enum err node_split(struct ext4 *fs, struct ext4_inode *dir, struct ext4_index *index)
{
    struct ext4_index_entry *entries = index->node[1].entries;
    uint32_t middle = entries->count / 2, hash = entries[middle].hash;
    struct half half = {.entries = entries, .from = middle};
    if (index->node[0].entries->count == index->node[0].entries->limit)
        return E_NOSPC; /* as on Linux, without the feature large_dir */
    enum err e = index_node_new(fs, dir, &half);
    if (e == E_OK)
        e = entry_add(fs, index, 0, hash, half.block);
    if (e == E_OK)
        e = ext4_change(fs, index->node[1].buffer, entries, sizeof(*entries));
    if (e != E_OK)
        return e;
    entries->count = (uint16_t)middle;
    if (index->node[1].at >= middle) {
        index->node[0].at++;
        node_take(index, 1, half.buffer, index->node[1].at - middle);
    }
    return E_OK;
}

/* Makes room for one more entry in the lowest node. */
static enum err index_room(struct ext4 *fs, struct ext4_inode *dir, struct ext4_index *index)
{
    const struct ext4_index_entry *entries = index->node[index->levels - 1].entries;
    if (entries->count < entries->limit)
        return E_OK;
    return index->levels == 1 ? root_deepen(fs, dir, index) : node_split(fs, dir, index);
}

/* Writes entries [from, end) of `hashes` into a leaf of their own; `source` is what their pointers are into, or a copy of it. */
static void leaf_pack(const struct ext4 *fs, uint8_t *data, const struct ext4_hashes *hashes,
                      uint32_t from, uint32_t end)
{
    uint32_t room = ext4_dir_room(fs), at = 0;
    ext4_dir_leaf_init(fs, data);
    for (uint32_t i = from; i < end; i++) {
        const struct ext4_entry *entry = hashes->entry[i].entry;
        struct ext4_entry *to = ext4_entry_at(data, at);
        uint32_t size = ext4_entry_size(entry->name_length);
        memcpy(to, entry, 8u + entry->name_length);
        to->length = (uint16_t)(i + 1 == end ? room - at : size);
        at += size;
    }
}

/* Where the upper half of the entries begins, by size. */
static uint32_t split_point(const struct ext4_hashes *hashes, uint32_t room)
{
    uint32_t split = hashes->count, size = 0;
    while (split > 1) {
        uint32_t next = ext4_entry_size(hashes->entry[split - 1].entry->name_length);
        if (size + next / 2 > room / 2)
            break;
        size += next;
        split--;
    }
    return split < hashes->count ? split : hashes->count - 1;
}

struct division { /* of a leaf */
    struct ext4_buffer *leaf, *upper;
    uint8_t *copy; /* of its contents, into which `hashes` point */
    struct ext4_hashes hashes;
    uint32_t hash; /* the first of the upper half */
};

static enum err leaf_divide(struct ext4 *fs, struct ext4_inode *dir, struct ext4_index *index,
                            struct division *d)
{
    struct ext4_buffer *leaf = d->leaf;
    struct ext4_hashes *hashes = &d->hashes;
    struct ext4_buffer old = *leaf;
    uint32_t block;
    memcpy(d->copy, leaf->data, fs->block_size);
    old.data = d->copy;
    enum err e = ext4_hashes_add(fs, index->version, &old, hashes);
    if (e != E_OK)
        return e;
    if (hashes->count < 2)
        return index_bad(fs, dir, leaf);
    ext4_hashes_sort(hashes);
    uint32_t split = split_point(hashes, ext4_dir_room(fs));
    e = ext4_change_block(fs, leaf);
    if (e == E_OK)
        e = ext4_dir_append(fs, dir, EXT4_DIR_LEAF, &block, &d->upper);
    if (e != E_OK)
        return e;
    d->hash = hashes->entry[split].hash.major;
    uint32_t goes_on = hashes->entry[split - 1].hash.major == d->hash ? 1 : 0;
    leaf_pack(fs, leaf->data, hashes, 0, split);
    leaf_pack(fs, d->upper->data, hashes, split, hashes->count);
    return entry_add(fs, index, index->levels - 1, d->hash | goes_on, block);
}

enum err ext4_index_split(struct ext4 *fs, struct ext4_inode *dir, struct ext4_index *index,
                          struct ext4_buffer *leaf, struct ext4_buffer **out)
{
    struct division d = {.leaf = leaf};
    enum err e = index_room(fs, dir, index);
    if (e != E_OK)
        return e;
    d.copy = heap_alloc(fs->block_size);
    e = d.copy ? leaf_divide(fs, dir, index, &d) : E_NOMEM;
    heap_free(d.copy);
    heap_free(d.hashes.entry);
    *out = index->major >= d.hash ? d.upper : leaf;
    return e;
}

enum err ext4_index_make(struct ext4 *fs, struct ext4_inode *dir, struct ext4_buffer *root)
{
    uint32_t block;
    struct ext4_buffer *leaf, *same;
    struct ext4_entry *dotdot;
    struct ext4_hashes hashes = {0};
    enum err e = ext4_dir_dots(fs, dir, &same, &dotdot);
    if (e == E_OK)
        e = ext4_change_block(fs, root);
    if (e == E_OK)
        e = ext4_save(fs, &root->kind, sizeof(root->kind));
    if (e == E_OK)
        e = ext4_dir_append(fs, dir, EXT4_DIR_LEAF, &block, &leaf);
    if (e == E_OK)
        e = ext4_hashes_add(fs, fs->super->hash_version, root, &hashes);
    if (e != E_OK) {
        heap_free(hashes.entry);
        return e == E_INVAL ? index_bad(fs, dir, root) : e;
    }
    leaf_pack(fs, leaf->data, &hashes, 0, hashes.count);
    heap_free(hashes.entry);
    root->kind = EXT4_DIR_ROOT;
    dotdot->length = (uint16_t)(fs->block_size - 12);
    memset(root->data + 24, 0, fs->block_size - 24);
    struct ext4_index_info *info =
        (struct ext4_index_info *)(root->data + EXT4_INDEX_ROOT_AT - sizeof(*info));
    info->hash_version = fs->super->hash_version;
    info->length = sizeof(*info);
    struct ext4_index_entry *entries = (struct ext4_index_entry *)(root->data + EXT4_INDEX_ROOT_AT);
    entries->limit = (uint16_t)limit_of(fs, root);
    entries->count = 1;
    entries->block = block;
    dir->raw->flags |= EXT4_FL_INDEX;
    return E_OK;
}
