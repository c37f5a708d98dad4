/* SPDX-License-Identifier: MIT */
/*
 * Mount: superblock, journal, groups, orphans. The journal's inode is read before its journal is replayed, and all is read
 * again afterwards.
 */
#include "fs/ext4/core.h"

#include "base/str.h"
#include "fs/ext4/journal_format.h"
#include "mm/heap/heap.h"

#define CACHE_BLOCKS 1024

static uint32_t mounted; /* file systems, for the table of checksums */

static void orphans_forget(struct ext4 *fs)
{
    while (fs->newest_orphan) {
        struct ext4_orphan *orphan = fs->newest_orphan;
        ext4_orphan_unlink(fs, orphan);
        heap_free(orphan);
    }
}

static void fs_free(struct ext4 *fs)
{
    ext4_cache_end(fs);
    orphans_forget(fs);
    for (uint32_t i = 0; fs->group && i < fs->groups; i++)
        heap_free(fs->group[i].busy);
    heap_free(fs->group);
    heap_free(fs->zones);
    heap_free(fs->super_stable);
    heap_free(fs->undo);
    heap_free(fs->revoked);
    heap_free(fs->journal.runs);
    heap_free(fs->journal.super);
    heap_free(fs);
    if (--mounted == 0)
        ext4_crc_end();
}

/* The superblock in its place as it is in memory. No transaction runs. */
static enum err super_update(struct ext4 *fs)
{
    memcpy(fs->super_stable, fs->super_block->data, fs->block_size);
    enum err e = ext4_super_write(fs);
    if (e == E_OK)
        e = fs->io.flush(fs->io.context);
    return e;
}

static void counts_take(struct ext4 *fs)
{
    fs->super->free_blocks_lo = (uint32_t)fs->free_blocks;
    if (fs->incompat & EXT4_64BIT)
        fs->super->free_blocks_hi = (uint32_t)(fs->free_blocks >> 32);
    fs->super->free_inodes = fs->free_inodes;
    fs->super->write_time = (uint32_t)fs->io.now(fs->io.context).seconds;
}

/* Replays, and reads the superblock again if something may have changed. */
static enum err journal_mount(struct ext4 *fs)
{
    if ((fs->compat & EXT4_HAS_JOURNAL) == 0)
        return fs->incompat & EXT4_RECOVER ? E_INVAL : E_OK;
    enum err e = ext4_journal_open(fs);
    if (e != E_OK)
        return e;
    const struct jbd2_super *super = (const struct jbd2_super *)fs->journal.super;
    bool failed = super->error != 0;
    if ((fs->incompat & EXT4_RECOVER) == 0 && super->start == 0 && !failed) {
        fs->journal.sequence = jbd2_32(super->sequence);
        return E_OK;
    }
    if (fs->io.readonly) {
        ext4_report(&fs->io,
                    "not mounted: its journal is to be replayed, but the device is read-only");
        return E_ROFS;
    }
    e = ext4_replay(fs);
    if (e != E_OK)
        return e;
    ext4_cache_end(fs);
    e = ext4_super_read(fs);
    if (e != E_OK || !failed)
        return e;
    fs->super->state |=
        EXT4_STATE_ERROR; /* the journal's error came after the superblock that it logged */
    return E_OK;
}

/* From here on the journal is ours. RECOVER is set as long as the log has a start. */
static enum err write_begin(struct ext4 *fs)
{
    struct ext4_super *super = fs->super;
    if (super->state & EXT4_STATE_ERROR)
        ext4_report(&fs->io, "an error was found in it earlier: e2fsck should check it");
    super->incompat |= EXT4_RECOVER;
    fs->incompat |= EXT4_RECOVER;
    super->mount_time = (uint32_t)fs->io.now(fs->io.context).seconds;
    super->mount_count++;
    counts_take(fs);
    enum err e = super_update(fs);
    return e == E_OK ? ext4_journal_reset(fs, false) : e;
}

/* Replayed, but not to be changed: the log is empty and no longer needed. */
static enum err write_never(struct ext4 *fs)
{
    if ((fs->incompat & EXT4_RECOVER) == 0 || fs->io.readonly)
        return E_OK;
    enum err e = ext4_journal_reset(fs, true);
    fs->super->incompat &= ~(uint32_t)EXT4_RECOVER;
    counts_take(fs);
    return e == E_OK ? super_update(fs) : e;
}

enum err ext4_mount(const struct ext4_io *io, const struct ext4_options *options, struct ext4 **out)
{
    enum err e = ext4_crc_start();
    if (e != E_OK)
        return e;
    mounted++;
    struct ext4 *fs = heap_alloc_zero(sizeof(*fs));
    if (!fs) {
        if (--mounted == 0)
            ext4_crc_end();
        return E_NOMEM;
    }
    fs->io = *io;
    fs->readonly = options->readonly || io->readonly;
    fs->cache_limit = options->cache_blocks ? options->cache_blocks : CACHE_BLOCKS;
    hash_table_init(&fs->cache);
    hash_table_init(&fs->orphans);
    list_init(&fs->idle);
    list_init(&fs->running);
    list_init(&fs->logged);
    e = ext4_super_read(fs);
    if (e == E_OK)
        e = journal_mount(fs);
    if (e == E_OK)
        e = ext4_groups_open(fs);
    if (e == E_OK) {
        uint8_t *stable = heap_alloc(fs->block_size);
        e = stable ? E_OK : E_NOMEM;
        fs->super_stable = stable;
    }
    if (e == E_OK)
        e = fs->readonly ? write_never(fs) : write_begin(fs);
    if (e == E_OK && !fs->readonly)
        e = ext4_orphans_clean(fs);
    if (e != E_OK) {
        fs_free(fs);
        return e;
    }
    *out = fs;
    return E_OK;
}

enum err ext4_unmount(struct ext4 *fs)
{
    enum err e = E_OK;
    bool ours = (fs->super->incompat & EXT4_RECOVER) != 0 && fs->super_stable;
    if (ours && !fs->aborted) {
        e = ext4_commit(fs);
        if (e == E_OK)
            e = ext4_checkpoint(fs);
        if (e == E_OK)
            e = ext4_journal_reset(fs, true);
        if (e == E_OK) {
            counts_take(fs);
            fs->super->incompat &= ~(uint32_t)EXT4_RECOVER;
            if (!fs->newest_orphan)
                fs->super->ro_compat &= ~(uint32_t)EXT4_ORPHAN_PRESENT;
            e = super_update(fs);
        }
    }
    fs_free(fs);
    return e;
}
