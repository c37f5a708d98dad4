/* SPDX-License-Identifier: MIT */
/* Inodes: where they are, and their fields. */
#include "fs/ext4/core.h"

#include "base/str.h"

#define EPOCH_BITS                                                                                 \
    3u /* of an extra field: bits 32 and 33 of the seconds; the others are nanoseconds */

enum {
    S_TYPE = 0170000,
    S_DIRECTORY = 0040000,
    S_REGULAR = 0100000,
    S_LINK = 0120000,
    S_CHARACTER = 0020000,
    S_BLOCK = 0060000,
};

void ext4_inode_seed(struct ext4 *fs, struct ext4_inode *inode)
{
    uint32_t crc = ext4_crc(fs->seed, &inode->ino, 4);
    inode->seed = ext4_crc(crc, &inode->raw->generation, 4);
}

enum err ext4_inode_at(struct ext4 *fs, uint32_t ino, struct ext4_inode *out)
{
    if (ino == 0 || ino > fs->inodes)
        return ext4_damage(fs, ino, 0, "an inode number is out of range");
    uint32_t group = (ino - 1) / fs->inodes_per_group, index = (ino - 1) % fs->inodes_per_group;
    struct ext4_buffer *buffer;
    struct ext4_group_desc *desc;
    enum err e = ext4_descriptor(fs, group, &buffer, &desc);
    if (e != E_OK)
        return e;
    uint32_t in_block = index % fs->inodes_per_block;
    e = ext4_get(fs, ext4_inode_table_at(fs, desc) + index / fs->inodes_per_block, EXT4_INODES,
                 ino - in_block, &buffer);
    if (e != E_OK)
        return e;
    out->ino = ino;
    out->buffer = buffer;
    out->raw = (struct ext4_raw *)(buffer->data + in_block * fs->inode_size);
    return E_OK;
}

static uint64_t number_in_block(const struct ext4 *fs, uint32_t ino)
{
    return 1ull << (ino - 1) % fs->inodes_per_group % fs->inodes_per_block;
}

/* Any inode that is in use, also one of the file system's own. */
static enum err inode_load(struct ext4 *fs, uint32_t ino, struct ext4_inode *out)
{
    enum err e = ext4_inode_at(fs, ino, out);
    if (e != E_OK)
        return e;
    struct ext4_raw *raw = out->raw;
    uint64_t bit = number_in_block(fs, ino);
    if ((out->buffer->intact & bit) == 0) {
        if (fs->inode_size > EXT4_GOOD_OLD_INODE &&
            (raw->extra_isize > fs->inode_size - EXT4_GOOD_OLD_INODE || raw->extra_isize % 4 != 0))
            return ext4_damage(fs, ino, 0, "an inode has a wrong size");
        if (!ext4_inode_right(fs, ino, raw))
            return ext4_damage(fs, ino, 0, "an inode has a wrong checksum");
        if (ext4_is(raw, S_REGULAR) && ext4_inode_size(raw) > ext4_size_max(fs))
            return ext4_damage(fs, ino, 0, "a file is larger than files can be");
        out->buffer->intact |= bit;
    }
    if (raw->mode == 0 || (raw->links == 0 && !ext4_orphan_find(fs, ino)))
        return E_NOENT;
    ext4_inode_seed(fs, out);
    return E_OK;
}

enum err ext4_inode_get(struct ext4 *fs, uint32_t ino, struct ext4_inode *out)
{
    if (ino != EXT4_ROOT_INO && ino < fs->first_inode)
        return ext4_damage(fs, ino, 0, "a name is that of an inode of the file system's own");
    return inode_load(fs, ino, out);
}

enum err ext4_inode_dir(struct ext4 *fs, uint32_t ino, struct ext4_inode *out)
{
    enum err e = ext4_inode_get(fs, ino, out);
    return e != E_OK ? e : ext4_is(out->raw, S_DIRECTORY) ? E_OK : E_NOTDIR;
}

