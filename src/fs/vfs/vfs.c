/* SPDX-License-Identifier: MIT */
#include "fs/vfs/vfs.h"

#include "base/fmt.h"
#include "base/panic.h"
#include "base/str.h"
#include "fs/vfs/context.h"
#include "fs/vfs/devices.h"
#include "fs/vfs/file.h"
#include "fs/vfs/lease.h"
#include "fs/vfs/mount.h"
#include "fs/vfs/notify.h"
#include "fs/vfs/store_table.h"
#include "fs/vfs/vfs_create.h"
#include "fs/vfs/xattr.h"
#include "mm/heap/heap.h"

/* Flags that affect only open() itself and that F_GETFL does not return. */
#define FLAGS_FORGOTTEN (O_CREAT | O_CLOEXEC | O_RESOLVE)
#define TMPFILE_BIT     (O_TMPFILE & ~O_DIRECTORY)
#define CREATE_TRIES    8

static const struct file_ops *ops_for(const struct location *at)
{
    const struct inode *inode = at->dentry->inode;
    if (inode->file_ops)
        return inode->file_ops;
    switch (inode->mode & S_IFMT) {
    case S_IFDIR:
        return &file_ops_directory;
    case S_IFIFO:
        return &fifo_file_ops;
    case S_IFCHR:
        return mount_has(at->mount, MS_NODEV) ? NULL : device_find(inode->device);
    case S_IFBLK:
        return mount_has(at->mount, MS_NODEV) ? NULL : &block_file_ops;
    default:
        return NULL;
    }
}

static enum err file_at(const struct location *at, const struct file_ops *ops, uint32_t flags,
                        struct file **out)
{
    enum err e = file_alloc(at->dentry, ops, flags, out);
    if (e == E_OK) {
        mount_get(at->mount);
        (*out)->mount = at->mount;
    }
    return e;
}

static uint32_t access_of(uint32_t flags)
{
    static const uint8_t may[] = {MAY_READ, MAY_WRITE, MAY_READ | MAY_WRITE, MAY_READ | MAY_WRITE};
    return may[flags & O_ACCMODE] | (uint32_t)((flags & O_TRUNC) ? MAY_WRITE : 0);
}

static enum err open_allowed(const struct location *at, uint32_t flags)
{
    const struct inode *inode = at->dentry->inode;
    uint32_t may = access_of(flags);
    if (mode_is(inode->mode, S_IFLNK))
        return E_LOOP;
    if (mode_is(inode->mode, S_IFDIR) && (may & MAY_WRITE))
        return E_ISDIR;
    if ((flags & O_DIRECTORY) && !mode_is(inode->mode, S_IFDIR))
        return E_NOTDIR;
    enum err e = inode_permission(inode, may);
    if (e != E_OK)
        return e;
    if ((flags & O_NOATIME) && inode_owner_check(inode) != E_OK)
        return E_PERM;
    if (mount_has(at->mount, MS_RDONLY) && (may & MAY_WRITE) && mode_is(inode->mode, S_IFREG))
        return E_ROFS;
    return E_OK;
}

/* Opens without a permission check, as for a file that this open() created. */
static enum err open_made(const struct location *at, uint32_t flags, struct file **out)
{
    struct dentry *dentry = at->dentry;
    struct inode *inode = dentry->inode;
    const struct file_ops *ops = ops_for(at);
    if (!ops) {
        bool device = mode_is(inode->mode, S_IFCHR) || mode_is(inode->mode, S_IFBLK);
        return device && mount_has(at->mount, MS_NODEV) ? E_ACCES : E_NXIO;
    }
    uint32_t access = flags & O_ACCMODE;
    bool writes = access == O_WRONLY || access == O_RDWR;
    if ((writes || (flags & O_TRUNC)) && inode->executing > 0)
        return E_TXTBSY;
    if (unlikely(inode->quick & INODE_LEASED)) {
        kernel_lock_alone();
        enum err held = lease_break(inode, writes || (flags & O_TRUNC), !(flags & O_NONBLOCK));
        if (held != E_OK)
            return held;
    }
    struct file *file;
    enum err e = file_at(at, ops, (flags & ~FLAGS_FORGOTTEN) | O_LARGEFILE, &file);
    if (e != E_OK)
        return e;
    if (writes) {
        CPUS_ADD(inode->writers, 1);
        if (at->mount && mode_is(inode->mode, S_IFREG))
            CPUS_ADD(at->mount->writers, 1);
    }
    if (ops->open) {
        kernel_lock_alone();
        e = ops->open(file);
    }
    file->flags &= ~(O_NOCTTY | O_EXCL | O_TRUNC);
    if (e == E_OK)
        notify(dentry, NOTIFY_OPEN);
    if (e == E_OK && (flags & O_TRUNC) && mode_is(inode->mode, S_IFREG))
        e = vfs_truncate(dentry, 0);
    if (e != E_OK) {
        file->ops = &file_ops_path; /* nothing to release */
        file_put(file);
        return e;
    }
    *out = file;
    return E_OK;
}

