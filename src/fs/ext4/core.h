/* SPDX-License-Identifier: MIT */
/*
 * What the files of the library share: the mounted file system, blocks in memory, handles.
 *
 * A block that an operation has got stays in memory, at the same address, until the operation ends: blocks have no
 * counts of references. Idle blocks above the limit are dropped by ext4_enter(), with which operations begin.
 */
#pragma once

#include "base/list.h"
#include "fs/ext4/ext4.h"
#include "fs/ext4/format.h"
#include "mm/heap/hash_table.h"

enum ext4_kind { /* of a block of metadata: which checksum it has, and where */
    EXT4_PLAIN,  /* none: the text of a symbolic link */
    EXT4_SUPER,
    EXT4_DESCRIPTORS,
    EXT4_BLOCK_BITMAP, /* seed: the group */
    EXT4_INODE_BITMAP, /* the same */
    EXT4_INODES,       /* seed: the number of the first inode */
    EXT4_EXTENT_NODE,  /* seed of these: that of the inode */
    EXT4_DIR_LEAF,
    EXT4_DIR_ROOT,
    EXT4_DIR_NODE,
    EXT4_XATTR_BLOCK,
    EXT4_ORPHANS,
};

struct ext4_buffer {
    struct hash_link link; /* in fs->cache */
    struct list place;     /* in fs->idle, ->running or ->logged */
    uint64_t block;
    uint8_t *data;
    uint32_t seed;
    uint8_t kind;    /* enum ext4_kind */
    bool checked;    /* the contents are of this kind */
    bool running;    /* changed by the running transaction */
    bool logged;     /* the journal has a version that is newer than that in its place */
    bool dead;       /* freed by the running transaction: not logged, dropped by the commit */
    uint64_t intact; /* EXT4_INODES: those with a checksum that was right, by number in the block */
    uint64_t changed;
};

struct ext4_range {
    uint64_t start, end; /* blocks [start, end) */
};

struct ext4_group {
    uint32_t free_blocks, free_inodes, directories; /* as in its descriptor */
    uint32_t next_busy;                             /* group + 1; 0: none */
    uint8_t *
        busy; /* NULL, or its bitmap with the blocks that the running transaction freed still in use */
    uint32_t
        trimmed; /* nothing was freed since runs of so many free blocks were discarded; 0: something */
};

struct ext4_orphan {
    struct hash_link link;
    uint32_t ino;
    struct ext4_orphan *newer, *older; /* the list on the disk goes from the newest to the oldest */
};

struct ext4_journal {
    struct ext4_range *runs; /* where its blocks are */
    uint32_t run_count, blocks;
    uint32_t first, head,
        used;          /* the log: [first, blocks), a ring; `used` blocks end before `head` */
    uint32_t sequence; /* of the running transaction */
    uint32_t seed;
    uint32_t features; /* incompatible ones */
    uint8_t uuid[16];
    uint8_t *super; /* its block */
};

struct ext4 {
    struct ext4_io io;
    bool readonly, broken, discard;
    bool aborted; /* the journal took no more: what is in memory is not on the disk */

    uint32_t block_size, block_bits, cache_limit;
    uint64_t blocks;
    uint32_t first_block, groups, blocks_per_group;
    uint32_t inodes, inodes_per_group, inode_size, inodes_per_block, first_inode;
    uint32_t descriptor_size, flex_groups;
    uint32_t compat, incompat, ro_compat, seed;

    struct ext4_super *super; /* in super_block->data; not dropped while mounted */
    struct ext4_buffer *super_block;
    uint8_t *super_stable; /* the contents of that block as the last transaction left it */

    struct ext4_range
        *zones; /* what no file has: superblocks, descriptors, bitmaps, inodes; ascending */
    uint32_t zone_count;
    struct ext4_group *group;
    uint32_t first_busy;
    uint64_t free_blocks, reserved_blocks; /* the latter for ext4_written() and root's metadata */
    uint64_t freed_blocks;                 /* by the running transaction */
    uint32_t free_inodes, next_spread;     /* group of the next directory of the root */
    bool use_reserve;

    struct hash_table cache;
    struct list idle, running, logged;
    uint32_t idle_count, running_count, logged_count;

    bool in_handle;
    uint8_t *undo; /* undo log of the handle (transaction.c) */
    uint32_t undo_used, undo_room, undo_last;
    uint64_t *revoked; /* blocks that the running transaction revokes */
    uint32_t revoked_count, revoked_room;

