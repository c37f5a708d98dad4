/* SPDX-License-Identifier: MIT */
/*
 * ext4 with its journal (JBD2), as a library over read, write and flush: no VFS, no page cache, no locks. Linux mounts
 * what it writes, mke2fs makes it, e2fsck judges it.
 *
 *     names, inodes, extents, attributes                       <- this header: by inode number
 *          |  each operation is one handle, or several steps
 *     transaction (transaction.c)      undo log: an operation that fails leaves nothing behind
 *          |  commit (journal.c)
 *     blocks in memory (cache.c)       log -> flush -> commit record -> flush -> later their places
 *
 * Invariants:
 *  1. A block of metadata changes only inside a handle, after ext4_change(), and reaches its place on the disk only after the
 *     transaction that changed it is durable in the journal.
 *  2. A handle is in one transaction as a whole. An operation that returns an error has changed nothing, on the disk or in
 *     memory, unless its description says otherwise.
 *  3. A freed block is not used again before the transaction that freed it is durable; if it was metadata, that
 *     transaction revokes it.
 *  4. File data does not pass through the library. New blocks of a file are unwritten extents, which read as zeros;
 *     ext4_written() makes them data, after the caller has written them. So no transaction waits for data, and what a crash
 *     leaves is old data, zeros or new data, never another file's: the guarantee of data=ordered.
 *  5. All from the disk is checked where it is read, checksums included; each loop is bounded by what was read. The first
 *     contradiction makes the file system read-only, with one report and the error flag in the superblock.
 *
 * Locking: none inside. The caller holds one sleeping lock for each file system around every call; all calls may sleep in
 * `io`, and nothing that the library keeps may be used meanwhile.
 *
 * Errors: E_IO what could not be read or is damaged, E_ROFS, E_NOSPC, E_NOMEM, and those of the operation.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ext4;

struct ext4_time {
    int64_t seconds;
    uint32_t nanoseconds;
};

/* The device. All may sleep. offset and size are multiples of 1,024 bytes. */
struct ext4_io {
    void *context;
    uint64_t bytes; /* its size */
    bool readonly;
    /* `count` pieces of `size` bytes each, one after another on the device from `offset` on. */
    enum err (*read)(void *context, uint64_t offset, uint32_t size, void *const *piece,
                     uint32_t count);
    enum err (*write)(void *context, uint64_t offset, uint32_t size, void *const *piece,
                      uint32_t count);
    enum err (*flush)(void *context); /* what was written before is durable afterwards */
    /* The bytes are needed no more. NULL: the device has no use for that. */
    enum err (*discard)(void *context, uint64_t offset, uint64_t size);
    struct ext4_time (*now)(void *context);
    /* One line: why the file system is refused, or was made read-only. */
    void (*report)(void *context, const char *text);
};

struct ext4_options {
    bool readonly;         /* replays the journal all the same, unless the device is read-only */
    uint32_t cache_blocks; /* in memory, those that must wait for a commit not counted; 0: 1,024 */
};

/* Mounts: replays the journal, frees orphans. O(groups). *out: until ext4_unmount(). E_INVAL: no ext4; E_NOTSUP: a feature
 * that the library lacks (the report names it); E_ROFS: the journal is to be replayed on a device that is read-only. */
MUST_CHECK enum err ext4_mount(const struct ext4_io *io, const struct ext4_options *options,
                               struct ext4 **out);
/* Commits, writes everything to its place, marks the file system clean; frees `fs` in any case. */
enum err ext4_unmount(struct ext4 *fs);
/* Whether freed blocks are discarded as soon as they are free for good: after the commit. False at first. */
void ext4_set_discard(struct ext4 *fs, bool discard);
/* True if nothing can be changed: by the option, the device, a feature or an error. */
bool ext4_readonly(const struct ext4 *fs);
uint32_t ext4_block_size(const struct ext4 *fs);

/* All changes so far are durable afterwards. O(blocks changed). */
MUST_CHECK enum err ext4_commit(struct ext4 *fs);
/* True if there is something to commit: the caller commits after 5 s. */
bool ext4_commit_pending(const struct ext4 *fs);
/* True if a commit should come soon: the transaction has half of its room. */
bool ext4_commit_due(const struct ext4 *fs);

