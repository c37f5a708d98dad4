/* SPDX-License-Identifier: MIT */
/* Stored file systems: the cache of names, looking up and listing. */
#include "base/panic.h"
#include "base/str.h"
#include "fs/vfs/file.h"
#include "fs/vfs/store_table.h"
#include "mm/heap/heap.h"
#include "mm/phys/frames.h"

#define NAMES_LEAST   256
#define FRAMES_A_NAME 1    /* frames of memory for each of the others */
#define PRUNE_AT_ONCE 8    /* names that are looked at when one is added to too many */
#define BATCH_SIZE    4064 /* bytes of entries that are listed with the lock held */

static struct stored_name *stored_name_of(const struct dentry *dentry)
{
    return (struct stored_name *)(uintptr_t)dentry - 1;
}

static struct store *store_of_name(const struct dentry *dentry)
{
    return store_of(dentry->parent->inode);
}

static struct dentry *dentry_of(struct list *link)
{
    return (struct dentry *)(CONTAINER_OF(link, struct stored_name, link) + 1);
}

void *store_name_end(struct dentry *dentry)
{
    struct stored_name *block = stored_name_of(dentry);
    struct stored *stored = stored_of(dentry->inode);
    if (dentry->inode->fs->store && stored->name == dentry)
        stored->name = NULL;
    list_remove(&block->link);
    store_of_name(dentry)->name_count--;
    return block;
}

static bool prune(struct dentry *dentry)
{
    if (dentry->references > 1 || !dentry->linked)
        return false;
    dentry_unlink(dentry);
    return true;
}

bool store_names_prune(struct store *store, uint32_t looks, uint32_t most)
{
    uint32_t pruned = 0;
    uint32_t left = looks < store->name_count ? looks : store->name_count;
    for (; left > 0 && pruned < most; left--) {
        struct list *oldest = store->names.next;
        list_remove(oldest);
        list_add_tail(&store->names, oldest);
        pruned += prune(dentry_of(oldest));
    }
    return pruned > 0;
}

static uint32_t names_most(void)
{
    return NAMES_LEAST + (uint32_t)(machine_frames.total_frames / FRAMES_A_NAME);
}

enum err store_name_alloc(struct dentry *directory, struct store_name name, struct dentry **out)
{
    struct dentry *dentry;
    const struct dentry_place place = {directory, name.text, name.length};
    enum err e = dentry_alloc_after(sizeof(struct stored_name), &place, directory->inode, &dentry);
    if (e != E_OK)
        return e;
    dentry->stored = true;
    list_add_tail(&store_of_name(dentry)->names, &stored_name_of(dentry)->link);
    store_of_name(dentry)->name_count++;
    *out = dentry;
    return E_OK;
}

/* The name is not that of the file any more: it is out of the table, with the names below it. */
static void forget_stored_name(struct dentry *dentry)
{
    struct directory *below = dentry->inode->directory;
    if (below)
        store_names_below(dentry);
    if (stored_of(dentry->inode)->name == dentry)
        stored_of(dentry->inode)->name = NULL;
    if (dentry->linked && !dentry_is_mounted_on(dentry))
        dentry_unlink(dentry);
}

void store_name_add(struct dentry *dentry, struct inode *inode)
{
    struct inode *directory = dentry->inode;
    inode_get(inode);
    dentry->inode = inode;
    inode_put(directory);
    if (mode_is(inode->mode, S_IFDIR)) {
        /* Moved by others (9p), or a damaged medium. */
        struct dentry *old = stored_of(inode)->name;
        if (old) {
            dentry_get(old);
            forget_stored_name(old);
            dentry_put(old);
        }
        stored_of(inode)->name = dentry;
    }
    if (store_of(inode)->ops->valid)
        dentry->special |= DENTRY_ASKS;
    dentry_keep(dentry);
    if (store_of_name(dentry)->name_count > names_most())
        store_names_prune(store_of_name(dentry), PRUNE_AT_ONCE, PRUNE_AT_ONCE);
}

enum err store_name_make(struct dentry *directory, struct store_name name, struct inode *inode,
                         struct dentry **out)
{
    enum err e = store_name_alloc(directory, name, out);
    if (e == E_OK)
        store_name_add(*out, inode);
    return e;
}

void store_names_below(struct dentry *directory)
{
    const struct hash_table *below = &directory->inode->directory->names;
    struct hash_link *next;
    for (uint32_t i = 0; i <= below->mask; i++) { /* without entries it has one bucket */
        for (struct hash_link *link = below->buckets[i]; link; link = next) {
            next = link->next;
            (void)prune(CONTAINER_OF(link, struct dentry, link));
        }
    }
}

