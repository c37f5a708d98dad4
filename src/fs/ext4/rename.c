/* SPDX-License-Identifier: MIT */
/* Renames: to a free name, over another inode, and the exchange of two. */
#include "fs/ext4/names.h"

#define DIRECTORY 0040000

struct end { /* one of the two */
    struct ext4_inode dir, inode;
    struct ext4_found found;
    bool there;
};

/* True if both directories are the same. */
static bool same_dir(const struct end *a, const struct end *b)
{
    return a->dir.ino == b->dir.ino;
}

static enum err end_open(struct ext4 *fs, const struct ext4_place *place, struct end *end)
{
    enum err e = ext4_inode_dir(fs, place->dir, &end->dir);
    if (e == E_OK)
        e = ext4_dir_find(fs, &end->dir, place->name, place->length, &end->found);
    end->there = e == E_OK;
    return e == E_OK ? ext4_inode_get(fs, end->found.entry->ino, &end->inode) : e;
}

/* Points the entry to another inode. */
static enum err entry_set(struct ext4 *fs, const struct ext4_found *found,
                          const struct ext4_inode *inode)
{
    enum err e = ext4_change(fs, found->buffer, found->entry, sizeof(*found->entry));
    if (e != E_OK)
        return e;
    found->entry->ino = inode->ino;
    found->entry->type = ext4_entry_type(fs, inode->raw->mode);
    return E_OK;
}

/* A directory that has moved from `from` to `to`. */
static enum err parent_set(struct ext4 *fs, struct ext4_inode *inode, struct ext4_inode *from,
                           struct ext4_inode *to)
{
    struct ext4_buffer *buffer;
    struct ext4_entry *dotdot;
    enum err e = ext4_dir_dots(fs, inode, &buffer, &dotdot);
    if (e == E_OK)
        e = ext4_change(fs, buffer, dotdot, sizeof(*dotdot));
    if (e != E_OK)
        return e;
    dotdot->ino = to->ino;
    e = ext4_dir_count(fs, to, 1);
    return e == E_OK ? ext4_dir_count(fs, from, -1) : e;
}

static enum err times_set(struct ext4 *fs, struct end *end)
{
    enum err e = ext4_dir_touch(fs, &end->dir);
    if (e == E_OK && end->there)
        e = ext4_inode_change(fs, &end->inode);
    if (e == E_OK && end->there)
        ext4_inode_set_time(fs, end->inode.raw, EXT4_CTIME, fs->io.now(fs->io.context));
    return e;
}

static enum err exchange(struct ext4 *fs, struct end *a, struct end *b)
{
    enum err e = entry_set(fs, &a->found, &b->inode);
    if (e == E_OK)
        e = entry_set(fs, &b->found, &a->inode);
    bool other = !same_dir(a, b);
    if (e == E_OK && other && ext4_is(a->inode.raw, DIRECTORY))
        e = parent_set(fs, &a->inode, &a->dir, &b->dir);
    if (e == E_OK && other && ext4_is(b->inode.raw, DIRECTORY))
        e = parent_set(fs, &b->inode, &b->dir, &a->dir);
    if (e == E_OK)
        e = times_set(fs, a);
    return e == E_OK ? times_set(fs, b) : e;
}

static enum err may_replace(struct ext4 *fs, const struct end *from, const struct end *to)
{
    bool directory = ext4_is(to->inode.raw, DIRECTORY), empty = true;
    if (directory != ext4_is(from->inode.raw, DIRECTORY))
        return directory ? E_ISDIR : E_NOTDIR;
    enum err e = directory ? ext4_dir_empty(fs, &to->inode, &empty) : E_OK;
    return e == E_OK && !empty ? E_NOTEMPTY : e;
}

/* The new name is there, in place of another inode's or as one more. */
static enum err name_make(struct ext4 *fs, const struct ext4_place *place, struct end *from,
                          struct end *to, uint32_t *replaced)
{
    const struct ext4_adding entry = {place->name, place->length, from->inode.ino,
                                      from->inode.raw->mode};
    if (!to->there)
        return to->dir.raw->links == 0 ? E_NOENT : ext4_dir_add(fs, &to->dir, &entry);
    enum err e = may_replace(fs, from, to);
    if (e == E_OK)
        e = entry_set(fs, &to->found, &from->inode);
    if (e == E_OK)
        e = ext4_unlink_inode(fs, &to->inode);
    if (e == E_OK && ext4_is(to->inode.raw, DIRECTORY))
        e = ext4_dir_count(fs, &to->dir, -1);
    *replaced = to->inode.ino;
    return e;
}

static enum err rename_step(struct ext4 *fs, const struct ext4_place *from_place,
                            const struct ext4_place *to_place, uint32_t flags, uint32_t *replaced)
{
    struct end from, to;
    *replaced = 0;
    enum err e = end_open(fs, from_place, &from);
    if (e != E_OK)
        return e;
    e = end_open(fs, to_place, &to);
    if (e != E_OK && (e != E_NOENT || to.there || to_place->length == 0))
        return e;
    if (to.there && (flags & EXT4_RENAME_NOREPLACE))
        return E_EXIST;
    if (!to.there && (flags & EXT4_RENAME_EXCHANGE))
        return E_NOENT;
    if (to.there && to.inode.ino == from.inode.ino)
        return E_OK;
    if (flags & EXT4_RENAME_EXCHANGE)
        return exchange(fs, &from, &to);
    e = name_make(fs, to_place, &from, &to, replaced);
    if (e == E_OK) /* the entry may have moved with a half of its block */
        e = ext4_dir_find(fs, &from.dir, from_place->name, from_place->length, &from.found);
    if (e == E_OK)
        e = ext4_dir_remove(fs, &from.found);
    if (e == E_OK && !same_dir(&from, &to) && ext4_is(from.inode.raw, DIRECTORY))
        e = parent_set(fs, &from.inode, &from.dir, &to.dir);
    if (e == E_OK)
        e = times_set(fs, &from);
    to.there = false; /* its times are set */
    return e == E_OK ? times_set(fs, &to) : e;
}

enum err ext4_rename(struct ext4 *fs, const struct ext4_place *from, const struct ext4_place *to,
                     uint32_t flags, uint32_t *replaced)
{
    enum err e;
    do {
        e = ext4_begin(fs);
        if (e == E_OK)
            e = ext4_end(fs, rename_step(fs, from, to, flags, replaced));
    } while (ext4_retry(fs, e));
    return e;
}
