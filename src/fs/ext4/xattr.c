/* SPDX-License-Identifier: MIT */
/*
 * Extended attributes: behind the fields of the inode, and in one block more. In both regions the entries ascend from the start
 * and the values lie at the end. A change takes a region apart into a list and writes it anew. Values go to the inode
 * as long as they fit. A block may be shared by several inodes, which Linux does; ours are not, and a shared one is copied
 * when it changes.
 */
#include "fs/ext4/core.h"

#include "base/str.h"
#include "mm/heap/heap.h"

#define BLOCK_ENTRIES 32 /* where they begin in a block: behind the head */
#define MAGIC_SIZE    4  /* and in an inode */

struct item {
    const char *name;
    const void *value;
    uint32_t size;
    uint8_t index, length; /* of the name */
};

struct region {
    uint8_t *entries, *end; /* of the memory */
    uint8_t *values;        /* what the offsets of values count from */
};

struct items {
    struct item *item; /* heap */
    uint32_t count, room;
};

static const struct prefix {
    uint8_t index, whole; /* whole: it is the name */
    char text[26];
} prefixes[] = {
    {2, 1, "system.posix_acl_access"},
    {3, 1, "system.posix_acl_default"},
    {1, 0, "user."},
    {4, 0, "trusted."},
    {6, 0, "security."},
    {7, 0, "system."},
};

/* The index of a name's prefix, and what is behind it. False: there is none for it. */
static bool name_split(const char *name, struct item *item)
{
    for (size_t i = 0; i < ARRAY_LENGTH(prefixes); i++) {
        size_t length = strlen(prefixes[i].text), all = strlen(name);
        if (strncmp(name, prefixes[i].text, length) != 0 || (prefixes[i].whole && all != length))
            continue;
        if (all - length > 255 || (!prefixes[i].whole && all == length))
            return false;
        item->index = prefixes[i].index;
        item->name = name + length;
        item->length = (uint8_t)(all - length);
        return true;
    }
    return false;
}

static bool same_name(const struct item *a, const struct item *b)
{
    return a->index == b->index && a->length == b->length &&
           memcmp(a->name, b->name, a->length) == 0;
}

static uint32_t entry_size(uint32_t length)
{
    return ((uint32_t)sizeof(struct ext4_xattr) + length + 3) & ~3u;
}

static uint32_t value_size(uint32_t size)
{
    return (size + 3) & ~3u;
}

/* ---- Regions, read ---- */

static enum err item_add(struct items *items, const struct item *item)
{
    if (items->count == items->room) {
        uint32_t room = items->room ? 2 * items->room : 16;
        struct item *grown = heap_resize(items->item, room * sizeof(*grown));
        if (!grown)
            return E_NOMEM;
        items->item = grown;
        items->room = room;
    }
    items->item[items->count++] = *item;
    return E_OK;
}

static enum err region_read(struct ext4 *fs, uint32_t ino, const struct region *region,
                            struct items *items)
{
    const uint8_t *at = region->entries;
    for (;;) {
        size_t left = (size_t)(region->end - at), room = (size_t)(region->end - region->values);
        uint32_t last = 0;
        if (left >= sizeof(last))
            memcpy(&last, at, sizeof(last));
        if (left >= sizeof(last) && last == 0)
            return E_OK;
        const struct ext4_xattr *entry = (const struct ext4_xattr *)at;
        if (left < sizeof(*entry) || entry_size(entry->name_length) > left ||
            entry->value_inode != 0 || entry->value_at > room ||
            entry->value_size > room - entry->value_at)
            return ext4_damage(fs, ino, 0, "an extended attribute is wrong");
        struct item item = {entry->name, region->values + entry->value_at, entry->value_size,
                            entry->index, entry->name_length};
        enum err e = item_add(items, &item);
        if (e != E_OK)
            return e;
        at += entry_size(entry->name_length);
    }
}

/* The region in the inode. False: it has none. */
static bool inode_region(const struct ext4 *fs, const struct ext4_inode *inode,
                         struct region *region)
{
    if (fs->inode_size <= EXT4_GOOD_OLD_INODE)
        return false;
    uint8_t *raw = (uint8_t *)inode->raw;
    uint32_t at = EXT4_GOOD_OLD_INODE + inode->raw->extra_isize + MAGIC_SIZE;
    if (at + sizeof(struct ext4_xattr) > fs->inode_size)
        return false;
    *region = (struct region){raw + at, raw + fs->inode_size, raw + at};
    return true;
}

