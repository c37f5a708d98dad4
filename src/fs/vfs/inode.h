/* SPDX-License-Identifier: MIT */
/*
 * The objects of the file systems (Linux's VFS).
 *
 *   struct file ----> struct dentry ----> struct inode          fd 3 -> "/tmp/x" -> the bytes
 *   (an open file)    (a name in a        (the file)
 *                      directory)
 *
 * Of file systems in memory the tree of dentries is the directories, not a cache of them; of those on disks and
 * on the host (fs/vfs/store.h) it is a cache, and their operations sleep.
 *
 * References (plain counts):
 *   inode   one for each dentry, each mapping (page source) and each pointer held over a sleep.
 *           Dropping the last reference frees its data.
 *   dentry  one from its directory while it is linked there, one from each child, each file and
 *           each running path walk.
 *
 * Locking: kernel_lock guards the structures of fs/. No function here sleeps or gives way between
 * reading and changing a structure; those that may (reads and writes, what ends a socket, and what calls the operations of
 * a stored file system) are documented so, and hold references meanwhile. Interrupt handlers must not call functions of fs/.
 */
#pragma once

#include "base/addr.h"
#include "base/compiler.h"
#include "base/err.h"
#include "base/list.h"
#include "fs/vfs/abi.h"
#include "fs/vfs/credentials.h"
#include "fs/vfs/wait.h"
#include "mm/vm/page_source.h"

struct attributes;
struct dentry;
struct directory;
struct file;
struct file_ops;
struct gap_tree;
struct inode;
struct location;
struct mount;
struct socket;
struct store;
struct text;

struct fs_time {
    int64_t seconds; /* since 1970-01-01 00:00 UTC */
    uint32_t nanoseconds;
};

struct inode_ops {
    /* Directories: looks up a name that is not in inode->directory. *out: one reference. E_NOENT.
     * NULL: there are no other entries. */
    enum err (*lookup)(struct dentry *directory, const char *name, size_t length,
                       struct dentry **out);
    /* Directories: makes the entries of inode->directory, before they are listed first. E_NOMEM. NULL: they are
     * made. */
    enum err (*fill)(struct inode *directory);
    /* The pid of the process that the directory stands for (/proc/PID). NULL: it stands for none. */
    uint32_t (*process)(const struct inode *directory);
    /* Directories: the entry not in inode->directory with the smallest cookie >= *cookie, which is
     * updated; its name (at most NAME_MAX_LENGTH bytes), inode number and type. False: none. */
    bool (*list)(struct inode *directory, uint64_t *cookie, char *name, size_t *length,
                 uint64_t *ino, uint8_t *type);
    /* Symbolic links to an object and not to a path (/proc/self/fd/0). *out: with references. */
    enum err (*jump)(struct inode *link, struct location *out);
    /* Regular files. NULL: E_INVAL. */
    enum err (*truncate)(struct inode *inode, uint64_t size);
    enum err (*allocate)(struct inode *inode, uint32_t mode, uint64_t offset, uint64_t size);
    /* st_blocks, in units of 512 bytes; NULL: 0. */
    uint64_t (*blocks)(const struct inode *inode);
    /* Frees what the ops own; the caller frees the inode. */
    void (*destroy)(struct inode *inode);
    /* True: the mode is not checked (/proc/self/fd). NULL: it is. */
    bool (*unguarded)(const struct inode *inode);
    const char *protocol; /* system.sockprotoname; NULL: not a socket's file */
};

