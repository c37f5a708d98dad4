/* SPDX-License-Identifier: MIT */
/* Inodes: made from the disk, changed, evicted. */
#include "fs/ext4/vfs/volume.h"

#include "base/str.h"
#include "fs/vfs/acl.h"
#include "fs/vfs/file.h"
#include "fs/vfs/xattr.h"
#include "mm/heap/heap.h"

static struct ext4_time disk_time(struct fs_time time)
{
    return (struct ext4_time){time.seconds, time.nanoseconds};
}

static struct fs_time memory_time(struct ext4_time time)
{
    return (struct fs_time){time.seconds, time.nanoseconds};
}

static uint64_t volume_node_blocks(const struct inode *inode)
{
    return ((const struct node *)inode)->sectors;
}

static void node_destroy(struct inode *inode)
{
    (void)page_cache_end(inode, false);
}

static const struct inode_ops node_ops = {
    .truncate = page_cache_truncate,
    .allocate = page_cache_allocate,
    .blocks = volume_node_blocks,
    .destroy = node_destroy,
};

static enum err volume_node_make(struct volume *volume, uint32_t ino, uint32_t mode,
                                 const struct inode *as, struct inode **out)
{
    bool file = mode_is(mode, S_IFREG);
    enum err e = store_inode_make(&volume->store, file ? sizeof(struct node) : sizeof(struct inode),
                                  ino, mode, as, out);
    if (e != E_OK || !file)
        return e;
    (*out)->ops = &node_ops;
    page_cache_begin(&node_of(*out)->cached, &ext4_page_ops);
    return E_OK;
}

enum err volume_node_new(struct volume *volume, uint32_t ino, const struct inode *as,
                         struct inode **out)
{
    return volume_node_make(volume, ino, as->mode, as, out);
}

/* ---- From the disk. The lock is held. ---- */

static enum err link_read(struct volume *volume, struct inode *inode)
{
    size_t length, room = ext4_block_size(volume->fs) + 1;
    char *text = heap_alloc(room);
    if (!text)
        return E_NOMEM;
    enum err e = ext4_readlink(volume->fs, (uint32_t)inode->ino, text, room - 1, &length);
    if (e == E_OK && (length >= room || memchr(text, 0, length)))
        e = E_IO;
    if (e != E_OK) {
        heap_free(text);
        return e;
    }
    text[length] = '\0';
    inode->link = text;
    return E_OK;
}

struct loading {
    struct inode *inode;
    enum err error;
};

static bool attribute_load(void *context, const char *name, const void *value, size_t size)
{
    struct loading *loading = context;
    void *form = NULL;
    enum err e = E_OK;
    if (ACL_ON_DISK(name)) {
        form = heap_alloc(2 * size + sizeof(struct acl));
        e = form ? volume_acl_from_disk(value, &size, form) : E_NOMEM;
    }
    if (e == E_OK)
        e = xattr_load(loading->inode, name, form ? form : value, size);
    heap_free(form);
    loading->error = e;
    return e == E_OK;
}

static enum err node_fill(struct volume *volume, struct inode *inode, const struct ext4_stat *stat)
{
    struct loading loading = {inode, E_OK};
    inode->uid = stat->uid;
    inode->gid = stat->gid;
    inode->nlink = stat->links;
    inode->device = stat->device;
    inode->size = stat->size;
    inode->accessed = memory_time(stat->accessed);
    inode->modified = memory_time(stat->modified);
    inode->changed = memory_time(stat->changed);
    inode->created = memory_time(stat->created);
    if (mode_is(stat->mode, S_IFREG)) {
        node_of(inode)->size = stat->size;
        node_of(inode)->sectors = stat->sectors;
    }
    enum err e = mode_is(stat->mode, S_IFLNK) ? link_read(volume, inode) : E_OK;
    if (e == E_OK)
        e = ext4_xattr_list(volume->fs, stat->ino, attribute_load, &loading);
    return e == E_OK ? loading.error : e;
}

