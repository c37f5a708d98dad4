/* SPDX-License-Identifier: MIT */
#include "fs/vfs/dentry.h"

#include "base/panic.h"
#include "base/str.h"
#include "cpu/lock.h"
#include "fs/vfs/notify.h"
#include "fs/vfs/store_table.h"
#include "mm/heap/heap.h"

void directory_init(struct directory *directory)
{
    *directory = (struct directory){.next_cookie = COOKIE_FIRST};
    hash_table_init(&directory->names);
}

void directory_destroy(struct directory *directory)
{
    assert(directory->names.count == 0);
    heap_free(directory->slots);
}

/* Index of the first slot whose cookie is >= `cookie`. */
static uint32_t slot_search(const struct directory *directory, uint64_t cookie)
{
    uint32_t low = 0, high = directory->slot_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (directory->slots[middle].cookie < cookie)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void slots_compact(struct directory *directory)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < directory->slot_count; i++) {
        if (directory->slots[i].dentry)
            directory->slots[kept++] = directory->slots[i];
    }
    directory->slot_count = kept;
}

COLD static MUST_CHECK enum err slots_reserve(struct directory *directory)
{
    if (directory->slot_count < directory->slot_capacity)
        return E_OK;
    if (directory->names.count < directory->slot_count / 2) {
        slots_compact(directory);
        return E_OK;
    }
    uint32_t capacity = directory->slot_capacity ? directory->slot_capacity * 2 : 4;
    void *slots = heap_resize(directory->slots, capacity * sizeof(struct directory_slot));
    if (!slots)
        return E_NOMEM;
    directory->slots = slots;
    directory->slot_capacity = capacity;
    return E_OK;
}

static void slot_append(struct directory *directory, struct dentry *dentry)
{
    dentry->cookie = directory->next_cookie++;
    directory->slots[directory->slot_count++] = (struct directory_slot){dentry->cookie, dentry};
}

static void slot_clear(struct directory *directory, struct dentry *dentry)
{
    directory->slots[slot_search(directory, dentry->cookie)].dentry = NULL;
}

static MUST_CHECK char *name_alloc(struct dentry *dentry, const char *name, size_t length)
{
    char *to = length < DENTRY_NAME_INLINE ? dentry->inline_name : heap_alloc(length + 1);
    if (!to)
        return NULL;
    memcpy(to, name, length);
    to[length] = '\0';
    return to;
}

enum err dentry_alloc_after(size_t before, const struct dentry_place *place, struct inode *inode,
                            struct dentry **out)
{
    char *block = heap_alloc_zero(before + sizeof(struct dentry));
    if (!block)
        return E_NOMEM;
    struct dentry *dentry = (struct dentry *)(void *)(block + before);
    dentry->name = name_alloc(dentry, place->name, place->length);
    if (!dentry->name) {
        heap_free(block);
        return E_NOMEM;
    }
    dentry->references = 1;
    dentry->length = (uint32_t)place->length;
    dentry->link.hash = hash_bytes(place->name, place->length);
    dentry->inode = inode;
    inode_get(inode);
    dentry->parent = place->parent;
    dentry->anonymous = !place->parent;
    if (place->parent)
        dentry_get(place->parent);
    *out = dentry;
    return E_OK;
}

enum err dentry_alloc(struct dentry *parent, const char *name, size_t length, struct inode *inode,
                      struct dentry **out)
{
    const struct dentry_place place = {parent, name, length};
    return dentry_alloc_after(0, &place, inode, out);
}

enum err dentry_alloc_root(struct filesystem *fs, struct inode *inode)
{
    struct dentry *root;
    enum err e = dentry_alloc(NULL, "/", 1, inode, &root);
    if (e != E_OK)
        return e;
    root->anonymous = false;
    root->linked = true;
    root->parent = root;
    fs->root = root;
    return E_OK;
}

void dentry_get(struct dentry *dentry)
{
    CPUS_ADD(dentry->references, 1);
}

/* Without references: frees it. Returns the parent, to which it had one; NULL: there is none. */
static NOINLINE struct dentry *dentry_free(struct dentry *dentry)
{
    struct dentry *parent = dentry->parent != dentry ? dentry->parent : NULL;
    if (dentry->inode->watches && dentry->inode->nlink == 0)
        notify_gone(dentry->inode);
    void *block = dentry->stored ? store_name_end(dentry) : dentry;
    inode_put(dentry->inode);
    if (dentry->name != dentry->inline_name)
        heap_free(dentry->name);
    heap_free(block);
    return parent;
}

void dentry_put(struct dentry *dentry)
{
    while (dentry) {
        assert(dentry->references > 0);
        if (!kernel_lock_put(&dentry->references))
            return;
        dentry = dentry_free(dentry);
    }
}

enum err dentry_link(struct dentry *dentry)
{
    struct directory *directory = dentry->parent->inode->directory;
    enum err e = slots_reserve(directory);
    if (e != E_OK)
        return e;
    hash_table_add(&directory->names, &dentry->link, dentry->link.hash);
    slot_append(directory, dentry);
    dentry->linked = true;
    dentry_get(dentry);
    return E_OK;
}

