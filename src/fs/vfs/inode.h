/* SPDX-License-Identifier: MIT */
/*
 * The objects of the file systems.
 *
 *   struct file ----> struct dentry ----> struct inode          fd 3 -> "/tmp/x" -> the bytes
 *   (an open)         (a name in a        (the thing itself)
 *                      directory)
 *
 * All file systems live in memory, so the tree of dentries *is* the directories, not a cache of
 * them.
 *
 * References (plain counts):
 *   inode   one for each dentry, each mapping (page source) and each pointer held over a sleep.
 *           When nlink is 0 and the last reference is dropped, its data is freed.
 *   dentry  one from its directory while it is linked there, one from each child, each file and
 *           each path walk that is under way.
 *
 * Locking: every structure of fs/ belongs to "the fs lock", which today is the rule that kernel
 * code is not preempted: no function here sleeps between reading and changing a structure, and
 * those that may sleep (reads and writes of pipes, terminals and fifos) say so and hold references
 * across it. Interrupt handlers never come here.
 */
#pragma once

#include "base/addr.h"
#include "base/compiler.h"
#include "base/err.h"
#include "fs/vfs/abi.h"
#include "mm/vm/page_source.h"

struct dentry;
struct directory;
struct file;
struct file_ops;
struct inode;
struct socket;

struct fs_time {
    int64_t seconds; /* since 1970-01-01 00:00 UTC */
    uint32_t nanoseconds;
};

struct inode_ops {
    /* Directories. NULL: only the entries of inode->directory are there. Writes a new reference.
     * Asked after those entries; E_NOENT. */
    enum err (*lookup)(struct dentry *directory, const char *name, size_t length,
                       struct dentry **out);
    /* Directories. Entries beyond inode->directory: the one with the smallest cookie >= *cookie,
     * which it updates; its name (at most NAME_MAX_LENGTH) and inode number. False at the end. */
    bool (*list)(struct inode *directory, uint64_t *cookie, char *name, size_t *length,
                 uint64_t *ino, uint8_t *type);
    /* Symbolic links that lead to an object and not to a path (/proc/self/fd/0). A new reference.
     */
    enum err (*jump)(struct inode *link, struct dentry **out);
    /* Regular files. NULL: E_INVAL. */
    enum err (*truncate)(struct inode *inode, uint64_t size);
    enum err (*allocate)(struct inode *inode, uint32_t mode, uint64_t offset, uint64_t size);
    /* 512-byte blocks for st_blocks; NULL: none. */
    uint64_t (*blocks)(const struct inode *inode);
    /* Frees what the ops own; the inode itself is freed by the caller. */
    void (*destroy)(struct inode *inode);
    bool unguarded; /* anyone may do anything, whatever the mode says (/proc/self/fd) */
};

struct filesystem {
    const char *type;  /* "tmpfs", "proc": for /proc/mounts */
    uint64_t magic;    /* statfs.f_type */
    uint64_t device;   /* st_dev */
    uint64_t next_ino; /* the number that the next inode gets */
    struct dentry *root;
    struct dentry *covered; /* the directory that `root` is mounted on; NULL for the first and for
                               those that are in no tree (pipes) */
    /* Makes an inode of the type in `mode`, with no name yet (nlink 0); NULL: nothing can be made
     * here. */
    enum err (*create)(struct filesystem *fs, uint32_t mode, uint64_t device, struct inode **out);
    /* Room in pages, for statfs(); NULL: no figures. */
    void (*room)(uint64_t *total, uint64_t *available);
};

struct inode {
    const struct inode_ops *ops;
    const struct file_ops *file_ops; /* what open() puts into the file; NULL: E_NXIO */
    struct filesystem *fs;
    uint64_t ino;
    uint32_t references;
    uint32_t mode; /* S_IF* and permissions */
    uint32_t uid, gid;
    uint32_t nlink;
    uint32_t writers;   /* files open for writing */
    uint32_t executing; /* times that exec keeps writers out */
    uint32_t mappings;  /* references of page sources: who must hear of replaced pages */
    uint64_t device;    /* st_rdev of a device node */
    uint64_t size;      /* st_size */
    struct fs_time accessed, modified, changed, created;
    struct directory *directory; /* S_IFDIR */
    char *link; /* S_IFLNK: its text, NUL-terminated, heap; NULL when ops->jump decides */
    union {
        struct pipe *pipe;     /* S_IFIFO: while somebody has it open */
        struct socket *socket; /* S_IFSOCK: the one that is bound to it, while it is open */
    };
    struct file *locked_by;   /* flock(LOCK_EX) holder */
    uint32_t locked_shared;   /* flock(LOCK_SH) holders */
    struct watch *watches;    /* fs/vfs/notify.h */
    struct range_lock *locks; /* fs/vfs/range_lock.h */
    uint32_t seals;           /* F_SEAL_*: only memfd_create() makes files without F_SEAL_SEAL */
    bool linkable;            /* nlink is 0 but link() may still give it a name (O_TMPFILE) */
    /* The name in /proc/self/maps: what was opened for the first mapping. One reference while
     * mappings > 0; before that, valid only until the file that set it is closed. */
    struct dentry *mapped_as;
    struct page_source pages; /* ops NULL: cannot be mapped */
};

/* Times, numbers, one reference, no name. `size_of` bytes starting with a struct inode, zeroed.
 * E_NOMEM. */
MUST_CHECK enum err inode_alloc(struct filesystem *fs, size_t size_of, uint32_t mode,
                                struct inode **out);
void inode_get(struct inode *inode);
void inode_put(struct inode *inode); /* NULL is allowed */

struct fs_time fs_time_now(void);
/* modified and changed, or changed alone, become now. */
void inode_touch_modified(struct inode *inode);
void inode_touch_changed(struct inode *inode);
/* A read happened: `accessed` follows the rule of relatime (mount(8)): it moves when it is not
 * after the other times, or a day old. The latter needs the clock, so only the start of a reading
 * asks for it. */
void inode_touch_accessed(struct inode *inode, bool start);

enum { /* access(2) */
    MAY_EXECUTE = 1,
    MAY_WRITE = 2,
    MAY_READ = 4,
};
/* E_ACCES when the calling program lacks one of the MAY_* bits. Root lacks only execution, and that
 * when nobody may execute. */
MUST_CHECK enum err inode_permission(const struct inode *inode, uint32_t may);
/* May the program change mode and times: owner or root, else E_PERM. */
MUST_CHECK enum err inode_owner_check(const struct inode *inode);

/* Mappings of pages [first, end) must fault again: their frames were replaced or are gone. */
void inode_pages_changed(struct inode *inode, uint64_t first, uint64_t end);
/* Their bytes were changed, but not through mappings: pages that show them become dirty. */
void inode_pages_written(struct inode *inode, uint64_t first, uint64_t end);
