/* SPDX-License-Identifier: MIT */
/* What is seen of the two layers: names, inodes, listings. */
#include "base/str.h"
#include "fs/overlay/layers.h"
#include "fs/vfs/file.h"
#include "fs/vfs/wait.h"
#include "fs/vfs/xattr.h"
#include "mm/heap/heap.h"

/* A cookie: whose entries are listed, the lower layer's first; the layer's own cookie, or, if that is too large, a quarter
 * of it (an ext4 directory's hashes: three neighbours of one hash could be missed, once in 2^60). */
#define COOKIE_UPPER  (UINT64_C(1) << 62)
#define COOKIE_SCALED (UINT64_C(1) << 61)

static bool both_are(const struct dentry *upper, const struct dentry *lower)
{
    return mode_is(upper->inode->mode, S_IFDIR) && mode_is(lower->inode->mode, S_IFDIR);
}

static bool is_opaque(const struct inode *upper)
{
    char y;
    return layer_mark(upper, MARK_OPAQUE, &y, 1) && y == 'y';
}

static bool find_or_null(struct dentry *directory, const char *name, size_t length,
                         struct dentry **out, enum err *e)
{
    *out = NULL;
    if (!directory)
        return false;
    *e = layer_find(directory, name, length, out);
    if (*e == E_NOENT)
        *e = E_OK;
    if (*e != E_OK)
        *out = NULL;
    return *out;
}

enum err overlay_see(struct inode *directory, const char *name, size_t length,
                     struct overlay_seen *out)
{
    const struct overlay_node *node = overlay_node_of(directory);
    enum err e = E_OK;
    if (find_or_null(node->upper, name, length, &out->upper, &e) &&
        layer_is_whiteout(out->upper->inode)) {
        dentry_put(out->upper);
        return E_NOENT;
    }
    out->lower = NULL;
    bool covers =
        out->upper && (!mode_is(out->upper->inode->mode, S_IFDIR) || is_opaque(out->upper->inode));
    if (e == E_OK && !covers && find_or_null(node->lower, name, length, &out->lower, &e) &&
        (layer_is_whiteout(out->lower->inode) ||
         (out->upper && !both_are(out->upper, out->lower)))) {
        dentry_put(out->lower);
        out->lower = NULL;
    }
    if (e == E_OK && !out->upper && !out->lower)
        e = E_NOENT;
    if (e != E_OK) {
        dentry_put(out->upper);
        dentry_put(out->lower);
    }
    return e;
}

bool overlay_lower_has(struct inode *directory, const char *name)
{
    struct dentry *lower;
    enum err e = E_OK;
    if (!find_or_null(overlay_node_of(directory)->lower, name, strlen(name), &lower, &e))
        return false;
    bool shown = !layer_is_whiteout(lower->inode);
    dentry_put(lower);
    return shown;
}

/* ---- Inodes ---- */

static uint64_t number_seen(const struct overlay_seen *seen)
{
    uint64_t origin;
    if (seen->lower)
        return seen->lower->inode->ino * 2;
    if (layer_mark(seen->upper->inode, MARK_ORIGIN, &origin, sizeof origin))
        return origin;
    return seen->upper->inode->ino * 2 + 1;
}

void overlay_follow(struct inode *inode)
{
    const struct overlay_node *node = overlay_node_of(inode);
    const struct inode *real = overlay_real(inode)->inode;
    inode->uid = real->uid;
    inode->gid = real->gid;
    inode->size = real->size;
    inode->modified = real->modified;
    inode->changed = real->changed;
    inode->created = real->created;
    inode->accessed = real->accessed;
    if (inode->nlink > 0)
        inode->nlink = node->lower && mode_is(inode->mode, S_IFDIR) ? 1 : real->nlink;
    if (inode->mode != real->mode) {
        inode->mode = real->mode;
        inode_mode_changed(inode);
    }
}

static void node_put_layers(struct inode *inode)
{
    dentry_put(overlay_node_of(inode)->upper);
    dentry_put(overlay_node_of(inode)->lower);
}

static const struct inode_ops overlay_inode_ops = {.destroy = node_put_layers};
static const struct inode_ops overlay_directory_ops = {.lookup = store_lookup,
                                                       .destroy = node_put_layers};

static enum err node_load(struct inode *inode, const struct inode *real)
{
    const char *name;
    const void *value;
    size_t size;
    enum err e = E_OK;
    for (uint32_t at = 0; e == E_OK && xattr_next(real, &at, &name, &value, &size);)
        if (!layer_is_private(name))
            e = xattr_load(inode, name, value, size);
    if (e != E_OK || !mode_is(real->mode, S_IFLNK))
        return e;
    if (!real->link)
        return E_IO; /* of /proc */
    size = strlen(real->link) + 1;
    inode->link = heap_alloc(size);
    if (!inode->link)
        return E_NOMEM;
    memcpy(inode->link, real->link, size);
    return E_OK;
}

static enum err seen_make(struct overlay *overlay, const struct overlay_seen *seen, uint64_t number,
                          struct inode **out)
{
    const struct inode *real = (seen->upper ? seen->upper : seen->lower)->inode;
    enum err e = store_inode_make(&overlay->store, sizeof(struct overlay_node), number, real->mode,
                                  NULL, out);
    if (e != E_OK)
        return e;
    struct inode *inode = *out;
    struct overlay_node *node = overlay_node_of(inode);
    node->upper = seen->upper;
    node->lower = seen->lower;
    inode->ops = &overlay_inode_ops;
    if (mode_is(real->mode, S_IFREG)) {
        inode->ops = &overlay_file_inode_ops;
        inode->file_ops = &overlay_file_ops;
    } else if (mode_is(real->mode, S_IFDIR)) {
        inode->ops = &overlay_directory_ops;
    }
    inode->device = real->device;
    inode->nlink = real->nlink;
    overlay_follow(inode);
    e = node_load(inode, real);
    inode_mode_changed(inode);
    if (e != E_OK) {
        node->upper = node->lower = NULL; /* the caller's */
        store_inode_abandon(inode);
    }
    return e;
}