static enum err block_region(struct ext4 *fs, const struct ext4_inode *inode, struct region *region,
                             struct ext4_buffer **buffer)
{
    uint64_t block = ext4_xattr_block_at(inode->raw);
    if (ext4_not_for_files(fs, block, 1))
        return ext4_damage(fs, inode->ino, block, "a block of attributes is nowhere");
    enum err e = ext4_get(fs, block, EXT4_XATTR_BLOCK, 0, buffer);
    if (e != E_OK)
        return e;
    uint8_t *data = (*buffer)->data;
    const struct ext4_xattr_head *head = (const struct ext4_xattr_head *)data;
    if (head->magic != EXT4_XATTR_MAGIC || head->blocks != 1 || head->references == 0)
        return ext4_damage(fs, inode->ino, block, "a block of attributes is wrong");
    *region = (struct region){data + BLOCK_ENTRIES, data + fs->block_size, data};
    return E_OK;
}

/* All attributes: first those in the inode, of which there are *inner. */
static enum err items_read(struct ext4 *fs, const struct ext4_inode *inode, struct items *items,
                           uint32_t *inner)
{
    struct region region;
    struct ext4_buffer *buffer;
    uint32_t magic = 0;
    enum err e = E_OK;
    bool has = inode_region(fs, inode, &region);
    if (has)
        memcpy(&magic, region.entries - MAGIC_SIZE, sizeof(magic));
    if (magic == EXT4_XATTR_MAGIC)
        e = region_read(fs, inode->ino, &region, items);
    *inner = items->count;
    if (e != E_OK || ext4_xattr_block_at(inode->raw) == 0)
        return e;
    e = block_region(fs, inode, &region, &buffer);
    return e == E_OK ? region_read(fs, inode->ino, &region, items) : e;
}

/* ---- Regions, written ---- */

static uint32_t entry_hash(const struct item *item, const uint8_t *padded)
{
    uint32_t hash = 0;
    for (uint32_t i = 0; i < item->length; i++)
        hash = hash << 5 ^ hash >> 27 ^ (uint8_t)item->name[i];
    for (uint32_t at = 0; at < value_size(item->size); at += 4) {
        uint32_t word;
        memcpy(&word, padded + at, sizeof(word));
        hash = hash << 16 ^ hash >> 16 ^ word;
    }
    return hash;
}

static bool item_before(const struct item *a, const struct item *b)
{
    if (a->index != b->index)
        return a->index < b->index;
    return a->length != b->length ? a->length < b->length : memcmp(a->name, b->name, a->length) < 0;
}

static void items_sort(struct item *item, uint32_t count)
{
    for (uint32_t i = 1; i < count; i++) {
        struct item moved = item[i];
        uint32_t to = i;
        for (; to > 0 && item_before(&moved, &item[to - 1]); to--)
            item[to] = item[to - 1];
        item[to] = moved;
    }
}

static bool items_fit(const struct item *item, uint32_t count, size_t room)
{
    size_t size = 4;
    for (uint32_t i = 0; i < count; i++)
        size += entry_size(item[i].length) + value_size(item[i].size);
    return size <= room;
}

/* The items, which fit and point elsewhere, become the region's. Returns the hash of all. */
static uint32_t region_write(const struct region *region, struct item *item, uint32_t count)
{
    uint8_t *at = region->entries, *value = region->end;
    uint32_t all = 0;
    bool hashed = true;
    memset(at, 0, (size_t)(region->end - at));
    items_sort(item, count);
    for (uint32_t i = 0; i < count; i++) {
        struct ext4_xattr *entry = (struct ext4_xattr *)at;
        value -= value_size(item[i].size);
        memcpy(value, item[i].value, item[i].size);
        *entry = (struct ext4_xattr){
            .name_length = item[i].length,
            .index = item[i].index,
            .value_at = item[i].size ? (uint16_t)(value - region->values) : 0,
            .value_size = item[i].size,
            .hash = entry_hash(&item[i], value),
        };
        memcpy(entry->name, item[i].name, item[i].length);
        at += entry_size(item[i].length);
        hashed &= entry->hash != 0;
        all = all << 16 ^ all >> 16 ^ entry->hash;
    }
    return hashed ? all : 0;
}