    struct hash_table orphans;
    struct ext4_orphan *newest_orphan;
    struct ext4_journal journal;
};

static inline bool ext4_has_csum(const struct ext4 *fs)
{
    return (fs->ro_compat & EXT4_METADATA_CSUM) != 0;
}

/* True if descriptors have checksums, and say which inodes were never written. */
static inline bool ext4_has_group_csum(const struct ext4 *fs)
{
    return (fs->ro_compat & (EXT4_METADATA_CSUM | EXT4_UNINIT_BG)) != 0;
}

/* ---- report.c ---- */

/* Reports damage or a failure, sets the error flag on the disk and makes the file system read-only, once. Returns E_IO. */
enum err ext4_damage(struct ext4 *fs, uint32_t ino, uint64_t block, const char *what);
void ext4_report(const struct ext4_io *io, const char *format, ...) PRINTF_LIKE(2, 3);

/* ---- cache.c ---- */

/* The block with its contents checked as `kind`. Until the end of the operation. */
MUST_CHECK enum err ext4_get(struct ext4 *fs, uint64_t block, enum ext4_kind kind, uint32_t seed,
                             struct ext4_buffer **out);
/* The buffer for it, whose contents are undefined if it was not in memory. */
MUST_CHECK enum err ext4_buffer(struct ext4 *fs, uint64_t block, struct ext4_buffer **out);
/* The block is not needed any more: dropped if there are too many. A handle keeps all but bitmaps, which only their
 * search uses: another part of it may have the block too. */
void ext4_done_with(struct ext4 *fs, struct ext4_buffer *buffer);
struct ext4_buffer *ext4_cached(struct ext4 *fs, uint64_t block);
void ext4_drop(struct ext4 *fs, struct ext4_buffer *buffer); /* which is in no list */
/* Begins an operation that changes nothing. Drops idle blocks above the limit. */
void ext4_enter(struct ext4 *fs);
void ext4_cache_end(struct ext4 *fs);
/* Puts the buffer into the list that its flags say. */
void ext4_place(struct ext4 *fs, struct ext4_buffer *buffer);
void ext4_unplace(struct ext4 *fs, struct ext4_buffer *buffer);
MUST_CHECK enum err ext4_io_one(struct ext4 *fs, bool write, uint64_t block, void *data);

/* ---- checksum.c ---- */

/* The table of remainders, 8 KiB, from the first mount to the last unmount. */
MUST_CHECK enum err ext4_crc_start(void);
void ext4_crc_end(void);
/* CRC-32C, neither inverted at the start nor at the end. */
uint32_t ext4_crc(uint32_t crc, const void *bytes, size_t size);
/* True if the block's checksum is right. */
bool ext4_checksum_right(struct ext4 *fs, const struct ext4_buffer *buffer);
/* Makes the checksums of a changed block; bitmaps first, for they are in descriptors. */
void ext4_seal(struct ext4 *fs, struct ext4_buffer *buffer);
void ext4_super_seal(struct ext4_super *super);
bool ext4_inode_right(const struct ext4 *fs, uint32_t ino, const struct ext4_raw *raw);

/* ---- transaction.c ---- */

enum {
    EXT4_CREDITS = 64,  /* blocks that a handle changes, at most */
    EXT4_REVOKES = 256, /* and frees, of metadata */
};

/* Begins a handle, and commits before if there is no room for it. E_ROFS. */
MUST_CHECK enum err ext4_begin(struct ext4 *fs);
/* Ends it. With an error everything is as before it. Returns `e`. */
enum err ext4_end(struct ext4 *fs, enum err e);
/* True if the handle failed because of blocks that are free only after a commit, which is done then: try again. */
bool ext4_retry(struct ext4 *fs, enum err e);
/* [at, at + size) of the block will change. E_NOMEM. */
MUST_CHECK enum err ext4_change(struct ext4 *fs, struct ext4_buffer *buffer, void *at, size_t size);
/* The whole block. */
MUST_CHECK enum err ext4_change_block(struct ext4 *fs, struct ext4_buffer *buffer);
/* The same for memory that is no block's. */
MUST_CHECK enum err ext4_save(struct ext4 *fs, void *at, size_t size);
/* A block that was allocated now: zeroed, changed. */
MUST_CHECK enum err ext4_fresh(struct ext4 *fs, uint64_t block, enum ext4_kind kind, uint32_t seed,
                               struct ext4_buffer **out);
