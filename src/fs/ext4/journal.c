/* SPDX-License-Identifier: MIT */
/*
 * The journal, written. The log is a ring of blocks of the journal's inode:
 *
 *     super | ... free ... | descriptor, blocks ..., revoked, commit | descriptor, blocks ..., commit | ... free ...
 *                           ^ start, sequence n                                                    ^ head, n + 2
 *
 * A commit writes the transaction behind `head`, flushes, writes the commit record, flushes. All of it happens at once, in the
 * thread that commits, and under the file system's lock: so there is one running transaction and never a committing one. A
 * checkpoint writes all logged blocks to their places, in runs, and moves the start to the head; it comes when the log
 * has no room for one more transaction, when too many blocks wait in memory, and at the end.
 */
#include "fs/ext4/core.h"

#include "base/str.h"
#include "fs/ext4/journal_format.h"
#include "mm/heap/heap.h"

#define RUN_BLOCKS 64u /* pieces of a write */

uint64_t ext4_journal_place(const struct ext4 *fs, uint32_t index, uint32_t *count)
{
    uint32_t i = 0;
    const struct ext4_range *runs = fs->journal.runs;
    for (; index >= runs[i].end - runs[i].start; i++)
        index -= (uint32_t)(runs[i].end - runs[i].start);
    *count = (uint32_t)(runs[i].end - runs[i].start) - index;
    return runs[i].start + index;
}

enum err ext4_journal_block(struct ext4 *fs, bool write, uint32_t index, void *data)
{
    uint32_t count;
    return ext4_io_one(fs, write, ext4_journal_place(fs, index, &count), data);
}

void jbd2_super_seal(uint8_t *block, uint32_t features)
{
    struct jbd2_super *super = (struct jbd2_super *)block;
    super->checksum = 0;
    if (features & (JBD2_CSUM_2 | JBD2_CSUM_3))
        super->checksum = jbd2_32(ext4_crc(UINT32_MAX, super, sizeof(*super)));
}

enum err ext4_journal_reset(struct ext4 *fs, bool clean)
{
    struct ext4_journal *j = &fs->journal;
    struct jbd2_super *super = (struct jbd2_super *)j->super;
    super->start = jbd2_32(clean ? 0 : j->head);
    super->sequence = jbd2_32(j->sequence);
    super->error = 0;
    super->compat = 0;
    super->incompat = jbd2_32(j->features);
    super->checksum_type = j->features & JBD2_CSUM_3 ? 4 : 0;
    jbd2_super_seal(j->super, j->features);
    j->used = 0;
    enum err e = ext4_journal_block(fs, true, 0, j->super);
    return e == E_OK ? fs->io.flush(fs->io.context) : e;
}

void ext4_journal_abort(struct ext4 *fs)
{
    fs->aborted = true;
    (void)ext4_damage(fs, EXT4_JOURNAL_INO, 0, "a write to the journal failed");
}

/* ---- Room ---- */

static uint32_t tag_size(const struct ext4 *fs)
{
    if (fs->journal.features & JBD2_CSUM_3)
        return sizeof(struct jbd2_tag3);
    return fs->journal.features & JBD2_64BIT ? 12 : 8;
}

static uint32_t tail_size(const struct ext4 *fs)
{
    return fs->journal.features & JBD2_CSUM_3 ? 4 : 0;
}

static uint32_t tags_in_block(const struct ext4 *fs)
{
    return (fs->block_size - (uint32_t)sizeof(struct jbd2_head) - 16 - tail_size(fs)) /
           tag_size(fs);
}

static uint32_t revokes_in_block(const struct ext4 *fs)
{
    uint32_t each = fs->journal.features & JBD2_64BIT ? 8 : 4;
    return (fs->block_size - (uint32_t)sizeof(struct jbd2_revoke_head) - tail_size(fs)) / each;
}

/* Blocks of the log for a transaction of so many blocks. */
static uint64_t log_blocks(const struct ext4 *fs, uint64_t blocks, uint64_t revoked)
{
    return blocks + blocks / tags_in_block(fs) + revoked / revokes_in_block(fs) + 3;
}

static uint32_t transaction_limit(const struct ext4 *fs)
{
    uint32_t quarter = (fs->journal.blocks - fs->journal.first) / 4;
    return quarter < fs->cache_limit ? quarter : fs->cache_limit;
}