void dentry_keep(struct dentry *dentry)
{
    hash_table_add(&dentry->parent->inode->directory->names, &dentry->link, dentry->link.hash);
    dentry->linked = true;
    dentry_get(dentry);
}

void dentry_unlink(struct dentry *dentry)
{
    struct directory *directory = dentry->parent->inode->directory;
    hash_table_remove(&directory->names, &dentry->link);
    if (!dentry->stored)
        slot_clear(directory, dentry);
    dentry->linked = false;
    dentry_put(dentry);
}

struct dentry *directory_find(const struct dentry *parent, const char *name, size_t length)
{
    const struct hash_table *names = &parent->inode->directory->names;
    for (struct hash_link *link = hash_table_first(names, hash_bytes_inline(name, length)); link;
         link = hash_link_next(link)) {
        struct dentry *dentry = CONTAINER_OF(link, struct dentry, link);
        if (dentry->length == length && memcmp(dentry->name, name, length) == 0)
            return dentry;
    }
    return NULL;
}

struct dentry *directory_next(const struct directory *directory, uint64_t cookie)
{
    for (uint32_t i = slot_search(directory, cookie); i < directory->slot_count; i++) {
        if (directory->slots[i].dentry)
            return directory->slots[i].dentry;
    }
    return NULL;
}

/* The new name is made in a scratch dentry first, so that a shortage of memory changes nothing. */
struct new_name {
    struct dentry scratch;
    size_t length;
};

static MUST_CHECK enum err new_name_alloc(struct new_name *to, const char *name, size_t length)
{
    to->length = length;
    to->scratch.name = name_alloc(&to->scratch, name, length);
    return to->scratch.name ? E_OK : E_NOMEM;
}

static void new_name_apply(struct dentry *dentry, struct new_name *from)
{
    if (dentry->name != dentry->inline_name)
        heap_free(dentry->name);
    memcpy(dentry->inline_name, from->scratch.inline_name, DENTRY_NAME_INLINE);
    bool is_inline = from->scratch.name == from->scratch.inline_name;
    dentry->name = is_inline ? dentry->inline_name : from->scratch.name;
    dentry->length = (uint32_t)from->length;
    dentry->link.hash = hash_bytes(dentry->name, from->length);
}

static void new_name_free(struct new_name *name)
{
    if (name->scratch.name != name->scratch.inline_name)
        heap_free(name->scratch.name);
}

COLD enum err dentry_move(struct dentry *dentry, const struct dentry_place *place,
                          struct dentry *replaced, const struct dentry_step *step)
{
    struct directory *from = dentry->parent->inode->directory;
    struct directory *to = place->parent->inode->directory;
    struct new_name new_name;
    enum err e = new_name_alloc(&new_name, place->name, place->length);
    if (e != E_OK)
        return e;
    if (step)
        e = step->perform(step);
    else if (from != to)
        e = slots_reserve(to);
    if (e != E_OK) {
        new_name_free(&new_name);
        return e;
    }
    if (replaced)
        dentry_unlink(replaced);
    hash_table_remove(&from->names, &dentry->link);
    if (from != to) {
        if (!step) {
            slot_clear(from, dentry);
            slot_append(to, dentry);
        }
        dentry_get(place->parent);
        dentry_put(dentry->parent);
        dentry->parent = place->parent;
    }
    new_name_apply(dentry, &new_name);
    hash_table_add(&to->names, &dentry->link, dentry->link.hash);
    return E_OK;
}

/* Exchanges their places in the listings of their directories. */
static void slots_exchange(struct dentry *a, struct dentry *b)
{
    struct directory *of_a = a->parent->inode->directory, *of_b = b->parent->inode->directory;
    of_a->slots[slot_search(of_a, a->cookie)].dentry = b;
    of_b->slots[slot_search(of_b, b->cookie)].dentry = a;
    uint64_t cookie = a->cookie;
    a->cookie = b->cookie;
    b->cookie = cookie;
}

COLD enum err dentry_exchange(struct dentry *a, struct dentry *b, const struct dentry_step *step)
{
    struct new_name name_a, name_b;
    enum err e = new_name_alloc(&name_a, b->name, b->length);
    if (e != E_OK)
        return e;
    e = new_name_alloc(&name_b, a->name, a->length);
    if (e != E_OK) {
        new_name_free(&name_a);
        return e;
    }
    if (step)
        e = step->perform(step);
    if (e != E_OK) {
        new_name_free(&name_a);
        new_name_free(&name_b);
        return e;
    }
    struct directory *of_a = a->parent->inode->directory, *of_b = b->parent->inode->directory;
    hash_table_remove(&of_a->names, &a->link);
    hash_table_remove(&of_b->names, &b->link);
    if (!step)
        slots_exchange(a, b);
    struct dentry *parent = a->parent;
    a->parent = b->parent;
    b->parent = parent;
    new_name_apply(a, &name_a);
    new_name_apply(b, &name_b);
    hash_table_add(&of_b->names, &a->link, a->link.hash);
    hash_table_add(&of_a->names, &b->link, b->link.hash);
    return E_OK;
}

bool dentry_is_below(const struct dentry *dentry, const struct dentry *above)
{
    while (dentry != above && dentry->parent != dentry)
        dentry = dentry->parent;
    return dentry == above;
}
