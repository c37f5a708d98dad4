/* SPDX-License-Identifier: MIT */
/* rename(2) and renameat2(2). */
#include "fs/vfs/names.h"
#include "fs/vfs/notify.h"
#include "fs/vfs/store_table.h"
#include "fs/vfs/vfs.h"
#include "fs/vfs/vfs_create.h"

/* Checks of rename() that precede the checks of permissions. */
static enum err rename_names_ok(const struct walk *from, const struct walk *to, uint32_t flags)
{
    if (from->last != WALK_NAME)
        return E_BUSY;
    if (to->last != WALK_NAME)
        return (flags & RENAME_NOREPLACE) ? E_EXIST : E_BUSY;
    if (from->mount != to->mount || from->parent->inode->fs != to->parent->inode->fs)
        return E_XDEV;
    enum err e = names_writable(from);
    if (e != E_OK)
        return e;
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
    if (dentry_is_mounted_on(from->found) || (to->found && dentry_is_mounted_on(to->found)))
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
    enum err e = names_may_remove(from->parent, from->found);
    if (e != E_OK)
        return e;
    e = to->found ? names_may_remove(to->parent, to->found) : names_may_write(to->parent);
    if (e != E_OK)
        return e;
    if (to->parent->inode->nlink == 0)
        return E_NOENT;
    if (to->found && !exchange) {
        if (is_directory(from->found) && !is_directory(to->found))
            return E_NOTDIR;
        if (!is_directory(from->found) && is_directory(to->found))
            return E_ISDIR;
        if (is_directory(to->found) && is_full(to->found))
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
    names_touch_modified(from->parent->inode);
    names_touch_modified(to->parent->inode);
    names_touch_changed(from->found->inode);
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

/* *out: a whiteout, the device 0:0, for the place of a name that moves: overlayfs takes it for a removed one. */
COLD static enum err make_whiteout(const struct walk *from, struct dentry **out)
{
    struct inode *inode;
    if (from->parent->inode->fs->store)
        return E_INVAL;
    enum err e = vfs_create_inode(from->parent, S_IFCHR, 0, &inode);
    if (e != E_OK)
        return e;
    e = dentry_alloc(from->parent, from->name, from->length, inode, out);
    inode_put(inode);
    return e;
}

/* `whiteout` takes the old name; NULL: nothing does. */
static enum err rename_replace(const struct walk *from, const struct walk *to,
                               struct dentry *whiteout)
{
    struct dentry *victim = to->found;
    struct store_rename step;
    const struct dentry_place place = {to->parent, to->name, to->length};
    enum err e = dentry_move(from->found, &place, victim, store_rename_step(&step, from, to, 0));
    if (e != E_OK)
        return e;
    if (whiteout) {
        e = dentry_link(whiteout);
        whiteout->inode->nlink = e == E_OK;
    }
    if (is_directory(from->found)) {
        links_add(from->parent->inode, -1);
        links_add(to->parent->inode, 1);
    }
    notify_move(from, to, from->found->inode);
    if (victim) {
        struct inode *inode = victim->inode;
        if (is_directory(victim)) {
            inode->nlink = 0;
            links_add(to->parent->inode, -1);
        } else {
            links_add(inode, -1);
        }
        names_touch_changed(inode);
        notify_inode(inode, NOTIFY_ATTRIBUTES);
    }
    notify_inode(from->found->inode, NOTIFY_MOVE_SELF);
    rename_touch(from, to);
    return e;
}

static enum err rename_exchange(const struct walk *from, const struct walk *to)
{
    struct store_rename step;
    enum err e = dentry_exchange(from->found, to->found,
                                 store_rename_step(&step, from, to, RENAME_EXCHANGE));
    if (e != E_OK)
        return e;
    int change = (int)is_directory(to->found) - (int)is_directory(from->found);
    links_add(from->parent->inode, change);
    links_add(to->parent->inode, -change);
    names_touch_changed(to->found->inode);
    rename_touch(from, to);
    notify_move(from, to, from->found->inode);
    notify_inode(from->found->inode, NOTIFY_MOVE_SELF);
    notify_move(to, from, to->found->inode);
    notify_inode(to->found->inode, NOTIFY_MOVE_SELF);
    return E_OK;
}

static enum err rename_perform(const struct walk *from, const struct walk *to, uint32_t flags)
{
    struct dentry *whiteout = NULL;
    enum err e = rename_allowed(from, to, flags);
    if (e == E_OK && (flags & RENAME_EXCHANGE))
        return rename_exchange(from, to);
    if (e == E_OK && (flags & RENAME_WHITEOUT))
        e = make_whiteout(from, &whiteout);
    if (e == E_OK)
        e = rename_replace(from, to, whiteout);
    dentry_put(whiteout);
    return e;
}

enum err vfs_rename(struct vfs_place from, struct vfs_place to, uint32_t flags)
{
    if (flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT))
        return E_INVAL;
    if ((flags & RENAME_EXCHANGE) && (flags & (RENAME_NOREPLACE | RENAME_WHITEOUT)))
        return E_INVAL;
    struct walk old, new;
    if (to.at)
        location_get(to.at); /* another thread may close the descriptor during the first walk */
    enum err e = walk_path(from.at, from.path, WALK_PARENT, &old);
    if (e == E_OK) {
        e = walk_path(to.at, to.path, WALK_PARENT, &new);
        if (e != E_OK)
            walk_end(&old);
    }
    if (to.at)
        location_put(to.at);
    if (e != E_OK)
        return e;
    e = names_settle(&old);
    if (e == E_OK && old.parent &&
        new.parent &&new.parent->inode->fs == old.parent->inode->fs &&old.parent->inode->fs->store)
        e = store_settle_more(&new);
    if (e == E_OK)
        e = rename_names_ok(&old, &new, flags);
    /* rename(2) of two names of the same file does nothing. */
    const struct dentry *target = new.found;
    bool same = e == E_OK && target && old.found->inode == target->inode;
    if (e == E_OK && !same)
        e = rename_perform(&old, &new, flags);
    walk_end(&new);
    names_end(&old);
    return e;
}
