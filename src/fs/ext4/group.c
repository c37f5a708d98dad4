/* SPDX-License-Identifier: MIT */
/*
 * Block groups: descriptors, bitmaps, and where the file system's own blocks are. These zones are found once, at mount, from
 * the descriptors: no file may have a block of them, and they are what is in use in a group whose bitmap was never written.
 */
#include "fs/ext4/core.h"

#include "base/str.h"
#include "mm/heap/heap.h"

uint64_t ext4_group_start(const struct ext4 *fs, uint32_t group)
{
    return fs->first_block + (uint64_t)group * fs->blocks_per_group;
}

uint32_t ext4_group_blocks(const struct ext4 *fs, uint32_t group)
{
    uint64_t left = fs->blocks - ext4_group_start(fs, group);
    return left < fs->blocks_per_group ? (uint32_t)left : fs->blocks_per_group;
}

static bool power_of(uint32_t number, uint32_t base)
{
    uint64_t power = base;
    while (power < number)
        power *= base;
    return power == number;
}

bool ext4_group_has_super(const struct ext4 *fs, uint32_t group)
{
    if (group == 0)
        return true;
    if (fs->compat & EXT4_SPARSE_SUPER2)
        return group == fs->super->backup_groups[0] || group == fs->super->backup_groups[1];
    if ((fs->ro_compat & EXT4_SPARSE_SUPER) == 0 || group == 1)
        return true;
    return power_of(group, 3) || power_of(group, 5) || power_of(group, 7);
}

static uint32_t descriptor_blocks(const struct ext4 *fs)
{
    uint32_t each = fs->block_size / fs->descriptor_size;
    return (fs->groups + each - 1) / each;
}

enum err ext4_descriptor(struct ext4 *fs, uint32_t group, struct ext4_buffer **buffer,
                         struct ext4_group_desc **out)
{
    uint32_t each = fs->block_size / fs->descriptor_size, index = group / each;
    enum err e = ext4_get(fs, fs->first_block + 1 + index, EXT4_DESCRIPTORS, index * each, buffer);
    if (e == E_OK)
        *out = (struct ext4_group_desc *)((*buffer)->data + group % each * fs->descriptor_size);
    return e;
}

static uint64_t wide(const struct ext4 *fs, uint32_t low, uint32_t high)
{
    return fs->descriptor_size >= 64 ? (uint64_t)high << 32 | low : low;
}

/* A field's upper half is in memory only if descriptors have 64 bytes. */
#define UPPER(fs, desc, field) ((fs)->descriptor_size >= 64 ? (desc)->field : 0)

uint64_t ext4_block_bitmap_at(const struct ext4 *fs, const struct ext4_group_desc *desc)
{
    return wide(fs, desc->block_bitmap_lo, UPPER(fs, desc, block_bitmap_hi));
}

uint64_t ext4_inode_bitmap_at(const struct ext4 *fs, const struct ext4_group_desc *desc)
{
    return wide(fs, desc->inode_bitmap_lo, UPPER(fs, desc, inode_bitmap_hi));
}

uint64_t ext4_inode_table_at(const struct ext4 *fs, const struct ext4_group_desc *desc)
{
    return wide(fs, desc->inode_table_lo, UPPER(fs, desc, inode_table_hi));
}

/* ---- Zones ---- */

static void zones_sift(struct ext4_range *zones, uint32_t at, uint32_t count)
{
    for (;;) {
        uint32_t child = 2 * at + 1;
        if (child >= count)
            return;
        if (child + 1 < count && zones[child + 1].start > zones[child].start)
            child++;
        if (zones[at].start >= zones[child].start)
            return;
        struct ext4_range moved = zones[at];
        zones[at] = zones[child];
        zones[child] = moved;
        at = child;
    }
}