bool ext4_journal_has_room(const struct ext4 *fs)
{
    uint64_t need =
        log_blocks(fs, fs->running_count + EXT4_CREDITS, fs->revoked_count + EXT4_REVOKES);
    uint64_t room = fs->journal.blocks - fs->journal.first - fs->journal.used;
    /* An empty transaction may always begin if the log has room: E_OK of a small cache. */
    return need <= room &&
           (fs->running_count == 0 || fs->running_count + EXT4_CREDITS <= transaction_limit(fs)) &&
           fs->logged_count <= fs->cache_limit;
}

bool ext4_commit_pending(const struct ext4 *fs)
{
    return fs->running_count > 0 && !fs->aborted;
}

bool ext4_commit_due(const struct ext4 *fs)
{
    return fs->running_count > transaction_limit(fs) / 2;
}

/* ---- Checkpoint ---- */

/* The logged block at `block`, or NULL. */
static struct ext4_buffer *logged_at(struct ext4 *fs, uint64_t block)
{
    struct ext4_buffer *buffer = ext4_cached(fs, block);
    return buffer && buffer->logged && !buffer->running ? buffer : NULL;
}

/* Writes the logged blocks around `buffer` that follow each other. */
static enum err place_run(struct ext4 *fs, struct ext4_buffer *buffer)
{
    struct ext4_buffer *run[RUN_BLOCKS], *next;
    void *piece[RUN_BLOCKS];
    uint32_t count = 0;
    for (uint32_t i = 0; i < RUN_BLOCKS / 2 && (next = logged_at(fs, buffer->block - 1)); i++)
        buffer = next;
    uint64_t first = buffer->block;
    for (; count < RUN_BLOCKS && buffer; buffer = logged_at(fs, first + count)) {
        run[count] = buffer;
        piece[count++] = buffer->data;
    }
    enum err e =
        fs->io.write(fs->io.context, first << fs->block_bits, fs->block_size, piece, count);
    for (uint32_t i = 0; e == E_OK && i < count; i++) {
        ext4_unplace(fs, run[i]);
        run[i]->logged = false;
        ext4_place(fs, run[i]);
    }
    return e;
}

enum err ext4_checkpoint(struct ext4 *fs)
{
    enum err e = E_OK;
    if (fs->journal.used == 0)
        return E_OK;
    while (e == E_OK && !list_empty(&fs->logged))
        e = place_run(fs, CONTAINER_OF(fs->logged.next, struct ext4_buffer, place));
    if (e == E_OK)
        e = fs->io.flush(fs->io.context);
    if (e == E_OK)
        e = ext4_journal_reset(fs, false);
    if (e != E_OK)
        ext4_journal_abort(fs);
    ext4_enter(fs);
    return e;
}

/* ---- Commit ---- */

struct log_writer {
    struct ext4 *fs;
    uint32_t count;           /* pieces */
    void *piece[RUN_BLOCKS];  /* of the next write, which begins at journal.head */
    uint8_t *own[RUN_BLOCKS]; /* NULL, or its memory, freed after the write */
};

static uint32_t log_next(const struct ext4_journal *j, uint32_t index, uint32_t count)
{
    index += count;
    return index < j->blocks ? index : index - j->blocks + j->first;
}

static enum err log_write_out(struct log_writer *w)
{
    struct ext4 *fs = w->fs;
    struct ext4_journal *j = &fs->journal;
    enum err e = E_OK;
    for (uint32_t at = 0; at < w->count;) {
        uint32_t count, left = w->count - at, end = j->blocks - j->head;
        uint64_t block = ext4_journal_place(fs, j->head, &count);
        count = count < left ? count : left;
        count = count < end ? count : end;
        if (e == E_OK)
            e = fs->io.write(fs->io.context, block << fs->block_bits, fs->block_size, &w->piece[at],
                             count);
        at += count;
        j->head = log_next(j, j->head, count);
        j->used += count;
    }
    for (uint32_t i = 0; i < w->count; i++)
        heap_free(w->own[i]);
    w->count = 0;
    return e;
}

/* `own`: the writer frees it. */
static enum err log_put(struct log_writer *w, uint8_t *data, bool own)
{
    w->piece[w->count] = data;
    w->own[w->count++] = own ? data : NULL;
    return w->count == RUN_BLOCKS ? log_write_out(w) : E_OK;
}

