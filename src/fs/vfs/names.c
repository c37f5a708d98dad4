/* SPDX-License-Identifier: MIT */
/* Operations that change directories: creating, linking, removing and renaming. */
#include "base/str.h"
#include "fs/vfs/context.h"
#include "fs/vfs/notify.h"
#include "fs/vfs/vfs.h"
#include "fs/vfs/vfs_create.h"
#include "fs/vfs/xattr.h"
#include "mm/heap/heap.h"

static bool is_directory(const struct dentry *dentry)
{
    return mode_is(dentry->inode->mode, S_IFDIR);
}

static enum err may_write_into(const struct dentry *directory)
{
    return inode_permission(directory->inode, MAY_WRITE | MAY_EXECUTE);
}

enum err vfs_create_inode(struct dentry *directory, uint32_t mode, uint64_t device,
                          struct inode **out)
{
    struct inode *parent = directory->inode;
    struct filesystem *fs = parent->fs;
    if (!fs->create || parent->nlink == 0)
        return E_NOENT;
    enum err e = may_write_into(directory);
    if (e != E_OK)
        return e;
    struct inode *inode;
    e = fs->create(fs, mode, device, &inode);
    if (e != E_OK)
        return e;
    const struct credentials *c = credentials_current();
    const uint32_t group_runs = S_ISGID | 0010;
    inode->uid = c->uid.fs;
    inode->gid = c->gid.fs;
    if (parent->mode & S_ISGID) {
        inode->gid = parent->gid;
        if (mode_is(mode, S_IFDIR))
            inode->mode |= S_ISGID;
        else if ((mode & group_runs) == group_runs && !credentials_in_group(c, inode->gid) &&
                 !credentials_have(c, CAP_FSETID))
            inode->mode &= ~S_ISGID;
    }
    if (parent->attributes)
        e = attributes_inherit(parent->attributes, inode, fs_current()->umask);
    else if (!mode_is(mode, S_IFLNK))
        inode->mode &= ~fs_current()->umask;
    if (e != E_OK) {
        inode_put(inode);
        return e;
    }
    inode_mode_changed(inode);
    *out = inode;
    return E_OK;
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
    struct inode *parent = walk->parent->inode;
    inode->nlink++;
    if (is_directory(dentry)) {
        inode->nlink++;
        parent->nlink++;
    }
    inode_touch_modified(parent);
    if (inode->nlink > 1 && !is_directory(dentry))
        notify_inode(inode, NOTIFY_ATTRIBUTES);
    notify_name(parent, NOTIFY_CREATE,
                (struct notify_subject){inode, dentry->name, dentry->length, 0});
    *out = dentry;
    return E_OK;
}

