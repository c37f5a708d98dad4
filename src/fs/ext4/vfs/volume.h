/* SPDX-License-Identifier: MIT */
/*
 * The joint between the library (fs/ext4/ext4.h), VFS (fs/vfs/store.h), page cache (fs/cache/page_cache.h) and block devices.
 *
 *     struct volume      a mounted file system: its store, its device, and the lock that the library asks for
 *     struct node        a regular file; other inodes are a struct inode alone
 *
 * Locks: names lock or a file's turn, then the volume's. It is held in calls of the library, for a commit too, and in none of VFS or
 * the page cache. Bytes of files move between pages and device without it: nothing frees the blocks meanwhile (invariant 3 of
 * the page cache). Data comes before its metadata: write_pages() writes first and calls ext4_written() then, so a commit
 * never waits for pages.
 */
#pragma once

#include "fs/cache/page_cache.h"
#include "fs/ext4/ext4.h"
#include "fs/vfs/store.h"
#include "kern/block.h"

struct volume {
    struct store store; /* first */
    struct ext4 *fs;    /* NULL: the machine ends */
    struct block_device *device;
    bool locked, discard;
    struct wait_queue queue;
    const struct fs_time *now; /* of the operation under way; NULL: the clock's */
    struct volume *next;       /* of all that may have something to commit */
};

struct node {
    struct cached_file cached; /* first */
    uint64_t size, sectors;    /* as on the disk */
};

static inline struct volume *volume_of(const struct inode *inode)
{
    return (struct volume *)store_of(inode);
}
static inline struct node *node_of(struct inode *inode)
{
    return (struct node *)inode;
}

/* Takes the lock. E_IO: the volume has ended, and is not locked. `now`: what the library takes for the time; NULL: the clock. */
MUST_CHECK enum err volume_lock(struct volume *volume, const struct fs_time *now);
/* Drops it, and has the changes committed 5 s after the first. */
void volume_unlock(struct volume *volume);
void volume_add(struct volume *volume);
void volume_remove(struct volume *volume);

/* device.c */
void volume_io(struct volume *volume, struct ext4_io *io);

/* node.c */
extern const struct page_cache_ops ext4_page_ops;
MUST_CHECK enum err volume_node_get(struct volume *volume, uint32_t ino, struct inode **out);
/* Makes the inode for a file that was just created. */
MUST_CHECK enum err volume_node_new(struct volume *volume, uint32_t ino, const struct inode *as,
                                    struct inode **out);
enum err volume_node_change(struct inode *inode, const struct store_attributes *to);
enum err volume_node_attribute(struct inode *inode, const char *name, const void *value,
                               size_t size);
void volume_node_evict(struct inode *inode);
enum err volume_node_place(struct inode *inode, uint64_t offset, struct store_run *out);
bool volume_node_droppable(struct inode *inode);
/* The times and the owner in memory, on the disk. The lock is held. */
MUST_CHECK enum err volume_node_write(struct inode *inode);

/* names.c */
enum err volume_lookup(struct inode *directory, struct store_name name, struct inode **out);
enum err volume_list(struct inode *directory, uint64_t from, store_sink sink, void *context);
enum err volume_create(struct inode *directory, struct store_name name, const struct inode *as,
                       struct inode **out);
enum err volume_link(struct inode *directory, struct store_name name, struct inode *inode);
enum err volume_unlink(struct inode *directory, struct store_name name, struct inode *inode);
enum err volume_rename(const struct store_move *move);

/* acl.c: lists of access control have another form on the disk. Into out[size], 4 bytes more than *size would take, or less. *size: of
 * the result. E_INVAL. O(entries). */
#define ACL_ON_DISK(name)                                                                          \
    (strcmp(name, "system.posix_acl_access") == 0 || strcmp(name, "system.posix_acl_default") == 0)
MUST_CHECK enum err volume_acl_to_disk(const void *value, size_t *size, void *out);
MUST_CHECK enum err volume_acl_from_disk(const void *value, size_t *size, void *out);