/* The block of metadata is freed: it is not to be replayed. */
MUST_CHECK enum err ext4_revoke(struct ext4 *fs, uint64_t block);
enum ext4_undo {
    EXT4_UNDO_BYTES,
    EXT4_UNDO_JOIN,
    EXT4_UNDO_FRESH,
    EXT4_UNDO_ADDED,
    EXT4_UNDO_REMOVED
};
/* One more entry of the undo log. */
MUST_CHECK enum err ext4_undo_add(struct ext4 *fs, enum ext4_undo kind, void *at, size_t size);

/* ---- journal.c, replay.c ---- */

MUST_CHECK enum err ext4_journal_open(struct ext4 *fs);
/* Replays what was committed. The cache is empty afterwards. */
MUST_CHECK enum err ext4_replay(struct ext4 *fs);
/* The log is empty; from here on it is ours, or it is left clean. */
MUST_CHECK enum err ext4_journal_reset(struct ext4 *fs, bool clean);
/* Reads or writes a block of the log. */
MUST_CHECK enum err ext4_journal_block(struct ext4 *fs, bool write, uint32_t index, void *data);
uint64_t ext4_journal_place(const struct ext4 *fs, uint32_t index, uint32_t *count);
/* Writes all committed blocks to their places and empties the log. */
MUST_CHECK enum err ext4_checkpoint(struct ext4 *fs);
/* Writes the superblock as the last transaction left it, with `change`d flags, to its place. */
MUST_CHECK enum err ext4_super_write(struct ext4 *fs);
void ext4_journal_abort(struct ext4 *fs);
/* True if a handle may begin without a commit before. */
bool ext4_journal_has_room(const struct ext4 *fs);

/* ---- super.c, group.c ---- */

MUST_CHECK enum err ext4_super_read(struct ext4 *fs);
MUST_CHECK enum err ext4_groups_open(struct ext4 *fs);
bool ext4_group_has_super(const struct ext4 *fs, uint32_t group);
/* True if a block of [block, block + count) is beyond the file system or in a zone. */
bool ext4_not_for_files(const struct ext4 *fs, uint64_t block, uint64_t count);
MUST_CHECK enum err ext4_descriptor(struct ext4 *fs, uint32_t group, struct ext4_buffer **buffer,
                                    struct ext4_group_desc **out);
uint64_t ext4_block_bitmap_at(const struct ext4 *fs, const struct ext4_group_desc *desc);
uint64_t ext4_inode_bitmap_at(const struct ext4 *fs, const struct ext4_group_desc *desc);
uint64_t ext4_inode_table_at(const struct ext4 *fs, const struct ext4_group_desc *desc);
uint64_t ext4_group_start(const struct ext4 *fs, uint32_t group);
uint32_t ext4_group_blocks(const struct ext4 *fs, uint32_t group);
/* The numbers of the group go to its descriptor; both are part of the handle. */
MUST_CHECK enum err ext4_group_change(struct ext4 *fs, uint32_t group, int32_t blocks,
                                      int32_t inodes, int32_t directories);
/* The bitmaps, made if the group's were never written. For a change: ext4_change() of the block is done by these. */
MUST_CHECK enum err ext4_block_bitmap(struct ext4 *fs, uint32_t group, struct ext4_buffer **out);
MUST_CHECK enum err ext4_inode_bitmap(struct ext4 *fs, uint32_t group, struct ext4_buffer **out);
/* Bits of bitmaps, by number. */
static inline bool ext4_bit(const uint8_t *map, uint32_t bit)
{
    return (map[bit / 8] >> (bit % 8) & 1) != 0;
}
/* The first bit from `from` on, below `end`, that is `value`; `end`: none. */
uint32_t ext4_bit_find(const uint8_t *map, uint32_t from, uint32_t end, bool value);
void ext4_bits_fill(uint8_t *map, uint32_t from, uint32_t count, bool value);

/* ---- blocks.c, inodes.c ---- */

/* Allocates at most `wanted` blocks that lie together, at or behind `goal` if possible. E_NOSPC. */
MUST_CHECK enum err ext4_blocks_take(struct ext4 *fs, uint64_t goal, uint32_t wanted,
                                     uint64_t *block, uint32_t *count);
MUST_CHECK enum err ext4_blocks_free(struct ext4 *fs, uint64_t block, uint32_t count,
                                     bool metadata);
MUST_CHECK enum err ext4_inode_take(struct ext4 *fs, uint32_t dir, bool directory, uint32_t *ino);
MUST_CHECK enum err ext4_inode_free(struct ext4 *fs, uint32_t ino, bool directory);

