/* SPDX-License-Identifier: MIT */
/* Stored file systems: the changes of names and attributes, on the medium and in memory. */
#include "base/str.h"
#include "fs/vfs/notify.h"
#include "fs/vfs/store_table.h"
#include "fs/vfs/vfs_create.h"
#include "fs/vfs/xattr.h"

static struct store_name name_of_walk(const struct walk *walk)
{
    return (struct store_name){walk->name, walk->length};
}

void links_add(struct inode *inode, int change)
{
    const struct store *store = inode->fs->store;
    if (store && store->ops->own_attributes)
        return;
    uint32_t before = inode->nlink;
    inode->nlink += (uint32_t)change;
    if (!mode_is(inode->mode, S_IFDIR) && before > 0 && inode->nlink > 0)
        inode->fs->links += (uint64_t)(int64_t)change;
}

void names_touch_modified(struct inode *inode)
{
    const struct store *store = inode->fs->store;
    if (!store)
        inode_touch_modified(inode);
    else if (!store->ops->own_attributes)
        inode->modified = inode->changed = store->now;
}

void names_touch_changed(struct inode *inode)
{
    const struct store *store = inode->fs->store;
    if (!store)
        inode_touch_changed(inode);
    else if (!store->ops->own_attributes)
        inode->changed = store->now;
}

/* What create() is to make; as->attributes are the caller's to free or to move. */
static enum err prepare_change(struct dentry *directory, const char *target, struct inode *as)
{
    static struct filesystem in_memory; /* attributes are not on a medium yet */
    struct store *store = store_of(directory->inode);
    if (!store->ops->create)
        return E_PERM;
    as->fs = &in_memory;
    as->link = (char *)(uintptr_t)target;
    as->size = target ? strlen(target) : 0;
    store->now = fs_time_now();
    as->accessed = as->modified = as->changed = as->created = store->now;
    return vfs_prepare_inode(directory, as);
}

static enum err create_as(struct dentry *directory, struct store_name name, struct inode *as,
                          struct inode **out)
{
    struct inode *inode;
    enum err e = store_of(directory->inode)->ops->create(directory->inode, name, as, &inode);
    if (e != E_OK)
        return e;
    inode->attributes = as->attributes;
    as->attributes = NULL;
    inode_mode_changed(inode);
    *out = inode;
    return E_OK;
}

static enum err create_named(const struct walk *walk, struct inode *as, const char *target,
                             struct dentry **out)
{
    struct dentry *dentry;
    enum err e = store_find(walk->parent, name_of_walk(walk), &dentry);
    if (e == E_OK) {
        dentry_put(dentry);
        return E_EXIST;
    }
    if (e != E_NOENT)
        return e;
    e = vfs_may_create(walk->parent);
    if (e == E_OK)
        e = prepare_change(walk->parent, target, as);
    if (e == E_OK)
        e = store_name_alloc(walk->parent, name_of_walk(walk), &dentry);
    if (e != E_OK)
        return e;
    struct inode *inode;
    e = create_as(walk->parent, name_of_walk(walk), as, &inode);
    if (e != E_OK) {
        dentry_put(dentry);
        return e;
    }
    store_names_changed(store_of(inode));
    store_name_add(dentry, inode);
    inode_put(inode);
    vfs_name_added(dentry);
    *out = dentry;
    return E_OK;
}

static void free_attributes(const struct inode *as)
{
    if (as->attributes)
        attributes_free(as->attributes);
}

enum err store_create(const struct walk *walk, uint32_t mode, uint64_t device, const char *target,
                      struct dentry **out)
{
    struct store *store = store_of(walk->parent->inode);
    struct inode as = {.mode = mode, .device = device};
    store_lock(store);
    enum err e = create_named(walk, &as, target, out);
    store_unlock(store);
    free_attributes(&as);
    return e;
}

enum err store_create_unnamed(struct dentry *directory, uint32_t mode, struct inode **out)
{
    struct store *store = store_of(directory->inode);
    struct inode as = {.mode = mode};
    store_lock(store);
    enum err e = vfs_may_create(directory);
    if (e == E_OK)
        e = prepare_change(directory, NULL, &as);
    if (e == E_OK)
        e = create_as(directory, (struct store_name){"", 0}, &as, out);
    store_unlock(store);
    free_attributes(&as);
    return e;
}

enum err store_link(const struct walk *walk, struct inode *inode, struct dentry **out)
{
    struct store *store = store_of(inode);
    struct dentry *dentry;
    if (!store->ops->link)
        return E_PERM;
    enum err e = store_name_alloc(walk->parent, name_of_walk(walk), &dentry);
    if (e != E_OK)
        return e;
    store->now = fs_time_now();
    e = store->ops->link(walk->parent->inode, name_of_walk(walk), inode);
    if (e != E_OK) {
        dentry_put(dentry);
        return e;
    }
    store_names_changed(store);
    store_name_add(dentry, inode);
    vfs_name_added(dentry);
    *out = dentry;
    return E_OK;
}

enum err store_remove(const struct walk *walk)
{
    struct store *store = store_of(walk->parent->inode);
    if (!store)
        return E_OK;
    store->now = fs_time_now();
    return store->ops->unlink(walk->parent->inode, name_of_walk(walk), walk->found->inode);
}

static enum err rename_on_medium(const struct dentry_step *step)
{
    const struct store_rename *rename = CONTAINER_OF(step, const struct store_rename, step);
    struct store *store = store_of(rename->move.inode);
    if (!store->ops->rename)
        return E_PERM;
    store->now = fs_time_now();
    enum err e = store->ops->rename(&rename->move);
    store_names_changed(store);
    return e;
}

const struct dentry_step *store_rename_step(struct store_rename *out, const struct walk *from,
                                            const struct walk *to, uint32_t flags)
{
    if (!store_of(from->parent->inode))
        return NULL;
    *out = (struct store_rename){
        .step = {rename_on_medium},
        .move = {.from = from->parent->inode,
                 .to = to->parent->inode,
                 .from_name = name_of_walk(from),
                 .to_name = name_of_walk(to),
                 .inode = from->found->inode,
                 .replaced = to->found ? to->found->inode : NULL,
                 .flags = flags},
    };
    return &out->step;
}

enum err store_change(struct inode *inode, const struct store_attributes *to)
{
    const struct store *store = store_of(inode);
    if (!store)
        return E_OK;
    return store->ops->change ? store->ops->change(inode, to) : E_PERM;
}

enum err store_set_attribute(struct inode *inode, const char *name, const void *value, size_t size)
{
    struct store *store = store_of(inode);
    if (!store)
        return E_OK;
    store->now = fs_time_now();
    return store->ops->set_attribute ? store->ops->set_attribute(inode, name, value, size)
                                     : E_NOTSUP;
}
