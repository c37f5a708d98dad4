/* SPDX-License-Identifier: MIT */
/*
 * Blocks, allocated and freed. A search begins at its goal and takes the blocks there if they are free, so that a file which
 * grows stays in one piece; otherwise the first run that is long enough, or the longest, of the next groups with free blocks.
 */
#include "fs/ext4/core.h"

#include "base/str.h"
#include "mm/heap/heap.h"

#define GROUPS_COMPARED 8u

struct choice {
    uint32_t group, bit, count;
};

/* Looks in one group from bit `from` on. */
static enum err group_search(struct ext4 *fs, uint32_t group, uint32_t from, uint32_t wanted,
                             struct choice *best)
{
    struct ext4_buffer *bitmap;
    enum err e = ext4_block_bitmap(fs, group, &bitmap);
    if (e != E_OK)
        return e;
    const uint8_t *map = fs->group[group].busy ? fs->group[group].busy : bitmap->data;
    uint32_t end = ext4_group_blocks(fs, group);
    for (uint32_t at = from; at < end && best->count < wanted;) {
        uint32_t start = ext4_bit_find(map, at, end, false);
        uint32_t limit = end - start > wanted ? start + wanted : end;
        at = ext4_bit_find(map, start, limit, true);
        if (at - start > best->count)
            *best = (struct choice){group, start, at - start};
        if (start == from && from > 0 && at > start) { /* the goal itself */
            *best = (struct choice){group, start, at - start};
            break;
        }
    }
    if (best->group != group)
        ext4_done_with(fs, bitmap);
    return E_OK;
}

static enum err choose(struct ext4 *fs, uint64_t goal, uint32_t wanted, struct choice *best)
{
    if (goal < fs->first_block || goal >= fs->blocks)
        goal = fs->first_block;
    uint32_t group = (uint32_t)((goal - fs->first_block) / fs->blocks_per_group);
    uint32_t bit = (uint32_t)((goal - fs->first_block) % fs->blocks_per_group), compared = 0;
    for (uint64_t i = 0; i <= fs->groups;
         i++) { /* the first group again at the end, from its start */
        if (fs->group[group].free_blocks > 0) {
            enum err e = group_search(fs, group, bit, wanted, best);
            if (e != E_OK)
                return e;
            bool at_goal = i == 0 && best->count > 0 && best->bit == bit && bit > 0;
            if (best->count >= wanted || at_goal ||
                (best->count > 0 && ++compared >= GROUPS_COMPARED))
                return E_OK;
        }
        bit = 0;
        group = group + 1 == fs->groups ? 0 : group + 1;
    }
    return best->count > 0 ? E_OK : E_NOSPC;
}

static enum err bits_change(struct ext4 *fs, struct ext4_buffer *bitmap, uint8_t *map, uint32_t bit,
                            uint32_t count)
{
    uint32_t from = bit / 8, end = (bit + count + 7) / 8;
    return bitmap ? ext4_change(fs, bitmap, map + from, end - from)
                  : ext4_save(fs, map + from, end - from);
}

enum err ext4_blocks_take(struct ext4 *fs, uint64_t goal, uint32_t wanted, uint64_t *block,
                          uint32_t *count)
{
    struct choice found = {0};
    uint64_t kept = fs->freed_blocks + (fs->use_reserve ? 0 : fs->reserved_blocks);
    if (fs->free_blocks <= kept)
        return E_NOSPC;
    if (wanted > fs->free_blocks - kept)
        wanted = (uint32_t)(fs->free_blocks - kept);
    enum err e = choose(fs, goal, wanted, &found);
    if (e != E_OK)
        return e;
    struct ext4_buffer *bitmap, *buffer;
    struct ext4_group_desc *desc;
    uint8_t *busy = fs->group[found.group].busy;
    uint64_t start = ext4_group_start(fs, found.group) + found.bit;
    if (ext4_not_for_files(fs, start, found.count))
        return ext4_damage(fs, 0, start, "a bitmap has the file system's own blocks as free");
    e = ext4_block_bitmap(fs, found.group, &bitmap);
    if (e == E_OK)
        e = bits_change(fs, bitmap, bitmap->data, found.bit, found.count);
    if (e == E_OK && busy)
        e = bits_change(fs, NULL, busy, found.bit, found.count);
    if (e == E_OK)
        e = ext4_group_change(fs, found.group, -(int32_t)found.count, 0, 0);
    if (e == E_OK)
        e = ext4_descriptor(fs, found.group, &buffer, &desc);
    if (e != E_OK)
        return e;
    desc->flags &= (uint16_t)~EXT4_BLOCK_UNINIT;
    ext4_bits_fill(bitmap->data, found.bit, found.count, true);
    if (busy)
        ext4_bits_fill(busy, found.bit, found.count, true);
    *block = start;
    *count = found.count;
    return E_OK;
}

/* The group's bitmap as it is now goes on to say which blocks must not be taken. */
static enum err busy_begin(struct ext4 *fs, uint32_t group, const struct ext4_buffer *bitmap)
{
    struct ext4_group *g = &fs->group[group];
    if (g->busy)
        return E_OK;
    g->busy = heap_alloc(fs->block_size);
    if (!g->busy)
        return E_NOMEM;
    memcpy(g->busy, bitmap->data, fs->block_size);
    g->next_busy = fs->first_busy;
    fs->first_busy = group + 1;
    return E_OK;
}