enum err vfs_open_program(const struct location *at, struct file **out)
{
    if (mount_has(at->mount, MS_NOEXEC))
        return E_ACCES;
    enum err e = inode_permission(at->dentry->inode, MAY_EXECUTE);
    return e == E_OK ? open_made(at, O_RDONLY, out) : e;
}

enum err vfs_open_at(const struct location *at, uint32_t flags, struct file **out)
{
    if (flags & O_PATH) {
        if ((flags & O_DIRECTORY) && !mode_is(at->dentry->inode->mode, S_IFDIR))
            return E_NOTDIR;
        return file_at(at, &file_ops_path, O_PATH | (flags & (O_DIRECTORY | O_NOFOLLOW)), out);
    }
    enum err e = open_allowed(at, flags);
    return e == E_OK ? open_made(at, flags, out) : e;
}

static uint32_t walk_restrictions(uint32_t flags)
{
    return (flags & O_RESOLVE) >> O_RESOLVE_SHIFT << 8; /* WALK_RESOLVE */
}

static enum err open_temporary(const struct location *at, const char *path, uint32_t flags,
                               uint32_t mode, struct file **out)
{
    if (access_of(flags) == MAY_READ)
        return E_INVAL;
    struct location directory;
    enum err e =
        walk_lookup(at, path, WALK_FOLLOW | WALK_DIRECTORY | walk_restrictions(flags), &directory);
    if (e != E_OK)
        return e;
    struct inode *inode;
    struct dentry *parent = directory.dentry;
    e = mount_writable(directory.mount, parent->inode->fs);
    if (e == E_OK)
        e = vfs_create_inode(parent, S_IFREG | (mode & MODE_ALL), 0, &inode);
    if (e == E_OK) {
        struct dentry *dentry;
        char name[24];
        size_t length = fmt_snprintf(name, sizeof(name), "#%lu", inode->ino); /* as Linux's */
        inode->linkable = !(flags & O_EXCL);
        e = dentry_alloc(parent, name, length, inode, &dentry);
        inode_put(inode);
        if (e == E_OK) {
            e = open_made(&(const struct location){directory.mount, dentry}, flags, out);
            dentry_put(dentry);
        }
    }
    location_put(&directory);
    return e;
}

static enum err open_found(const struct walk *walk, uint32_t flags, struct file **out)
{
    uint32_t mode = walk->found->inode->mode;
    if ((flags & O_CREAT) && (flags & O_EXCL))
        return E_EXIST;
    if ((flags & O_CREAT) && mode_is(mode, S_IFDIR))
        return E_ISDIR;
    return vfs_open_at(&(const struct location){walk->mount, walk->found}, flags, out);
}

/* On a stored file system another thread has created the file after the walk, and a third may have removed it. */
COLD static enum err open_raced(const struct walk *missed, uint32_t flags, uint32_t mode,
                                struct dentry **made, struct file **out)
{
    uint32_t how = WALK_CREATE | walk_restrictions(flags);
    how |= (flags & O_NOFOLLOW) ? 0 : (uint32_t)WALK_FOLLOW;
    const struct location parent = {missed->mount, missed->parent};
    enum err e = E_EXIST;
    for (unsigned tries = 0; e == E_EXIST && tries < CREATE_TRIES; tries++) {
        struct walk walk;
        e = walk_path(&parent, missed->name, how, &walk);
        if (e != E_OK)
            return e;
        if (walk.found)
            e = open_found(&walk, flags, out);
        else
            e = vfs_create_child(&walk, mode, 0, made);
        walk_end(&walk);
    }
    return e;
}