enum err ext4_inode_file(struct ext4 *fs, uint32_t ino, struct ext4_inode *out)
{
    bool own = ino != 0 && (ino == fs->super->journal_inode || ino == fs->super->orphan_file_inode);
    enum err e = own ? inode_load(fs, ino, out) : ext4_inode_get(fs, ino, out);
    return e != E_OK ? e : ext4_is(out->raw, S_REGULAR) ? E_OK : E_INVAL;
}

enum err ext4_inode_change(struct ext4 *fs, struct ext4_inode *inode)
{
    enum err e = ext4_change(fs, inode->buffer, inode->raw, fs->inode_size);
    if (e == E_OK)
        inode->buffer->changed |= number_in_block(fs, inode->ino);
    return e;
}

/* ---- Fields ---- */

uint64_t ext4_inode_size(const struct ext4_raw *raw)
{
    return (uint64_t)raw->size_hi << 32 | raw->size_lo;
}

void ext4_inode_set_size(struct ext4_raw *raw, uint64_t size)
{
    raw->size_lo = (uint32_t)size;
    raw->size_hi = (uint32_t)(size >> 32);
}

uint64_t ext4_xattr_block_at(const struct ext4_raw *raw)
{
    return (uint64_t)raw->xattr_block_hi << 32 | raw->xattr_block_lo;
}

static uint64_t sectors_of(const struct ext4 *fs, const struct ext4_raw *raw)
{
    uint64_t count = (uint64_t)raw->blocks_hi << 32 | raw->blocks_lo;
    return raw->flags & EXT4_FL_HUGE_FILE ? count << (fs->block_bits - 9) : count;
}

enum err ext4_inode_count_blocks(struct ext4 *fs, struct ext4_inode *inode, int64_t blocks)
{
    struct ext4_raw *raw = inode->raw;
    uint32_t bits = raw->flags & EXT4_FL_HUGE_FILE ? 0 : fs->block_bits - 9;
    uint64_t count = (uint64_t)raw->blocks_hi << 32 | raw->blocks_lo;
    uint64_t size = (uint64_t)(blocks < 0 ? -blocks : blocks) << bits;
    if (blocks < 0 && size > count)
        return ext4_damage(fs, inode->ino, 0, "an inode has more blocks than it counts");
    count = blocks < 0 ? count - size : count + size;
    raw->blocks_lo = (uint32_t)count;
    raw->blocks_hi = (uint16_t)(count >> 32);
    return E_OK;
}

bool ext4_is_fast_link(const struct ext4 *fs, const struct ext4_raw *raw)
{
    uint64_t own = ext4_xattr_block_at(raw) != 0 ? 1u << (fs->block_bits - 9) : 0;
    return ext4_is(raw, S_LINK) && sectors_of(fs, raw) == own;
}

/* The low 32 bits of the seconds are signed; two more bits are in the extra field. */
static struct ext4_time raw_time(uint32_t low, uint32_t extra)
{
    uint32_t nanoseconds = extra >> 2 < 1000000000 ? extra >> 2 : 0;
    return (struct ext4_time){(int32_t)low + ((int64_t)(extra & EPOCH_BITS) << 32), nanoseconds};
}
#define TIME_OF(fs, raw, field, extra)                                                             \
    raw_time((raw)->field, EXT4_HAS(fs, raw, extra) ? (raw)->extra : 0)

void ext4_inode_set_time(struct ext4 *fs, struct ext4_raw *raw, enum ext4_which which,
                         struct ext4_time time)
{
    uint32_t low = (uint32_t)time.seconds;
    uint32_t epoch = (uint32_t)((time.seconds - (int32_t)low) >> 32) & EPOCH_BITS;
    uint32_t extra = time.nanoseconds << 2 | epoch;
    bool wide = ext4_has_field(fs, raw, offsetof(struct ext4_raw, crtime_extra) + 4);
    switch (which) {
    case EXT4_ATIME:
        raw->atime = low;
        if (EXT4_HAS(fs, raw, atime_extra))
            raw->atime_extra = extra;
        return;
    case EXT4_MTIME:
        raw->mtime = low;
        if (EXT4_HAS(fs, raw, mtime_extra))
            raw->mtime_extra = extra;
        return;
    case EXT4_CTIME:
        raw->ctime = low;
        if (EXT4_HAS(fs, raw, ctime_extra))
            raw->ctime_extra = extra;
        return;
    case EXT4_CRTIME:
        if (wide) {
            raw->crtime = low;
            raw->crtime_extra = extra;
        }
        return;
    }
}