/* The running transaction is durable: what it freed is free, and is discarded if the file system asks for it. */
void ext4_blocks_settle(struct ext4 *fs);

/* ---- inode.c ---- */

struct ext4_inode { /* an inode in memory for an operation */
    uint32_t ino, seed;
    struct ext4_buffer *buffer;
    struct ext4_raw *raw; /* in buffer->data */
};

/* E_NOENT: the number is in no use, or was never valid. */
MUST_CHECK enum err ext4_inode_get(struct ext4 *fs, uint32_t ino, struct ext4_inode *out);
/* The same, and it is a directory, a regular file: E_NOTDIR, E_INVAL. */
MUST_CHECK enum err ext4_inode_dir(struct ext4 *fs, uint32_t ino, struct ext4_inode *out);
MUST_CHECK enum err ext4_inode_file(struct ext4 *fs, uint32_t ino, struct ext4_inode *out);
MUST_CHECK enum err ext4_inode_change(struct ext4 *fs, struct ext4_inode *inode);
/* The buffer with the place for the inode `ino`, whatever it has. */
MUST_CHECK enum err ext4_inode_at(struct ext4 *fs, uint32_t ino, struct ext4_inode *out);
void ext4_inode_seed(struct ext4 *fs, struct ext4_inode *inode);
uint64_t ext4_inode_size(const struct ext4_raw *raw);
/* These need ext4_inode_change() before. */
void ext4_inode_set_size(struct ext4_raw *raw, uint64_t size);
MUST_CHECK enum err ext4_inode_count_blocks(struct ext4 *fs, struct ext4_inode *inode,
                                            int64_t blocks);
enum ext4_which {
    EXT4_ATIME,
    EXT4_MTIME,
    EXT4_CTIME,
    EXT4_CRTIME
};
void ext4_inode_set_time(struct ext4 *fs, struct ext4_raw *raw, enum ext4_which which,
                         struct ext4_time time);
static inline bool ext4_is(const struct ext4_raw *raw, uint32_t type)
{
    return (raw->mode & 0170000) == type;
}
bool ext4_is_fast_link(const struct ext4 *fs, const struct ext4_raw *raw);
uint64_t ext4_xattr_block_at(const struct ext4_raw *raw);
static inline bool ext4_has_field(const struct ext4 *fs, const struct ext4_raw *raw, size_t end)
{
    return fs->inode_size > EXT4_GOOD_OLD_INODE &&
           (size_t)EXT4_GOOD_OLD_INODE + raw->extra_isize >= end;
}
#define EXT4_HAS(fs, raw, field)                                                                   \
    ext4_has_field(fs, raw, offsetof(struct ext4_raw, field) + sizeof((raw)->field))

/* ---- extent.c, extent_change.c ---- */

struct ext4_level {
    struct ext4_buffer *buffer; /* that of the inode at level 0 */
    struct ext4_extent_head *head;
    uint32_t at; /* entry that was followed; in the leaf that found. head->entries == 0: 0 */
};
struct ext4_path {
    uint32_t depth; /* the leaf is level[depth] */
    struct ext4_level level[EXT4_EXTENT_DEPTH + 1];
};
static inline struct ext4_extent *ext4_extents(struct ext4_extent_head *head)
{
    return (struct ext4_extent *)(head + 1);
}
static inline struct ext4_extent_index *ext4_indices(struct ext4_extent_head *head)
{
    return (struct ext4_extent_index *)(head + 1);
}
static inline uint64_t ext4_extent_start(const struct ext4_extent *e)
{
    return (uint64_t)e->start_hi << 32 | e->start_lo;
}
static inline bool ext4_extent_unwritten(const struct ext4_extent *e)
{
    return e->length > EXT4_EXTENT_LENGTH;
}
static inline uint32_t ext4_extent_count(const struct ext4_extent *e)
{
    return ext4_extent_unwritten(e) ? e->length - (uint32_t)EXT4_EXTENT_LENGTH : e->length;
}
static inline void ext4_extent_place(struct ext4_extent *e, uint64_t start)
{
    e->start_lo = (uint32_t)start;
    e->start_hi = (uint16_t)(start >> 32);
}

/* The path to the last extent that starts at or before `block`, or to the first of all. O(depth). */
MUST_CHECK enum err ext4_path_find(struct ext4 *fs, const struct ext4_inode *inode, uint32_t block,
                                   struct ext4_path *path);
