/* SPDX-License-Identifier: MIT */
/*
 * Inodes, allocated and freed. A file goes to the group of its directory; a directory too, but those of the root are spread
 * over the groups that have more free inodes and blocks than the average, for what will be in them to stay together.
 */
#include "fs/ext4/core.h"

#include "base/str.h"

/* The next group with free inodes, from `from` on; with `much`, one that is emptier than others. UINT32_MAX: none. */
static uint32_t group_for(const struct ext4 *fs, uint32_t from, bool much)
{
    uint32_t inodes = fs->free_inodes / fs->groups, best = UINT32_MAX;
    uint64_t blocks = fs->free_blocks / fs->groups;
    for (uint32_t i = 0, group = from; i < fs->groups; i++) {
        const struct ext4_group *g = &fs->group[group];
        bool more = g->free_inodes >= inodes && g->free_blocks >= blocks;
        if (g->free_inodes > 0 && !much)
            return group;
        if (g->free_inodes > 0 && more &&
            (best == UINT32_MAX || g->directories < fs->group[best].directories))
            best = group;
        group = group + 1 == fs->groups ? 0 : group + 1;
    }
    return best;
}

/* The group's table is in use up to inode `index` of it: what is behind was never written. */
static enum err table_extend(struct ext4 *fs, uint32_t group, uint32_t index)
{
    struct ext4_buffer *buffer;
    struct ext4_group_desc *desc;
    enum err e = ext4_descriptor(fs, group, &buffer, &desc);
    if (e != E_OK)
        return e;
    bool wide = fs->descriptor_size >= 64, never = (desc->flags & EXT4_INODE_UNINIT) != 0;
    uint32_t unused = desc->unused_inodes_lo | (wide ? (uint32_t)desc->unused_inodes_hi << 16 : 0);
    uint32_t used = never || !ext4_has_group_csum(fs) ? 0 : fs->inodes_per_group - unused;
    desc->flags &= (uint16_t)~EXT4_INODE_UNINIT; /* changed by ext4_group_change() */
    if (!ext4_has_group_csum(fs) || index < used)
        return E_OK;
    if (index > used)
        return ext4_damage(fs, 0, buffer->block, "inodes are in use that were never written");
    unused = fs->inodes_per_group - index - 1;
    desc->unused_inodes_lo = (uint16_t)unused;
    if (wide)
        desc->unused_inodes_hi = (uint16_t)(unused >> 16);
    return E_OK;
}

static enum err group_take_inode(struct ext4 *fs, uint32_t group, bool directory, uint32_t *ino)
{
    struct ext4_buffer *bitmap;
    enum err e = ext4_inode_bitmap(fs, group, &bitmap);
    if (e != E_OK)
        return e;
    uint32_t from = group == 0 ? fs->first_inode - 1 : 0;
    uint32_t bit = ext4_bit_find(bitmap->data, from, fs->inodes_per_group, false);
    if (bit == fs->inodes_per_group)
        return ext4_damage(fs, 0, bitmap->block, "an inode bitmap has none of its free inodes");
    e = ext4_change(fs, bitmap, &bitmap->data[bit / 8], 1);
    if (e == E_OK)
        e = ext4_group_change(fs, group, 0, -1, directory ? 1 : 0);
    if (e == E_OK)
        e = table_extend(fs, group, bit);
    if (e != E_OK)
        return e;
    ext4_bits_fill(bitmap->data, bit, 1, true);
    *ino = group * fs->inodes_per_group + bit + 1;
    return E_OK;
}

enum err ext4_inode_take(struct ext4 *fs, uint32_t dir, bool directory, uint32_t *ino)
{
    uint32_t group = UINT32_MAX, parent = (dir - 1) / fs->inodes_per_group;
    if (directory && dir == EXT4_ROOT_INO) {
        group = group_for(fs, fs->next_spread, true);
        fs->next_spread = group == UINT32_MAX || group + 1 == fs->groups ? 0 : group + 1;
    }
    if (group == UINT32_MAX)
        group = group_for(fs, parent, false);
    return group == UINT32_MAX ? E_NOSPC : group_take_inode(fs, group, directory, ino);
}

enum err ext4_inode_free(struct ext4 *fs, uint32_t ino, bool directory)
{
    uint32_t group = (ino - 1) / fs->inodes_per_group, bit = (ino - 1) % fs->inodes_per_group;
    struct ext4_buffer *bitmap;
    enum err e = ext4_inode_bitmap(fs, group, &bitmap);
    if (e != E_OK)
        return e;
    if (!ext4_bit(bitmap->data, bit))
        return ext4_damage(fs, ino, bitmap->block, "an inode is freed twice");
    e = ext4_change(fs, bitmap, &bitmap->data[bit / 8], 1);
    if (e == E_OK)
        e = ext4_group_change(fs, group, 0, 1, directory ? -1 : 0);
    if (e == E_OK)
        ext4_bits_fill(bitmap->data, bit, 1, false);
    return e;
}
