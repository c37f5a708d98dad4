/* SPDX-License-Identifier: MIT */
/*
 * Directory entries. A directory is a hash table of its dentries, for lookup, and an array of the
 * same dentries in the order of their cookies, for getdents():
 *
 *     names     [0] -> "etc" -> "tmp"
 *               [1] -> "bin"
 *
 *     slots     | 2 "bin" | 3 (gone) | 4 "etc" | 5 "tmp" |
 *               cookies ascend; the cookie of an entry never changes
 *
 * A directory of a stored file system (fs/vfs/store.h) has no slots, and `names` is a cache.
 *
 * telldir() returns a cookie. A listing continues with the next higher cookie, whatever was removed
 * meanwhile. Cookies 0 and 1 are "." and "..".
 */
#pragma once

#include "fs/vfs/inode.h"
#include "mm/heap/hash_table.h"

#define DENTRY_NAME_INLINE 24
#define COOKIE_FIRST       2

#define DENTRY_ASKS        1u /* see store_ops.valid */
#define DENTRY_MOUNT       2u

struct dentry {
    uint32_t references;
    uint32_t length;       /* of the name */
    bool linked;           /* in its parent's directory */
    bool anonymous;        /* never was in a directory: its path is the name alone ("pipe:[7]") */
    bool stored;           /* in a struct stored_name (fs/vfs/store_table.h) */
    struct dentry *parent; /* itself for a root; one reference otherwise. NULL when anonymous */
    struct inode *inode;   /* never NULL; one reference */
    uint32_t special;      /* DENTRY_ASKS, and DENTRY_MOUNT for each mount on it */
    struct hash_link link;
    uint64_t cookie; /* 0: not in slots, as its file system is stored */
    char *name;      /* NUL-terminated; inline_name or heap */
    char inline_name[DENTRY_NAME_INLINE];
};

struct directory_slot {
    uint64_t cookie;
    struct dentry *dentry; /* NULL: removed */
};

struct directory {
    struct hash_table names; /* struct dentry.link */
    struct directory_slot *slots;
    uint32_t slot_count, slot_capacity;
    uint64_t next_cookie;
};

void directory_init(struct directory *directory);
/* The directory must be empty. */
void directory_destroy(struct directory *directory);

/* A dentry for the inode, not linked yet. Takes a reference to the inode and to the parent; parent
 * NULL: anonymous. *out: one reference. E_NOMEM. */
MUST_CHECK enum err dentry_alloc(struct dentry *parent, const char *name, size_t length,
                                 struct inode *inode, struct dentry **out);
/* dentry_alloc() in a block that begins `before` bytes (a multiple of 16) before the dentry. */
struct dentry_place {
    struct dentry *parent;
    const char *name;
    size_t length;
};
MUST_CHECK enum err dentry_alloc_after(size_t before, const struct dentry_place *place,
                                       struct inode *inode, struct dentry **out);
/* Makes fs->root, the dentry of a file system's root, which is its own parent. E_NOMEM. */
MUST_CHECK enum err dentry_alloc_root(struct filesystem *fs, struct inode *inode);
void dentry_get(struct dentry *dentry);
void dentry_put(struct dentry *dentry); /* NULL is allowed */

/* Adds the dentry to its directory, which takes a reference. The name must be free. E_NOMEM. */
MUST_CHECK enum err dentry_link(struct dentry *dentry);
/* Removes the dentry from its directory; does not change link counts. */
void dentry_unlink(struct dentry *dentry);
/* The entry of that name in the directory's table, without a reference; NULL. */
struct dentry *directory_find(const struct dentry *parent, const char *name, size_t length);
/* The linked entry with the smallest cookie >= cookie, without a reference; NULL. */
struct dentry *directory_next(const struct directory *directory, uint64_t cookie);

/* What is done between the allocation of memory for a change, and the change, which cannot fail then:
 * for stored file systems, the same change on the medium. May sleep. */
struct dentry_step {
    enum err (*perform)(const struct dentry_step *step);
};
/* Moves a linked dentry to (parent, name) and unlinks `replaced`, the entry there or NULL.
 * Within a directory the dentry keeps its cookie, so that a loop of readdir() and rename() ends.
 * `step`: NULL, or see above. E_NOMEM, or the step's error: no change. */
MUST_CHECK enum err dentry_move(struct dentry *dentry, const struct dentry_place *to,
                                struct dentry *replaced, const struct dentry_step *step);
/* Exchanges two linked dentries. E_NOMEM, or the step's error: no change. */
MUST_CHECK enum err dentry_exchange(struct dentry *a, struct dentry *b,
                                    const struct dentry_step *step);

/* For stored file systems: dentry_link(), which cannot fail. O(1). */
void dentry_keep(struct dentry *dentry);

static inline bool dentry_is_mounted_on(const struct dentry *dentry)
{
    return dentry->special >= DENTRY_MOUNT;
}

/* True if `dentry` is `above` or below it, in one file system. O(depth). */
bool dentry_is_below(const struct dentry *dentry, const struct dentry *above);