/* The inode's block of attributes is no longer its own. */
static enum err xattr_block_leave(struct ext4 *fs, struct ext4_inode *inode)
{
    struct region region;
    struct ext4_buffer *buffer;
    enum err e = block_region(fs, inode, &region, &buffer);
    if (e == E_OK)
        e = ext4_inode_change(fs, inode);
    if (e != E_OK)
        return e;
    struct ext4_xattr_head *head = (struct ext4_xattr_head *)buffer->data;
    if (head->references > 1) {
        e = ext4_change(fs, buffer, head, sizeof(*head));
        if (e == E_OK)
            head->references--;
    } else {
        e = ext4_blocks_free(fs, buffer->block, 1, true);
    }
    if (e != E_OK)
        return e;
    inode->raw->xattr_block_lo = 0;
    inode->raw->xattr_block_hi = 0;
    return ext4_inode_count_blocks(fs, inode, -1);
}

enum err ext4_xattr_drop(struct ext4 *fs, struct ext4_inode *inode)
{
    return ext4_xattr_block_at(inode->raw) != 0 ? xattr_block_leave(fs, inode) : E_OK;
}

/* The block for a change: the inode's own, or a new one. */
static enum err block_own(struct ext4 *fs, struct ext4_inode *inode, struct region *region,
                          struct ext4_buffer **buffer)
{
    enum err e;
    if (ext4_xattr_block_at(inode->raw) != 0) {
        e = block_region(fs, inode, region, buffer);
        if (e != E_OK)
            return e;
        if (((struct ext4_xattr_head *)(*buffer)->data)->references == 1)
            return ext4_change_block(fs, *buffer);
        e = xattr_block_leave(fs, inode);
        if (e != E_OK)
            return e;
    }
    uint64_t block, goal = ext4_group_start(fs, (inode->ino - 1) / fs->inodes_per_group);
    e = ext4_inode_block(fs, inode, goal, &block);
    if (e == E_OK)
        e = ext4_fresh(fs, block, EXT4_XATTR_BLOCK, 0, buffer);
    if (e != E_OK)
        return e;
    uint8_t *data = (*buffer)->data;
    *(struct ext4_xattr_head *)data =
        (struct ext4_xattr_head){.magic = EXT4_XATTR_MAGIC, .references = 1, .blocks = 1};
    inode->raw->xattr_block_lo = (uint32_t)block;
    inode->raw->xattr_block_hi = (uint16_t)(block >> 32);
    *region = (struct region){data + BLOCK_ENTRIES, data + fs->block_size, data};
    return E_OK;
}

static enum err block_write(struct ext4 *fs, struct ext4_inode *inode, struct item *item,
                            uint32_t count)
{
    struct region region;
    struct ext4_buffer *buffer;
    if (count == 0)
        return ext4_xattr_drop(fs, inode);
    if (!items_fit(item, count, fs->block_size - BLOCK_ENTRIES))
        return E_NOSPC;
    enum err e = block_own(fs, inode, &region, &buffer);
    if (e == E_OK)
        ((struct ext4_xattr_head *)buffer->data)->hash = region_write(&region, item, count);
    return e;
}

static enum err inode_write(struct ext4 *fs, struct ext4_inode *inode, struct item *item,
                            uint32_t count)
{
    struct region region;
    uint32_t magic = count > 0 ? EXT4_XATTR_MAGIC : 0;
    enum err e = ext4_inode_change(fs, inode);
    if (e != E_OK || !inode_region(fs, inode, &region))
        return e;
    memcpy(region.entries - MAGIC_SIZE, &magic, sizeof(magic));
    (void)region_write(&region, item, count);
    return E_OK;
}

/* ---- Calls ---- */

static struct item *item_find(const struct items *items, const struct item *wanted)
{
    for (uint32_t i = 0; i < items->count; i++)
        if (same_name(&items->item[i], wanted))
            return &items->item[i];
    return NULL;
}

enum err ext4_xattr_get(struct ext4 *fs, uint32_t ino, const char *name, void *value, size_t *size)
{
    struct ext4_inode inode;
    struct items items = {0};
    struct item wanted;
    uint32_t inner;
    ext4_enter(fs);
    if (!name_split(name, &wanted))
        return E_NOTSUP;
    enum err e = ext4_inode_get(fs, ino, &inode);
    if (e == E_OK)
        e = items_read(fs, &inode, &items, &inner);
    const struct item *item = e == E_OK ? item_find(&items, &wanted) : NULL;
    if (e == E_OK)
        e = !item ? E_NODATA : value && *size < item->size ? E_RANGE : E_OK;
    if (e == E_OK) {
        if (value)
            memcpy(value, item->value, item->size);
        *size = item->size;
    }
    heap_free(items.item);
    return e;
}