/* True if the last lookup() missed this name. */
static bool is_missed(const struct store *store, const struct inode *directory,
                      struct store_name name)
{
    return store->missed_length == name.length && store->missed_in == directory->ino &&
           memcmp(store->missed, name.text, name.length) == 0;
}

static void remember_missed(struct store *store, const struct inode *directory,
                            struct store_name name)
{
    if (store->ops->valid)
        return;
    store->missed_in = directory->ino;
    store->missed_length = (uint32_t)name.length;
    memcpy(store->missed, name.text, name.length);
}

/* The entry of the table, if it still holds. One reference. */
static struct dentry *find_kept(struct dentry *directory, struct store_name name)
{
    struct dentry *found = directory_find(directory, name.text, name.length);
    if (!found)
        return NULL;
    dentry_get(found);
    const struct store_ops *ops = store_of(directory->inode)->ops;
    if (!(found->special & DENTRY_ASKS) || ops->valid(directory->inode, name, found->inode))
        return found;
    forget_stored_name(found);
    dentry_put(found);
    return NULL;
}

enum err store_find(struct dentry *directory, struct store_name name, struct dentry **out)
{
    struct store *store = store_of(directory->inode);
    struct dentry *found = find_kept(directory, name);
    if (found) {
        *out = found;
        return E_OK;
    }
    if (directory->inode->nlink == 0 || is_missed(store, directory->inode, name))
        return E_NOENT;
    struct inode *inode;
    enum err e = store->ops->lookup(directory->inode, name, &inode);
    if (e == E_OK) {
        e = store_name_make(directory, name, inode, out);
        inode_put(inode);
    } else if (e == E_NOENT) {
        remember_missed(store, directory->inode, name);
    }
    return e;
}

enum err store_lookup(struct dentry *directory, const char *name, size_t length,
                      struct dentry **out)
{
    struct store *store = store_of(directory->inode);
    store_lock(store);
    enum err e = store_find(directory, (struct store_name){name, length}, out);
    store_unlock(store);
    return e;
}

const struct inode_ops store_directory_ops = {.lookup = store_lookup};

enum err store_settle_more(struct walk *walk)
{
    struct dentry *found;
    enum err e = store_find(walk->parent, (struct store_name){walk->name, walk->length}, &found);
    if (e != E_OK && e != E_NOENT)
        return e;
    dentry_put(walk->found);
    walk->found = e == E_OK ? found : NULL;
    return E_OK;
}

enum err store_settle(struct walk *walk)
{
    store_lock(store_of(walk->parent->inode));
    return store_settle_more(walk);
}

/* Entries are listed into memory with the lock held, and handed on without it. */
struct packed {
    uint64_t ino, next;
    uint8_t type, length;
    char name[];
};

struct batch {
    uint32_t used;
    bool full;
    _Alignas(8) char bytes[BATCH_SIZE];
};

static size_t packed_size(size_t length)
{
    return (sizeof(struct packed) + length + 7) & ~(size_t)7;
}

static bool pack(void *context, const struct directory_entry *entry)
{
    struct batch *batch = context;
    size_t size = packed_size(entry->length);
    assert(entry->length <= NAME_MAX_LENGTH);
    if (size > BATCH_SIZE - batch->used) {
        batch->full = true;
        return false;
    }
    struct packed *p = (struct packed *)(void *)(batch->bytes + batch->used);
    p->ino = entry->ino;
    p->next = entry->next;
    p->type = entry->type;
    p->length = (uint8_t)entry->length;
    memcpy(p->name, entry->name, entry->length);
    batch->used += (uint32_t)size;
    return true;
}

/* False: the sink takes no more. */
static bool unpack(struct file *file, const struct batch *batch, store_sink sink, void *context)
{
    for (uint32_t at = 0; at < batch->used;) {
        const struct packed *p = (const struct packed *)(const void *)(batch->bytes + at);
        struct directory_entry entry = {p->name, p->length, p->ino, p->next, p->type};
        if (!sink(context, &entry))
            return false;
        file->offset = p->next;
        at += (uint32_t)packed_size(p->length);
    }
    return true;
}

enum err store_list(struct file *file, store_sink sink, void *context)
{
    struct inode *directory = file->inode;
    struct store *store = store_of(directory);
    struct batch *batch = heap_alloc(sizeof(*batch));
    if (!batch)
        return E_NOMEM;
    enum err e;
    do {
        batch->used = 0;
        batch->full = false;
        store_lock(store);
        e = directory->nlink == 0 ? E_NOENT
                                  : store->ops->list(directory, file->offset, pack, batch);
        store_unlock(store);
    } while (unpack(file, batch, sink, context) && e == E_OK && batch->full);
    heap_free(batch);
    return e;
}
