/* SPDX-License-Identifier: MIT */
/* Names: looked up, made, removed. */
#include "fs/ext4/names.h"

#include "base/str.h"

enum {
    TYPE = 0170000,
    DIRECTORY = 0040000,
    REGULAR = 0100000,
    LINK = 0120000,
};

enum err ext4_lookup(struct ext4 *fs, uint32_t dir, const char *name, size_t length, uint32_t *ino)
{
    struct ext4_inode inode;
    struct ext4_found found;
    ext4_enter(fs);
    enum err e = ext4_inode_dir(fs, dir, &inode);
    if (e == E_OK)
        e = ext4_dir_find(fs, &inode, name, length, &found);
    if (e == E_OK)
        *ino = found.entry->ino;
    return e;
}

enum err ext4_parent(struct ext4 *fs, uint32_t dir, uint32_t *ino)
{
    struct ext4_inode inode;
    struct ext4_buffer *buffer;
    struct ext4_entry *dotdot;
    ext4_enter(fs);
    enum err e = ext4_inode_dir(fs, dir, &inode);
    if (e == E_OK)
        e = ext4_dir_dots(fs, &inode, &buffer, &dotdot);
    if (e == E_OK)
        *ino = dotdot->ino;
    return e;
}

enum err ext4_readlink(struct ext4 *fs, uint32_t ino, char *text, size_t size, size_t *length)
{
    struct ext4_inode inode;
    struct ext4_buffer *buffer;
    uint64_t block;
    ext4_enter(fs);
    enum err e = ext4_inode_get(fs, ino, &inode);
    if (e != E_OK)
        return e;
    if (!ext4_is(inode.raw, LINK))
        return E_INVAL;
    const char *from = inode.raw->text;
    uint64_t bytes = ext4_inode_size(inode.raw), room = sizeof(inode.raw->text);
    if (!ext4_is_fast_link(fs, inode.raw)) {
        e = ext4_extent_one(fs, &inode, 0, &block);
        if (e == E_OK)
            e = ext4_get(fs, block, EXT4_PLAIN, inode.seed, &buffer);
        if (e != E_OK)
            return e;
        from = (const char *)buffer->data;
        room = fs->block_size;
    }
    if (bytes == 0 || bytes >= room)
        return ext4_damage(fs, ino, 0, "a symbolic link has a wrong length");
    *length = bytes;
    memcpy(text, from, bytes < size ? bytes : size);
    return E_OK;
}

/* ---- Parts of changes ---- */

enum err ext4_dir_touch(struct ext4 *fs, struct ext4_inode *dir)
{
    struct ext4_time now = fs->io.now(fs->io.context);
    enum err e = ext4_inode_change(fs, dir);
    if (e != E_OK)
        return e;
    ext4_inode_set_time(fs, dir->raw, EXT4_MTIME, now);
    ext4_inode_set_time(fs, dir->raw, EXT4_CTIME, now);
    return E_OK;
}

enum err ext4_dir_count(struct ext4 *fs, struct ext4_inode *dir, int change)
{
    struct ext4_raw *raw = dir->raw;
    bool uncounted = (fs->ro_compat & EXT4_DIR_NLINK) != 0 && ext4_dir_indexed(fs, dir);
    if (change > 0 && raw->links >= EXT4_LINKS_MAX && !uncounted)
        return E_MLINK;
    enum err e = ext4_inode_change(fs, dir);
    if (e != E_OK)
        return e;
    if (change > 0 && raw->links != 1) /* 1: too many to be counted */
        raw->links = raw->links >= EXT4_LINKS_MAX ? 1 : (uint16_t)(raw->links + 1);
    else if (change < 0 && raw->links > 2)
        raw->links--;
    return E_OK;
}

enum err ext4_unlink_inode(struct ext4 *fs, struct ext4_inode *inode)
{
    enum err e = ext4_inode_change(fs, inode);
    if (e != E_OK)
        return e;
    if (ext4_is(inode->raw, DIRECTORY))
        inode->raw->links = 0;
    else if (inode->raw->links > 0)
        inode->raw->links--;
    ext4_inode_set_time(fs, inode->raw, EXT4_CTIME, fs->io.now(fs->io.context));
    return inode->raw->links == 0 ? ext4_orphan_add(fs, inode) : E_OK;
}

/* ---- Create ---- */

