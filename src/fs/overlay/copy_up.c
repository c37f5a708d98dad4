/* SPDX-License-Identifier: MIT */
/* Lower files get upper copies before their first change. */
#include "base/str.h"
#include "fs/overlay/layers.h"
#include "fs/vfs/file.h"
#include "fs/vfs/wait.h"
#include "fs/vfs/xattr.h"
#include "mm/heap/heap.h"

#define PIECE 65536u
#define BLOCK 4096u

static struct vfs_times times_of(const struct inode *inode)
{
    return (struct vfs_times){.accessed = inode->accessed,
                              .modified = inode->modified,
                              .set_accessed = true,
                              .set_modified = true};
}

static enum err attributes_copy(struct dentry *to, const struct inode *from)
{
    const char *name;
    const void *value;
    size_t size;
    enum err e = E_OK;
    if (to->inode->uid != from->uid || to->inode->gid != from->gid)
        e = vfs_change_owner(to, from->uid, from->gid);
    if (e == E_OK && to->inode->mode != from->mode && !mode_is(from->mode, S_IFLNK))
        e = vfs_change_mode(to, from->mode & MODE_ALL);
    for (uint32_t at = 0; e == E_OK && xattr_next(from, &at, &name, &value, &size);)
        if (!layer_is_private(name))
            e = layer_set_mark(to, name, value, size);
    return e;
}

/* Owner, mode, attributes, number, times. */
static enum err all_copy(struct dentry *to, const struct inode *from)
{
    uint64_t number = from->ino * 2;
    const struct vfs_times times = times_of(from);
    enum err e = attributes_copy(to, from);
    /* Links part: then each is a file of its own. */
    if (e == E_OK && (mode_is(from->mode, S_IFDIR) || from->nlink == 1))
        e = layer_set_mark(to, MARK_ORIGIN, &number, sizeof number);
    return e == E_OK ? vfs_change_times(to, &times) : e;
}

/* ---- Directories ---- */

static struct dentry *ancestor(struct dentry *dentry, unsigned above)
{
    while (above-- > 0)
        dentry = dentry->parent;
    return dentry;
}

/* The inode of the lower file, if it is in memory, has this upper one from now on. */
static void node_rise(struct overlay *overlay, const struct dentry *lower, struct dentry *upper)
{
    struct inode *inode = store_inode_get(&overlay->store, lower->inode->ino * 2);
    if (!inode)
        return;
    struct overlay_node *node = overlay_node_of(inode);
    if (!node->upper && node->lower && node->lower->inode == lower->inode) {
        dentry_get(upper);
        node->upper = upper;
    }
    inode_put(inode);
}

/* Makes the upper directory for the lower one in `parent`. */
static enum err directory_make(struct overlay *overlay, struct dentry *parent,
                               const struct dentry *lower, struct dentry **out)
{
    const struct vfs_times before = times_of(parent->inode);
    enum err e = vfs_make_directory((struct vfs_place){LAYER(parent), lower->name}, 0755);
    if (e == E_OK)
        e = layer_find(parent, lower->name, lower->length, out);
    if (e != E_OK)
        return e;
    e = all_copy(*out, lower->inode);
    if (e == E_OK)
        e = vfs_change_times(parent, &before);
    if (e == E_OK)
        node_rise(overlay, lower, *out);
    else
        dentry_put(*out);
    return e;
}

/* The upper directory for the lower one. *out: one reference. O(depth^2) steps, for what is missing. */
static enum err directory_raise(struct overlay *overlay, struct dentry *lower, struct dentry **out)
{
    unsigned depth = 0;
    for (const struct dentry *d = lower; d != overlay->lower; d = d->parent)
        depth++;
    struct dentry *at = overlay->upper;
    dentry_get(at);
    while (depth > 0) {
        const struct dentry *below = ancestor(lower, --depth);
        struct dentry *next;
        enum err e = layer_find(at, below->name, below->length, &next);
        if (e == E_NOENT)
            e = directory_make(overlay, at, below, &next);
        dentry_put(at);
        if (e != E_OK)
            return e;
        at = next;
        if (!mode_is(at->inode->mode, S_IFDIR)) {
            dentry_put(at);
            return E_IO;
        }
    }
    *out = at;
    return E_OK;
}

/* ---- Files ---- */

static bool is_hole(const char *bytes, uint64_t size)
{
    for (uint64_t i = 0; i < size; i++)
        if (bytes[i] != 0)
            return false;
    return true;
}

/* Blocks of zeros are left out: holes stay holes. */
static enum err piece_write(struct file *to, const char *bytes, uint64_t size, uint64_t offset)
{
    for (uint64_t at = 0; at < size;) {
        uint64_t part = size - at < BLOCK ? size - at : BLOCK, done, place = offset + at;
        if (!is_hole(bytes + at, part)) {
            struct io io = io_kernel(bytes + at, part);
            enum err e = file_write_uncounted(to, &io, &place, &done);
            if (e != E_OK || done != part)
                return e == E_OK ? E_NOSPC : e;
        }
        at += part;
    }
    return E_OK;
}