/* Sorts them in O(n log n), joins what touches, and drops empty ones: of groups without a copy of the superblock. */
static uint32_t zones_sort(struct ext4_range *zones, uint32_t count)
{
    for (uint32_t i = count / 2; i-- > 0;)
        zones_sift(zones, i, count);
    for (uint32_t end = count; end-- > 1;) {
        struct ext4_range moved = zones[0];
        zones[0] = zones[end];
        zones[end] = moved;
        zones_sift(zones, 0, end);
    }
    uint32_t kept = 0;
    for (uint32_t i = 1; i < count; i++) {
        if (zones[i].end == zones[i].start)
            continue;
        if (zones[i].start > zones[kept].end)
            zones[++kept] = zones[i];
        else if (zones[i].end > zones[kept].end)
            zones[kept].end = zones[i].end;
    }
    return kept + 1;
}

bool ext4_not_for_files(const struct ext4 *fs, uint64_t block, uint64_t count)
{
    if (block <= fs->first_block || block >= fs->blocks || count > fs->blocks - block)
        return true;
    uint32_t from = 0, to = fs->zone_count; /* the first zone that ends behind `block` */
    while (from < to) {
        uint32_t middle = (from + to) / 2;
        if (fs->zones[middle].end <= block)
            from = middle + 1;
        else
            to = middle;
    }
    return from < fs->zone_count && fs->zones[from].start < block + count;
}

/* One group's zones, and its numbers. */
static enum err group_open(struct ext4 *fs, uint32_t group, struct ext4_range *zone)
{
    struct ext4_buffer *buffer;
    struct ext4_group_desc *desc;
    enum err e = ext4_descriptor(fs, group, &buffer, &desc);
    if (e != E_OK)
        return e;
    uint64_t start = ext4_group_start(fs, group),
             tables = fs->inodes_per_group / fs->inodes_per_block;
    uint64_t copies = ext4_group_has_super(fs, group)
                          ? 1 + (uint64_t)descriptor_blocks(fs) + fs->super->reserved_gdt_blocks
                          : 0;
    zone[0] = (struct ext4_range){start, start + copies};
    zone[1].start = ext4_block_bitmap_at(fs, desc);
    zone[2].start = ext4_inode_bitmap_at(fs, desc);
    zone[3].start = ext4_inode_table_at(fs, desc);
    zone[1].end = zone[1].start + 1;
    zone[2].end = zone[2].start + 1;
    zone[3].end = zone[3].start + tables;
    for (int i = 1; i < 4; i++)
        if (zone[i].start <= fs->first_block || zone[i].start >= fs->blocks ||
            zone[i].end > fs->blocks)
            return ext4_damage(fs, 0, zone[i].start, "a group descriptor points nowhere");
    struct ext4_group *g = &fs->group[group];
    g->free_blocks = desc->free_blocks_lo | (uint32_t)UPPER(fs, desc, free_blocks_hi) << 16;
    g->free_inodes = desc->free_inodes_lo | (uint32_t)UPPER(fs, desc, free_inodes_hi) << 16;
    g->directories = desc->used_dirs_lo | (uint32_t)UPPER(fs, desc, used_dirs_hi) << 16;
    uint32_t unused = desc->unused_inodes_lo | (uint32_t)UPPER(fs, desc, unused_inodes_hi) << 16;
    if (zone[0].end > fs->blocks || g->free_blocks > ext4_group_blocks(fs, group) ||
        g->free_inodes > fs->inodes_per_group || g->directories > fs->inodes_per_group ||
        unused > fs->inodes_per_group)
        return ext4_damage(fs, 0, buffer->block, "a group descriptor counts too many");
    fs->free_blocks += g->free_blocks;
    fs->free_inodes += g->free_inodes;
    return E_OK;
}