static enum err open_created(const struct walk *walk, uint32_t flags, uint32_t mode,
                             struct file **out)
{
    if (!(flags & O_CREAT))
        return E_NOENT;
    kernel_lock_assert(); /* since the walk missed the name */
    struct dentry *dentry = NULL;
    mode = S_IFREG | (mode & MODE_ALL);
    enum err e = mount_writable(walk->mount, walk->parent->inode->fs);
    if (e == E_OK)
        e = vfs_create_child(walk, mode, 0, &dentry);
    if (e == E_EXIST && !(flags & O_EXCL))
        e = open_raced(walk, flags, mode, &dentry, out);
    if (e != E_OK || !dentry)
        return e;
    e = open_made(&(const struct location){walk->mount, dentry}, flags & ~O_TRUNC, out);
    dentry_put(dentry);
    return e;
}

enum err vfs_open(const struct location *at, const char *path, uint32_t flags, uint32_t mode,
                  struct file **out)
{
    if (flags & O_PATH)
        flags &= O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_RESOLVE;
    if (flags & TMPFILE_BIT) {
        bool complete = (flags & O_TMPFILE) == O_TMPFILE && !(flags & O_CREAT);
        return complete ? open_temporary(at, path, flags, mode, out) : E_INVAL;
    }
    if ((flags & O_CREAT) && (flags & O_DIRECTORY))
        return E_INVAL;
    bool follow = !(flags & O_NOFOLLOW) && (flags & (O_CREAT | O_EXCL)) != (O_CREAT | O_EXCL);
    struct walk walk;
    uint32_t how =
        (uint32_t)(follow ? WALK_FOLLOW : 0) | ((flags & O_DIRECTORY) ? WALK_DIRECTORY : 0);
    how |= walk_restrictions(flags);
    if (flags & O_CREAT)
        how |= WALK_CREATE;
    enum err e = walk_path(at, path, how, &walk);
    if (e != E_OK)
        return e;
    if (walk.found)
        e = open_found(&walk, flags, out);
    else
        e = open_created(&walk, flags, mode, out);
    walk_end(&walk);
    return e;
}

COLD enum err vfs_read_link(const struct location *link, char *text)
{
    struct inode *inode = link->dentry->inode;
    if (!mode_is(inode->mode, S_IFLNK))
        return E_INVAL;
    inode_touch_accessed(inode, link->mount, true);
    if (inode->link) {
        str_copy(text, inode->link, PATH_MAX_SIZE);
        return E_OK;
    }
    struct location to;
    enum err e = inode->ops->jump(inode, &to);
    if (e != E_OK)
        return e;
    char *path;
    e = location_path(&to, &fs_current()->root, LOCATION_DELETED, text, PATH_MAX_SIZE, &path);
    if (e == E_OK)
        memmove(text, path, strlen(path) + 1);
    location_put(&to);
    return e;
}

enum err vfs_begin_change(struct dentry *dentry)
{
    struct inode *inode = dentry->inode;
    if (inode->fs->flags & MS_RDONLY)
        return E_ROFS;
    struct store *store = inode->fs->store;
    if (store) {
        dentry_get(dentry);
        store_lock(store);
        store->now = fs_time_now();
    }
    return E_OK;
}

void vfs_end_change(struct dentry *dentry, uint32_t event, enum err e)
{
    struct inode *inode = dentry->inode;
    if (e == E_OK)
        names_touch_changed(inode);
    if (inode->fs->store)
        store_unlock(inode->fs->store);
    if (e == E_OK && event != 0)
        notify(dentry, event);
    if (inode->fs->store)
        dentry_put(dentry);
}

static struct fs_time change_time(const struct inode *inode)
{
    return inode->fs->store ? inode->fs->store->now : inode->changed;
}

static enum err change_mode(struct inode *inode, uint32_t mode)
{
    enum err e = inode->fixed_mode ? E_PERM : inode_owner_check(inode);
    if (e != E_OK)
        return e;
    const struct credentials *c = credentials_current();
    if (!credentials_in_group(c, inode->gid) && !credentials_have(c, CAP_FSETID))
        mode &= ~S_ISGID;
    struct store_attributes to = {.what = STORE_MODE | STORE_CHANGED,
                                  .mode = (inode->mode & S_IFMT) | (mode & MODE_ALL),
                                  .changed = change_time(inode)};
    e = store_change(inode, &to);
    if (e != E_OK)
        return e;
    inode->mode = to.mode;
    e = attributes_follow_mode(inode);
    inode_mode_changed(inode);
    return e;
}

enum err vfs_change_mode(struct dentry *dentry, uint32_t mode)
{
    struct inode *inode = dentry->inode;
    enum err e = vfs_begin_change(dentry);
    if (e != E_OK)
        return e;
    e = change_mode(inode, mode);
    vfs_end_change(dentry, NOTIFY_ATTRIBUTES, e);
    return e;
}

