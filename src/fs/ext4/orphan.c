/* SPDX-License-Identifier: MIT */
/*
 * Orphans: inodes without a name that are still open, and files that are being cut. On the disk they are a list, from the
 * superblock through the field of the time of deletion; here it has links both ways. A file with orphans of Linux's newer kind
 * (feature orphan_file) is read at mount, and its inodes go to the list.
 */
#include "fs/ext4/core.h"

#include "mm/heap/heap.h"

struct ext4_orphan *ext4_orphan_find(const struct ext4 *fs, uint32_t ino)
{
    for (struct hash_link *link = hash_table_first(&fs->orphans, ino); link;
         link = hash_link_next(link))
        if (CONTAINER_OF(link, struct ext4_orphan, link)->ino == ino)
            return CONTAINER_OF(link, struct ext4_orphan, link);
    return NULL;
}

void ext4_orphan_unlink(struct ext4 *fs, struct ext4_orphan *orphan)
{
    hash_table_remove(&fs->orphans, &orphan->link);
    if (orphan->newer)
        orphan->newer->older = orphan->older;
    else
        fs->newest_orphan = orphan->older;
    if (orphan->older)
        orphan->older->newer = orphan->newer;
}

void ext4_orphan_relink(struct ext4 *fs, struct ext4_orphan *orphan)
{
    hash_table_add(&fs->orphans, &orphan->link, orphan->ino);
    if (orphan->newer)
        orphan->newer->older = orphan;
    else
        fs->newest_orphan = orphan;
    if (orphan->older)
        orphan->older->newer = orphan;
}

enum err ext4_orphan_add(struct ext4 *fs, struct ext4_inode *inode)
{
    if (ext4_orphan_find(fs, inode->ino))
        return E_OK;
    enum err e = ext4_inode_change(fs, inode);
    if (e == E_OK)
        e = ext4_change(fs, fs->super_block, &fs->super->last_orphan, 4);
    struct ext4_orphan *orphan = e == E_OK ? heap_alloc_zero(sizeof(*orphan)) : NULL;
    if (!orphan)
        return e == E_OK ? E_NOMEM : e;
    orphan->ino = inode->ino;
    orphan->older = fs->newest_orphan;
    e = ext4_undo_add(fs, EXT4_UNDO_ADDED, orphan, 0);
    if (e != E_OK) {
        heap_free(orphan);
        return e;
    }
    ext4_orphan_relink(fs, orphan);
    inode->raw->dtime = orphan->older ? orphan->older->ino : 0;
    fs->super->last_orphan = inode->ino;
    return E_OK;
}

enum err ext4_orphan_remove(struct ext4 *fs, struct ext4_inode *inode)
{
    struct ext4_orphan *orphan = ext4_orphan_find(fs, inode->ino);
    if (!orphan)
        return E_OK;
    uint32_t older = orphan->older ? orphan->older->ino : 0;
    enum err e = ext4_inode_change(fs, inode);
    if (e == E_OK && orphan->newer) {
        struct ext4_inode newer;
        e = ext4_inode_get(fs, orphan->newer->ino, &newer);
        if (e == E_OK)
            e = ext4_inode_change(fs, &newer);
        if (e == E_OK)
            newer.raw->dtime = older;
    } else if (e == E_OK) {
        e = ext4_change(fs, fs->super_block, &fs->super->last_orphan, 4);
        if (e == E_OK)
            fs->super->last_orphan = older;
    }
    if (e == E_OK)
        e = ext4_undo_add(fs, EXT4_UNDO_REMOVED, orphan, 0);
    if (e != E_OK)
        return e;
    ext4_orphan_unlink(fs, orphan);
    inode->raw->dtime = 0;
    return E_OK;
}

/* ---- Mount ---- */

/* Makes the list in memory from that on the disk. */
static enum err list_read(struct ext4 *fs)
{
    struct ext4_orphan *newer = NULL;
    for (uint32_t ino = fs->super->last_orphan; ino != 0;) {
        struct ext4_inode inode;
        if (ext4_orphan_find(fs, ino))
            return ext4_damage(fs, ino, 0, "the list of orphans is a ring");
        struct ext4_orphan *orphan = heap_alloc_zero(sizeof(*orphan));
        if (!orphan)
            return E_NOMEM;
        orphan->ino = ino;
        orphan->newer = newer;
        ext4_orphan_relink(fs, orphan);
        enum err e = ext4_inode_get(fs, ino, &inode);
        if (e == E_NOENT)
            e = ext4_damage(fs, ino, 0, "an orphan is no inode");
        if (e != E_OK)
            return e;
        newer = orphan;
        ino = inode.raw->dtime;
    }
    return E_OK;
}

