/* SPDX-License-Identifier: MIT */
/*
 * The VFS's half of stored file systems (fs/vfs/store.h): what names.c, walk.c, inode.c and mount.c call. Functions that
 * may sleep say so; all others do not, and may be called wherever kernel_lock is held.
 */
#pragma once

#include "fs/vfs/dentry.h"
#include "fs/vfs/store.h"
#include "fs/vfs/walk.h"

/* Before the struct inode of a stored file system. */
struct stored {
    struct hash_link link;  /* store->inodes */
    struct list queue;      /* store->unused or gone, while there are no references */
    struct list dirty_link; /* store->dirty */
    struct dentry *name;    /* of a directory, which has only one; NULL: it is not in a table */
    bool is_dirty;          /* in store->dirty */
    bool leaving;           /* in store->gone, not in unused */
    bool evicting;          /* cannot be found any more; goes with its last reference */
    bool capability_lost;   /* in memory: security.capability; on the medium not yet */
};
_Static_assert(sizeof(struct stored) % 16 == 0, "the inode follows, aligned");

static inline struct stored *stored_of(const struct inode *inode)
{
    return (struct stored *)(uintptr_t)inode - 1;
}

static inline struct inode *inode_of(struct stored *stored)
{
    return (struct inode *)(stored + 1);
}

/* Before the struct dentry. */
struct stored_name {
    struct list link; /* store->names */
};

/* inode_put(): the last reference is gone. */
void store_inode_unused(struct inode *inode);
/* inode_put(), evict: frees it. fs/vfs/inode.c */
void inode_free(struct inode *inode, void *block);
/* dentry_put(): the block to free. */
void *store_name_end(struct dentry *dentry);

/* A dentry for the inode in the table. Names lock. *out: one reference. E_NOMEM. */
MUST_CHECK enum err store_name_make(struct dentry *directory, struct store_name name,
                                    struct inode *inode, struct dentry **out);
/* A dentry that is not in the table yet, with `directory` for its inode; store_name_add() gives it the
 * inode and puts it into the table. */
MUST_CHECK enum err store_name_alloc(struct dentry *directory, struct store_name name,
                                     struct dentry **out);
void store_name_add(struct dentry *dentry, struct inode *inode);
/* Takes cached names without users out of the table: looks at the `looks` oldest, until `most` are out. A directory goes after its
 * entries. False: none is out. O(names looked at). */
bool store_names_prune(struct store *store, uint32_t looks, uint32_t most);
/* Takes the names below the directory out that nothing uses. O(those). */
void store_names_below(struct dentry *directory);

/* The entry, from the table or the medium. Names lock. Sleeps. *out: one reference; mounts are not crossed. */
MUST_CHECK enum err store_find(struct dentry *directory, struct store_name name,
                               struct dentry **out);
/* As inode_ops.lookup: store_find() with the lock. Sleeps. */
MUST_CHECK enum err store_lookup(struct dentry *directory, const char *name, size_t length,
                                 struct dentry **out);
/* Takes the names lock and brings walk->found up to date; on an error too. Sleeps. */
MUST_CHECK enum err store_settle(struct walk *walk);
/* The second of two walks in the same file system, whose lock the first has. Sleeps. */
MUST_CHECK enum err store_settle_more(struct walk *walk);
/* The names of the file system have changed: what was not there may be. */
static inline void store_names_changed(struct store *store)
{
    store->missed_length = 0;
}

/* The changes of names and attributes: only the first two take the names lock. They sleep. */
/* vfs_create_child(), with the text of a symbolic link. E_EXIST. */
MUST_CHECK enum err store_create(const struct walk *walk, uint32_t mode, uint64_t device,
                                 const char *target, struct dentry **out);
/* vfs_create_inode(): without a name. */
MUST_CHECK enum err store_create_unnamed(struct dentry *directory, uint32_t mode,
                                         struct inode **out);
/* Links the inode under the settled name that was not found. *out: one reference. */
MUST_CHECK enum err store_link(const struct walk *walk, struct inode *inode, struct dentry **out);
/* The steps on the medium, after all checks; nothing for a file system in memory. */
MUST_CHECK enum err store_remove(const struct walk *walk);
struct store_rename {
    struct dentry_step step;
    struct store_move move;
};
/* The step for dentry_move() and dentry_exchange(); NULL in memory. */
const struct dentry_step *store_rename_step(struct store_rename *out, const struct walk *from,
                                            const struct walk *to, uint32_t flags);
MUST_CHECK enum err store_change(struct inode *inode, const struct store_attributes *to);
MUST_CHECK enum err store_set_attribute(struct inode *inode, const char *name, const void *value,
                                        size_t size);

/* A write took the file's capabilities away; any lock may be held. Does not sleep. */
static inline void store_capability_lost(struct inode *inode)
{
    if (!inode->fs->store)
        return;
    stored_of(inode)->capability_lost = true;
    store_inode_dirty(inode);
}

/* Link counts and times after a change of names. */
void links_add(struct inode *inode, int change);
void names_touch_modified(struct inode *inode); /* mtime and ctime */
void names_touch_changed(struct inode *inode);  /* ctime */

/* For file_list(). Sleeps. */
struct file;
MUST_CHECK enum err store_list(struct file *file, store_sink sink, void *context);

/* Gives dirty inodes to change(). Sleeps. The first error. O(dirty inodes). */
MUST_CHECK enum err store_flush(struct store *store);
/* store_flush(), then sync(). Sleeps. */
MUST_CHECK enum err store_sync(struct store *store, bool wait);
/* store_sync(), while another thread may unmount it. */
MUST_CHECK enum err store_sync_used(struct store *store, bool wait);
/* True if the test, which does not sleep, holds of an inode. O(inodes). */
bool store_any(struct store *store, bool (*test)(struct inode *inode));
/* For the end of the machine, with the names lock: removes the files without names from the medium, used ones too. Sleeps. */
void store_evict_gone(struct store *store);
/* Before the first use: the thread that evicts and flushes. E_NOMEM. */
MUST_CHECK enum err store_start_worker(void);
/* There is work for it. Does not sleep. */
void store_wake_worker(void);
/* Evicts all inodes without references, keeping none. Sleeps. */
void store_empty(struct store *store);
/* The store, without inodes and root, leaves the list of all. Sleeps. */
void store_end(struct store *store);
extern struct store *store_first;
