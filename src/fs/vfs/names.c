/* SPDX-License-Identifier: MIT */
/* Operations that change directories: creating, linking and removing; fs/vfs/rename.c renames. */
#include "fs/vfs/names.h"

#include "base/str.h"
#include "fs/vfs/context.h"
#include "fs/vfs/notify.h"
#include "fs/vfs/store_table.h"
#include "fs/vfs/vfs.h"
#include "fs/vfs/vfs_create.h"
#include "fs/vfs/xattr.h"
#include "mm/heap/heap.h"

enum err names_may_write(const struct dentry *directory)
{
    return inode_permission(directory->inode, MAY_WRITE | MAY_EXECUTE);
}

static bool may_have_files(const struct filesystem *fs)
{
    return fs->create || fs->store;
}

enum err vfs_prepare_inode(const struct dentry *directory, struct inode *to)
{
    const struct inode *parent = directory->inode;
    const struct credentials *c = credentials_current();
    const uint32_t group_runs = S_ISGID | 0010, mode = to->mode;
    to->uid = c->uid.fs;
    to->gid = c->gid.fs;
    if (parent->mode & S_ISGID) {
        to->gid = parent->gid;
        if (mode_is(mode, S_IFDIR))
            to->mode |= S_ISGID;
        else if ((mode & group_runs) == group_runs && !credentials_in_group(c, to->gid) &&
                 !credentials_have(c, CAP_FSETID))
            to->mode &= ~S_ISGID;
    }
    if (parent->attributes)
        return attributes_inherit(parent->attributes, to, fs_current()->umask);
    if (!mode_is(mode, S_IFLNK))
        to->mode &= ~fs_current()->umask;
    return E_OK;
}

enum err vfs_may_create(const struct dentry *directory)
{
    const struct inode *parent = directory->inode;
    if (!may_have_files(parent->fs) || parent->nlink == 0)
        return E_NOENT;
    enum err e = vfs_writable(parent->fs);
    return e == E_OK ? names_may_write(directory) : e;
}

enum err vfs_create_inode(struct dentry *directory, uint32_t mode, uint64_t device,
                          struct inode **out)
{
    struct filesystem *fs = directory->inode->fs;
    enum err e = vfs_may_create(directory);
    if (e != E_OK)
        return e;
    if (fs->store)
        return store_create_unnamed(directory, mode, out);
    struct inode *inode;
    e = fs->create(fs, mode, device, &inode);
    if (e != E_OK)
        return e;
    e = vfs_prepare_inode(directory, inode);
    if (e != E_OK) {
        inode_put(inode);
        return e;
    }
    inode_mode_changed(inode);
    *out = inode;
    return E_OK;
}

void vfs_name_added(struct dentry *dentry)
{
    struct inode *inode = dentry->inode, *parent = dentry->parent->inode;
    links_add(inode, 1);
    if (is_directory(dentry)) {
        links_add(inode, 1);
        links_add(parent, 1);
    }
    names_touch_modified(parent);
    if (inode->nlink > 1 && !is_directory(dentry))
        notify_inode(inode, NOTIFY_ATTRIBUTES);
    notify_name(parent, NOTIFY_CREATE,
                (struct notify_subject){inode, dentry->name, dentry->length, 0});
}

/* Links the inode under the name that the walk did not find. *out: one reference. */
static enum err add_name(const struct walk *walk, struct inode *inode, struct dentry **out)
{
    struct dentry *dentry;
    enum err e = dentry_alloc(walk->parent, walk->name, walk->length, inode, &dentry);
    if (e != E_OK)
        return e;
    e = dentry_link(dentry);
    if (e != E_OK) {
        dentry_put(dentry);
        return e;
    }
    vfs_name_added(dentry);
    *out = dentry;
    return E_OK;
}

enum err vfs_create_child(const struct walk *walk, uint32_t mode, uint64_t device,
                          struct dentry **out)
{
    if (walk->parent->inode->fs->store)
        return store_create(walk, mode, device, NULL, out);
    struct inode *inode;
    enum err e = vfs_create_inode(walk->parent, mode, device, &inode);
    if (e != E_OK)
        return e;
    e = add_name(walk, inode, out);
    inode_put(inode);
    return e;
}

enum err names_settle(struct walk *walk)
{
    return walk->parent && walk->parent->inode->fs->store ? store_settle(walk) : E_OK;
}

void names_end(struct walk *walk)
{
    struct store *store = walk->parent ? walk->parent->inode->fs->store : NULL;
    if (!store) {
        walk_end(walk);
        return;
    }
    struct mount *mount = walk->mount; /* keeps the file system */
    mount_get(mount);
    store_unlock(store);
    walk_end(walk);
    store_reap(store, false);
    mount_put(mount);
}