/* Discards the free blocks of one group: the runs of at least `least` blocks in [at, end), which `at` is behind afterwards. What was discarded
 * since it was used last is left out. Commits before. E_INVAL: `at` is behind the end, or no group has so many. E_NOTSUP, E_IO. O(blocks of a
 * group). */
struct ext4_trim {
    uint64_t at, end, least;
    uint64_t done; /* blocks discarded so far */
};
MUST_CHECK enum err ext4_trim(struct ext4 *fs, struct ext4_trim *trim);

struct ext4_statfs {
    uint64_t blocks, free_blocks, available_blocks; /* of ext4_block_size() */
    uint64_t inodes, free_inodes;
    uint8_t uuid[16];
};
void ext4_statfs(const struct ext4 *fs, struct ext4_statfs *out);

struct ext4_stat {
    uint32_t ino, mode, uid, gid, links, generation, flags;
    uint64_t size, sectors, device; /* sectors of 512 bytes; device: makedev(3), as struct stat */
    struct ext4_time accessed, modified, changed, created;
};

enum {                 /* what ext4_set() changes */
    EXT4_SET_MODE = 1, /* the permissions, not the type */
    EXT4_SET_OWNER = 2,
    EXT4_SET_ACCESSED = 4,
    EXT4_SET_MODIFIED = 8,
    EXT4_SET_CHANGED = 16,
};

/* E_NOENT: the inode is not in use. O(1). */
MUST_CHECK enum err ext4_stat(struct ext4 *fs, uint32_t ino, struct ext4_stat *out);
MUST_CHECK enum err ext4_set(struct ext4 *fs, uint32_t ino, uint32_t what,
                             const struct ext4_stat *from);

/* ---- Names: `length` bytes, 1 to 255, without "/" and NUL, neither "." nor "..". O(log entries) ---- */

MUST_CHECK enum err ext4_lookup(struct ext4 *fs, uint32_t dir, const char *name, size_t length,
                                uint32_t *ino);
/* The directory's "..". */
MUST_CHECK enum err ext4_parent(struct ext4 *fs, uint32_t dir, uint32_t *ino);

struct ext4_name {
    uint32_t ino;
    uint8_t type; /* DT_*; 0: unknown */
    uint8_t length;
    const char *name; /* not terminated */
};
/* Calls `emit` for the entries from *cookie on (0: the first), without "." and "..", until it returns false, and sets
 * *cookie to the one that it refused or to EXT4_LIST_END. Entries that are there all the while come exactly once, also if
 * others come and go between two calls. `emit` must not call the library. O(entries of a block) each call, and O(1) each entry. */
typedef bool ext4_emit(void *context, const struct ext4_name *name, uint64_t cookie);
#define EXT4_LIST_END UINT64_MAX
MUST_CHECK enum err ext4_list(struct ext4 *fs, uint32_t dir, uint64_t *cookie, ext4_emit *emit,
                              void *context);

struct ext4_new {
    uint32_t mode; /* S_IF* and permissions */
    uint32_t uid, gid;
    uint64_t device;  /* S_IFCHR, S_IFBLK */
    const char *text; /* S_IFLNK: the target, NUL-terminated, at most one block less one byte */
};
/* E_EXIST, E_NOSPC, E_MLINK (directories). name NULL: a file without a name (O_TMPFILE), an orphan. */
MUST_CHECK enum err ext4_create(struct ext4 *fs, uint32_t dir, const char *name, size_t length,
                                const struct ext4_new *new, uint32_t *ino);
/* E_MLINK. An orphan is none afterwards. */
MUST_CHECK enum err ext4_link(struct ext4 *fs, uint32_t dir, const char *name, size_t length,
                              uint32_t ino);
/* Removes the entry; *ino is the inode. Without links it becomes an orphan, which ext4_evict() frees. E_ISDIR. */
MUST_CHECK enum err ext4_unlink(struct ext4 *fs, uint32_t dir, const char *name, size_t length,
                                uint32_t *ino);