/* The inode in the cache is of the same file. */
static bool is_same(const struct inode *inode, const struct overlay_seen *seen)
{
    const struct overlay_node *node = overlay_node_of(inode);
    return seen->upper ? node->upper && node->upper->inode == seen->upper->inode
                       : node->lower && node->lower->inode == seen->lower->inode;
}

enum err overlay_node_get(struct overlay *overlay, struct dentry *upper, struct dentry *lower,
                          struct inode **out)
{
    const struct overlay_seen seen = {upper, lower};
    uint64_t number = number_seen(&seen);
    bool parts = !upper && !mode_is(lower->inode->mode, S_IFDIR) && lower->inode->nlink > 1;
    struct inode *inode = parts ? NULL : store_inode_get(&overlay->store, number);
    if (inode && !is_same(inode, &seen)) {
        inode_put(inode); /* two copies of one file, by who wrote to the upper directory */
        number = upper ? upper->inode->ino * 2 + 1 : number;
        inode = upper ? store_inode_get(&overlay->store, number) : NULL;
    }
    enum err e = E_OK;
    if (!inode)
        e = seen_make(overlay, &seen, number, out);
    if (inode || e != E_OK) {
        dentry_put(upper);
        dentry_put(lower);
    }
    if (inode)
        *out = inode;
    return e;
}

enum err overlay_lookup(struct inode *directory, struct store_name name, struct inode **out)
{
    struct overlay_seen seen;
    enum err e = overlay_see(directory, name.text, name.length, &seen);
    return e == E_OK ? overlay_node_get(overlay_of(directory), seen.upper, seen.lower, out) : e;
}

/* ---- Listings: what lower has a name for, in whatever form it is seen; then what only upper has ---- */

static uint64_t cookie_out(uint64_t layers, uint64_t phase)
{
    return phase | (layers < COOKIE_SCALED ? layers : COOKIE_SCALED | (layers + 3) / 4);
}

static uint64_t cookie_in(uint64_t cookie)
{
    uint64_t value = cookie & (COOKIE_SCALED - 1);
    return cookie & COOKIE_SCALED ? value * 4 : value;
}

/* True if the entry is listed in this phase; *to: its number and type. */
static bool entry_see(struct inode *directory, const struct layer_entry *entry, bool upper,
                      struct directory_entry *to, enum err *e)
{
    struct overlay_seen seen;
    *e = E_OK;
    if (upper && overlay_lower_has(directory, entry->name))
        return false;
    *to = (struct directory_entry){entry->name, entry->length, entry->ino * 2, 0, entry->type};
    if (!upper && !overlay_node_of(directory)->upper && entry->type != S_IFCHR >> 12)
        return true;
    *e = overlay_see(directory, entry->name, entry->length, &seen);
    if (*e == E_NOENT) {
        *e = E_OK;
        return false;
    }
    if (*e != E_OK)
        return false;
    to->ino = number_seen(&seen);
    to->type = mode_entry_type((seen.upper ? seen.upper : seen.lower)->inode->mode);
    dentry_put(seen.upper);
    dentry_put(seen.lower);
    return true;
}

struct sinking {
    store_sink sink;
    void *context;
    bool go; /* false: it takes no more */
};

static enum err list_layer(struct inode *directory, struct layer_batch *batch, uint64_t from,
                           struct sinking *to)
{
    bool upper = from & COOKIE_UPPER;
    struct dentry *layer =
        upper ? overlay_node_of(directory)->upper : overlay_node_of(directory)->lower;
    enum err e = E_OK;
    from = cookie_in(from);
    do {
        if (layer)
            e = layer_list(layer, from > COOKIE_FIRST ? from : COOKIE_FIRST, batch);
        for (uint32_t i = 0; layer && e == E_OK && to->go && i < batch->count; i++) {
            struct directory_entry entry;
            from = batch->entry[i].next;
            if (!entry_see(directory, &batch->entry[i], upper, &entry, &e))
                continue;
            entry.next = cookie_out(from, upper ? COOKIE_UPPER : 0);
            to->go = to->sink(to->context, &entry);
        }
        (void)fs_give_way();
    } while (layer && e == E_OK && to->go && batch->full);
    return e;
}

enum err overlay_list(struct inode *directory, uint64_t from, store_sink sink, void *context)
{
    struct layer_batch *batch = heap_alloc(sizeof(*batch));
    struct sinking to = {sink, context, true};
    enum err e = E_OK;
    if (!batch)
        return E_NOMEM;
    if (!(from & COOKIE_UPPER)) {
        e = list_layer(directory, batch, from, &to);
        from = COOKIE_UPPER | COOKIE_FIRST;
    }
    if (e == E_OK && to.go)
        e = list_layer(directory, batch, from, &to);
    heap_free(batch);
    return e;
}

static bool any_entry(void *context, const struct directory_entry *entry)
{
    (void)entry;
    *(bool *)context = true;
    return false;
}

enum err overlay_is_empty(struct inode *directory)
{
    bool any = false;
    enum err e = overlay_list(directory, COOKIE_FIRST, any_entry, &any);
    return e == E_OK && any ? E_NOTEMPTY : e;
}