enum err volume_node_get(struct volume *volume, uint32_t ino, struct inode **out)
{
    struct ext4_stat stat;
    *out = store_inode_get(&volume->store, ino);
    if (*out)
        return E_OK;
    enum err e = volume_lock(volume, NULL);
    if (e != E_OK)
        return e;
    e = ext4_stat(volume->fs, ino, &stat);
    if (e == E_OK && (0x1556u >> (stat.mode >> 12) & 1) == 0)
        e = E_IO; /* of no type that there is */
    if (e == E_OK)
        e = volume_node_make(volume, ino, stat.mode, NULL, out);
    if (e == E_OK) {
        e = node_fill(volume, *out, &stat);
        if (e == E_OK)
            inode_mode_changed(*out);
        else
            store_inode_abandon(*out);
    }
    volume_unlock(volume);
    return e;
}

/* ---- Changed ---- */

enum err volume_node_change(struct inode *inode, const struct store_attributes *to)
{
    struct volume *volume = volume_of(inode);
    const struct ext4_stat stat = {
        .mode = to->mode,
        .uid = to->uid,
        .gid = to->gid,
        .accessed = disk_time(to->accessed),
        .modified = disk_time(to->modified),
        .changed = disk_time(to->changed),
    };
    uint32_t what = (to->what & STORE_MODE ? EXT4_SET_MODE : 0u) |
                    (to->what & STORE_OWNER ? EXT4_SET_OWNER : 0u) |
                    (to->what & STORE_ACCESSED ? EXT4_SET_ACCESSED : 0u) |
                    (to->what & STORE_MODIFIED ? EXT4_SET_MODIFIED : 0u) |
                    (to->what & STORE_CHANGED ? EXT4_SET_CHANGED : 0u);
    enum err e = volume_lock(volume, NULL);
    if (e != E_OK)
        return e;
    e = what != 0 ? ext4_set(volume->fs, (uint32_t)inode->ino, what, &stat) : E_OK;
    volume_unlock(volume);
    return e;
}

enum err volume_node_write(struct inode *inode)
{
    const struct ext4_stat stat = {
        .mode = inode->mode,
        .uid = inode->uid,
        .gid = inode->gid,
        .accessed = disk_time(inode->accessed),
        .modified = disk_time(inode->modified),
        .changed = disk_time(inode->changed),
    };
    return ext4_set(volume_of(inode)->fs, (uint32_t)inode->ino,
                    EXT4_SET_MODE | EXT4_SET_OWNER | EXT4_SET_ACCESSED | EXT4_SET_MODIFIED |
                        EXT4_SET_CHANGED,
                    &stat);
}

enum err volume_node_attribute(struct inode *inode, const char *name, const void *value,
                               size_t size)
{
    struct volume *volume = volume_of(inode);
    void *form = value && ACL_ON_DISK(name) ? heap_alloc(size) : NULL;
    enum err e = E_OK;
    if (value && ACL_ON_DISK(name))
        e = form ? volume_acl_to_disk(value, &size, form) : E_NOMEM;
    if (e == E_OK)
        e = volume_lock(volume, &volume->store.now);
    if (e == E_OK) {
        e = ext4_xattr_set(volume->fs, (uint32_t)inode->ino, name, form ? form : value, size, 0);
        volume_unlock(volume);
    }
    heap_free(form);
    return e;
}

/* ---- Evicted ---- */

void volume_node_evict(struct inode *inode)
{
    struct volume *volume = volume_of(inode);
    if (mode_is(inode->mode, S_IFREG))
        (void)page_cache_end(inode, inode->nlink > 0);
    if (inode->nlink > 0 || volume_lock(volume, NULL) != E_OK)
        return;
    (void)!ext4_evict(volume->fs, (uint32_t)inode->ino); /* what fails is freed at the next mount */
    volume_unlock(volume);
}

bool volume_node_droppable(struct inode *inode)
{
    return !mode_is(inode->mode, S_IFREG) || page_cache_is_clean(inode);
}