/* E_NOTEMPTY, E_NOTDIR. The directory becomes an orphan. */
MUST_CHECK enum err ext4_rmdir(struct ext4 *fs, uint32_t dir, const char *name, size_t length,
                               uint32_t *ino);

enum { /* as renameat2(2) */
    EXT4_RENAME_NOREPLACE = 1,
    EXT4_RENAME_EXCHANGE = 2,
};
struct ext4_place {
    uint32_t dir;
    const char *name;
    size_t length;
};
/* *replaced: the inode whose name was taken, 0 if none; without links it is an orphan now. That a directory does not move
 * into itself is the caller's check. */
MUST_CHECK enum err ext4_rename(struct ext4 *fs, const struct ext4_place *from,
                                const struct ext4_place *to, uint32_t flags, uint32_t *replaced);

/* The target of a symbolic link, into text[size], not terminated; *length is the whole length. */
MUST_CHECK enum err ext4_readlink(struct ext4 *fs, uint32_t ino, char *text, size_t size,
                                  size_t *length);

/* The last reference of the inode is gone: frees an orphan with all that it has, in bounded steps. Does nothing
 * for others. O(extents). */
MUST_CHECK enum err ext4_evict(struct ext4 *fs, uint32_t ino);

/* ---- The blocks of a regular file ---- */

enum ext4_state {
    EXT4_HOLE,
    EXT4_UNWRITTEN, /* blocks, which read as zeros */
    EXT4_DATA,
};
struct ext4_run {
    uint64_t block; /* on the device */
    uint32_t count; /* blocks that lie so, at least 1, at most as many as were asked for */
    enum ext4_state state;
};
/* O(log extents). */
MUST_CHECK enum err ext4_map(struct ext4 *fs, uint32_t ino, uint32_t block, uint32_t count,
                             struct ext4_run *out);
/* Fills the holes of [block, block + count) with unwritten blocks. Does what it can in one step: *done says how many blocks
 * are no holes now, from `block` on. Size and times stay. E_NOSPC. */
MUST_CHECK enum err ext4_allocate(struct ext4 *fs, uint32_t ino, uint32_t block, uint32_t count,
                                  uint32_t *done);
/* The caller has written the unwritten blocks in [block, block + count): they are data now. The size grows to `size` if it is
 * less. May use the blocks that are reserved for the purpose, so it does not fail for want of room. */
MUST_CHECK enum err ext4_written(struct ext4 *fs, uint32_t ino, uint32_t block, uint32_t count,
                                 uint64_t size);
/* Sets the size; blocks behind it are freed in steps, and a crash between two steps is mended at the next mount. What the
 * last block has behind the new end is the caller's to clear. */
MUST_CHECK enum err ext4_truncate(struct ext4 *fs, uint32_t ino, uint64_t size);
/* Frees the whole blocks in [block, block + count). In steps, each of them durable by itself. */
MUST_CHECK enum err ext4_punch(struct ext4 *fs, uint32_t ino, uint32_t block, uint32_t count);
/* The largest size of a file. */
uint64_t ext4_size_max(const struct ext4 *fs);

/* ---- Extended attributes, with their whole names ("user.x"); values as on the disk ---- */

/* value NULL: only *size. E_NODATA, E_RANGE. O(attributes of the inode). */
MUST_CHECK enum err ext4_xattr_get(struct ext4 *fs, uint32_t ino, const char *name, void *value,
                                   size_t *size);
enum { /* as setxattr(2) */
    EXT4_XATTR_CREATE = 1,
    EXT4_XATTR_REPLACE = 2,
};
/* value NULL: removes it. E_NOSPC: no room in the inode and in a block. */
MUST_CHECK enum err ext4_xattr_set(struct ext4 *fs, uint32_t ino, const char *name,
                                   const void *value, size_t size, uint32_t flags);
/* Each name in turn; `emit` returns false to end. It must not call the library. */
typedef bool ext4_emit_xattr(void *context, const char *name, const void *value, size_t size);
MUST_CHECK enum err ext4_xattr_list(struct ext4 *fs, uint32_t ino, ext4_emit_xattr *emit,
                                    void *context);