/* Walks to a name that must not exist: E_EXIST. */
static enum err walk_free(struct vfs_place place, bool directory, struct walk *walk)
{
    enum err e = walk_path(place.at, place.path, WALK_PARENT, walk);
    if (e != E_OK)
        return e;
    if (walk->found)
        e = E_EXIST;
    else if (walk->trailing_slash && !directory)
        e = E_NOENT;
    else
        e = names_writable(walk);
    if (e != E_OK)
        walk_end(walk);
    return e;
}

static enum err create_at(struct vfs_place place, uint32_t mode, uint64_t device)
{
    struct walk walk;
    enum err e = walk_free(place, mode_is(mode, S_IFDIR), &walk);
    if (e != E_OK)
        return e;
    struct dentry *dentry;
    bool whiteout = mode_is(mode, S_IFCHR) && device == 0;
    if ((mode_is(mode, S_IFCHR) || mode_is(mode, S_IFBLK)) && !whiteout && !capable(CAP_MKNOD)) {
        e = names_may_write(walk.parent);
        if (e == E_OK)
            e = E_PERM;
    }
    if (e == E_OK)
        e = vfs_create_child(&walk, mode, device, &dentry);
    if (e == E_OK)
        dentry_put(dentry);
    walk_end(&walk);
    return e;
}

enum err vfs_make_directory(struct vfs_place place, uint32_t mode)
{
    return create_at(place, S_IFDIR | (mode & (0777 | S_ISVTX)), 0);
}

enum err vfs_make_node(struct vfs_place place, uint32_t mode, uint64_t device)
{
    uint32_t type = mode & S_IFMT;
    switch (type) {
    case 0:
        type = S_IFREG;
        break;
    case S_IFCHR:
    case S_IFBLK:
    case S_IFREG:
    case S_IFIFO:
    case S_IFSOCK:
        break;
    case S_IFDIR:
        return E_PERM;
    default:
        return E_INVAL;
    }
    bool is_device = type == S_IFCHR || type == S_IFBLK;
    return create_at(place, type | (mode & MODE_ALL), is_device ? device : 0);
}

enum err vfs_make_symlink(const char *text, struct vfs_place place)
{
    if (*text == '\0')
        return E_NOENT;
    size_t length = strlen(text);
    struct walk walk;
    enum err e = walk_free(place, false, &walk);
    if (e != E_OK)
        return e;
    struct inode *inode;
    struct dentry *dentry;
    if (walk.parent->inode->fs->store) {
        e = store_create(&walk, S_IFLNK | 0777, 0, text, &dentry);
        if (e == E_OK)
            dentry_put(dentry);
        walk_end(&walk);
        return e;
    }
    e = vfs_create_inode(walk.parent, S_IFLNK | 0777, 0, &inode);
    if (e == E_OK) {
        inode->link = heap_alloc(length + 1);
        e = inode->link ? E_OK : E_NOMEM;
        if (e == E_OK) {
            memcpy(inode->link, text, length + 1);
            inode->size = length;
            e = add_name(&walk, inode, &dentry);
        }
        if (e == E_OK)
            dentry_put(dentry);
        inode_put(inode);
    }
    walk_end(&walk);
    return e;
}

/* fs.protected_hardlinks: others may link only what they could as well copy. */
static enum err check_link_source(const struct inode *inode)
{
    const uint32_t group_runs = S_ISGID | 0010;
    bool safe = mode_is(inode->mode, S_IFREG) && !(inode->mode & S_ISUID) &&
                (inode->mode & group_runs) != group_runs &&
                inode_permission(inode, MAY_READ | MAY_WRITE) == E_OK;
    return safe ? E_OK : inode_owner_check(inode);
}

static enum err link_allowed(const struct location *from, const struct walk *walk)
{
    const struct dentry *target = from->dentry;
    const struct inode *inode = target->inode;
    if (from->mount != walk->mount || inode->fs != walk->parent->inode->fs)
        return E_XDEV;
    if (check_link_source(inode) != E_OK)
        return E_PERM;
    if (!may_have_files(inode->fs))
        return E_PERM;
    if (walk->found)
        return E_EXIST;
    if (walk->parent->inode->nlink == 0)
        return E_NOENT;
    enum err e = names_may_write(walk->parent);
    if (e != E_OK)
        return e;
    if (is_directory(target))
        return E_PERM;
    if (inode->nlink == 0 && !inode->linkable)
        return E_NOENT;
    if (inode->nlink > 0 && inode->fs->inodes != 0 &&
        filesystem_inodes(inode->fs) >= inode->fs->inodes)
        return E_NOSPC;
    return inode->nlink == UINT32_MAX ? E_MLINK : E_OK;
}