static uint8_t *log_block_new(struct ext4 *fs, uint32_t type)
{
    uint8_t *data = heap_alloc_zero(fs->block_size);
    if (data)
        *(struct jbd2_head *)data =
            (struct jbd2_head){jbd2_32(JBD2_MAGIC), jbd2_32(type), jbd2_32(fs->journal.sequence)};
    return data;
}

static void log_block_seal(struct ext4 *fs, uint8_t *data)
{
    if (tail_size(fs) == 0)
        return;
    uint32_t *tail = (uint32_t *)(data + fs->block_size - 4);
    *tail = jbd2_32(ext4_crc(fs->journal.seed, data, fs->block_size));
}

static enum err log_revokes(struct log_writer *w)
{
    struct ext4 *fs = w->fs;
    uint32_t each = revokes_in_block(fs), wide = fs->journal.features & JBD2_64BIT ? 8 : 4;
    for (uint32_t at = 0; at < fs->revoked_count;) {
        uint8_t *data = log_block_new(fs, JBD2_REVOKE);
        if (!data)
            return E_NOMEM;
        struct jbd2_revoke_head *head = (struct jbd2_revoke_head *)data;
        uint8_t *to = data + sizeof(*head);
        for (uint32_t i = 0; i < each && at < fs->revoked_count; i++, at++, to += wide) {
            uint64_t block = __builtin_bswap64(fs->revoked[at]);
            memcpy(to, (uint8_t *)&block + 8 - wide, wide);
        }
        head->bytes = jbd2_32((uint32_t)(to - data));
        log_block_seal(fs, data);
        enum err e = log_put(w, data, true);
        if (e != E_OK)
            return e;
    }
    return E_OK;
}

/* The tag at `to` for a block, whose contents in the log are `data`. */
static void tag_make(struct ext4 *fs, uint8_t *to, uint64_t block, uint32_t flags,
                     const uint8_t *data)
{
    if ((fs->journal.features & JBD2_CSUM_3) == 0) {
        struct jbd2_tag tag = {jbd2_32((uint32_t)block), 0, jbd2_16((uint16_t)flags),
                               jbd2_32((uint32_t)(block >> 32))};
        memcpy(to, &tag, tag_size(fs));
        return;
    }
    uint32_t sequence = jbd2_32(fs->journal.sequence);
    uint32_t crc = ext4_crc(fs->journal.seed, &sequence, 4);
    struct jbd2_tag3 tag = {jbd2_32((uint32_t)block), jbd2_32(flags),
                            jbd2_32((uint32_t)(block >> 32)),
                            jbd2_32(ext4_crc(crc, data, fs->block_size))};
    memcpy(to, &tag, sizeof(tag));
}

/* The first buffer from `at` on that is to be logged; &fs->running: none. */
static struct list *log_from(struct ext4 *fs, struct list *at)
{
    while (at != &fs->running && CONTAINER_OF(at, struct ext4_buffer, place)->dead)
        at = at->next;
    return at;
}

static bool looks_like_log(const uint8_t *data)
{
    uint32_t magic = jbd2_32(JBD2_MAGIC);
    return memcmp(data, &magic, 4) == 0;
}

/* The block as it is in the log: without the magic number at its start. */
static enum err log_data(struct log_writer *w, struct ext4_buffer *buffer)
{
    if (!looks_like_log(buffer->data))
        return log_put(w, buffer->data, false);
    uint8_t *copy = heap_alloc(w->fs->block_size);
    if (!copy)
        return E_NOMEM;
    memcpy(copy, buffer->data, w->fs->block_size);
    memset(copy, 0, 4);
    return log_put(w, copy, true);
}

