/* SPDX-License-Identifier: MIT */
/* Changes of names and attributes: all of them in the upper layer, with whiteouts where the lower one has the name. */
#include "base/str.h"
#include "fs/overlay/layers.h"
#include "fs/vfs/file.h"
#include "fs/vfs/wait.h"
#include "fs/vfs/xattr.h"
#include "mm/heap/heap.h"

struct text_name {
    size_t length;
    char text[NAME_MAX_LENGTH + 1];
};

static void name_take(struct text_name *to, struct store_name name)
{
    to->length = name.length;
    memcpy(to->text, name.text, name.length);
    to->text[name.length] = '\0';
}

#define UPPER_PLACE(directory, name)                                                               \
    ((struct vfs_place){LAYER(overlay_node_of(directory)->upper), (name)->text})

static enum err whiteout_make(const struct inode *directory, const struct text_name *name)
{
    return vfs_make_node(UPPER_PLACE(directory, name), S_IFCHR, 0);
}

/* Removes the whiteout that the upper directory has in place of the name, if any. */
static enum err whiteout_clear(const struct inode *directory, const struct text_name *name)
{
    struct dentry *found;
    enum err e = layer_find(overlay_node_of(directory)->upper, name->text, name->length, &found);
    if (e != E_OK)
        return e == E_NOENT ? E_OK : e;
    bool whiteout = layer_is_whiteout(found->inode);
    dentry_put(found);
    return whiteout ? vfs_unlink(UPPER_PLACE(directory, name)) : E_OK;
}

/* ---- Creation ---- */

static enum err upper_make(struct inode *directory, const struct text_name *name,
                           const struct inode *as)
{
    const struct vfs_place place = UPPER_PLACE(directory, name);
    if (mode_is(as->mode, S_IFLNK))
        return vfs_make_symlink(as->link, place);
    if (mode_is(as->mode, S_IFDIR))
        return vfs_make_directory(place, as->mode & MODE_ALL);
    return vfs_make_node(place, as->mode, as->device);
}

/* What the upper file system made of it by its own rules is what VFS has made of it; else it becomes so. */
static enum err upper_settle(struct dentry *made, const struct inode *as)
{
    const char *name;
    const void *value;
    size_t size;
    enum err e = E_OK;
    if (made->inode->uid != as->uid || made->inode->gid != as->gid)
        e = vfs_change_owner(made, as->uid, as->gid);
    for (uint32_t at = 0; e == E_OK && xattr_next(as, &at, &name, &value, &size);)
        e = layer_set_mark(made, name, value, size);
    if (e == E_OK && made->inode->mode != as->mode && !mode_is(as->mode, S_IFLNK))
        e = vfs_change_mode(made, as->mode & MODE_ALL);
    return e;
}

static enum err upper_create(struct inode *directory, const struct text_name *name,
                             const struct inode *as, struct dentry **out)
{
    bool covers = mode_is(as->mode, S_IFDIR) && overlay_lower_has(directory, name->text);
    enum err e = whiteout_clear(directory, name);
    if (e == E_OK)
        e = upper_make(directory, name, as);
    if (e == E_OK)
        e = layer_find(overlay_node_of(directory)->upper, name->text, name->length, out);
    if (e != E_OK)
        return e;
    if (covers)
        e = layer_set_mark(*out, MARK_OPAQUE, "y", 1);
    if (e == E_OK)
        e = upper_settle(*out, as);
    if (e != E_OK)
        dentry_put(*out);
    return e;
}

static enum err upper_create_unnamed(struct inode *directory, const struct inode *as,
                                     struct dentry **out)
{
    struct file *file;
    enum err e = vfs_open(LAYER(overlay_node_of(directory)->upper), ".", O_TMPFILE | O_RDWR,
                          as->mode & MODE_ALL, &file);
    if (e != E_OK)
        return e;
    *out = file->dentry;
    dentry_get(*out);
    file_put(file);
    e = upper_settle(*out, as);
    if (e != E_OK)
        dentry_put(*out);
    return e;
}