/* chown(2): the owner may change the group to one of its own, and all else takes CAP_CHOWN. The
 * bits that it takes away are a chmod(). */
static enum err owner_change_allowed(const struct inode *inode, uint32_t uid, uint32_t gid,
                                     uint32_t lost)
{
    const struct credentials *c = credentials_current();
    bool owns = c->uid.fs == inode->uid;
    bool user = uid == UINT32_MAX || (owns && uid == inode->uid);
    bool group = gid == UINT32_MAX || (owns && (gid == inode->gid || credentials_in_group(c, gid)));
    if (!(user && group) && !credentials_have(c, CAP_CHOWN))
        return E_PERM;
    return lost != 0 ? inode_owner_check(inode) : E_OK;
}

static enum err change_owner(struct inode *inode, uint32_t uid, uint32_t gid)
{
    uint32_t lost = 0;
    if (!mode_is(inode->mode, S_IFDIR))
        lost = credentials_lost_set_ids(credentials_current(), inode_rights(inode));
    enum err e = owner_change_allowed(inode, uid, gid, lost);
    if (e != E_OK)
        return e;
    struct store_attributes to = {.what = STORE_OWNER | STORE_MODE | STORE_CHANGED,
                                  .uid = uid != UINT32_MAX ? uid : inode->uid,
                                  .gid = gid != UINT32_MAX ? gid : inode->gid,
                                  .mode = inode->mode & ~lost,
                                  .changed = change_time(inode)};
    if (lost == 0)
        to.what &= ~(uint32_t)STORE_MODE;
    e = store_change(inode, &to);
    if (e != E_OK)
        return e;
    inode->uid = to.uid;
    inode->gid = to.gid;
    inode->mode = to.mode;
    if (!mode_is(inode->mode, S_IFDIR))
        attributes_drop_capabilities(inode);
    inode_mode_changed(inode);
    return E_OK;
}

COLD enum err vfs_change_owner(struct dentry *dentry, uint32_t uid, uint32_t gid)
{
    struct inode *inode = dentry->inode;
    enum err e = vfs_begin_change(dentry);
    if (e != E_OK)
        return e;
    e = change_owner(inode, uid, gid);
    vfs_end_change(dentry, NOTIFY_ATTRIBUTES, e);
    return e;
}

static enum err change_times(struct inode *inode, const struct vfs_times *times)
{
    enum err e = inode_owner_check(inode);
    if (e != E_OK && times->now)
        e = inode_permission(inode, MAY_WRITE);
    if (e != E_OK)
        return e;
    struct store_attributes to = {.what = STORE_CHANGED,
                                  .accessed = times->accessed,
                                  .modified = times->modified,
                                  .changed = change_time(inode)};
    to.what |= times->set_accessed ? STORE_ACCESSED : 0u;
    to.what |= times->set_modified ? STORE_MODIFIED : 0u;
    e = store_change(inode, &to);
    if (e != E_OK)
        return e;
    if (times->set_accessed)
        inode->accessed = times->accessed;
    if (times->set_modified)
        inode->modified = times->modified;
    return E_OK;
}

COLD enum err vfs_change_times(struct dentry *dentry, const struct vfs_times *times)
{
    struct inode *inode = dentry->inode;
    enum err e = vfs_begin_change(dentry);
    if (e != E_OK)
        return e;
    e = change_times(inode, times);
    uint32_t event = !times->set_modified   ? NOTIFY_ACCESS
                     : !times->set_accessed ? NOTIFY_MODIFY
                                            : NOTIFY_ATTRIBUTES;
    vfs_end_change(dentry, times->set_accessed || times->set_modified ? event : 0, e);
    return e;
}

enum err vfs_truncate(struct dentry *dentry, uint64_t size)
{
    struct inode *inode = dentry->inode;
    if (mode_is(inode->mode, S_IFDIR))
        return E_ISDIR;
    if (!inode->ops || !inode->ops->truncate)
        return E_INVAL;
    if (inode->fs->flags & MS_RDONLY)
        return E_ROFS;
    if (inode->executing > 0)
        return E_TXTBSY;
    if (unlikely(inode->quick & INODE_PRIVILEGED))
        inode_drop_privileges(inode);
    enum err e = inode->ops->truncate(inode, size);
    if (e == E_OK)
        notify(dentry, NOTIFY_MODIFY);
    return e;
}