/* The descriptor block for the buffers from *from on, and these. *from: the first one that is left. */
static enum err log_descriptor(struct log_writer *w, struct list **from)
{
    struct ext4 *fs = w->fs;
    struct list *first = *from, *at = first;
    uint32_t count = 0, room = tags_in_block(fs), size = tag_size(fs);
    uint8_t *data = log_block_new(fs, JBD2_DESCRIPTOR);
    if (!data)
        return E_NOMEM;
    uint8_t *to = data + sizeof(struct jbd2_head);
    for (; at != &fs->running && count < room; count++) {
        struct ext4_buffer *buffer = CONTAINER_OF(at, struct ext4_buffer, place);
        at = log_from(fs, at->next);
        uint32_t magic, flags = count > 0 ? JBD2_SAME_UUID : 0;
        if (count + 1 == room || at == &fs->running)
            flags |= JBD2_LAST;
        memcpy(&magic, buffer->data, 4);
        if (looks_like_log(buffer->data)) {
            flags |= JBD2_ESCAPED;
            memset(buffer->data, 0, 4);
        }
        tag_make(fs, to, buffer->block, flags, buffer->data);
        memcpy(buffer->data, &magic, 4);
        to += size;
        if (count == 0) {
            memcpy(to, fs->journal.uuid, 16);
            to += 16;
        }
    }
    log_block_seal(fs, data);
    *from = at;
    enum err e = log_put(w, data, true);
    for (at = first; e == E_OK && at != *from; at = log_from(fs, at->next))
        e = log_data(w, CONTAINER_OF(at, struct ext4_buffer, place));
    return e;
}

static enum err log_commit(struct log_writer *w, uint8_t *data)
{
    struct ext4 *fs = w->fs;
    struct jbd2_commit *commit = (struct jbd2_commit *)data;
    struct ext4_time now = fs->io.now(fs->io.context);
    commit->seconds_hi = jbd2_32((uint32_t)((uint64_t)now.seconds >> 32));
    commit->seconds_lo = jbd2_32((uint32_t)now.seconds);
    commit->nanoseconds = jbd2_32(now.nanoseconds);
    if (fs->journal.features & JBD2_CSUM_3)
        commit->checksum[0] = jbd2_32(ext4_crc(fs->journal.seed, data, fs->block_size));
    (void)log_put(w, data, true); /* the only one: it is not written yet */
    return log_write_out(w);
}

/* Makes the checksums: bitmaps' are in descriptors. */
static void seal_all(struct ext4 *fs)
{
    for (int descriptors = 0; descriptors < 2; descriptors++)
        list_for_each (at, &fs->running) {
            struct ext4_buffer *buffer = CONTAINER_OF(at, struct ext4_buffer, place);
            if ((buffer->kind == EXT4_DESCRIPTORS) == (descriptors == 1))
                ext4_seal(fs, buffer);
        }
}

/* The running transaction is in the log: its blocks wait for the checkpoint, and what it freed is free. */
static void commit_done(struct ext4 *fs)
{
    while (!list_empty(&fs->running)) {
        struct ext4_buffer *buffer = CONTAINER_OF(fs->running.next, struct ext4_buffer, place);
        ext4_unplace(fs, buffer);
        buffer->running = false;
        buffer->logged = !buffer->dead;
        if (buffer->dead) {
            ext4_drop(fs, buffer);
            continue;
        }
        if (buffer == fs->super_block)
            memcpy(fs->super_stable, buffer->data, fs->block_size);
        ext4_place(fs, buffer);
    }
    ext4_blocks_settle(fs);
    fs->revoked_count = 0;
    fs->journal.sequence++;
}

enum err ext4_commit(struct ext4 *fs)
{
    if (fs->aborted)
        return E_IO;
    if (fs->running_count == 0)
        return fs->io.readonly ? E_OK : fs->io.flush(fs->io.context);
    struct log_writer *w = heap_alloc_zero(sizeof(*w));
    uint8_t *record = log_block_new(fs, JBD2_COMMIT);
    if (!w || !record) {
        heap_free(w);
        heap_free(record);
        return E_NOMEM;
    }
    w->fs = fs;
    seal_all(fs);
    uint32_t head = fs->journal.head, used = fs->journal.used;
    enum err e = log_revokes(w);
    struct list *from = log_from(fs, fs->running.next);
    while (e == E_OK && from != &fs->running)
        e = log_descriptor(w, &from);
    enum err written = log_write_out(w);
    if (e == E_OK)
        e = written;
    if (e == E_NOMEM) { /* nothing is committed, and the log's head is where it was */
        fs->journal.head = head;
        fs->journal.used = used;
    }
    if (e == E_OK)
        e = fs->io.flush(fs->io.context);
    if (e == E_OK) {
        e = log_commit(w, record);
        record = NULL;
    }
    if (e == E_OK)
        e = fs->io.flush(fs->io.context);
    heap_free(record);
    heap_free(w);
    if (e == E_NOMEM)
        return e;
    if (e != E_OK) {
        ext4_journal_abort(fs);
        return e;
    }
    commit_done(fs);
    ext4_enter(fs);
    return E_OK;
}