enum err overlay_create(struct inode *directory, struct store_name store_name,
                        const struct inode *as, struct inode **out)
{
    struct text_name name;
    struct layer_rights rights;
    struct dentry *made;
    if (layer_is_whiteout(as))
        return E_PERM;
    name_take(&name, store_name);
    enum err e = overlay_copy_up(directory, 0);
    if (e != E_OK)
        return e;
    layer_rights_begin(&rights, as->uid, as->gid);
    e = name.length > 0 ? upper_create(directory, &name, as, &made)
                        : upper_create_unnamed(directory, as, &made);
    layer_rights_end(&rights);
    if (e != E_OK)
        return e;
    e = overlay_node_get(overlay_of(directory), made, NULL, out);
    if (e != E_OK)
        return e;
    /* VFS moves `as`'s attributes into it. */
    if ((*out)->attributes && as->attributes) {
        attributes_free((*out)->attributes);
        (*out)->attributes = NULL;
    }
    overlay_follow(directory);
    return E_OK;
}

enum err overlay_link(struct inode *directory, struct store_name store_name, struct inode *inode)
{
    struct text_name name;
    struct layer_rights rights;
    name_take(&name, store_name);
    enum err e = overlay_copy_up(inode, UINT64_MAX);
    if (e == E_OK)
        e = overlay_copy_up(directory, 0);
    if (e != E_OK)
        return e;
    layer_rights_begin(&rights, 0, 0);
    e = whiteout_clear(directory, &name);
    if (e == E_OK)
        e = vfs_link(LAYER(overlay_node_of(inode)->upper), UPPER_PLACE(directory, &name));
    layer_rights_end(&rights);
    if (e != E_OK)
        return e;
    inode->nlink = overlay_node_of(inode)->upper->inode->nlink;
    overlay_follow(inode);
    overlay_follow(directory);
    return E_OK;
}

/* ---- Removal ---- */

/* Removes the whiteouts of a directory that is seen as empty. */
static enum err whiteouts_clear(struct dentry *upper)
{
    struct layer_batch *batch = heap_alloc(sizeof(*batch));
    enum err e = batch ? E_OK : E_NOMEM;
    do {
        if (e == E_OK)
            e = layer_list(upper, COOKIE_FIRST, batch);
        for (uint32_t i = 0; e == E_OK && i < batch->count; i++)
            e = vfs_unlink((struct vfs_place){LAYER(upper), batch->entry[i].name});
        (void)fs_give_way();
    } while (e == E_OK && batch->count > 0);
    heap_free(batch);
    return e;
}

static enum err upper_remove(struct inode *directory, const struct text_name *name,
                             const struct inode *inode)
{
    struct dentry *upper = overlay_node_of(inode)->upper;
    if (!mode_is(inode->mode, S_IFDIR))
        return vfs_unlink(UPPER_PLACE(directory, name));
    enum err e = whiteouts_clear(upper);
    return e == E_OK ? vfs_remove_directory(UPPER_PLACE(directory, name)) : e;
}

enum err overlay_unlink(struct inode *directory, struct store_name store_name, struct inode *inode)
{
    struct text_name name;
    struct layer_rights rights;
    name_take(&name, store_name);
    enum err e = mode_is(inode->mode, S_IFDIR) ? overlay_is_empty(inode) : E_OK;
    if (e == E_OK)
        e = overlay_copy_up(directory, 0);
    if (e != E_OK)
        return e;
    bool covered = overlay_lower_has(directory, name.text);
    struct dentry *upper = overlay_node_of(inode)->upper;
    layer_rights_begin(&rights, 0, 0);
    if (upper)
        e = upper_remove(directory, &name, inode);
    if (e == E_OK && covered)
        e = whiteout_make(directory, &name);
    layer_rights_end(&rights);
    if (e != E_OK)
        return e;
    inode->nlink = upper && !mode_is(inode->mode, S_IFDIR) ? upper->inode->nlink : 0;
    overlay_follow(inode);
    overlay_follow(directory);
    return E_OK;
}

/* ---- rename() ---- */

static bool is_dir(const struct inode *inode)
{
    return mode_is(inode->mode, S_IFDIR);
}

/* Before anything is changed: what must be in the upper layer is. */
static enum err rename_prepare(const struct store_move *move)
{
    bool exchange = move->flags & RENAME_EXCHANGE;
    if (is_dir(move->inode) && overlay_node_of(move->inode)->lower)
        return E_XDEV;
    if (exchange && is_dir(move->replaced) && overlay_node_of(move->replaced)->lower)
        return E_XDEV;
    enum err e = E_OK;
    if (move->replaced && is_dir(move->replaced) && !exchange)
        e = overlay_is_empty(move->replaced);
    if (e == E_OK)
        e = overlay_copy_up(move->inode, UINT64_MAX);
    if (e == E_OK && exchange)
        e = overlay_copy_up(move->replaced, UINT64_MAX);
    if (e == E_OK)
        e = overlay_copy_up(move->from, 0);
    return e == E_OK ? overlay_copy_up(move->to, 0) : e;
}

