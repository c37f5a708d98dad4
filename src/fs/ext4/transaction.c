/* SPDX-License-Identifier: MIT */
/*
 * Handles. An operation changes blocks in memory, between ext4_begin() and ext4_end(), and writes into the undo log before each
 * change what was there. If it fails, the log is gone through backwards, and nothing has happened. If not, the log is forgotten,
 * and the blocks belong to the running transaction, which ext4_commit() makes durable as a whole.
 */
#include "fs/ext4/core.h"

#include "base/panic.h"
#include "base/str.h"
#include "mm/heap/heap.h"

#define UNDO_ROOM_FIRST 4096u

struct record {      /* `size` saved bytes follow */
    uint32_t before; /* where the record before this one is */
    uint32_t kind, size;
    void *at;
};

enum err ext4_undo_add(struct ext4 *fs, enum ext4_undo kind, void *at, size_t size)
{
    assert(fs->in_handle);
    size_t bytes = sizeof(struct record) + ((size + 7) & ~(size_t)7);
    if (bytes > fs->undo_room - fs->undo_used) {
        uint32_t room = fs->undo_room ? fs->undo_room : UNDO_ROOM_FIRST;
        while (bytes > room - fs->undo_used)
            room *= 2;
        uint8_t *undo = heap_resize(fs->undo, room);
        if (!undo)
            return E_NOMEM;
        fs->undo = undo;
        fs->undo_room = room;
    }
    struct record *record = (struct record *)(fs->undo + fs->undo_used);
    *record = (struct record){fs->undo_last, kind, (uint32_t)size, at};
    if (kind == EXT4_UNDO_BYTES)
        memcpy(record + 1, at, size);
    fs->undo_last = fs->undo_used;
    fs->undo_used += (uint32_t)bytes;
    return E_OK;
}

enum err ext4_save(struct ext4 *fs, void *at, size_t size)
{
    return ext4_undo_add(fs, EXT4_UNDO_BYTES, at, size);
}

static enum err handle_join(struct ext4 *fs, struct ext4_buffer *buffer, enum ext4_undo kind)
{
    if (buffer->running)
        return E_OK;
    enum err e = ext4_undo_add(fs, kind, buffer, 0);
    if (e != E_OK)
        return e;
    ext4_unplace(fs, buffer);
    buffer->running = true;
    ext4_place(fs, buffer);
    return E_OK;
}

enum err ext4_change(struct ext4 *fs, struct ext4_buffer *buffer, void *at, size_t size)
{
    assert((uint8_t *)at >= buffer->data && (uint8_t *)at + size <= buffer->data + fs->block_size);
    enum err e = handle_join(fs, buffer, EXT4_UNDO_JOIN);
    return e == E_OK ? ext4_save(fs, at, size) : e;
}

enum err ext4_change_block(struct ext4 *fs, struct ext4_buffer *buffer)
{
    return ext4_change(fs, buffer, buffer->data, fs->block_size);
}

enum err ext4_fresh(struct ext4 *fs, uint64_t block, enum ext4_kind kind, uint32_t seed,
                    struct ext4_buffer **out)
{
    struct ext4_buffer *buffer;
    enum err e = ext4_buffer(fs, block, &buffer);
    if (e != E_OK)
        return e;
    if (buffer->running || buffer->logged)
        return ext4_damage(fs, 0, block, "a block of metadata is free in the bitmap");
    e = handle_join(fs, buffer, EXT4_UNDO_FRESH);
    if (e != E_OK)
        return e;
    memset(buffer->data, 0, fs->block_size);
    buffer->kind = (uint8_t)kind;
    buffer->seed = seed;
    buffer->checked = true;
    buffer->intact = buffer->changed = 0;
    *out = buffer;
    return E_OK;
}

enum err ext4_revoke(struct ext4 *fs, uint64_t block)
{
    struct ext4_buffer *buffer = ext4_cached(fs, block);
    enum err e = E_OK;
    if (buffer) {
        e = handle_join(fs, buffer, EXT4_UNDO_JOIN);
        if (e == E_OK)
            e = ext4_save(fs, &buffer->dead, sizeof(buffer->dead));
        if (e != E_OK)
            return e;
        buffer->dead = true;
    }
    if (fs->revoked_count == fs->revoked_room) {
        uint32_t room = fs->revoked_room ? 2 * fs->revoked_room : 64;
        uint64_t *revoked = heap_resize(fs->revoked, room * sizeof(*revoked));
        if (!revoked)
            return E_NOMEM;
        fs->revoked = revoked;
        fs->revoked_room = room;
    }
    e = ext4_save(fs, &fs->revoked_count, sizeof(fs->revoked_count));
    if (e == E_OK)
        fs->revoked[fs->revoked_count++] = block;
    return e;
}

static void undo_one(struct ext4 *fs, const struct record *record)
{
    struct ext4_buffer *buffer = record->at;
    switch ((enum ext4_undo)record->kind) {
    case EXT4_UNDO_BYTES:
        memcpy(record->at, record + 1, record->size);
        return;
    case EXT4_UNDO_JOIN:
    case EXT4_UNDO_FRESH:
        ext4_unplace(fs, buffer);
        buffer->running = false;
        if (record->kind == EXT4_UNDO_FRESH) {
            ext4_drop(fs, buffer);
            return;
        }
        buffer->changed = 0; /* what is logged or in place has its checksums */
        ext4_place(fs, buffer);
        return;
    case EXT4_UNDO_ADDED:
        ext4_orphan_unlink(fs, record->at);
        heap_free(record->at);
        return;
    case EXT4_UNDO_REMOVED:
        ext4_orphan_relink(fs, record->at);
        return;
    }
}

/* What the undo log kept alive. */
static void handle_forget(struct ext4 *fs)
{
    for (uint32_t at = fs->undo_last, used = fs->undo_used; used > 0;) {
        const struct record *record = (const struct record *)(fs->undo + at);
        if (record->kind == EXT4_UNDO_REMOVED)
            heap_free(record->at);
        used = at;
        at = record->before;
    }
}

enum err ext4_begin(struct ext4 *fs)
{
    assert(!fs->in_handle);
    if (fs->readonly)
        return E_ROFS;
    ext4_enter(fs);
    if (!ext4_journal_has_room(fs)) {
        enum err e = ext4_commit(fs);
        if (e == E_OK && !ext4_journal_has_room(fs))
            e = ext4_checkpoint(fs);
        if (e != E_OK)
            return e;
    }
    fs->in_handle = true;
    fs->use_reserve = false;
    fs->undo_used = fs->undo_last = 0;
    return E_OK;
}

enum err ext4_end(struct ext4 *fs, enum err e)
{
    assert(fs->in_handle);
    if (e == E_OK && fs->broken)
        e = E_IO; /* found by a check whose result was not looked at */
    if (e == E_OK)
        handle_forget(fs);
    while (e != E_OK && fs->undo_used > 0) {
        const struct record *record = (const struct record *)(fs->undo + fs->undo_last);
        fs->undo_used = fs->undo_last;
        fs->undo_last = record->before;
        undo_one(fs, record);
    }
    fs->undo_used = fs->undo_last = 0;
    fs->in_handle = false;
    return e;
}

bool ext4_retry(struct ext4 *fs, enum err e)
{
    return e == E_NOSPC && fs->freed_blocks > 0 && ext4_commit(fs) == E_OK;
}