static void device_set(struct ext4_raw *raw, uint64_t device)
{
    uint32_t major = (uint32_t)(device >> 8 & 0xfff) | (uint32_t)(device >> 32 & 0xfffff000);
    uint32_t minor = (uint32_t)(device & 0xff) | (uint32_t)(device >> 12 & 0xffffff00);
    if (major < 256 && minor < 256)
        raw->block[0] = major << 8 | minor;
    else
        raw->block[1] = (minor & 0xff) | major << 8 | (minor & ~0xffu) << 12;
}

/* The fields of a new inode, which has the flags of its directory that are for its type. */
static void inode_init(struct ext4 *fs, struct ext4_inode *inode, uint32_t dir_flags,
                       const struct ext4_new *new)
{
    struct ext4_raw *raw = inode->raw;
    struct ext4_time now = fs->io.now(fs->io.context);
    uint32_t generation = raw->generation;
    memset(raw, 0, fs->inode_size);
    raw->mode = (uint16_t) new->mode;
    raw->uid_lo = (uint16_t) new->uid;
    raw->uid_hi = (uint16_t)(new->uid >> 16);
    raw->gid_lo = (uint16_t) new->gid;
    raw->gid_hi = (uint16_t)(new->gid >> 16);
    raw->links = 1;
    raw->flags = dir_flags & EXT4_FL_INHERITED;
    if (!ext4_is(raw, DIRECTORY))
        raw->flags &= ext4_is(raw, REGULAR) ? ~(uint32_t)EXT4_FL_DIRECTORY : EXT4_FL_OTHER;
    uint32_t stamp[4] = {generation, inode->ino, (uint32_t)now.seconds, now.nanoseconds};
    raw->generation = ext4_crc(fs->seed, stamp, sizeof(stamp));
    if (fs->inode_size > EXT4_GOOD_OLD_INODE)
        raw->extra_isize = sizeof(*raw) - EXT4_GOOD_OLD_INODE;
    for (int i = EXT4_ATIME; i <= EXT4_CRTIME; i++)
        ext4_inode_set_time(fs, raw, (enum ext4_which)i, now);
    if (new->device != 0)
        device_set(raw, new->device);
    ext4_inode_seed(fs, inode);
}

static enum err link_text(struct ext4 *fs, struct ext4_inode *inode, const char *text)
{
    size_t length = strlen(text);
    if (length >= fs->block_size)
        return E_NAMETOOLONG;
    ext4_inode_set_size(inode->raw, length);
    if (length < sizeof(inode->raw->text)) {
        memcpy(inode->raw->text, text, length);
        return E_OK;
    }
    struct ext4_buffer *buffer;
    struct ext4_extent extent = {.length = 1};
    uint64_t block;
    ext4_extent_init(inode->raw);
    enum err e = ext4_inode_block(
        fs, inode, ext4_group_start(fs, (inode->ino - 1) / fs->inodes_per_group), &block);
    if (e != E_OK)
        return e;
    ext4_extent_place(&extent, block);
    e = ext4_extent_insert(fs, inode, &extent);
    if (e == E_OK)
        e = ext4_fresh(fs, block, EXT4_PLAIN, inode->seed, &buffer);
    if (e == E_OK)
        memcpy(buffer->data, text, length);
    return e;
}

static enum err inode_new(struct ext4 *fs, struct ext4_inode *dir, const struct ext4_new *new,
                          struct ext4_inode *out)
{
    uint32_t ino, type = new->mode &TYPE;
    enum err e = ext4_inode_take(fs, dir->ino, type == DIRECTORY, &ino);
    if (e == E_OK)
        e = ext4_inode_at(fs, ino, out);
    if (e == E_OK)
        e = ext4_inode_change(fs, out);
    if (e != E_OK)
        return e;
    inode_init(fs, out, dir->raw->flags, new);
    out->buffer->intact |= 1ull << (ino - out->buffer->seed);
    if (type == LINK)
        return link_text(fs, out, new->text);
    if (type == REGULAR || type == DIRECTORY)
        ext4_extent_init(out->raw);
    if (type != DIRECTORY)
        return E_OK;
    out->raw->links = 2;
    return ext4_dir_init(fs, out, dir->ino);
}

static enum err create_step(struct ext4 *fs, const struct ext4_place *at,
                            const struct ext4_new *new, uint32_t *ino)
{
    const char *name = at->name;
    size_t length = at->length;
    struct ext4_inode parent, inode;
    struct ext4_found found;
    enum err e = ext4_inode_dir(fs, at->dir, &parent);
    if (e == E_OK && name) {
        e = ext4_dir_find(fs, &parent, name, length, &found);
        e = e == E_NOENT && length > 0 ? E_OK : e == E_OK ? E_EXIST : e;
    }
    if (e == E_OK && parent.raw->links == 0)
        e = E_NOENT;
    if (e == E_OK)
        e = inode_new(fs, &parent, new, &inode);
    if (e != E_OK)
        return e;
    *ino = inode.ino;
    if (!name) {
        inode.raw->links = 0;
        return ext4_orphan_add(fs, &inode);
    }
    const struct ext4_adding entry = {name, length, inode.ino, new->mode};
    e = ext4_dir_add(fs, &parent, &entry);
    if (e == E_OK && ext4_is(inode.raw, DIRECTORY))
        e = ext4_dir_count(fs, &parent, 1);
    return e == E_OK ? ext4_dir_touch(fs, &parent) : e;
}