enum err ext4_groups_open(struct ext4 *fs)
{
    uint32_t count = fs->groups * 4, runs = fs->journal.run_count;
    struct ext4_range *zones = heap_alloc(((size_t)count + runs) * sizeof(*zones));
    fs->group = heap_alloc_zero((size_t)fs->groups * sizeof(*fs->group));
    if (!zones || !fs->group) {
        heap_free(zones);
        return E_NOMEM;
    }
    fs->free_blocks = 0;
    fs->free_inodes = 0;
    for (uint32_t group = 0; group < fs->groups; group++) {
        enum err e = group_open(fs, group, &zones[group * 4]);
        if (e != E_OK) {
            heap_free(zones);
            return e;
        }
    }
    for (uint32_t i = 0; i < runs; i++) /* none is in another zone: their blocks would be written */
        zones[count + i] = fs->journal.runs[i];
    fs->zone_count = zones_sort(zones, count + runs);
    struct ext4_range *exact = heap_resize(zones, fs->zone_count * sizeof(*zones));
    fs->zones = exact ? exact : zones;
    fs->reserved_blocks = fs->blocks / 50 < 4096 ? fs->blocks / 50 : 4096;
    return E_OK;
}

/* ---- Changes ---- */

enum err ext4_group_change(struct ext4 *fs, uint32_t group, int32_t blocks, int32_t inodes,
                           int32_t directories)
{
    struct ext4_group *g = &fs->group[group];
    struct ext4_buffer *buffer;
    struct ext4_group_desc *desc;
    enum err e = ext4_descriptor(fs, group, &buffer, &desc);
    if (e == E_OK)
        e = ext4_change(fs, buffer, desc, fs->descriptor_size);
    if (e == E_OK)
        e = ext4_save(fs, g, offsetof(struct ext4_group, next_busy));
    if (e == E_OK)
        e = ext4_save(fs, &fs->free_blocks, sizeof(fs->free_blocks));
    if (e == E_OK)
        e = ext4_save(fs, &fs->free_inodes, sizeof(fs->free_inodes));
    if (e != E_OK)
        return e;
    fs->free_blocks += (uint64_t)(int64_t)blocks;
    fs->free_inodes += (uint32_t)inodes;
    g->free_blocks += (uint32_t)blocks;
    g->free_inodes += (uint32_t)inodes;
    g->directories += (uint32_t)directories;
    desc->free_blocks_lo = (uint16_t)g->free_blocks;
    desc->free_inodes_lo = (uint16_t)g->free_inodes;
    desc->used_dirs_lo = (uint16_t)g->directories;
    if (fs->descriptor_size >= 64) {
        desc->free_blocks_hi = (uint16_t)(g->free_blocks >> 16);
        desc->free_inodes_hi = (uint16_t)(g->free_inodes >> 16);
        desc->used_dirs_hi = (uint16_t)(g->directories >> 16);
    }
    return E_OK;
}

/* ---- Bitmaps ---- */

uint32_t ext4_bit_find(const uint8_t *map, uint32_t from, uint32_t end, bool value)
{
    uint64_t flip = value ? 0 : UINT64_MAX;
    while (from < end) {
        uint64_t word;
        memcpy(&word, map + from / 64 * 8, sizeof(word));
        word = (word ^ flip) >> from % 64;
        if (word != 0) {
            from += (uint32_t)__builtin_ctzll(word);
            return from < end ? from : end;
        }
        from = (from / 64 + 1) * 64;
    }
    return end;
}

void ext4_bits_fill(uint8_t *map, uint32_t from, uint32_t count, bool value)
{
    uint32_t end = from + count;
    while (from < end) {
        if (from % 8 == 0 && end - from >= 8) {
            map[from / 8] = value ? 0xff : 0;
            from += 8;
            continue;
        }
        uint8_t bit = (uint8_t)(1u << from % 8);
        map[from / 8] = (uint8_t)(value ? map[from / 8] | bit : map[from / 8] & ~bit);
        from++;
    }
}

static uint32_t bits_clear(const uint8_t *map, uint32_t end)
{
    uint32_t clear = 0;
    for (uint32_t at = 0; at < end;) {
        uint32_t from = ext4_bit_find(map, at, end, false);
        at = ext4_bit_find(map, from, end, true);
        clear += at - from;
    }
    return clear;
}

