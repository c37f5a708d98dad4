/* SPDX-License-Identifier: MIT */
/*
 * Stored file systems: their directories and inodes are on a disk (ext4, ISO 9660) or on the host (9p),
 * and their operations sleep. Dentries and inodes in memory are a cache of them. A file system in memory
 * (ramfs, proc, dev) has filesystem->store NULL, and nothing here concerns it.
 *
 *   struct ext4_fs { struct store store; ... }      what the file system allocates when it is mounted
 *                       |
 *                       +-- struct filesystem fs    fs.store points back; fs.create is NULL
 *                       +-- ops                     below; what VFS asks for
 *                       +-- names lock              one sleeping mutex
 *                       +-- inodes                  by number: one object for each file in use
 *
 * What VFS does, with the names lock held, for each call that looks a name up on a miss in the dentry
 * table, or changes a directory:
 *
 *   1. takes the lock, and looks the last component up again: table, then lookup();
 *   2. checks rights, types, sticky bits, EROFS, loops, as for file systems in memory;
 *   3. allocates what it needs in memory, and sets store->now, the time of the change;
 *   4. calls the operation. An error ends the call here, and memory is as before;
 *   5. changes memory, which cannot fail: dentries, link counts, times (all = store->now), notify.
 *
 * What the file system does in an operation: the same change on the medium, whole or not at all: the entry,
 * link counts of inode and directory, mtime and ctime of directories and ctime of the inode (store->now). It
 * does not touch nlink, times or mode of inodes in memory, unless `own_attributes` is set (9p): then it sets
 * them in all inodes concerned from what the server says, and step 5 leaves them alone. It need not check
 * rights, nor whether a name is free or there: VFS has looked with the lock held. E_EXIST and E_NOENT are
 * right all the same where others change the medium (9p).
 *
 * Link counts in memory: a directory has 2 and one for each subdirectory; a file system that cannot know
 * them may say 1. nlink 0 says that the file is gone when it is not used any more.
 *
 * Locks. kernel_lock, dropped while an operation sleeps, and the names lock. All operations are called with
 * the names lock but those marked "unlocked". Reading, writing and truncating files (inode_ops.truncate and
 * allocate, file_ops, pages) do not take it, and may run at the same time as any operation, on the same
 * inode too. Order: names lock, then a file's turn (inode_take_turn()), then locks of the file system. A copy from or to the
 * program is never made with the names lock held.
 *
 * Life of an inode. store_inode_get() finds or store_inode_make() makes it, with a reference. Dentries, files, areas
 * hold references. Without references it stays in the cache (nlink > 0), the oldest going first when there
 * are too many or memory is short; or it is evicted soon (nlink 0): by the call that removed the last name, else by a thread. The
 * last put may come from any place and never sleeps. No other thread can get an inode that is being evicted.
 *
 * Symbolic links: the file system sets inode->link (heap) when it makes the inode, so lookup() reads it.
 * Extended attributes: likewise all of them are in memory, by xattr_load() (fs/vfs/xattr.h), if
 * fs.attributes is set; VFS answers get and list, and checks rights and lists of access control.
 *
 * Lazy changes: atime, times after write(), set-ID bits that a write drops are changed in memory only, and the inode
 * becomes dirty (store_inode_dirty()). Dirty inodes are given to change() before sync(), before they are
 * evicted, and 5 s later by a thread.
 */
#pragma once

#include "fs/vfs/inode.h"
#include "kern/wait.h"
#include "mm/heap/hash_table.h"

struct directory_entry;
struct store;

/* A component: 1 to NAME_MAX_LENGTH bytes, no slash, not "." or ".."; not NUL-terminated. */
struct store_name {
    const char *text;
    size_t length;
};

enum store_changed { /* what change() makes durable */
    STORE_MODE = 1,
    STORE_OWNER = 2, /* uid and gid */
    STORE_ACCESSED = 4,
    STORE_MODIFIED = 8,
    STORE_CHANGED = 16, /* ctime; with each of the others too */
    /* Besides: the inode was dirty; size and all else that the file system keeps in it. */
    STORE_LAZY = 32,
};

struct store_attributes {
    uint32_t what; /* enum store_changed */
    uint32_t mode, uid, gid;
    struct fs_time accessed, modified, changed;
};