/* Moves one entry of the orphan file to the list. */
static enum err entry_move(struct ext4 *fs, struct ext4_buffer *buffer, uint32_t *entry)
{
    struct ext4_inode inode;
    enum err e = ext4_begin(fs);
    if (e != E_OK)
        return e;
    if (*entry < fs->first_inode)
        e = ext4_damage(fs, *entry, buffer->block, "an orphan is no inode");
    else
        e = ext4_inode_at(fs, *entry, &inode);
    if (e == E_OK && (inode.raw->mode == 0 || !ext4_inode_right(fs, *entry, inode.raw)))
        e = ext4_damage(fs, *entry, buffer->block, "an orphan is no inode");
    if (e == E_OK)
        e = ext4_orphan_add(fs, &inode);
    if (e == E_OK)
        e = ext4_change(fs, buffer, entry, sizeof(*entry));
    if (e == E_OK)
        *entry = 0;
    return ext4_end(fs, e);
}

static enum err file_block_read(struct ext4 *fs, const struct ext4_inode *file, uint32_t index)
{
    struct ext4_buffer *buffer;
    uint64_t block;
    enum err e = ext4_extent_one(fs, file, index, &block);
    if (e == E_OK)
        e = ext4_get(fs, block, EXT4_ORPHANS, file->seed, &buffer);
    if (e != E_OK)
        return e;
    uint32_t count = (fs->block_size - (uint32_t)sizeof(struct ext4_orphan_tail)) / 4;
    uint32_t *entries = (uint32_t *)buffer->data;
    if (entries[count] != EXT4_ORPHAN_MAGIC)
        return ext4_damage(fs, file->ino, block, "a block of the orphan file is wrong");
    for (uint32_t i = 0; e == E_OK && i < count; i++)
        if (entries[i] != 0) {
            e = entry_move(fs, buffer, &entries[i]);
            if (e == E_OK) /* the buffers may be others now */
                e = ext4_get(fs, block, EXT4_ORPHANS, file->seed, &buffer);
            entries = e == E_OK ? (uint32_t *)buffer->data : entries;
        }
    return e;
}

static enum err file_read(struct ext4 *fs)
{
    struct ext4_inode file;
    if ((fs->ro_compat & EXT4_ORPHAN_PRESENT) == 0 || (fs->compat & EXT4_ORPHAN_FILE) == 0)
        return E_OK;
    enum err e = ext4_inode_file(fs, fs->super->orphan_file_inode, &file);
    uint32_t blocks = e == E_OK ? ext4_dir_blocks(fs, &file) : 0;
    for (uint32_t i = 0; e == E_OK && i < blocks; i++) {
        e = ext4_inode_file(fs, fs->super->orphan_file_inode, &file);
        if (e == E_OK)
            e = file_block_read(fs, &file, i);
        ext4_enter(fs);
    }
    if (e != E_OK)
        return e;
    e = ext4_begin(fs);
    if (e != E_OK)
        return e;
    e = ext4_change(fs, fs->super_block, &fs->super->ro_compat, 4);
    if (e == E_OK)
        fs->super->ro_compat &= ~(uint32_t)EXT4_ORPHAN_PRESENT;
    return ext4_end(fs, e);
}

enum err ext4_orphans_clean(struct ext4 *fs)
{
    uint32_t freed = 0, cut = 0;
    enum err e = list_read(fs);
    if (e == E_OK)
        e = file_read(fs);
    while (e == E_OK && fs->newest_orphan) {
        struct ext4_inode inode;
        uint32_t ino = fs->newest_orphan->ino;
        ext4_enter(fs);
        e = ext4_inode_get(fs, ino, &inode);
        if (e != E_OK)
            break;
        if (inode.raw->links == 0) {
            freed++;
            e = ext4_evict(fs, ino);
        } else {
            cut++;
            e = ext4_truncate(fs, ino, ext4_inode_size(inode.raw));
        }
        if (e == E_OK && fs->newest_orphan && fs->newest_orphan->ino == ino)
            e = ext4_damage(fs, ino, 0, "an orphan stays one");
    }
    if (freed + cut > 0)
        ext4_report(&fs->io, "orphans: freed=%u cut=%u", freed, cut);
    return e;
}
