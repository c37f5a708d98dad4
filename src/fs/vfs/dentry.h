/* SPDX-License-Identifier: MIT */
/*
 * Names. A directory is a hash table of its dentries, for lookup, and beside it an array of the
 * same dentries in the order of their cookies, for getdents:
 *
 *     buckets   [0] -> "etc" -> "tmp"
 *               [1] -> "bin"
 *
 *     slots     | 2 "bin" | 3 (gone) | 4 "etc" | 5 "tmp" |
 *               cookies rise; an entry keeps its cookie for life
 *
 * A cookie is what telldir() gives: the entry with the next higher cookie comes next, whatever was
 * removed meanwhile. Cookies 0 and 1 are "." and "..".
 */
#pragma once

#include "fs/vfs/inode.h"

#define DENTRY_NAME_INLINE 24
#define COOKIE_FIRST       2

struct dentry {
    uint32_t references;
    bool linked;           /* its directory holds it */
    bool anonymous;        /* never was in a directory: d_path is the name alone ("pipe:[7]") */
    struct dentry *parent; /* itself for a root; one reference otherwise. NULL when anonymous */
    struct inode *inode;   /* never NULL; one reference */
    struct filesystem *mounted; /* what is mounted here */
    struct dentry *hash_next;
    uint64_t cookie;
    uint32_t hash;
    uint32_t length; /* of the name */
    char *name;      /* NUL-terminated; inline_name or heap */
    char inline_name[DENTRY_NAME_INLINE];
};

struct directory_slot {
    uint64_t cookie;
    struct dentry *dentry; /* NULL: removed */
};

struct directory {
    struct dentry **buckets; /* heap, or &single */
    struct dentry *single;
    uint32_t bucket_count; /* a power of two */
    uint32_t count;        /* entries */
    struct directory_slot *slots;
    uint32_t slot_count, slot_capacity;
    uint64_t next_cookie;
};

void directory_init(struct directory *directory);
/* It must be empty. */
void directory_destroy(struct directory *directory);

/* A name for the inode (one reference is taken), in no directory yet. parent may be NULL
 * (anonymous) or is referenced. The caller gets one reference. E_NOMEM. */
MUST_CHECK enum err dentry_alloc(struct dentry *parent, const char *name, size_t length,
                                 struct inode *inode, struct dentry **out);
/* The root of a file system: its own parent. */
MUST_CHECK enum err dentry_alloc_root(struct filesystem *fs, struct inode *inode);
void dentry_get(struct dentry *dentry);
void dentry_put(struct dentry *dentry); /* NULL is allowed */

/* Puts the dentry into its parent's directory, which takes a reference. E_NOMEM. The name is free.
 */
MUST_CHECK enum err dentry_link(struct dentry *dentry);
/* Takes it out again; link counts are the caller's business. */
void dentry_unlink(struct dentry *dentry);
/* The entry of that name in the directory's own table, without a reference; NULL. */
struct dentry *directory_find(const struct dentry *parent, const char *name, size_t length);
/* The linked entry with the smallest cookie >= cookie, without a reference; NULL. */
struct dentry *directory_next(const struct directory *directory, uint64_t cookie);

/* Moves a linked dentry to (parent, name); what is there (or NULL) is unlinked. Within a directory
 * it keeps its cookie, so a loop of readdir() and rename() ends. E_NOMEM without any change. */
MUST_CHECK enum err dentry_move(struct dentry *dentry, struct dentry *parent, const char *name,
                                size_t length, struct dentry *replaced);
/* Two linked dentries change places. E_NOMEM without any change. */
MUST_CHECK enum err dentry_exchange(struct dentry *a, struct dentry *b);

/* Is `dentry` below `above` or `above` itself? Mounts are crossed upwards. */
bool dentry_is_below(const struct dentry *dentry, const struct dentry *above);
/* The directory above, across mounts, without a reference; itself at the top. */
struct dentry *dentry_above(const struct dentry *dentry);

/* The path from `root`, NUL-terminated at the *end* of buffer[size]; *out points to its start.
 * Deleted entries get " (deleted)" appended when `mark` says so, what is not below `root` starts at
 * its own top. E_NAMETOOLONG. */
MUST_CHECK enum err dentry_path(const struct dentry *dentry, const struct dentry *root, bool mark,
                                char *buffer, size_t size, char **out);
/* Linked, and so is every directory above? */
bool dentry_is_reachable(const struct dentry *dentry);