struct store_move { /* rename() */
    struct inode *from, *to;
    struct store_name from_name, to_name;
    struct inode *inode;    /* from/from_name */
    struct inode *replaced; /* to/to_name; NULL: none. With RENAME_EXCHANGE it gets the old name */
    uint32_t flags;         /* 0 or RENAME_EXCHANGE */
};

struct block_device;
struct store_run { /* where bytes of a file are */
    struct block_device *device;
    uint64_t at, bytes; /* on the device; at least 1 byte */
};

struct store_room {                   /* statfs(2) */
    uint64_t blocks, free, available; /* of block_size bytes */
    uint64_t files, free_files;
    uint32_t block_size, name_max;
    uint32_t id[2]; /* f_fsid */
};

/* Returns false if there is no room for the entry: the listing stops before it. */
typedef bool (*store_sink)(void *context, const struct directory_entry *entry);

/* All may sleep and return errors (E_IO, E_NOMEM, E_NOSPC, E_ROFS, ...), which VFS hands to the program. NULL where it
 * says so. A directory's struct inode_ops is store_directory_ops. */
struct store_ops {
    /* *out: one reference. E_NOENT. */
    enum err (*lookup)(struct inode *directory, struct store_name name, struct inode **out);
    /* Calls sink() for the entries in the order of their cookies, from the first whose cookie is >= from, until it
     * returns false; without "." and "..". entry->next is the cookie to go on with: 3 or more, at most
     * INT64_MAX. COOKIE_FIRST (2) begins. An entry that stays is listed once, whatever is created and removed
     * between two calls. sink() does not sleep. */
    enum err (*list)(struct inode *directory, uint64_t from, store_sink sink, void *context);
    /* Makes a file of any type. `as` has mode, uid, gid, device, link (of a symbolic link, with size),
     * attributes (xattr_next()) and times. name.length 0: no name (O_TMPFILE), nlink 0 (E_NOTSUP). *out: one
     * reference, by store_inode_make(), with nlink 0, which VFS counts up; attributes are VFS's to move. */
    enum err (*create)(struct inode *directory, struct store_name name, const struct inode *as,
                       struct inode **out);
    /* E_MLINK. The inode may have nlink 0 (O_TMPFILE). */
    enum err (*link)(struct inode *directory, struct store_name name, struct inode *inode);
    /* Also directories: E_NOTEMPTY. The inode stays usable until it is evicted. */
    enum err (*unlink)(struct inode *directory, struct store_name name, struct inode *inode);
    /* E_NOTEMPTY, E_INVAL (flags). Directories get their new "..". */
    enum err (*rename)(const struct store_move *move);
    /* Mode, owner, times. Memory has the old values, unless `what` has STORE_LAZY. */
    enum err (*change)(struct inode *inode, const struct store_attributes *to);
    /* Sets an attribute, or removes it (value NULL). NULL: E_NOTSUP. */
    enum err (*set_attribute)(struct inode *inode, const char *name, const void *value,
                              size_t size);
    /* The last reference is gone; with nlink 0 the file is removed from the medium. Afterwards VFS calls
     * inode_ops.destroy() and frees the inode. Errors are the file system's. NULL: nothing to do. */
    void (*evict)(struct inode *inode);
    /* Unlocked; must not sleep or allocate. True: evict() would have nothing to write or wait for, now, so the inode, which is
     * not dirty and has a name, may be freed without it. NULL: always true. */
    bool (*droppable)(struct inode *inode);
    /* NULL: the medium is changed by nobody else. Before a cached name is used: true if it is still the inode's, whose
     * attributes are brought up to date. False: the name is forgotten, and looked up. E_NOENT and the like are false. */
    bool (*valid)(struct inode *directory, struct store_name name, struct inode *inode);
    /* Unlocked. Brings attributes up to date, before stat() and the like. NULL as for valid(). */
    enum err (*refresh)(struct inode *inode);
    enum err (*statfs)(struct store *store, struct store_room *out);
    /* Unlocked. The bytes of a regular file from `offset` on, written ones or not; pages that are dirty are written first. E_NXIO: a hole. NULL: they have no fixed place. */
    enum err (*place)(struct inode *inode, uint64_t offset, struct store_run *out);
    /* Unlocked. Writes all that is dirty (page_cache_sync_all() too); `wait`: and waits until the medium has it. NULL:
     * nothing to write. Dirty inodes have been given to change() before. */
    enum err (*sync)(struct store *store, bool wait);
    /* Unlocked. FITRIM: discards free blocks in bytes [range[0], range[0] + range[1]), runs of at least range[2] bytes; range[1]: how many bytes.
     * NULL: E_NOTTY. */
    enum err (*trim)(struct store *store, uint64_t range[3]);
    /* MS_REMOUNT: from now on it is read-only, or is not (E_ROFS: the device is). After sync(). */
    enum err (*set_readonly)(struct store *store, bool readonly);
    /* The end. After sync(). `at_end` false: all inodes have been evicted; frees what the file system has, the
     * struct store too. True: the machine ends, inodes may still be in use, and nothing need be freed: the medium is left
     * clean, and from then on reads and writes of pages fail (E_IO), as no other operation is called any more. */
    void (*unmount)(struct store *store, bool at_end);
    /* Link counts and times of inodes in memory are set by the operations. */
    bool own_attributes;
};

