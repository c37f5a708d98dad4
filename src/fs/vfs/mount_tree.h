/* SPDX-License-Identifier: MIT */
/* The tree of mounts (fs/vfs/location.h), for fs/vfs/ only. Under mounts_lock(), but for the boot and the end. */
#pragma once

#include "fs/vfs/location.h"
#include "fs/vfs/mount.h"

#define GIVE_WAY_AT 128 /* mounts that are looked at in one go */

extern struct list mounts; /* struct mount.order: all in the tree, as they came */

static inline struct mount *mount_of(const struct list *order)
{
    return CONTAINER_OF(order, struct mount, order);
}

/* Mounts it on the location, on which nothing is mounted. O(1). */
void mount_hook(struct mount *mount, const struct location *at);
/* Takes it from its parent, if it has one. O(1). */
void mount_unhook(struct mount *mount);
/* The mounts on `top` and below, parents before children; NULL: no more. */
struct mount *mount_next(const struct mount *mount, const struct mount *top);
/* The same, without those on `mount`. */
struct mount *mount_next_beside(const struct mount *mount, const struct mount *top);
/* The mounts on which a change at the location, on a shared mount, is seen too; NULL: the first. NULL: no more. O(mounts). */
struct mount *mount_follower(const struct location *at, struct mount *after);

/* mount.c: one change of mounts at a time; sleeps. */
void mounts_lock(void);
void mounts_unlock(void);
void mounts_changed(void);

/* A mount of the file system at that root, not in the tree. *out: one reference. E_NOMEM. O(1). */
MUST_CHECK enum err mount_make(struct filesystem *fs, struct dentry *root, uint32_t flags,
                               struct mount **out);
/* Puts it into the tree of the namespace, with a number; takes a reference. Takes it out, with what it was mounted on. O(1). */
void mount_add(struct mount *mount, struct mount_namespace *ns);
void mount_remove(struct mount *mount);
/* A copy of the mount, its root the location; with the mounts below it, but for unbindable ones, or all. *out: not in the tree, one
 * reference. E_NOMEM, E_NOSPC. Gives way. O(mounts that are copied). */
enum mount_depth {
    MOUNT_ONE,
    MOUNT_BELOW,
    MOUNT_ALL,
};
MUST_CHECK enum err mount_copy(const struct location *from, enum mount_depth depth,
                               struct mount **out);
/* Frees a copy that did not get into the tree, but for the caller's reference of its top. */
void mount_drop_copy(struct mount *top);
/* Puts a copy with all below it into the tree. Gives way. O(mounts of it). */
void mount_add_all(struct mount *top, struct mount_namespace *ns);
/* Mounts a tree, new or moved, on the location and, if that is shared, on those that follow it. E_NOMEM, E_NOSPC: nothing has changed.
 * Gives way. O(mounts), shared: O(mounts * followers). */
MUST_CHECK enum err mount_graft(struct mount *tree, const struct location *at);
/* MS_SHARED, MS_PRIVATE, MS_SLAVE or MS_UNBINDABLE. O(mounts). */
void mount_set_spread(struct mount *mount, uint32_t to);

/* mount_namespace.c: */
extern struct mount_namespace mounts_first;
/* True if the mount is in the tree of the calling thread's namespace. */
bool mount_is_here(const struct mount *mount);
/* Frees the namespaces without references, with their trees. mounts_lock. Gives way. O(mounts of them). */
void mount_namespaces_reap(void);

/* unmount.c: */

/* Takes it and what is mounted below out of the tree, the last first. Gives way. O(mounts of it). */
void mount_detach(struct mount *top);

/* True if the test holds of an entry. O(entries). */
bool tree_any(struct dentry *top, bool (*test)(struct dentry *at));
