/* SPDX-License-Identifier: MIT */
/*
 * Folders of the host as a file system: the joint of the client (fs/p9/client.h) to stored file systems (fs/vfs/store.h).
 *
 *   super.c     mount, statfs, sync, the end
 *   names.c     directories: look up, list, make, link, remove, rename
 *   node.c      inodes: what the host says of a file, changes of mode and times, eviction
 *   contents.c  bytes of files
 *
 * An inode has up to three fids. `fid` stands for the file's name, `reader` and `writer` are opened when they are first needed, and stay
 * until the inode is evicted: a file whose last name is gone is read and written through them. QEMU's server knows a fid that is
 * not open by its path: a name that is looked up anew brings the inode a new one.
 *
 * Others may change the folder at any time. A name that is cached is used after one question: the attributes of the inode's fid. They
 * are believed for NODE_FRESH_NS, of directories for NODE_FRESH_DIRECTORY_NS.
 *
 * Owners. The server makes all files for the user that runs QEMU, and the program sees itself as the owner of all: of
 * the user and group for which the folder was mounted. chown() to others is E_PERM. Device nodes are not made.
 *
 * Locking: kernel_lock, dropped while the host works. `fid` is replaced with the names lock held and while `users` is 0; a call
 * without that lock counts itself in `users`.
 */
#pragma once

#include "fs/p9/client.h"
#include "fs/vfs/store.h"
#include "kern/time.h"

#define NODE_FRESH_NS           (NS_PER_SECOND / 1000)
#define NODE_FRESH_DIRECTORY_NS NS_PER_SECOND

struct p9_fs {
    struct store store; /* first */
    struct p9_client *client;
    uint32_t uid, gid; /* the owner that the program sees */
    bool ended;        /* the machine ends: nothing is asked any more */
};

struct p9_node {
    struct inode inode; /* first */
    uint32_t fid, reader, writer;
    uint32_t users;      /* calls that use `fid` without the names lock */
    uint64_t asked_ns;   /* when the attributes were the host's; 0: never */
    uint64_t changes;    /* of the contents here, counted */
    uint64_t path;       /* the file's number there: inode.ino, unless that was taken */
    uint64_t host_size;  /* of the file there */
    uint64_t blocks;     /* of 512 bytes, as the host says */
    uint64_t parent_ino; /* the name that `fid` was walked to: of its directory, */
    char *name;          /* and in it; heap; NULL: none, the root */
    bool stale;          /* that name was removed: `fid` stands for nothing */
};

static inline struct p9_fs *p9_fs_of(const struct inode *inode)
{
    return (struct p9_fs *)inode->fs->store;
}
static inline struct p9_node *node_of(const struct inode *inode)
{
    return (struct p9_node *)(uintptr_t)inode;
}

extern const struct store_ops p9_store_ops;
extern const struct file_ops p9_file_ops;

/* The inode of the file, to which `fid` was walked as directory/name; it owns the fid from then on. With an error the fid is
 * clunked. `directory` NULL: the root. Names lock. *out: one reference. Sleeps. */
MUST_CHECK enum err node_get(struct p9_fs *fs, const struct inode *directory,
                             struct store_name name, uint32_t fid, struct inode **out);
/* Asks the host for the attributes, if they are older than `fresh_ns`. E_NOENT: the fid stands for another file now. Sleeps. */
MUST_CHECK enum err node_refresh(struct inode *inode, uint64_t fresh_ns);
/* The fid that is open for reading or writing. Sleeps. */
MUST_CHECK enum err node_open(struct inode *inode, bool write, uint32_t *fid);
/* The last name of the inode goes. What its users need afterwards is opened. Names lock. Sleeps. */
void node_before_unlink(struct inode *inode);
/* It has gone, and another name may be left. */
void node_unlinked(struct inode *inode, const struct inode *directory, struct store_name name);
/* Sets attributes of the host's file. E_NOENT: the fid does not stand for the file any more. Sleeps. */
MUST_CHECK enum err node_set(struct inode *inode, const struct p9_changes *changes);
/* The file gets `size` bytes, also one whose last name is gone: its end is written with zeros then, and its size is known here
 * only. Sleeps. */
MUST_CHECK enum err node_set_size(struct inode *inode, uint64_t size);
/* `fid` stands for this name. E_NOMEM: for none. */
void node_name(struct inode *inode, const struct inode *directory, struct store_name name);
bool node_is_named(const struct inode *inode, const struct inode *directory,
                   struct store_name name);

/* store_ops */
MUST_CHECK enum err p9_names_lookup(struct inode *directory, struct store_name name,
                                    struct inode **out);
MUST_CHECK enum err p9_names_list(struct inode *directory, uint64_t from, store_sink sink,
                                  void *context);
MUST_CHECK enum err p9_names_create(struct inode *directory, struct store_name name,
                                    const struct inode *as, struct inode **out);
MUST_CHECK enum err p9_names_link(struct inode *directory, struct store_name name,
                                  struct inode *inode);
MUST_CHECK enum err p9_names_unlink(struct inode *directory, struct store_name name,
                                    struct inode *inode);
MUST_CHECK enum err p9_names_rename(const struct store_move *move);
bool p9_names_valid(struct inode *directory, struct store_name name, struct inode *inode);
MUST_CHECK enum err p9_node_change(struct inode *inode, const struct store_attributes *to);
MUST_CHECK enum err p9_node_refresh(struct inode *inode);
void p9_node_evict(struct inode *inode);
bool p9_node_droppable(struct inode *inode);
