/* SPDX-License-Identifier: MIT */
/* What overlay asks of a layer, a directory of any file system. */
#include "base/str.h"
#include "fs/overlay/layers.h"
#include "fs/vfs/file.h"
#include "fs/vfs/xattr.h"
#include "mm/heap/heap.h"

enum err layer_find(struct dentry *directory, const char *name, size_t length, struct dentry **out)
{
    struct inode *inode = directory->inode;
    struct store *store = store_of(inode);
    if (store) {
        store_lock(store);
        enum err e = store_find(directory, (struct store_name){name, length}, out);
        store_unlock(store);
        return e;
    }
    struct dentry *found = directory_find(directory, name, length);
    if (!found)
        return inode->ops && inode->ops->lookup ? inode->ops->lookup(directory, name, length, out)
                                                : E_NOENT;
    dentry_get(found);
    *out = found;
    return E_OK;
}

static bool batch_add(void *context, const struct directory_entry *entry)
{
    struct layer_batch *batch = context;
    batch->full = batch->count == ARRAY_LENGTH(batch->entry);
    if (batch->full)
        return false;
    struct layer_entry *to = &batch->entry[batch->count++];
    *to = (struct layer_entry){.ino = entry->ino,
                               .next = entry->next,
                               .type = entry->type,
                               .length = (uint8_t)entry->length};
    memcpy(to->name, entry->name, entry->length);
    return true;
}

enum err layer_list(struct dentry *directory, uint64_t from, struct layer_batch *batch)
{
    struct inode *inode = directory->inode;
    struct store *store = store_of(inode);
    batch->count = 0;
    batch->full = false;
    if (store) {
        store_lock(store);
        enum err e = inode->nlink == 0 ? E_OK : store->ops->list(inode, from, batch_add, batch);
        store_unlock(store);
        return e;
    }
    for (struct dentry *d; (d = directory_next(inode->directory, from)) != NULL;) {
        struct directory_entry entry = {d->name, d->length, d->inode->ino, d->cookie + 1,
                                        mode_entry_type(d->inode->mode)};
        if (!batch_add(batch, &entry))
            break;
        from = entry.next;
    }
    return E_OK;
}

bool layer_is_whiteout(const struct inode *inode)
{
    return mode_is(inode->mode, S_IFCHR) && inode->device == 0;
}

bool layer_mark(const struct inode *inode, const char *name, void *to, size_t size)
{
    const char *each;
    const void *value;
    size_t length;
    for (uint32_t at = 0; xattr_next(inode, &at, &each, &value, &length);) {
        if (strcmp(each, name) == 0 && length == size) {
            memcpy(to, value, size);
            return true;
        }
    }
    return false;
}

enum err layer_set_mark(struct dentry *dentry, const char *name, const void *value, size_t size)
{
    /* The value may be changed (a list of access control), and the caller's stays. */
    void *copy = value ? heap_alloc(size > 0 ? size : 1) : NULL;
    if (value && !copy)
        return E_NOMEM;
    if (value)
        memcpy(copy, value, size);
    enum err e = xattr_set(dentry, name, (struct xattr_value){copy, size, 0});
    heap_free(copy);
    return e;
}

bool layer_is_private(const char *name)
{
    static const char *const starts[] = {"trusted.overlay.", "trusted.ouro."};
    for (size_t i = 0; i < ARRAY_LENGTH(starts); i++)
        if (strncmp(name, starts[i], strlen(starts[i])) == 0)
            return true;
    return false;
}

void layer_rights_begin(struct layer_rights *rights, uint32_t uid, uint32_t gid)
{
    rights->root = credentials_first;
    rights->root.groups = NULL;
    rights->root.uid = (struct ids){0, 0, 0, uid};
    rights->root.gid = (struct ids){0, 0, 0, gid};
    rights->root.effective = rights->root.permitted = CAPABILITIES_ALL;
    rights->callers = credentials_borrow(&rights->root);
}

void layer_rights_end(const struct layer_rights *rights)
{
    (void)credentials_borrow(rights->callers);
}