static enum err bytes_copy(struct file *from, struct file *to, uint64_t size)
{
    char *bytes = heap_alloc(PIECE);
    enum err e = bytes ? E_OK : E_NOMEM;
    uint64_t done = PIECE;
    for (uint64_t at = 0; e == E_OK && at < size && done > 0; at += done) {
        struct io io = io_kernel(bytes, size - at < PIECE ? size - at : PIECE);
        uint64_t place = at;
        e = file_read_uncounted(from, &io, &place, &done);
        if (e == E_OK)
            e = piece_write(to, bytes, done, at);
        (void)fs_give_way();
    }
    heap_free(bytes);
    if (e == E_OK)
        e = vfs_truncate(to->dentry, size);
    /* The bytes are on the medium before the name is. */
    if (e == E_OK && to->ops->sync)
        e = to->ops->sync(to, 0, UINT64_MAX, FILE_SYNC_WAIT);
    return e;
}

static enum err contents_copy(struct dentry *lower, struct file *to, uint64_t size)
{
    struct file *from;
    enum err e = vfs_open_at(LAYER(lower), O_RDONLY, &from);
    if (e != E_OK)
        return e;
    e = bytes_copy(from, to, size < lower->inode->size ? size : lower->inode->size);
    file_put(from);
    return e;
}

static enum err file_make(struct dentry *directory, struct dentry *lower, uint64_t size)
{
    struct file *file;
    enum err e = vfs_open(LAYER(directory), ".", O_TMPFILE | O_RDWR, 0600, &file);
    if (e != E_OK)
        return e;
    e = contents_copy(lower, file, size);
    if (e == E_OK)
        e = all_copy(file->dentry, lower->inode);
    if (e == E_OK)
        e = vfs_link(&file->location, (struct vfs_place){LAYER(directory), lower->name});
    file_put(file);
    return e;
}

static enum err other_make(struct dentry *directory, struct dentry *lower)
{
    const struct vfs_place place = {LAYER(directory), lower->name};
    const struct inode *inode = lower->inode;
    struct dentry *made;
    enum err e = mode_is(inode->mode, S_IFLNK) ? vfs_make_symlink(inode->link, place)
                                               : vfs_make_node(place, inode->mode, inode->device);
    if (e == E_OK)
        e = layer_find(directory, lower->name, lower->length, &made);
    if (e != E_OK)
        return e;
    e = all_copy(made, inode);
    dentry_put(made);
    return e;
}

/* A new file has no part in the lower layer: links of it parted here. */
static void number_change(struct inode *inode)
{
    struct overlay_node *node = overlay_node_of(inode);
    bool parted = node->lower->inode->nlink > 1;
    dentry_put(node->lower);
    node->lower = NULL;
    if (parted)
        store_inode_renumber(inode, node->upper->inode->ino * 2 + 1);
}

static enum err raise_file(struct inode *inode, struct dentry *directory, uint64_t size)
{
    struct overlay_node *node = overlay_node_of(inode);
    struct dentry *lower = node->lower;
    const struct vfs_times before = times_of(directory->inode);
    enum err e = mode_is(inode->mode, S_IFREG) ? file_make(directory, lower, size)
                                               : other_make(directory, lower);
    if (e == E_OK)
        e = vfs_change_times(directory, &before);
    if (e == E_OK)
        e = layer_find(directory, lower->name, lower->length, &node->upper);
    if (e != E_OK)
        node->upper = NULL;
    else
        number_change(inode);
    return e;
}

enum err overlay_copy_up(struct inode *inode, uint64_t size)
{
    struct overlay_node *node = overlay_node_of(inode);
    struct overlay *overlay = overlay_of(inode);
    bool directory = mode_is(inode->mode, S_IFDIR);
    struct layer_rights rights;
    struct dentry *upper;
    if (node->upper)
        return E_OK;
    if (inode->nlink == 0)
        return E_NOENT; /* removed, and still open */
    layer_rights_begin(&rights, 0, 0);
    enum err e = directory_raise(overlay, directory ? node->lower : node->lower->parent, &upper);
    if (e == E_OK) {
        if (!directory)
            e = raise_file(inode, upper, size);
        else if (!node->upper)
            node_rise(overlay, node->lower, upper);
        dentry_put(upper);
    }
    layer_rights_end(&rights);
    if (e == E_OK)
        overlay_follow(inode);
    return e;
}

enum err overlay_copy_up_now(struct inode *inode, uint64_t size)
{
    struct store *store = store_of(inode);
    if (overlay_node_of(inode)->upper)
        return E_OK;
    store_lock(store);
    enum err e = overlay_copy_up(inode, size);
    store_unlock(store);
    return e;
}
