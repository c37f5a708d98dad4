/* SPDX-License-Identifier: MIT */
#include "fs/vfs/xattr.h"

#include "base/str.h"
#include "fs/vfs/notify.h"
#include "fs/vfs/store_table.h"
#include "fs/vfs/vfs_create.h"
#include "mm/heap/heap.h"
#include "mm/phys/frames.h"

#define CAPABILITY_VERSION 0xff000000u
#define CAPABILITY_2       0x02000000u
#define CAPABILITY_3       0x03000000u
#define CAPABILITY_2_SIZE  20
#define CAPABILITY_3_SIZE  24
#define SHARE_OF_MEMORY    16
#define ROOM_FIRST         4
static const char capability[] = "security.capability", protocol[] = "system.sockprotoname";
static const char *const lists[] = {"system.posix_acl_access", "system.posix_acl_default"};

struct attribute {
    uint32_t size;
    _Alignas(8) uint8_t value[]; /* the name follows */
};

struct attributes {
    uint32_t count, room;
    struct attribute *list[2]; /* enum attribute_list, also in entry[] */
    struct attribute **entry;  /* in the order of the names */
};

static uint64_t attribute_bytes; /* of all files */

static const char *name_of(const struct attribute *a)
{
    return (const char *)a->value + a->size;
}

static size_t bytes_of(const struct attribute *a)
{
    return sizeof(*a) + a->size + strlen(name_of(a)) + 1;
}

/* The index of the first name that is not less. True if it is this name. O(log attributes). */
static bool attribute_at(const struct attributes *all, const char *name, uint32_t *at)
{
    uint32_t from = 0, to = all ? all->count : 0;
    while (from < to) {
        uint32_t middle = (from + to) / 2;
        int order = strcmp(name_of(all->entry[middle]), name);
        if (order == 0) {
            *at = middle;
            return true;
        }
        if (order < 0)
            from = middle + 1;
        else
            to = middle;
    }
    *at = from;
    return false;
}

static const struct attribute *attribute_find(const struct inode *inode, const char *name)
{
    uint32_t at;
    return attribute_at(inode->attributes, name, &at) ? inode->attributes->entry[at] : NULL;
}

static enum err attribute_new(const char *name, const void *value, size_t size,
                              struct attribute **out)
{
    size_t length = strlen(name) + 1, bytes = sizeof(struct attribute) + size + length;
    if (bytes > machine_frames.total_frames * (PAGE_SIZE / SHARE_OF_MEMORY) - attribute_bytes)
        return E_NOSPC;
    struct attribute *a = heap_alloc(bytes);
    if (!a)
        return E_NOMEM;
    a->size = (uint32_t)size;
    memcpy(a->value, value, size);
    memcpy(a->value + size, name, length);
    attribute_bytes += bytes;
    *out = a;
    return E_OK;
}

static void attribute_free(struct attribute *a)
{
    attribute_bytes -= bytes_of(a);
    heap_free(a);
}

void attributes_free(struct attributes *all)
{
    for (uint32_t i = 0; i < all->count; i++)
        attribute_free(all->entry[i]);
    heap_free(all->entry);
    heap_free(all);
}

static void attributes_trim(struct inode *inode)
{
    if (inode->attributes->count == 0) {
        attributes_free(inode->attributes);
        inode->attributes = NULL;
    }
}

static enum err attributes_grow(struct inode *inode)
{
    struct attributes *all = inode->attributes;
    if (!all)
        all = inode->attributes = heap_alloc_zero(sizeof(*all));
    if (!all)
        return E_NOMEM;
    if (all->count < all->room)
        return E_OK;
    uint32_t room = all->room ? all->room * 2 : ROOM_FIRST;
    struct attribute **entry = heap_resize(all->entry, room * sizeof(struct attribute *));
    if (!entry)
        return E_NOMEM;
    all->entry = entry;
    all->room = room;
    return E_OK;
}

static void attributes_note(struct attributes *all, const char *name, struct attribute *now)
{
    for (int i = 0; i < 2; i++)
        if (strcmp(name, lists[i]) == 0)
            all->list[i] = now;
}

