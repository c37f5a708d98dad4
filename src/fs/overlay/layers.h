/* SPDX-License-Identifier: MIT */
/*
 * The inside of overlay, for fs/overlay/ only.
 *
 *     struct overlay        a mounted overlay: its store and the roots of the layers
 *     struct overlay_node   an inode: the file or directory of one layer, or a directory of both
 *
 * Attributes in memory are copies of the real inode's: after each change and before stat() they are made equal again
 * (overlay_follow()); link counts of merged directories are 1, as with Linux.
 *
 * Numbers: twice that of the lower file, for copies of it too (trusted.ouro.origin on the upper one says which), and
 * twice that of the upper file plus 1 for others. So st_dev is one, and st_ino stays over a copy up (Linux: xino=on). A lower file with several
 * links gets a new number, and the links part (Linux: index=off).
 *
 * Directories that the lower layer has a part in are not moved (E_XDEV, as Linux without redirect_dir), so the path of a
 * merged directory is the same in both layers, and the upper one of any lower directory can be made by its lower path.
 *
 * Locks: the names lock of the overlay, then those of the layers. Layers are changed with root's rights: the rights of
 * the caller are checked with the overlay's attributes, by VFS.
 */
#pragma once

#include "fs/overlay/overlay.h"
#include "fs/vfs/store_table.h"
#include "fs/vfs/vfs.h"

#define MARK_OPAQUE "trusted.overlay.opaque"
#define MARK_ORIGIN "trusted.ouro.origin"

struct overlay {
    struct store store; /* first */
    struct dentry *lower, *upper;
    char *options;
    bool readonly; /* for ever */
};

struct overlay_node {
    struct inode inode; /* first */
    struct dentry *upper,
        *lower; /* references; NULL. A file has one of them, a directory lower only if it is seen */
};

static inline struct overlay_node *overlay_node_of(const struct inode *inode)
{
    return (struct overlay_node *)(uintptr_t)inode;
}
static inline struct overlay *overlay_of(const struct inode *inode)
{
    return (struct overlay *)store_of(inode);
}
static inline struct dentry *overlay_real(const struct inode *inode)
{
    const struct overlay_node *node = overlay_node_of(inode);
    return node->upper ? node->upper : node->lower;
}

/* A layer's dentry as the walk begins there: in no mount, so nothing mounted in the layer is seen. To the end of the block. */
#define LAYER(dentry) (&(const struct location){NULL, (dentry)})

/* layer.c: */

/* A name of a layer's directory, without the mounts in it. *out: one reference. E_NOENT. Sleeps. */
MUST_CHECK enum err layer_find(struct dentry *directory, const char *name, size_t length,
                               struct dentry **out);
/* A directory's names from a cookie on, in parts. */
struct layer_entry {
    uint64_t ino, next;
    uint8_t type, length;
    char name[NAME_MAX_LENGTH + 1];
};
struct layer_batch {
    uint32_t count;
    bool full; /* there may be more */
    struct layer_entry entry[24];
};
MUST_CHECK enum err layer_list(struct dentry *directory, uint64_t from, struct layer_batch *batch);
bool layer_is_whiteout(const struct inode *inode);
/* True if the attribute of the layers is there, with this value's first bytes in *to. */
bool layer_mark(const struct inode *inode, const char *name, void *to, size_t size);
MUST_CHECK enum err layer_set_mark(struct dentry *dentry, const char *name, const void *value,
                                   size_t size);
/* True if other users of the file system must not see the attribute. */
bool layer_is_private(const char *name);
/* Root's rights for changes of a layer, with these owners for what is made; ends with layer_rights_end(). */
struct layer_rights {
    struct credentials root;
    const struct credentials *callers;
};
void layer_rights_begin(struct layer_rights *rights, uint32_t uid, uint32_t gid);
void layer_rights_end(const struct layer_rights *rights);

/* node.c: */

/* The inode of what the layers have (overlay_see()); takes over both references. */
MUST_CHECK enum err overlay_node_get(struct overlay *overlay, struct dentry *upper,
                                     struct dentry *lower, struct inode **out);
/* What is seen under a name of the directory: upper and lower, with references, or NULL. E_NOENT. */
struct overlay_seen {
    struct dentry *upper, *lower;
};
MUST_CHECK enum err overlay_see(struct inode *directory, const char *name, size_t length,
                                struct overlay_seen *out);
void overlay_follow(struct inode *inode);
enum err overlay_lookup(struct inode *directory, struct store_name name, struct inode **out);
enum err overlay_list(struct inode *directory, uint64_t from, store_sink sink, void *context);
/* E_NOTEMPTY. */
MUST_CHECK enum err overlay_is_empty(struct inode *directory);
/* True if the lower layer shows the name below this directory. */
bool overlay_lower_has(struct inode *directory, const char *name);

/* copy_up.c: */

/* After it the inode has an upper part. Of a file the first `size` bytes are copied. Names lock. Sleeps. */
MUST_CHECK enum err overlay_copy_up(struct inode *inode, uint64_t size);
/* The same, with the lock. */
MUST_CHECK enum err overlay_copy_up_now(struct inode *inode, uint64_t size);

/* change.c: */
enum err overlay_create(struct inode *directory, struct store_name name, const struct inode *as,
                        struct inode **out);
enum err overlay_link(struct inode *directory, struct store_name name, struct inode *inode);
enum err overlay_unlink(struct inode *directory, struct store_name name, struct inode *inode);
enum err overlay_rename(const struct store_move *move);
enum err overlay_change(struct inode *inode, const struct store_attributes *to);
enum err overlay_set_attribute(struct inode *inode, const char *name, const void *value,
                               size_t size);

/* file.c */
extern const struct inode_ops overlay_file_inode_ops;
extern const struct file_ops overlay_file_ops;