enum err ext4_create(struct ext4 *fs, uint32_t dir, const char *name, size_t length,
                     const struct ext4_new *new, uint32_t *ino)
{
    enum err e;
    do {
        e = ext4_begin(fs);
        if (e == E_OK)
            e = ext4_end(fs, create_step(fs, &(struct ext4_place){dir, name, length}, new, ino));
    } while (ext4_retry(fs, e));
    return e;
}

/* ---- Link, unlink ---- */

static enum err add_link(struct ext4 *fs, uint32_t dir, const char *name, size_t length,
                         uint32_t ino)
{
    struct ext4_inode parent, inode;
    struct ext4_found found;
    enum err e = ext4_inode_dir(fs, dir, &parent);
    if (e == E_OK)
        e = ext4_inode_get(fs, ino, &inode);
    if (e != E_OK)
        return e;
    if (ext4_is(inode.raw, DIRECTORY))
        return E_PERM;
    if (inode.raw->links >= EXT4_LINKS_MAX)
        return E_MLINK;
    e = ext4_dir_find(fs, &parent, name, length, &found);
    if (e != E_NOENT || length == 0 || parent.raw->links == 0)
        return e == E_OK ? E_EXIST : e;
    const struct ext4_adding entry = {name, length, ino, inode.raw->mode};
    e = ext4_dir_add(fs, &parent, &entry);
    if (e == E_OK)
        e = ext4_orphan_remove(fs, &inode);
    if (e == E_OK)
        e = ext4_inode_change(fs, &inode);
    if (e != E_OK)
        return e;
    inode.raw->links++;
    ext4_inode_set_time(fs, inode.raw, EXT4_CTIME, fs->io.now(fs->io.context));
    return ext4_dir_touch(fs, &parent);
}

enum err ext4_link(struct ext4 *fs, uint32_t dir, const char *name, size_t length, uint32_t ino)
{
    enum err e;
    do {
        e = ext4_begin(fs);
        if (e == E_OK)
            e = ext4_end(fs, add_link(fs, dir, name, length, ino));
    } while (ext4_retry(fs, e));
    return e;
}

static enum err remove_name(struct ext4 *fs, const struct ext4_place *at, bool directory,
                            uint32_t *ino)
{
    struct ext4_inode parent, inode;
    struct ext4_found found;
    bool empty = true;
    enum err e = ext4_inode_dir(fs, at->dir, &parent);
    if (e == E_OK)
        e = ext4_dir_find(fs, &parent, at->name, at->length, &found);
    if (e == E_OK)
        e = ext4_inode_get(fs, found.entry->ino, &inode);
    if (e != E_OK)
        return e;
    if (ext4_is(inode.raw, DIRECTORY) != directory)
        return directory ? E_NOTDIR : E_ISDIR;
    if (directory)
        e = ext4_dir_empty(fs, &inode, &empty);
    if (e == E_OK && !empty)
        e = E_NOTEMPTY;
    if (e == E_OK)
        e = ext4_dir_remove(fs, &found);
    if (e == E_OK)
        e = ext4_unlink_inode(fs, &inode);
    if (e == E_OK && directory)
        e = ext4_dir_count(fs, &parent, -1);
    if (e == E_OK)
        e = ext4_dir_touch(fs, &parent);
    *ino = inode.ino;
    return e;
}

enum err ext4_unlink(struct ext4 *fs, uint32_t dir, const char *name, size_t length, uint32_t *ino)
{
    enum err e = ext4_begin(fs);
    return e == E_OK
               ? ext4_end(fs, remove_name(fs, &(struct ext4_place){dir, name, length}, false, ino))
               : e;
}

enum err ext4_rmdir(struct ext4 *fs, uint32_t dir, const char *name, size_t length, uint32_t *ino)
{
    enum err e = ext4_begin(fs);
    return e == E_OK
               ? ext4_end(fs, remove_name(fs, &(struct ext4_place){dir, name, length}, true, ino))
               : e;
}