/* On the medium of a stored file system first, under the names lock, and unless it is `loaded` from there. */
static enum err attribute_put_how(struct inode *inode, const char *name,
                                  const struct xattr_value *v, bool loaded)
{
    uint32_t at;
    bool found = attribute_at(inode->attributes, name, &at);
    if (found && (v->flags & XATTR_CREATE))
        return E_EXIST;
    if (!found && (v->flags & XATTR_REPLACE))
        return E_NODATA;
    struct attribute *now = NULL;
    enum err e = attribute_new(name, v->bytes, v->size, &now);
    if (e == E_OK && !found) {
        e = attributes_grow(inode);
        if (e != E_OK)
            attribute_free(now);
    }
    if (e != E_OK)
        return e;
    if (!loaded && (e = store_set_attribute(inode, name, v->bytes, v->size)) != E_OK) {
        attribute_free(now);
        attributes_trim(inode);
        return e;
    }
    struct attributes *all = inode->attributes;
    if (found)
        attribute_free(all->entry[at]);
    else
        memmove(all->entry + at + 1, all->entry + at, (all->count++ - at) * sizeof(now));
    all->entry[at] = now;
    attributes_note(all, name, now);
    return E_OK;
}

static enum err attribute_put(struct inode *inode, const char *name, const struct xattr_value *v)
{
    return attribute_put_how(inode, name, v, false);
}

enum err xattr_load(struct inode *inode, const char *name, const void *value, size_t size)
{
    struct xattr_value v = {.bytes = (void *)(uintptr_t)value, .size = size};
    return attribute_put_how(inode, name, &v, true);
}

bool xattr_next(const struct inode *inode, uint32_t *at, const char **name, const void **value,
                size_t *size)
{
    const struct attributes *all = inode->attributes;
    if (!all || *at >= all->count)
        return false;
    const struct attribute *a = all->entry[(*at)++];
    *name = name_of(a);
    *value = a->value;
    *size = a->size;
    return true;
}

static void attribute_take_out(struct inode *inode, uint32_t at)
{
    struct attributes *all = inode->attributes;
    attributes_note(all, name_of(all->entry[at]), NULL);
    attribute_free(all->entry[at]);
    all->count--;
    memmove(all->entry + at, all->entry + at + 1, (all->count - at) * sizeof(all->entry[0]));
    attributes_trim(inode);
}

/* E_NODATA: there is none. */
static enum err attribute_remove(struct inode *inode, const char *name)
{
    uint32_t at;
    if (!attribute_at(inode->attributes, name, &at))
        return E_NODATA;
    enum err e = store_set_attribute(inode, name, NULL, 0);
    if (e == E_OK)
        attribute_take_out(inode, at);
    return e;
}

struct attribute_acl attributes_acl(const struct attributes *all, enum attribute_list which)
{
    struct attribute *a = all->list[which];
    if (!a)
        return (struct attribute_acl){0};
    return (struct attribute_acl){(struct acl *)a->value,
                                  (uint32_t)(a->size / sizeof(struct acl_entry))};
}

enum err attributes_follow_mode(struct inode *inode)
{
    if (!inode->attributes)
        return E_OK;
    struct attribute_acl list = attributes_acl(inode->attributes, ATTRIBUTE_ACCESS_ACL);
    if (!list.acl)
        return E_OK;
    acl_from_mode(list.acl, list.count, inode->mode);
    return store_set_attribute(inode, lists[ATTRIBUTE_ACCESS_ACL], list.acl,
                               inode->attributes->list[ATTRIBUTE_ACCESS_ACL]->size);
}

enum err attributes_inherit(const struct attributes *parent, struct inode *inode, uint32_t umask)
{
    if (mode_is(inode->mode, S_IFLNK))
        return E_OK;
    const struct attribute *from = parent->list[ATTRIBUTE_DEFAULT_ACL];
    if (!from) {
        inode->mode &= ~umask;
        return E_OK;
    }
    struct xattr_value v = {.bytes = (void *)(uintptr_t)from->value, .size = from->size};
    enum err e = attribute_put(inode, lists[ATTRIBUTE_ACCESS_ACL], &v);
    if (e == E_OK && mode_is(inode->mode, S_IFDIR))
        e = attribute_put(inode, lists[ATTRIBUTE_DEFAULT_ACL], &v);
    if (e != E_OK)
        return e;
    struct attribute_acl list = attributes_acl(inode->attributes, ATTRIBUTE_ACCESS_ACL);
    if (acl_inherit(list.acl, list.count, &inode->mode))
        attribute_remove(inode, lists[ATTRIBUTE_ACCESS_ACL]);
    return E_OK;
}