static enum err free_in_group(struct ext4 *fs, uint32_t group, uint32_t bit, uint32_t count)
{
    struct ext4_buffer *bitmap;
    enum err e = ext4_block_bitmap(fs, group, &bitmap);
    if (e != E_OK)
        return e;
    if (ext4_bit_find(bitmap->data, bit, bit + count, false) != bit + count)
        return ext4_damage(fs, 0, ext4_group_start(fs, group) + bit, "a block is freed twice");
    e = busy_begin(fs, group, bitmap);
    if (e == E_OK)
        e = bits_change(fs, bitmap, bitmap->data, bit, count);
    if (e == E_OK)
        e = ext4_group_change(fs, group, (int32_t)count, 0, 0);
    if (e == E_OK)
        e = ext4_save(fs, &fs->freed_blocks, sizeof(fs->freed_blocks));
    if (e != E_OK)
        return e;
    fs->freed_blocks += count;
    fs->group[group].trimmed = 0;
    ext4_bits_fill(bitmap->data, bit, count, false);
    return E_OK;
}

enum err ext4_blocks_free(struct ext4 *fs, uint64_t block, uint32_t count, bool metadata)
{
    if (ext4_not_for_files(fs, block, count))
        return ext4_damage(fs, 0, block, "the file system's own blocks are freed");
    enum err e = E_OK;
    for (uint32_t i = 0; e == E_OK && metadata && i < count; i++)
        e = ext4_revoke(fs, block + i);
    while (e == E_OK && count > 0) {
        uint64_t at = block - fs->first_block;
        uint32_t group = (uint32_t)(at / fs->blocks_per_group);
        uint32_t bit = (uint32_t)(at % fs->blocks_per_group), left = fs->blocks_per_group - bit;
        uint32_t part = count < left ? count : left;
        e = free_in_group(fs, group, bit, part);
        block += part;
        count -= part;
    }
    return e;
}

/* ---- Discarding ---- */

void ext4_set_discard(struct ext4 *fs, bool discard)
{
    fs->discard = discard;
}

/* Discards the runs of at least `least` bits in [from, end) that the map has clear. */
static enum err discard_clear(struct ext4 *fs, uint32_t group, const uint8_t *map,
                              struct ext4_range bits, struct ext4_trim *trim)
{
    uint32_t at = (uint32_t)bits.start, end = (uint32_t)bits.end;
    enum err e = E_OK;
    while (e == E_OK && at < end) {
        uint32_t from = ext4_bit_find(map, at, end, false);
        at = ext4_bit_find(map, from, end, true);
        if (at == from || at - from < trim->least)
            continue;
        e = fs->io.discard(fs->io.context, (ext4_group_start(fs, group) + from) << fs->block_bits,
                           (uint64_t)(at - from) << fs->block_bits);
        trim->done += e == E_OK ? at - from : 0;
    }
    return e;
}

/* The bits that `busy` has and the bitmap has not: of blocks that the transaction freed. */
static void discard_freed(struct ext4 *fs, uint32_t group)
{
    struct ext4_buffer *bitmap;
    uint8_t *busy = fs->group[group].busy;
    if (!fs->discard || !fs->io.discard || ext4_block_bitmap(fs, group, &bitmap) != E_OK)
        return;
    for (uint32_t i = 0; i < fs->block_size; i++)
        busy[i] = (uint8_t)(~busy[i] | bitmap->data[i]);
    struct ext4_trim all = {.least = 1};
    if (discard_clear(fs, group, busy, (struct ext4_range){0, ext4_group_blocks(fs, group)},
                      &all) != E_OK)
        fs->discard = false;
}

void ext4_blocks_settle(struct ext4 *fs)
{
    while (fs->first_busy != 0) {
        uint32_t group = fs->first_busy - 1;
        struct ext4_group *g = &fs->group[group];
        discard_freed(fs, group);
        fs->first_busy = g->next_busy;
        heap_free(g->busy);
        g->busy = NULL;
        g->next_busy = 0;
    }
    fs->freed_blocks = 0;
}

enum err ext4_trim(struct ext4 *fs, struct ext4_trim *trim)
{
    struct ext4_buffer *bitmap;
    uint64_t at = trim->at > fs->first_block ? trim->at : fs->first_block;
    if (!fs->io.discard)
        return E_NOTSUP;
    if (trim->end > fs->blocks)
        trim->end = fs->blocks;
    if (at >= trim->end || trim->least > fs->blocks_per_group)
        return E_INVAL;
    uint32_t group = (uint32_t)((at - fs->first_block) / fs->blocks_per_group);
    uint64_t start = ext4_group_start(fs, group), next = start + ext4_group_blocks(fs, group);
    struct ext4_range bits = {at - start, (next < trim->end ? next : trim->end) - start};
    struct ext4_group *g = &fs->group[group];
    trim->at = start + bits.end;
    if (g->free_blocks < trim->least || (g->trimmed != 0 && g->trimmed <= trim->least))
        return E_OK;
    ext4_enter(fs);
    enum err e = fs->freed_blocks > 0 ? ext4_commit(fs) : E_OK;
    if (e == E_OK)
        e = ext4_block_bitmap(fs, group, &bitmap);
    if (e != E_OK)
        return e;
    e = discard_clear(fs, group, bitmap->data, bits, trim);
    if (e == E_OK && bits.start == 0 && trim->at == next)
        g->trimmed = (uint32_t)trim->least;
    ext4_done_with(fs, bitmap);
    return e;
}
