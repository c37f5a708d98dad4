/* SPDX-License-Identifier: MIT */
/*
 * Where a dentry is seen: a file system may be mounted in several places, and a dentry alone does not say in which one.
 *
 *     struct filesystem     one for each medium, tmpfs ...: the files           (Linux: super_block)
 *     struct mount          one for each place: its root is any dentry of it    (Linux: mount)
 *     struct location       a dentry, and the mount through which it is seen    (Linux: path)
 *
 *     mount --bind /a/b /c
 *
 *          mount 1: root "/" of fs                mount 2: root "b" of fs, parent mount 1, point "c"
 *          /a/b = {mount 1, "b"}                  /c   = {mount 2, "b"}, and its ".." is "/"
 *
 * A walk that finds a dentry with mounts on it looks (mount, dentry) up in one hash table: O(1), however many mounts
 * there are. The tree of mounts:
 *
 *   1. Each mount in the tree but the root has a parent and a point, a dentry that is seen through the parent.
 *   2. At most one mount has a given (parent, point); a second one there is mounted on the root of the first.
 *   3. A mount has one reference for being in the tree, one for each mount on it, and one for each location. It is in use
 *      (E_BUSY) if there are others than the first. The file system ends after its last mount.
 *   4. Each namespace has a tree of its own, in which all but the root of the first is a copy. What is mounted on a shared mount
 *      (MS_SHARED) is mounted on its copies in other trees, too.
 *   5. Taken out of the tree (MNT_DETACH) it lives until its last location goes.
 *
 * mount NULL: a dentry that the kernel itself uses, in no mount (a layer of an overlay, a pipe): no flags, no mounts on it.
 * Under kernel_lock.
 */
#pragma once

#include "cpu/lock.h"
#include "fs/vfs/dentry.h"

struct mount {
    uint32_t references;
    uint32_t id;
    uint32_t
        flags; /* MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_NOATIME, MS_NODIRATIME, MS_RELATIME, MS_UNBINDABLE */
    uint32_t writers;           /* regular files open for writing */
    uint32_t group;             /* MS_SHARED: of mounts that show each other's changes; 0: none */
    uint32_t master;            /* MS_SLAVE: the group whose changes it shows; 0: none */
    bool expires;               /* MNT_EXPIRE: not used since */
    struct mount_namespace *ns; /* the tree that has it; NULL: none */
    struct filesystem *fs;
    struct dentry *root;   /* one reference */
    struct mount *parent;  /* one reference; NULL: the root, or not in the tree */
    struct dentry *point;  /* one reference; NULL as parent */
    struct hash_link link; /* by parent and point */
    struct list order;     /* of all in the tree, as they came */
    struct list children, sibling;
};

struct location {
    struct mount *mount; /* NULL: see above */
    struct dentry *dentry;
};

/* The last reference of a mount, which is out of the tree, is gone. Does not sleep: the file system ends later. */
void mount_end(struct mount *mount);

static inline void mount_get(struct mount *mount)
{
    if (mount)
        CPUS_ADD(mount->references, 1);
}

static inline void mount_put(struct mount *mount)
{
    if (!mount)
        return;
    mount->expires = false;
    if (kernel_lock_put(&mount->references))
        mount_end(mount);
}

static inline void location_get(const struct location *at)
{
    mount_get(at->mount);
    dentry_get(at->dentry);
}

void location_put(const struct location *at); /* the dentry may be NULL */

static inline bool location_is(const struct location *a, const struct location *b)
{
    return a->dentry == b->dentry && a->mount == b->mount;
}

/* True if any of the flags (MS_NOEXEC ...) is the mount's. */
static inline bool mount_has(const struct mount *mount, uint32_t flags)
{
    return mount && (mount->flags & flags);
}

/* E_ROFS if the mount or the file system is read-only. O(1). */
MUST_CHECK enum err mount_writable(const struct mount *mount, const struct filesystem *fs);

/* The mount on the dentry as it is seen through `parent`; NULL: none. O(1). */
struct mount *mount_on(const struct mount *parent, const struct dentry *point);
/* To the root of the topmost mount on the location; moves the references. O(mounts on it). */
void location_descend(struct location *at);
/* The directory above, across mounts, without references; the location itself at the top and at `root` (NULL: none).
 * O(mounts on each other there). */
struct location location_above(const struct location *at, const struct location *root);
/* A place of the file system: its first mount, of the thread's namespace if it has one, or NULL. No references. O(mounts). */
struct location location_any(struct dentry *dentry);

/* The path from `root`, NUL-terminated at the *end* of buffer[size]; *out points to its start. A location that is not below
 * `root` (NULL: the top) begins at the top of its own tree. E_NAMETOOLONG. O(length of the path). */
enum location_mark {
    LOCATION_PLAIN,
    LOCATION_DELETED,     /* " (deleted)" is appended for a removed entry */
    LOCATION_ROOT,        /* "//deleted" likewise (mountinfo) */
    LOCATION_UNREACHABLE, /* "(unreachable)" is put before the path if it is not below `root` */
};
MUST_CHECK enum err location_path(const struct location *at, const struct location *root,
                                  enum location_mark mark, char *buffer, size_t size, char **out);
