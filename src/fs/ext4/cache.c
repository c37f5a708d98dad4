/* SPDX-License-Identifier: MIT */
/* Blocks of metadata in memory. */
#include "fs/ext4/core.h"

#include "base/str.h"
#include "mm/heap/heap.h"

static uint32_t block_hash(uint64_t block)
{
    return (uint32_t)(block ^ block >> 32);
}

struct ext4_buffer *ext4_cached(struct ext4 *fs, uint64_t block)
{
    for (struct hash_link *link = hash_table_first(&fs->cache, block_hash(block)); link;
         link = hash_link_next(link)) {
        struct ext4_buffer *buffer = CONTAINER_OF(link, struct ext4_buffer, link);
        if (buffer->block == block)
            return buffer;
    }
    return NULL;
}

void ext4_place(struct ext4 *fs, struct ext4_buffer *buffer)
{
    if (buffer->running) {
        list_add_tail(&fs->running, &buffer->place);
        fs->running_count++;
    } else if (buffer->logged) {
        list_add_tail(&fs->logged, &buffer->place);
        fs->logged_count++;
    } else {
        list_add_tail(&fs->idle, &buffer->place);
        fs->idle_count++;
    }
}

void ext4_unplace(struct ext4 *fs, struct ext4_buffer *buffer)
{
    list_remove(&buffer->place);
    if (buffer->running)
        fs->running_count--;
    else if (buffer->logged)
        fs->logged_count--;
    else
        fs->idle_count--;
}

void ext4_drop(struct ext4 *fs, struct ext4_buffer *buffer)
{
    hash_table_remove(&fs->cache, &buffer->link);
    heap_free(buffer->data);
    heap_free(buffer);
}

void ext4_done_with(struct ext4 *fs, struct ext4_buffer *buffer)
{
    bool bitmap = buffer->kind == EXT4_BLOCK_BITMAP || buffer->kind == EXT4_INODE_BITMAP;
    if (fs->idle_count <= fs->cache_limit || buffer->running || buffer->logged ||
        (fs->in_handle && !bitmap))
        return;
    ext4_unplace(fs, buffer);
    ext4_drop(fs, buffer);
}

void ext4_enter(struct ext4 *fs)
{
    while (fs->idle_count > fs->cache_limit) {
        struct ext4_buffer *buffer = CONTAINER_OF(fs->idle.next, struct ext4_buffer, place);
        ext4_unplace(fs, buffer);
        if (buffer == fs->super_block)
            ext4_place(fs, buffer);
        else
            ext4_drop(fs, buffer);
    }
}

static void drop_all(struct ext4 *fs, struct list *from)
{
    while (!list_empty(from)) {
        struct ext4_buffer *buffer = CONTAINER_OF(from->next, struct ext4_buffer, place);
        ext4_unplace(fs, buffer);
        ext4_drop(fs, buffer);
    }
}

void ext4_cache_end(struct ext4 *fs)
{
    drop_all(fs, &fs->idle);
    drop_all(fs, &fs->running);
    drop_all(fs, &fs->logged);
}

enum err ext4_io_one(struct ext4 *fs, bool write, uint64_t block, void *data)
{
    uint64_t offset = block << fs->block_bits;
    return write ? fs->io.write(fs->io.context, offset, fs->block_size, &data, 1)
                 : fs->io.read(fs->io.context, offset, fs->block_size, &data, 1);
}

enum err ext4_buffer(struct ext4 *fs, uint64_t block, struct ext4_buffer **out)
{
    struct ext4_buffer *buffer = ext4_cached(fs, block);
    if (buffer) {
        if (!buffer->running && !buffer->logged) { /* the latest is at the end */
            list_remove(&buffer->place);
            list_add_tail(&fs->idle, &buffer->place);
        }
        *out = buffer;
        return E_OK;
    }
    buffer = heap_alloc_zero(sizeof(*buffer));
    if (!buffer)
        return E_NOMEM;
    buffer->data = heap_alloc(fs->block_size);
    if (!buffer->data) {
        heap_free(buffer);
        return E_NOMEM;
    }
    buffer->block = block;
    hash_table_add(&fs->cache, &buffer->link, block_hash(block));
    ext4_place(fs, buffer);
    *out = buffer;
    return E_OK;
}

enum err ext4_get(struct ext4 *fs, uint64_t block, enum ext4_kind kind, uint32_t seed,
                  struct ext4_buffer **out)
{
    if (block >= fs->blocks)
        return ext4_damage(fs, 0, block, "a block number is beyond the file system");
    struct ext4_buffer *buffer;
    bool known = ext4_cached(fs, block) != NULL;
    enum err e = ext4_buffer(fs, block, &buffer);
    if (e != E_OK)
        return e;
    if (!known) {
        e = ext4_io_one(fs, false, block, buffer->data);
        if (e != E_OK) {
            ext4_unplace(fs, buffer);
            ext4_drop(fs, buffer);
            return e;
        }
    }
    if (buffer->checked) {
        if (buffer->kind != kind || buffer->seed != seed || buffer->dead)
            return ext4_damage(fs, 0, block, "a block of metadata is used twice");
    } else {
        buffer->kind = (uint8_t)kind;
        buffer->seed = seed;
        if (!ext4_checksum_right(fs, buffer))
            return ext4_damage(fs, 0, block, "a checksum is wrong");
        buffer->checked = true;
    }
    *out = buffer;
    return E_OK;
}