enum err ext4_xattr_list(struct ext4 *fs, uint32_t ino, ext4_emit_xattr *emit, void *context)
{
    struct ext4_inode inode;
    struct items items = {0};
    uint32_t inner;
    ext4_enter(fs);
    enum err e = ext4_inode_get(fs, ino, &inode);
    if (e == E_OK)
        e = items_read(fs, &inode, &items, &inner);
    bool more = true;
    for (uint32_t i = 0; e == E_OK && more && i < items.count; i++) {
        const struct item *item = &items.item[i];
        char name[sizeof(prefixes[0].text) + 256];
        for (size_t p = 0; p < ARRAY_LENGTH(prefixes); p++)
            if (prefixes[p].index == item->index) {
                size_t length = str_copy(name, prefixes[p].text, sizeof(name));
                memcpy(name + length, item->name, item->length);
                name[length + item->length] = '\0';
                more = emit(context, name, item->value, item->size);
            }
    }
    heap_free(items.item);
    return e;
}

/* Takes copies of what the items point to, for their regions will be written. */
static enum err items_detach(const struct items *items, uint8_t **copy)
{
    size_t size = 1;
    for (uint32_t i = 0; i < items->count; i++)
        size += items->item[i].length + (size_t)items->item[i].size;
    uint8_t *at = *copy = heap_alloc(size);
    if (!at)
        return E_NOMEM;
    for (uint32_t i = 0; i < items->count; i++) {
        struct item *item = &items->item[i];
        memcpy(at, item->name, item->length);
        item->name = (const char *)at;
        at += item->length;
        memcpy(at, item->value, item->size);
        item->value = at;
        at += item->size;
    }
    return E_OK;
}

/* Writes the lists: `inner` items in the inode, the others in the block; `item`, if any, where it fits. */
static enum err items_place(struct ext4 *fs, struct ext4_inode *inode, struct items *items,
                            uint32_t inner, const struct item *item)
{
    struct region region = {0};
    bool has = inode_region(fs, inode, &region);
    enum err e = E_OK;
    if (item) {
        e = item_add(items, item);
        if (e != E_OK)
            return e;
        uint32_t last = items->count - 1; /* the new one comes after those in the inode */
        struct item moved = items->item[inner];
        items->item[inner] = items->item[last];
        items->item[last] = moved;
        if (has && items_fit(items->item, inner + 1, (size_t)(region.end - region.entries)))
            inner++;
    }
    e = block_write(fs, inode, items->item + inner, items->count - inner);
    return e == E_OK ? inode_write(fs, inode, items->item, inner) : e;
}

static enum err xattr_change(struct ext4 *fs, uint32_t ino, struct item *item, uint32_t flags)
{
    struct ext4_inode inode;
    struct items items = {0};
    uint32_t inner = 0;
    uint8_t *copy = NULL;
    enum err e = ext4_inode_get(fs, ino, &inode);
    if (e == E_OK)
        e = items_read(fs, &inode, &items, &inner);
    struct item *old = e == E_OK ? item_find(&items, item) : NULL;
    if (e == E_OK && old && (flags & EXT4_XATTR_CREATE))
        e = E_EXIST;
    if (e == E_OK && !old && (!item->value || (flags & EXT4_XATTR_REPLACE)))
        e = E_NODATA;
    if (e == E_OK && old) {
        uint32_t at = (uint32_t)(old - items.item);
        inner -= at < inner ? 1 : 0;
        items.count--;
        memmove(old, old + 1, (items.count - at) * sizeof(*old));
    }
    if (e == E_OK)
        e = items_detach(&items, &copy);
    if (e == E_OK)
        e = items_place(fs, &inode, &items, inner, item->value ? item : NULL);
    if (e == E_OK)
        e = ext4_inode_change(fs, &inode);
    if (e == E_OK)
        ext4_inode_set_time(fs, inode.raw, EXT4_CTIME, fs->io.now(fs->io.context));
    heap_free(copy);
    heap_free(items.item);
    return e;
}

enum err ext4_xattr_set(struct ext4 *fs, uint32_t ino, const char *name, const void *value,
                        size_t size, uint32_t flags)
{
    struct item item = {.value = value, .size = (uint32_t)size};
    if (!name_split(name, &item))
        return E_NOTSUP;
    if (size > fs->block_size)
        return E_NOSPC;
    enum err e;
    do {
        e = ext4_begin(fs);
        if (e == E_OK)
            e = ext4_end(fs, xattr_change(fs, ino, &item, flags));
    } while (ext4_retry(fs, e));
    return e;
}