/* makedev(3) of the two encodings in the first words of `block`. */
static uint64_t raw_device(const struct ext4_raw *raw)
{
    uint32_t major, minor, number = raw->block[0];
    if (number != 0) {
        major = number >> 8 & 0xff;
        minor = number & 0xff;
    } else {
        number = raw->block[1];
        major = number >> 8 & 0xfff;
        minor = (number & 0xff) | (number >> 12 & 0xfff00);
    }
    return (uint64_t)(major & 0xfffff000) << 32 | (uint64_t)(major & 0xfff) << 8 |
           (uint64_t)(minor & 0xffffff00) << 12 | (minor & 0xff);
}

enum err ext4_stat(struct ext4 *fs, uint32_t ino, struct ext4_stat *out)
{
    struct ext4_inode inode;
    ext4_enter(fs);
    enum err e = ext4_inode_get(fs, ino, &inode);
    if (e != E_OK)
        return e;
    const struct ext4_raw *raw = inode.raw;
    *out = (struct ext4_stat){
        .ino = ino,
        .mode = raw->mode,
        .uid = (uint32_t)raw->uid_hi << 16 | raw->uid_lo,
        .gid = (uint32_t)raw->gid_hi << 16 | raw->gid_lo,
        .links = raw->links,
        .generation = raw->generation,
        .flags = raw->flags,
        .size = ext4_inode_size(raw),
        .sectors = sectors_of(fs, raw),
        .accessed = TIME_OF(fs, raw, atime, atime_extra),
        .modified = TIME_OF(fs, raw, mtime, mtime_extra),
        .changed = TIME_OF(fs, raw, ctime, ctime_extra),
    };
    if (EXT4_HAS(fs, raw, crtime_extra))
        out->created = raw_time(raw->crtime, raw->crtime_extra);
    if (ext4_is(raw, S_CHARACTER) || ext4_is(raw, S_BLOCK))
        out->device = raw_device(raw);
    return E_OK;
}

enum err ext4_set(struct ext4 *fs, uint32_t ino, uint32_t what, const struct ext4_stat *from)
{
    struct ext4_inode inode;
    enum err e = ext4_begin(fs);
    if (e != E_OK)
        return e;
    e = ext4_inode_get(fs, ino, &inode);
    if (e == E_OK)
        e = ext4_inode_change(fs, &inode);
    if (e != E_OK)
        return ext4_end(fs, e);
    struct ext4_raw *raw = inode.raw;
    if (what & EXT4_SET_MODE)
        raw->mode = (uint16_t)((raw->mode & S_TYPE) | (from->mode & ~(uint32_t)S_TYPE));
    if (what & EXT4_SET_OWNER) {
        raw->uid_lo = (uint16_t)from->uid;
        raw->uid_hi = (uint16_t)(from->uid >> 16);
        raw->gid_lo = (uint16_t)from->gid;
        raw->gid_hi = (uint16_t)(from->gid >> 16);
    }
    if (what & EXT4_SET_ACCESSED)
        ext4_inode_set_time(fs, raw, EXT4_ATIME, from->accessed);
    if (what & EXT4_SET_MODIFIED)
        ext4_inode_set_time(fs, raw, EXT4_MTIME, from->modified);
    if (what & EXT4_SET_CHANGED)
        ext4_inode_set_time(fs, raw, EXT4_CTIME, from->changed);
    return ext4_end(fs, E_OK);
}
