/* SPDX-License-Identifier: MIT */
#include "fs/ext4/vfs/volume.h"

#include "base/str.h"
#include "fs/vfs/file.h"
#include "fs/vfs/xattr.h"
#include "mm/heap/heap.h"

#define COOKIES_BEFORE 3 /* those of VFS for "." and ".." */

static uint32_t ino_of(const struct inode *inode)
{
    return (uint32_t)inode->ino;
}

/* The lock, for a change whose time VFS has fixed. */
static enum err lock_for_change(struct volume *volume)
{
    return volume_lock(volume, &volume->store.now);
}

/* After a change of its entries. The lock is held. */
static void directory_follow(struct inode *directory)
{
    struct ext4_stat stat;
    if (ext4_stat(volume_of(directory)->fs, ino_of(directory), &stat) == E_OK)
        directory->size = stat.size;
}

enum err volume_lookup(struct inode *directory, struct store_name name, struct inode **out)
{
    struct volume *volume = volume_of(directory);
    uint32_t ino;
    enum err e = volume_lock(volume, NULL);
    if (e != E_OK)
        return e;
    e = ext4_lookup(volume->fs, ino_of(directory), name.text, name.length, &ino);
    volume_unlock(volume);
    return e == E_OK ? volume_node_get(volume, ino, out) : e;
}

struct listing {
    store_sink sink;
    void *context;
};

static bool list_entry_pass(void *context, const struct ext4_name *name, uint64_t cookie)
{
    struct listing *listing = context;
    const struct directory_entry entry = {name->name, name->length, name->ino,
                                          cookie + COOKIES_BEFORE + 1, name->type};
    return listing->sink(listing->context, &entry);
}

enum err volume_list(struct inode *directory, uint64_t from, store_sink sink, void *context)
{
    struct volume *volume = volume_of(directory);
    struct listing listing = {sink, context};
    uint64_t cookie = from > COOKIES_BEFORE ? from - COOKIES_BEFORE : 0;
    enum err e = volume_lock(volume, NULL);
    if (e != E_OK)
        return e;
    e = ext4_list(volume->fs, ino_of(directory), &cookie, list_entry_pass, &listing);
    volume_unlock(volume);
    return e;
}

/* The attributes that VFS has given it. The lock is held. */
static enum err attributes_write(struct ext4 *fs, uint32_t ino, const struct inode *as)
{
    const char *name;
    const void *value;
    size_t size;
    enum err e = E_OK;
    for (uint32_t at = 0; e == E_OK && xattr_next(as, &at, &name, &value, &size);) {
        void *form = ACL_ON_DISK(name) ? heap_alloc(size) : NULL;
        if (ACL_ON_DISK(name))
            e = form ? volume_acl_to_disk(value, &size, form) : E_NOMEM;
        if (e == E_OK)
            e = ext4_xattr_set(fs, ino, name, form ? form : value, size, 0);
        heap_free(form);
    }
    return e;
}

static void create_undo(struct ext4 *fs, struct inode *directory, struct store_name name,
                        bool is_dir, uint32_t ino)
{
    enum err e = E_OK;
    if (name.length > 0)
        e = is_dir ? ext4_rmdir(fs, ino_of(directory), name.text, name.length, &ino)
                   : ext4_unlink(fs, ino_of(directory), name.text, name.length, &ino);
    if (e == E_OK)
        (void)!ext4_evict(fs, ino);
}

enum err volume_create(struct inode *directory, struct store_name name, const struct inode *as,
                       struct inode **out)
{
    struct volume *volume = volume_of(directory);
    const struct ext4_new new = {as->mode, as->uid, as->gid, as->device, as->link};
    uint32_t ino;
    enum err e = lock_for_change(volume);
    if (e != E_OK)
        return e;
    e = ext4_create(volume->fs, ino_of(directory), name.length > 0 ? name.text : NULL, name.length,
                    &new, &ino);
    if (e == E_OK) {
        e = attributes_write(volume->fs, ino, as);
        if (e == E_OK)
            e = volume_node_new(volume, ino, as, out);
        if (e != E_OK)
            create_undo(volume->fs, directory, name, mode_is(as->mode, S_IFDIR), ino);
        directory_follow(directory);
    }
    volume_unlock(volume);
    return e;
}

enum err volume_link(struct inode *directory, struct store_name name, struct inode *inode)
{
    struct volume *volume = volume_of(directory);
    enum err e = lock_for_change(volume);
    if (e != E_OK)
        return e;
    e = ext4_link(volume->fs, ino_of(directory), name.text, name.length, ino_of(inode));
    directory_follow(directory);
    volume_unlock(volume);
    return e;
}

enum err volume_unlink(struct inode *directory, struct store_name name, struct inode *inode)
{
    struct volume *volume = volume_of(directory);
    uint32_t ino, dir = ino_of(directory);
    enum err e = lock_for_change(volume);
    if (e != E_OK)
        return e;
    e = mode_is(inode->mode, S_IFDIR) ? ext4_rmdir(volume->fs, dir, name.text, name.length, &ino)
                                      : ext4_unlink(volume->fs, dir, name.text, name.length, &ino);
    volume_unlock(volume);
    return e;
}

enum err volume_rename(const struct store_move *m)
{
    struct volume *volume = volume_of(m->inode);
    const struct ext4_place from = {ino_of(m->from), m->from_name.text, m->from_name.length};
    const struct ext4_place to = {ino_of(m->to), m->to_name.text, m->to_name.length};
    uint32_t replaced;
    enum err e = lock_for_change(volume);
    if (e != E_OK)
        return e;
    e = ext4_rename(volume->fs, &from, &to, m->flags != 0 ? EXT4_RENAME_EXCHANGE : 0, &replaced);
    directory_follow(m->to);
    volume_unlock(volume);
    return e;
}