/* The bitmap of a group of which no block was used but the zones. */
static void bitmap_make(struct ext4 *fs, uint32_t group, uint8_t *map)
{
    uint64_t start = ext4_group_start(fs, group);
    uint32_t count = ext4_group_blocks(fs, group);
    memset(map, 0, fs->block_size);
    ext4_bits_fill(map, count, fs->block_size * 8 - count, true);
    for (uint32_t i = 0; i < fs->zone_count; i++) {
        uint64_t from = fs->zones[i].start > start ? fs->zones[i].start : start;
        uint64_t end = fs->zones[i].end < start + count ? fs->zones[i].end : start + count;
        if (from < end)
            ext4_bits_fill(map, (uint32_t)(from - start), (uint32_t)(end - from), true);
    }
}

/* The bitmap's contents are made instead of read. */
static enum err bitmap_begin(struct ext4 *fs, struct ext4_buffer *bitmap, enum ext4_kind kind,
                             uint32_t group)
{
    if (bitmap->checked && (bitmap->kind != kind || bitmap->seed != group))
        return ext4_damage(fs, 0, bitmap->block, "a block of metadata is used twice");
    bitmap->kind = (uint8_t)kind;
    bitmap->seed = group;
    bitmap->checked = true;
    return E_OK;
}

enum err ext4_block_bitmap(struct ext4 *fs, uint32_t group, struct ext4_buffer **out)
{
    struct ext4_buffer *buffer, *bitmap;
    struct ext4_group_desc *desc;
    enum err e = ext4_descriptor(fs, group, &buffer, &desc);
    if (e != E_OK)
        return e;
    uint64_t at = ext4_block_bitmap_at(fs, desc);
    if (desc->flags & EXT4_BLOCK_UNINIT) {
        e = ext4_buffer(fs, at, &bitmap);
        if (e == E_OK)
            e = bitmap_begin(fs, bitmap, EXT4_BLOCK_BITMAP, group);
        if (e == E_OK)
            bitmap_make(fs, group, bitmap->data);
        *out = bitmap;
        return e;
    }
    bitmap = ext4_cached(fs, at);
    bool known = bitmap && bitmap->checked;
    e = ext4_get(fs, at, EXT4_BLOCK_BITMAP, group, &bitmap);
    if (e != E_OK)
        return e;
    if (!known &&
        bits_clear(bitmap->data, ext4_group_blocks(fs, group)) != fs->group[group].free_blocks)
        return ext4_damage(fs, 0, at, "a block bitmap and its descriptor differ");
    *out = bitmap;
    return E_OK;
}

enum err ext4_inode_bitmap(struct ext4 *fs, uint32_t group, struct ext4_buffer **out)
{
    struct ext4_buffer *buffer, *bitmap;
    struct ext4_group_desc *desc;
    enum err e = ext4_descriptor(fs, group, &buffer, &desc);
    if (e != E_OK)
        return e;
    uint64_t at = ext4_inode_bitmap_at(fs, desc);
    if (desc->flags & EXT4_INODE_UNINIT) {
        e = ext4_buffer(fs, at, &bitmap);
        if (e == E_OK)
            e = bitmap_begin(fs, bitmap, EXT4_INODE_BITMAP, group);
        if (e == E_OK) {
            memset(bitmap->data, 0, fs->block_size);
            ext4_bits_fill(bitmap->data, fs->inodes_per_group,
                           fs->block_size * 8 - fs->inodes_per_group, true);
        }
        *out = bitmap;
        return e;
    }
    bitmap = ext4_cached(fs, at);
    bool known = bitmap && bitmap->checked;
    e = ext4_get(fs, at, EXT4_INODE_BITMAP, group, &bitmap);
    if (e != E_OK)
        return e;
    if (!known && bits_clear(bitmap->data, fs->inodes_per_group) != fs->group[group].free_inodes)
        return ext4_damage(fs, 0, at, "an inode bitmap and its descriptor differ");
    *out = bitmap;
    return E_OK;
}