/* The first logical block that the leaf after the path's describes; UINT32_MAX: there is none. */
uint32_t ext4_path_next(const struct ext4_path *path);
/* What is at `block` and how far. */
MUST_CHECK enum err ext4_extent_map(struct ext4 *fs, const struct ext4_inode *inode, uint32_t block,
                                    uint32_t count, struct ext4_run *out);
/* One block, which must be data: metadata of directories. */
MUST_CHECK enum err ext4_extent_one(struct ext4 *fs, const struct ext4_inode *inode, uint32_t block,
                                    uint64_t *out);
/* The inode has no blocks. */
void ext4_extent_init(struct ext4_raw *raw);
/* Adds an extent in a hole. ext4_inode_change() is done by these. */
MUST_CHECK enum err ext4_extent_insert(struct ext4 *fs, struct ext4_inode *inode,
                                       const struct ext4_extent *extent);
enum {
    EXT4_EXTENTS_EACH = 12
}; /* in a handle: each may change two bitmaps and two blocks of descriptors */
/* Removes what is mapped in [from, end), the last first, and frees the blocks; at most EXT4_EXTENTS_EACH extents. *done: nothing
 * is left. */
MUST_CHECK enum err ext4_extent_remove(struct ext4 *fs, struct ext4_inode *inode, uint32_t from,
                                       uint64_t end, bool *done);
/* Turns the unwritten blocks of [block, end) at the extent at `block` into data; *done: up to which block. */
MUST_CHECK enum err ext4_extent_convert(struct ext4 *fs, struct ext4_inode *inode, uint32_t block,
                                        uint64_t end, uint32_t *done);
/* Where blocks for `block` of the file should be. */
uint64_t ext4_extent_goal(struct ext4 *fs, const struct ext4_inode *inode,
                          const struct ext4_path *path, uint32_t block);
/* A new block of metadata for the inode, near `goal`, counted. */
MUST_CHECK enum err ext4_inode_block(struct ext4 *fs, struct ext4_inode *inode, uint64_t goal,
                                     uint64_t *block);

/* ---- hash.c, dir.c, dir_index.c ---- */

struct ext4_hash {
    uint32_t major, minor;
};
/* False: the version is unknown. */
bool ext4_hash(const struct ext4 *fs, uint32_t version, const char *name, size_t length,
               struct ext4_hash *out);

struct ext4_found { /* an entry */
    struct ext4_buffer *buffer;
    struct ext4_entry *entry, *previous; /* previous: in the block, NULL for its first */
};
uint32_t ext4_dir_blocks(const struct ext4 *fs, const struct ext4_inode *dir);
/* The bytes of a leaf that have entries. */
uint32_t ext4_dir_room(const struct ext4 *fs);
/* Block `index` of the directory, checked as `kind`. */
MUST_CHECK enum err ext4_dir_block(struct ext4 *fs, const struct ext4_inode *dir, uint32_t index,
                                   enum ext4_kind kind, struct ext4_buffer **out);
/* A new block at the end of the directory; the inode grows. */
MUST_CHECK enum err ext4_dir_append(struct ext4 *fs, struct ext4_inode *dir, enum ext4_kind kind,
                                    uint32_t *index, struct ext4_buffer **out);
void ext4_dir_leaf_init(const struct ext4 *fs, uint8_t *data);
static inline uint32_t ext4_entry_size(size_t name_length)
{
    return (uint32_t)((8 + name_length + 3) & ~(size_t)3);
}
static inline struct ext4_entry *ext4_entry_at(uint8_t *data, uint32_t offset)
{
    return (struct ext4_entry *)(data + offset);
}
/* Looks for the name in one leaf. True if it is there. */
bool ext4_leaf_find(const struct ext4 *fs, struct ext4_buffer *leaf, const char *name,
                    size_t length, struct ext4_found *out);
/* Adds the entry to the leaf. E_NOSPC: it does not fit. */
struct ext4_adding {
    const char *name;
    size_t length;
    uint32_t ino, mode;
};
MUST_CHECK enum err ext4_leaf_add(struct ext4 *fs, struct ext4_buffer *leaf,
                                  const struct ext4_adding *new);
uint8_t ext4_entry_type(const struct ext4 *fs, uint32_t mode);
/* E_NOENT. */
MUST_CHECK enum err ext4_dir_find(struct ext4 *fs, const struct ext4_inode *dir, const char *name,
                                  size_t length, struct ext4_found *out);
/* The name is not there (checked by the caller). */
MUST_CHECK enum err ext4_dir_add(struct ext4 *fs, struct ext4_inode *dir,
                                 const struct ext4_adding *new);