struct filesystem {
    const char *type;  /* "tmpfs", "proc": for /proc/mounts */
    uint64_t magic;    /* statfs.f_type */
    uint64_t device;   /* st_dev */
    uint64_t next_ino; /* number of the next inode */
    uint64_t freed;    /* inodes that were freed */
    uint64_t inodes;   /* how many there may be, for statfs(); 0: unknown */
    uint64_t
        links; /* hard links beyond the first of each file: as in tmpfs, each counts as an inode */
    struct dentry *root;
    bool attributes; /* files may have extended attributes (fs/vfs/xattr.h) */
    /* Makes an inode of the type in `mode`, without a name (nlink 0). NULL: not supported. */
    enum err (*create)(struct filesystem *fs, uint32_t mode, uint64_t device, struct inode **out);
    /* Size in pages, for statfs(); NULL: unknown. */
    void (*room)(const struct filesystem *fs, uint64_t *total, uint64_t *available);
    uint64_t pages, pages_most; /* of fs/ram: own pages of files, and their bound; 0: none */
    struct store *store;        /* fs/vfs/store.h; NULL: all of it is in memory */
    uint32_t
        flags; /* MS_RDONLY, MS_SYNCHRONOUS, MS_DIRSYNC; others are of mounts (fs/vfs/location.h) */
    uint32_t mounts;      /* how many there are, and what else keeps it (filesystem_hold()) */
    char *source;         /* heap; NULL: the type */
    struct list end_link; /* of those that are not mounted any more */
    /* Frees the file system, whose tree is gone, after it was unmounted. NULL: it stays. */
    void (*end)(struct filesystem *fs);
    /* MS_REMOUNT with options. NULL: E_INVAL. */
    enum err (*configure)(struct filesystem *fs, const char *options);
    /* Appends its options, each after a comma, for /proc/self/mounts. NULL: none. */
    void (*show)(const struct filesystem *fs, struct text *text);
};

struct inode {
    const struct inode_ops *ops;
    const struct file_ops *file_ops; /* of open files; NULL: by the type of the file, or E_NXIO */
    struct filesystem *fs;
    uint64_t ino;
    uint32_t references;
    uint32_t mode; /* S_IF* and permissions; after a change inode_mode_changed() */
    uint32_t uid, gid;
    uint32_t nlink;
    uint32_t writers;   /* files open for writing */
    uint32_t executing; /* count of file_deny_write() */
    uint32_t mappings;  /* references of areas through `pages` */
    uint64_t device;    /* st_rdev of a device node */
    uint64_t size;      /* st_size */
    struct fs_time accessed, modified, changed, created;
    struct directory *directory; /* S_IFDIR */
    char *link;                  /* S_IFLNK: the target, NUL-terminated, heap; NULL: ops->jump */
    union {
        struct pipe *pipe;     /* S_IFIFO: NULL unless it is open */
        struct socket *socket; /* S_IFSOCK: the socket that is bound to it; NULL */
        struct lease *leases;  /* S_IFREG: fs/vfs/lease.h; NULL: none */
    };
    struct file *locked_by;        /* flock(LOCK_EX) holder */
    uint32_t locked_shared;        /* flock(LOCK_SH) holders */
    struct inode_waiters *waiters; /* inode_wait(); NULL: none */
    struct watch *watches;         /* fs/vfs/notify.h */
    struct gap_tree *locks;        /* fs/vfs/range_lock.h; NULL: none */
    uint32_t seals;     /* F_SEAL_*: only memfd_create() makes files without F_SEAL_SEAL */
    uint8_t busy;       /* > 0: a change has given way in its middle (inode_give_way()) */
    bool linkable;      /* nlink is 0, but link() is allowed (O_TMPFILE) */
    bool swapping;      /* it has no write and keeps its names: the kernel writes its blocks */
    bool fixed_mode;    /* chmod() is E_PERM for all (/proc/PID) */
    uint8_t quick;      /* MAY_* that every thread has, and INODE_* */
    uint8_t write_hint; /* F_SET_RW_HINT */
    struct attributes *attributes; /* fs/vfs/xattr.h; NULL: none */
    /* The name for /proc/self/maps: that of the file that was mapped first. References
     * while mappings > 0; before that, valid only until that file is closed. */
    struct dentry *mapped_as;
    struct mount *mapped_in;  /* its mount */
    struct page_source pages; /* ops NULL: cannot be mapped */
};