bool attributes_capable(const struct inode *inode)
{
    return inode->attributes && attribute_find(inode, capability);
}

bool attributes_drop_capabilities(struct inode *inode)
{
    uint32_t at;
    if (!attribute_at(inode->attributes, capability, &at))
        return false;
    attribute_take_out(inode, at);
    store_capability_lost(inode);
    return true;
}

const struct file_capabilities *file_capabilities(const struct inode *inode)
{
    const struct attribute *a = inode->attributes ? attribute_find(inode, capability) : NULL;
    if (!a || a->size != CAPABILITY_2_SIZE)
        return NULL; /* version 3 counts in the name space of its owner only */
    return (const struct file_capabilities *)a->value;
}

static bool starts(const char *name, const char *with)
{
    return strncmp(name, with, strlen(with)) == 0;
}

/* The rights over an attribute that do not depend on the file system (xattr(7)). */
static enum err attribute_allowed(const struct inode *inode, const char *name, uint32_t may)
{
    enum err denied = may & MAY_WRITE ? E_PERM : E_NODATA;
    if (starts(name, "security.") || starts(name, "system."))
        return E_OK;
    if (starts(name, "trusted."))
        return capable(CAP_SYS_ADMIN) ? E_OK : denied;
    if (starts(name, "user.")) {
        bool directory = mode_is(inode->mode, S_IFDIR);
        if (!mode_is(inode->mode, S_IFREG) && !directory)
            return denied;
        if (directory && (inode->mode & S_ISVTX) && (may & MAY_WRITE) &&
            inode_owner_check(inode) != E_OK)
            return E_PERM;
    }
    return inode_permission(inode, may);
}

static enum err security_allowed(const char *name, bool removed)
{
    if (!starts(name, "security."))
        return E_OK;
    if (strcmp(name, capability) == 0)
        return removed && !capable(CAP_SETFCAP) ? E_PERM : E_OK;
    return capable(CAP_SYS_ADMIN) ? E_OK : E_PERM;
}

/* Checks new capabilities. Those of version 3 that belong to root are of version 2. */
static enum err check_capabilities(struct xattr_value *v)
{
    struct file_capabilities *c = v->bytes;
    uint32_t version = v->size < sizeof(c->magic) ? 0 : c->magic & CAPABILITY_VERSION;
    if (!(v->size == CAPABILITY_2_SIZE && version == CAPABILITY_2) &&
        !(v->size == CAPABILITY_3_SIZE && version == CAPABILITY_3))
        return E_INVAL;
    if (!capable(CAP_SETFCAP))
        return E_PERM;
    if (version == CAPABILITY_3 && c->owner == 0) {
        c->magic = (c->magic & ~CAPABILITY_VERSION) | CAPABILITY_2;
        v->size = CAPABILITY_2_SIZE;
    }
    return E_OK;
}

static int list_of(const char *name)
{
    for (int i = 0; i < 2; i++)
        if (strcmp(name, lists[i]) == 0)
            return i;
    return -1;
}

/* E_OK if the file system has attributes of this name. */
static enum err attribute_known(const struct inode *inode, const char *name)
{
    static const char *const prefix[] = {"user.", "trusted.", "security."};
    if (!inode->fs->attributes)
        return E_NOTSUP;
    for (size_t i = 0; i < ARRAY_LENGTH(prefix); i++)
        if (starts(name, prefix[i]))
            return name[strlen(prefix[i])] ? E_OK : E_INVAL;
    return list_of(name) >= 0 && !mode_is(inode->mode, S_IFLNK) ? E_OK : E_NOTSUP;
}