MUST_CHECK enum err ext4_dir_remove(struct ext4 *fs, const struct ext4_found *found);
/* The entries "." and ".." in block 0. */
MUST_CHECK enum err ext4_dir_dots(struct ext4 *fs, const struct ext4_inode *dir,
                                  struct ext4_buffer **buffer, struct ext4_entry **dotdot);
MUST_CHECK enum err ext4_dir_empty(struct ext4 *fs, const struct ext4_inode *dir, bool *empty);
MUST_CHECK enum err ext4_dir_init(struct ext4 *fs, struct ext4_inode *dir, uint32_t parent);

struct ext4_index {           /* the way through a hashed tree */
    uint32_t version, levels; /* of nodes: 1 or 2 */
    uint32_t major;           /* that it was found for */
    struct {
        struct ext4_buffer *buffer;
        struct ext4_index_entry *entries;
        uint32_t at;
    } node[2];
};
static inline bool ext4_dir_indexed(const struct ext4 *fs, const struct ext4_inode *dir)
{
    return (fs->compat & EXT4_DIR_INDEX) != 0 && (dir->raw->flags & EXT4_FL_INDEX) != 0;
}
/* The leaf for names with this hash, the first of several. O(log entries). */
MUST_CHECK enum err ext4_index_find(struct ext4 *fs, const struct ext4_inode *dir, uint32_t major,
                                    struct ext4_index *index);
/* The same, for the hash of a name by the tree's version. */
MUST_CHECK enum err ext4_index_find_name(struct ext4 *fs, const struct ext4_inode *dir,
                                         const char *name, size_t length, struct ext4_index *index);
static inline uint32_t ext4_index_leaf(const struct ext4_index *index)
{
    return index->node[index->levels - 1].entries[index->node[index->levels - 1].at].block &
           0xfffffff;
}
/* Goes to the next leaf. False: there is none. *major: where its hashes begin; the lowest bit: the last hash of the leaf before
 * goes on in it. */
MUST_CHECK enum err ext4_index_next(struct ext4 *fs, const struct ext4_inode *dir,
                                    struct ext4_index *index, bool *more, uint32_t *major);
/* The hash version of a directory: that of its tree or of new ones. */
uint32_t ext4_hash_version(const struct ext4 *fs, uint32_t version);
/* Makes the leaf two; *out: the one for index->major. */
MUST_CHECK enum err ext4_index_split(struct ext4 *fs, struct ext4_inode *dir,
                                     struct ext4_index *index, struct ext4_buffer *leaf,
                                     struct ext4_buffer **out);
/* Makes a directory of one block a tree. */
MUST_CHECK enum err ext4_index_make(struct ext4 *fs, struct ext4_inode *dir,
                                    struct ext4_buffer *root);

struct ext4_hashed { /* an entry with its hash */
    struct ext4_hash hash;
    struct ext4_entry *entry;
};
struct ext4_hashes {
    struct ext4_hashed *entry; /* heap */
    uint32_t count, room;
};
/* Adds the entries of a leaf, without "." and "..". */
MUST_CHECK enum err ext4_hashes_add(struct ext4 *fs, uint32_t version, struct ext4_buffer *leaf,
                                    struct ext4_hashes *hashes);
void ext4_hashes_sort(struct ext4_hashes *hashes);

/* ---- orphan.c ---- */

MUST_CHECK enum err ext4_orphan_add(struct ext4 *fs, struct ext4_inode *inode);
/* Does nothing if it is none. */
MUST_CHECK enum err ext4_orphan_remove(struct ext4 *fs, struct ext4_inode *inode);
struct ext4_orphan *ext4_orphan_find(const struct ext4 *fs, uint32_t ino);
/* At mount: frees and truncates what a crash or an end left. */
MUST_CHECK enum err ext4_orphans_clean(struct ext4 *fs);
void ext4_orphan_unlink(struct ext4 *fs, struct ext4_orphan *orphan);
void ext4_orphan_relink(struct ext4 *fs, struct ext4_orphan *orphan);

/* ---- file.c, xattr.c ---- */

/* Frees all blocks from `block` on, in steps. */
MUST_CHECK enum err ext4_cut(struct ext4 *fs, uint32_t ino, uint32_t block);
/* Frees the block of attributes of an inode that is freed. */
MUST_CHECK enum err ext4_xattr_drop(struct ext4 *fs, struct ext4_inode *inode);