/* In inode->quick: the file has a set-ID bit or capabilities, which a write removes; leases
 * (fs/vfs/lease.h). */
#define INODE_PRIVILEGED 8
#define INODE_LEASED     16

/* Allocates `size_of` bytes that start with a struct inode, and sets number, mode and times; the
 * rest is zero. *out: one reference. E_NOMEM. */
MUST_CHECK enum err inode_alloc(struct filesystem *fs, size_t size_of, uint32_t mode,
                                struct inode **out);
/* The same in a block that begins `before` bytes (a multiple of 16) before the inode, and ino 0. */
MUST_CHECK enum err inode_alloc_after(struct filesystem *fs, size_t before, size_t size_of,
                                      uint32_t mode, struct inode **out);
/* How many inodes count to fs->inodes. A file system in memory with a root. O(1). */
uint64_t filesystem_inodes(const struct filesystem *fs);
void inode_get(struct inode *inode);
void inode_put(struct inode *inode); /* NULL is allowed */

/* Waits for a turn, a flock() lock or the end of a lease of the inode, which the caller keeps referenced; `one`: an event serves
 * one of those that wait so. E_INTR, E_TIMEDOUT, E_NOMEM. */
MUST_CHECK enum err inode_wait(struct inode *inode, fs_condition condition, void *context,
                               uint64_t deadline_ns, bool one);
/* Wakes those that wait, and one of those with `one`. O(threads woken). */
void inode_wake(const struct inode *inode);

struct fs_time fs_time_now(void);
/* Set mtime and ctime, or ctime alone, to the present. */
void inode_touch_modified(struct inode *inode);
void inode_touch_changed(struct inode *inode);
/* Updates atime after a read through the mount (NULL: none) by the rule of relatime (mount(8)): if it is not after mtime and
 * ctime, or, only with `start` because this reads the clock, if it is a day old. */
void inode_touch_accessed(struct inode *inode, const struct mount *mount, bool start);

/* For threads that share kernel_lock, too. */
struct fs_time inode_accessed_beside(const struct inode *inode);
static inline struct fs_time inode_accessed(const struct inode *inode)
{
    return SEVERAL_CPUS ? inode_accessed_beside(inode) : inode->accessed;
}

/* Sets inode->quick, after a change of the mode or of the attributes. */
void inode_mode_changed(struct inode *inode);

static inline struct file_rights inode_rights(const struct inode *inode)
{
    return (struct file_rights){inode->uid, inode->gid, inode->mode};
}
/* E_ACCES if the calling thread lacks one of the MAY_* rights. O(log groups). */
MUST_CHECK enum err inode_permission(const struct inode *inode, uint32_t may);
/* E_PERM unless the calling thread owns the inode or has CAP_FOWNER. */
MUST_CHECK enum err inode_owner_check(const struct inode *inode);
/* Removes the set-ID bits that the calling thread's write or truncation removes, and capabilities. */
void inode_drop_privileges(struct inode *inode);

/* Of struct page_source_ops, for inode->pages. */
void inode_source_get(struct page_source *source);
void inode_source_put(struct page_source *source);
void inode_source_name(struct page_source *source, char *to, size_t size);
uint64_t inode_source_number(struct page_source *source);
/* The inode whose `pages` it is; NULL: it is something else. */
static inline struct inode *inode_of_source(struct page_source *source)
{
    return source && source->ops->inode == inode_source_number
               ? CONTAINER_OF(source, struct inode, pages)
               : NULL;
}

/* Unmaps pages [first, end) from all areas, because their frames were replaced or freed. */
void inode_pages_changed(struct inode *inode, uint64_t first, uint64_t end);
/* The file ends before page `first` now: unmaps the pages from it on, with private copies of them.
 * Gives way (inode_give_way()). */
void inode_pages_cut(struct inode *inode, uint64_t first);
/* Marks pages [first, end) dirty in all areas, because write() or the like changed them. */
void inode_pages_written(struct inode *inode, uint64_t first, uint64_t end);