static enum err list_set(struct inode *inode, int which, struct xattr_value *v)
{
    uint32_t count = 0, mode = inode->mode;
    const struct credentials *c = credentials_current();
    enum err e = v->bytes ? acl_check(v->bytes, v->size, &count) : E_OK;
    if (e != E_OK)
        return e;
    if (which == ATTRIBUTE_DEFAULT_ACL && !mode_is(inode->mode, S_IFDIR))
        return v->bytes ? E_ACCES : E_OK;
    e = inode_owner_check(inode);
    if (e != E_OK)
        return e;
    if (which == ATTRIBUTE_ACCESS_ACL && count > 0) {
        if (acl_to_mode(v->bytes, count, &mode))
            count = 0;
        if (!credentials_in_group(c, inode->gid) && !credentials_have(c, CAP_FSETID))
            mode &= ~S_ISGID;
    }
    v->flags = 0;
    if (count > 0)
        e = attribute_put(inode, lists[which], v);
    else
        e = attribute_remove(inode, lists[which]);
    if ((e == E_OK || (e == E_NODATA && count == 0)) && mode != inode->mode) {
        struct store_attributes to = {.what = STORE_MODE, .mode = mode};
        e = store_change(inode, &to);
    }
    if (e == E_OK)
        inode->mode = mode;
    return e == E_NODATA ? E_OK : e;
}

/* The caller has looked at rights that do not depend on the inode; on a stored file system it has the names lock. */
static enum err attribute_set(struct inode *inode, const char *name, struct xattr_value *v)
{
    enum err e = attribute_allowed(inode, name, MAY_WRITE);
    if (e == E_OK)
        e = security_allowed(name, !v->bytes);
    if (e == E_OK)
        e = attribute_known(inode, name);
    if (e != E_OK)
        return e;
    int which = list_of(name);
    if (which >= 0)
        return list_set(inode, which, v);
    return v->bytes ? attribute_put(inode, name, v) : attribute_remove(inode, name);
}

enum err xattr_set(struct dentry *dentry, const char *name, struct xattr_value v)
{
    struct inode *inode = dentry->inode;
    enum err e = E_OK;
    if (v.size > 0 && strcmp(name, capability) == 0)
        e = check_capabilities(&v);
    if (e != E_OK)
        return e;
    e = vfs_begin_change(dentry);
    if (e != E_OK)
        return e;
    e = attribute_set(inode, name, &v);
    if (e == E_OK)
        inode_mode_changed(inode);
    vfs_end_change(dentry, NOTIFY_ATTRIBUTES, e);
    return e;
}

enum err xattr_get(const struct inode *inode, const char *name, const void **value, size_t *size)
{
    enum err e = attribute_allowed(inode, name, MAY_READ);
    if (e != E_OK)
        return e;
    if (inode->ops && inode->ops->protocol && strcmp(name, protocol) == 0) {
        *value = inode->ops->protocol;
        *size = strlen(inode->ops->protocol) + 1;
        return E_OK;
    }
    e = attribute_known(inode, name);
    if (e != E_OK)
        return e;
    const struct attribute *a = attribute_find(inode, name);
    if (!a)
        return E_NODATA;
    *value = a->value;
    *size = a->size;
    return E_OK;
}

struct names {
    char *at;
    size_t room, bytes;
};

static void add_name_to(struct names *names, const char *name)
{
    size_t length = strlen(name) + 1;
    if (names->bytes + length <= names->room)
        memcpy(names->at + names->bytes, name, length);
    names->bytes += length;
}

size_t xattr_list(const struct inode *inode, char *at, size_t room)
{
    struct names names = {at, room, 0};
    const struct attributes *all = inode->attributes;
    if (inode->ops && inode->ops->protocol)
        add_name_to(&names, protocol);
    for (int i = 0; all && i < 2; i++)
        if (all->list[i])
            add_name_to(&names, lists[i]);
    for (uint32_t i = all ? all->count : 0; i > 0; i--) {
        const char *name = name_of(all->entry[i - 1]);
        if (!starts(name, "system.") && (!starts(name, "trusted.") || capable(CAP_SYS_ADMIN)))
            add_name_to(&names, name);
    }
    return names.bytes;
}