struct store {
    struct filesystem fs; /* first */
    const struct store_ops *ops;
    struct fs_time now; /* of the change that the names lock is held for */
    /* Fields of VFS: */
    bool locked, ended;
    uint32_t users; /* a thread that goes over all stores is in this one */
    struct wait_queue lock_queue;
    struct hash_table inodes; /* struct stored.link, by number */
    struct list unused; /* struct stored.queue: without references, with a name, the oldest first */
    struct list gone;   /* struct stored.queue: without references, to be evicted */
    struct list dirty;  /* struct stored.dirty_link */
    struct list names;  /* struct stored_name.link, the oldest first */
    uint32_t unused_count, name_count;
    struct store *next; /* of all */
    /* The last name that lookup() did not find, until a name is added: a file is mostly looked for, then made. */
    uint64_t missed_in;     /* the directory's number */
    uint32_t missed_length; /* 0: none */
    char missed[NAME_MAX_LENGTH + 1];
};

static inline struct store *store_of(const struct inode *inode)
{
    return inode->fs->store;
}

/* Initialises the store, whose other bytes are zero: then the file system sets type, magic, device (a number of
 * vfs_device_number() if it has none) and attributes in store->fs, and makes the root with store_set_root(). */
void store_init(struct store *store, const struct store_ops *ops);
/* Makes the root dentry. Takes over the reference. E_NOMEM: store_abandon(). */
MUST_CHECK enum err store_set_root(struct store *store, struct inode *root);
/* Frees root and inodes, without evict(), after a mount that failed half-way. Not the struct store. */
void store_abandon(struct store *store);
/* The inode of that number if it is in the cache, with a reference; NULL. The names lock is held, or the file system is being
 * mounted. O(1). */
struct inode *store_inode_get(struct store *store, uint64_t ino);
/* Makes an inode, which is not in the cache: `size_of` bytes, zero but for fs, ino, mode, references 1 and, of a
 * directory, what VFS needs. The file system sets the rest: nlink, uid, gid, size, times, ops, file_ops, device, link;
 * then inode_mode_changed(). *out: one reference. E_NOMEM. O(1). */
struct store_new {
    size_t size_of; /* begins with struct inode */
    uint64_t ino;
    uint32_t mode;
    const struct inode *as; /* create(): uid, gid, device, link, size and times are copied; NULL */
};
MUST_CHECK enum err store_inode_new(struct store *store, const struct store_new *what,
                                    struct inode **out);
#define store_inode_make(store, size_of, ino, mode, as, out)                                       \
    store_inode_new(store, &(const struct store_new){size_of, ino, mode, as}, out)
/* After store_inode_make(), if the inode cannot be used: takes it out of the cache, without evict(), and drops the reference. */
void store_inode_abandon(struct inode *inode);
/* Gives it another number, which no other inode in the cache has. Names lock. O(1). */
void store_inode_renumber(struct inode *inode, uint64_t ino);
/* The inode has lazy changes; as a file's `changed` operation too. Does not sleep. O(1). */
void store_inode_dirty(struct inode *inode);

/* Before attributes are reported: refresh(). Sleeps. */
MUST_CHECK enum err store_refresh(struct inode *inode);

/* lookup and list of directories. */
extern const struct inode_ops store_directory_ops;

/* The names lock; sleeps, despite signals. After the end it is never free. */
void store_lock(struct store *store);
void store_unlock(struct store *store);
/* Evicts what has no name and no reference: the space is free afterwards. Sleeps; takes the names lock, but for `locked`, where
 * the caller has it. For ENOSPC. O(those). */
void store_reap(struct store *store, bool locked);