/* A directory that comes to a name that lower has must not be merged with that. */
static enum err cover(const struct inode *moved, bool covers)
{
    return covers && is_dir(moved)
               ? layer_set_mark(overlay_node_of(moved)->upper, MARK_OPAQUE, "y", 1)
               : E_OK;
}

static enum err rename_upper(const struct store_move *move, const struct text_name *from,
                             const struct text_name *to)
{
    bool exchange = move->flags & RENAME_EXCHANGE;
    bool left = overlay_lower_has(move->from, from->text);
    enum err e = cover(move->inode, overlay_lower_has(move->to, to->text));
    if (e == E_OK && exchange)
        e = cover(move->replaced, left);
    if (e == E_OK && !exchange && is_dir(move->inode)) {
        e = whiteout_clear(move->to, to);
        if (e == E_OK && move->replaced && overlay_node_of(move->replaced)->upper)
            e = whiteouts_clear(overlay_node_of(move->replaced)->upper);
    }
    if (e == E_OK)
        e = vfs_rename(UPPER_PLACE(move->from, from), UPPER_PLACE(move->to, to), move->flags);
    if (e == E_OK && left && !exchange)
        e = whiteout_make(move->from, from);
    return e;
}

enum err overlay_rename(const struct store_move *move)
{
    struct text_name from, to;
    struct layer_rights rights;
    name_take(&from, move->from_name);
    name_take(&to, move->to_name);
    enum err e = rename_prepare(move);
    if (e != E_OK)
        return e;
    layer_rights_begin(&rights, 0, 0);
    e = rename_upper(move, &from, &to);
    layer_rights_end(&rights);
    if (e != E_OK)
        return e;
    if (move->replaced && !(move->flags & RENAME_EXCHANGE)) {
        const struct dentry *upper = overlay_node_of(move->replaced)->upper;
        move->replaced->nlink = upper && !is_dir(move->replaced) ? upper->inode->nlink : 0;
    }
    if (move->replaced)
        overlay_follow(move->replaced);
    overlay_follow(move->inode);
    overlay_follow(move->from);
    overlay_follow(move->to);
    return E_OK;
}

/* ---- Attributes ---- */

static enum err change_upper(struct dentry *upper, const struct inode *inode,
                             const struct store_attributes *to)
{
    enum err e = E_OK;
    uint32_t mode = to->what & STORE_MODE ? to->mode : inode->mode;
    const struct vfs_times times = {.accessed = to->accessed,
                                    .modified = to->modified,
                                    .set_accessed = to->what & STORE_ACCESSED,
                                    .set_modified = to->what & STORE_MODIFIED};
    if (to->what & STORE_OWNER)
        e = vfs_change_owner(upper, to->uid, to->gid);
    /* The change of the owner may have taken bits away. */
    if (e == E_OK && (to->what & (STORE_OWNER | STORE_MODE)) &&
        ((to->what & STORE_MODE) || upper->inode->mode != mode) && !mode_is(mode, S_IFLNK))
        e = vfs_change_mode(upper, mode & MODE_ALL);
    if (e == E_OK && (to->what & (STORE_ACCESSED | STORE_MODIFIED)))
        e = vfs_change_times(upper, &times);
    return e;
}

enum err overlay_change(struct inode *inode, const struct store_attributes *to)
{
    struct layer_rights rights;
    if (to->what & STORE_LAZY)
        return E_OK; /* times: the real inode has its own */
    enum err e = overlay_copy_up(inode, UINT64_MAX);
    if (e != E_OK)
        return e;
    layer_rights_begin(&rights, 0, 0);
    e = change_upper(overlay_node_of(inode)->upper, inode, to);
    layer_rights_end(&rights);
    if (e == E_OK)
        overlay_follow(inode);
    return e;
}

enum err overlay_set_attribute(struct inode *inode, const char *name, const void *value,
                               size_t size)
{
    struct layer_rights rights;
    if (layer_is_private(name))
        return E_PERM;
    enum err e = overlay_copy_up(inode, UINT64_MAX);
    if (e != E_OK)
        return e;
    layer_rights_begin(&rights, 0, 0);
    e = layer_set_mark(overlay_node_of(inode)->upper, name, value, size);
    layer_rights_end(&rights);
    if (e == E_OK)
        overlay_follow(inode);
    return e;
}