enum err vfs_create_child(const struct walk *walk, uint32_t mode, uint64_t device,
                          struct dentry **out)
{
    struct inode *inode;
    enum err e = vfs_create_inode(walk->parent, mode, device, &inode);
    if (e != E_OK)
        return e;
    e = add_name(walk, inode, out);
    inode_put(inode);
    return e;
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
        e = may_write_into(walk.parent);
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
    e = vfs_create_inode(walk.parent, S_IFLNK | 0777, 0, &inode);
    if (e == E_OK) {
        struct dentry *dentry;
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

static enum err link_allowed(const struct dentry *target, const struct walk *walk)
{
    const struct inode *inode = target->inode;
    if (inode->fs != walk->parent->inode->fs)
        return E_XDEV;
    if (check_link_source(inode) != E_OK)
        return E_PERM;
    if (!inode->fs->create)
        return E_PERM;
    if (walk->parent->inode->nlink == 0)
        return E_NOENT;
    enum err e = may_write_into(walk->parent);
    if (e != E_OK)
        return e;
    if (is_directory(target))
        return E_PERM;
    if (inode->nlink == 0 && !inode->linkable)
        return E_NOENT;
    return inode->nlink == UINT32_MAX ? E_MLINK : E_OK;
}

enum err vfs_link(struct dentry *target, struct vfs_place place)
{
    struct walk walk;
    enum err e = walk_free(place, false, &walk);
    if (e != E_OK)
        return e;
    struct dentry *dentry;
    e = link_allowed(target, &walk);
    if (e == E_OK)
        e = add_name(&walk, target->inode, &dentry);
    if (e == E_OK) {
        target->inode->linkable = false;
        inode_touch_changed(target->inode);
        dentry_put(dentry);
    }
    walk_end(&walk);
    return e;
}

/* Checks the right to remove the entry from its directory. */
static enum err may_remove(const struct dentry *directory, const struct dentry *victim)
{
    const struct inode *parent = directory->inode;
    uint32_t uid = credentials_current()->uid.fs;
    enum err e = may_write_into(directory);
    if (e != E_OK)
        return e;
    if (!parent->fs->create)
        return E_PERM;
    bool sticky = (parent->mode & S_ISVTX) && uid != victim->inode->uid && uid != parent->uid;
    return sticky && !capable(CAP_FOWNER) ? E_PERM : E_OK;
}

static bool is_mounted_root(const struct dentry *dentry)
{
    return dentry->parent == dentry;
}

/* Unlinks the entry and updates counts and times. The caller holds a reference to the dentry. */
static void drop_name(struct dentry *directory, struct dentry *victim)
{
    struct inode *inode = victim->inode;
    dentry_unlink(victim);
    if (is_directory(victim)) {
        inode->nlink = 0;
        directory->inode->nlink--;
    } else {
        inode->nlink--;
        notify_inode(inode, NOTIFY_ATTRIBUTES);
    }
    inode_touch_changed(inode);
    inode_touch_modified(directory->inode);
    if (inode->watches && inode->nlink == 0 && victim->references == 1)
        notify_gone(inode); /* no other reference: IN_DELETE_SELF comes before IN_DELETE */
    notify_name(directory->inode, NOTIFY_DELETE,
                (struct notify_subject){inode, victim->name, victim->length, 0});
}

static enum err unlink_allowed(const struct walk *walk)
{
    if (walk->last != WALK_NAME)
        return E_ISDIR;
    if (!walk->found)
        return E_NOENT;
    if (walk->trailing_slash)
        return is_directory(walk->found) ? E_ISDIR : E_NOTDIR;
    enum err e = may_remove(walk->parent, walk->found);
    if (e != E_OK)
        return e;
    return is_directory(walk->found) ? E_ISDIR : E_OK;
}

enum err vfs_unlink(struct vfs_place place)
{
    struct walk walk;
    enum err e = walk_path(place.at, place.path, WALK_PARENT, &walk);
    if (e != E_OK)
        return e;
    e = unlink_allowed(&walk);
    if (e == E_OK)
        drop_name(walk.parent, walk.found);
    walk_end(&walk);
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
    if (!walk->found)
        return E_NOENT;
    enum err e = may_remove(walk->parent, walk->found);
    if (e != E_OK)
        return e;
    if (!is_directory(walk->found))
        return E_NOTDIR;
    if (is_mounted_root(walk->found))
        return E_BUSY;
    return walk->found->inode->directory->names.count > 0 ? E_NOTEMPTY : E_OK;
}

enum err vfs_remove_directory(struct vfs_place place)
{
    struct walk walk;
    enum err e = walk_path(place.at, place.path, WALK_PARENT, &walk);
    if (e != E_OK)
        return e;
    e = rmdir_allowed(&walk);
    if (e == E_OK)
        drop_name(walk.parent, walk.found);
    walk_end(&walk);
    return e;
}

/* Checks of rename() that precede the checks of permissions. */
static enum err rename_names_ok(const struct walk *from, const struct walk *to, uint32_t flags)
{
    if (from->last != WALK_NAME)
        return E_BUSY;
    if (to->last != WALK_NAME)
        return (flags & RENAME_NOREPLACE) ? E_EXIST : E_BUSY;
    if (from->parent->inode->fs != to->parent->inode->fs)
        return E_XDEV;
    if (!from->found)
        return E_NOENT;
    if ((flags & RENAME_NOREPLACE) && to->found)
        return E_EXIST;
    if (flags & RENAME_EXCHANGE) {
        if (!to->found)
            return E_NOENT;
        if (!is_directory(to->found) && to->trailing_slash)
            return E_NOTDIR;
    }
    if (!is_directory(from->found)) {
        if (from->trailing_slash || (!(flags & RENAME_EXCHANGE) && to->trailing_slash))
            return E_NOTDIR;
    }
    if (is_mounted_root(from->found) || (to->found && is_mounted_root(to->found)))
        return E_BUSY;
    if (dentry_is_below(to->parent, from->found))
        return E_INVAL;
    if (to->found && dentry_is_below(from->parent, to->found))
        return (flags & RENAME_EXCHANGE) ? E_INVAL : E_NOTEMPTY;
    return E_OK;
}

static enum err rename_allowed(const struct walk *from, const struct walk *to, uint32_t flags)
{
    bool exchange = flags & RENAME_EXCHANGE;
    enum err e = may_remove(from->parent, from->found);
    if (e != E_OK)
        return e;
    e = to->found ? may_remove(to->parent, to->found) : may_write_into(to->parent);
    if (e != E_OK)
        return e;
    if (to->parent->inode->nlink == 0)
        return E_NOENT;
    if (to->found && !exchange) {
        if (is_directory(from->found) && !is_directory(to->found))
            return E_NOTDIR;
        if (!is_directory(from->found) && is_directory(to->found))
            return E_ISDIR;
        if (is_directory(to->found) && to->found->inode->directory->names.count > 0)
            return E_NOTEMPTY;
    }
    if (from->parent == to->parent)
        return E_OK;
    /* Moving a directory changes its "..", which is a write to it. */
    if (is_directory(from->found))
        e = inode_permission(from->found->inode, MAY_WRITE);
    if (e == E_OK && exchange && is_directory(to->found))
        e = inode_permission(to->found->inode, MAY_WRITE);
    return e;
}

static void rename_touch(const struct walk *from, const struct walk *to)
{
    inode_touch_modified(from->parent->inode);
    inode_touch_modified(to->parent->inode);
    inode_touch_changed(from->found->inode);
}

COLD static void notify_move(const struct walk *from, const struct walk *to,
                             const struct inode *moved)
{
    uint32_t cookie = notify_next_cookie();
    if (from->parent == to->parent)
        notify_name(from->parent->inode, NOTIFY_RENAMED, (struct notify_subject){.inode = moved});
    notify_name(from->parent->inode, NOTIFY_MOVED_FROM,
                (struct notify_subject){moved, from->name, from->length, cookie});
    notify_name(to->parent->inode, NOTIFY_MOVED_TO,
                (struct notify_subject){moved, to->name, to->length, cookie});
}

/* Puts a whiteout, the device 0:0, in the place of a name that has moved: overlayfs takes it for a removed one. */
COLD static enum err leave_whiteout(const struct walk *from, struct inode *whiteout)
{
    struct dentry *dentry;
    enum err e = dentry_alloc(from->parent, from->name, from->length, whiteout, &dentry);
    if (e != E_OK)
        return e;
    whiteout->nlink = 1;
    e = dentry_link(dentry);
    dentry_put(dentry);
    return e;
}

/* `whiteout`: the inode that takes the old name; NULL: nothing does. */
static enum err rename_replace(const struct walk *from, const struct walk *to,
                               struct inode *whiteout)
{
    struct dentry *victim = to->found;
    enum err e = dentry_move(from->found, to->parent, to->name, to->length, victim);
    if (e != E_OK)
        return e;
    if (whiteout)
        e = leave_whiteout(from, whiteout);
    if (is_directory(from->found)) {
        from->parent->inode->nlink--;
        to->parent->inode->nlink++;
    }
    notify_move(from, to, from->found->inode);
    if (victim) {
        struct inode *inode = victim->inode;
        if (is_directory(victim)) {
            inode->nlink = 0;
            to->parent->inode->nlink--;
        } else {
            inode->nlink--;
        }
        inode_touch_changed(inode);
        notify_inode(inode, NOTIFY_ATTRIBUTES);
    }
    notify_inode(from->found->inode, NOTIFY_MOVE_SELF);
    rename_touch(from, to);
    return e;
}

static enum err rename_exchange(const struct walk *from, const struct walk *to)
{
    enum err e = dentry_exchange(from->found, to->found);
    if (e != E_OK)
        return e;
    int change = (int)is_directory(to->found) - (int)is_directory(from->found);
    from->parent->inode->nlink += (uint32_t)change;
    to->parent->inode->nlink -= (uint32_t)change;
    inode_touch_changed(to->found->inode);
    rename_touch(from, to);
    notify_move(from, to, from->found->inode);
    notify_inode(from->found->inode, NOTIFY_MOVE_SELF);
    notify_move(to, from, to->found->inode);
    notify_inode(to->found->inode, NOTIFY_MOVE_SELF);
    return E_OK;
}

static enum err rename_perform(const struct walk *from, const struct walk *to, uint32_t flags)
{
    struct inode *whiteout = NULL;
    enum err e = rename_allowed(from, to, flags);
    if (e == E_OK && (flags & RENAME_EXCHANGE))
        return rename_exchange(from, to);
    if (e == E_OK && (flags & RENAME_WHITEOUT))
        e = vfs_create_inode(from->parent, S_IFCHR, 0, &whiteout);
    if (e == E_OK)
        e = rename_replace(from, to, whiteout);
    inode_put(whiteout);
    return e;
}

enum err vfs_rename(struct vfs_place from, struct vfs_place to, uint32_t flags)
{
    if (flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT))
        return E_INVAL;
    if ((flags & RENAME_EXCHANGE) && (flags & (RENAME_NOREPLACE | RENAME_WHITEOUT)))
        return E_INVAL;
    struct walk old, new;
    enum err e = walk_path(from.at, from.path, WALK_PARENT, &old);
    if (e != E_OK)
        return e;
    e = walk_path(to.at, to.path, WALK_PARENT, &new);
    if (e != E_OK) {
        walk_end(&old);
        return e;
    }
    e = rename_names_ok(&old, &new, flags);
    /* rename(2) of two names of the same file does nothing. */
    const struct dentry *target = new.found;
    bool same = e == E_OK && target && old.found->inode == target->inode;
    if (e == E_OK && !same)
        e = rename_perform(&old, &new, flags);
    walk_end(&old);
    walk_end(&new);
    return e;
}