enum err vfs_link(const struct location *from, struct vfs_place place)
{
    struct dentry *target = from->dentry;
    struct walk walk;
    enum err e = walk_free(place, false, &walk);
    if (e != E_OK)
        return e;
    struct dentry *dentry;
    e = names_settle(&walk);
    if (e == E_OK)
        e = link_allowed(from, &walk);
    if (e == E_OK)
        e = walk.parent->inode->fs->store ? store_link(&walk, target->inode, &dentry)
                                          : add_name(&walk, target->inode, &dentry);
    if (e == E_OK) {
        target->inode->linkable = false;
        names_touch_changed(target->inode);
        dentry_put(dentry);
    }
    names_end(&walk);
    return e;
}

enum err names_may_remove(const struct dentry *directory, const struct dentry *victim)
{
    const struct inode *parent = directory->inode;
    uint32_t uid = credentials_current()->uid.fs;
    enum err e = names_may_write(directory);
    if (e != E_OK)
        return e;
    if (!may_have_files(parent->fs))
        return E_PERM;
    bool sticky = (parent->mode & S_ISVTX) && uid != victim->inode->uid && uid != parent->uid;
    return sticky && !capable(CAP_FOWNER) ? E_PERM : E_OK;
}

/* Unlinks the entry and updates counts and times. The caller holds a reference to the dentry. */
static void drop_name(struct dentry *directory, struct dentry *victim)
{
    struct inode *inode = victim->inode;
    if (is_directory(victim) && victim->stored)
        store_names_below(victim); /* of what others removed */
    dentry_unlink(victim);
    if (is_directory(victim)) {
        inode->nlink = 0;
        links_add(directory->inode, -1);
    } else {
        links_add(inode, -1);
        notify_inode(inode, NOTIFY_ATTRIBUTES);
    }
    names_touch_changed(inode);
    names_touch_modified(directory->inode);
    if (inode->watches && inode->nlink == 0 && victim->references == 1)
        notify_gone(inode); /* no other reference: IN_DELETE_SELF comes before IN_DELETE */
    notify_name(directory->inode, NOTIFY_DELETE,
                (struct notify_subject){inode, victim->name, victim->length, 0});
}

static enum err unlink_allowed(const struct walk *walk)
{
    if (walk->last != WALK_NAME)
        return E_ISDIR;
    enum err e = names_writable(walk);
    if (e != E_OK)
        return e;
    if (!walk->found)
        return E_NOENT;
    if (walk->trailing_slash)
        return is_directory(walk->found) ? E_ISDIR : E_NOTDIR;
    e = names_may_remove(walk->parent, walk->found);
    if (e != E_OK)
        return e;
    if (is_directory(walk->found))
        return E_ISDIR;
    return dentry_is_mounted_on(walk->found) ? E_BUSY : E_OK;
}

enum err vfs_unlink(struct vfs_place place)
{
    struct walk walk;
    enum err e = walk_path(place.at, place.path, WALK_PARENT, &walk);
    if (e != E_OK)
        return e;
    e = names_settle(&walk);
    if (e == E_OK)
        e = unlink_allowed(&walk);
    if (e == E_OK)
        e = store_remove(&walk);
    if (e == E_OK)
        drop_name(walk.parent, walk.found);
    names_end(&walk);
    return e;
}

static enum err rmdir_allowed(const struct walk *walk)
{
    switch (walk->last) {
    case WALK_DOT:
        return E_INVAL;
    case WALK_DOTDOT:
        return E_NOTEMPTY;
    case WALK_ROOT:
        return E_BUSY;
    case WALK_NAME:
        break;
    }
    enum err e = names_writable(walk);
    if (e != E_OK)
        return e;
    if (!walk->found)
        return E_NOENT;
    e = names_may_remove(walk->parent, walk->found);
    if (e != E_OK)
        return e;
    if (!is_directory(walk->found))
        return E_NOTDIR;
    if (dentry_is_mounted_on(walk->found))
        return E_BUSY;
    return is_full(walk->found) ? E_NOTEMPTY : E_OK;
}

enum err vfs_remove_directory(struct vfs_place place)
{
    struct walk walk;
    enum err e = walk_path(place.at, place.path, WALK_PARENT, &walk);
    if (e != E_OK)
        return e;
    e = names_settle(&walk);
    if (e == E_OK)
        e = rmdir_allowed(&walk);
    if (e == E_OK)
        e = store_remove(&walk);
    if (e == E_OK)
        drop_name(walk.parent, walk.found);
    names_end(&walk);
    return e;
}
