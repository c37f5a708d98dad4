/* SPDX-License-Identifier: MIT */
/* The superblock: which file systems are taken, and their numbers. */
#include "fs/ext4/core.h"

#include "base/fmt.h"
#include "base/str.h"
#include "mm/heap/heap.h"

#define INCOMPAT_KNOWN                                                                             \
    (EXT4_FILETYPE | EXT4_RECOVER | EXT4_EXTENTS | EXT4_64BIT | EXT4_FLEX_BG | EXT4_CHECKSUM_SEED)
#define RO_COMPAT_KNOWN                                                                            \
    (EXT4_SPARSE_SUPER | EXT4_LARGE_FILE | EXT4_HUGE_FILE | EXT4_DIR_NLINK | EXT4_EXTRA_ISIZE |    \
     EXT4_UNINIT_BG | EXT4_METADATA_CSUM | EXT4_ORPHAN_PRESENT)

struct feature {
    uint8_t bit;
    char name[15];
};
static const struct feature incompat_names[] = {
    {0, "compression"}, {3, "journal_dev"}, {4, "meta_bg"},      {8, "mmp"},      {10, "ea_inode"},
    {12, "dirdata"},    {14, "large_dir"},  {15, "inline_data"}, {16, "encrypt"}, {17, "casefold"},
};
static const struct feature ro_names[] = {
    {7, "snapshot"},   {8, "quota"},    {9, "bigalloc"},       {11, "replica"},
    {12, "read-only"}, {13, "project"}, {14, "shared_blocks"}, {15, "verity"},
};

/* The names of the bits, as mke2fs has them. */
static void name_features(uint32_t bits, const struct feature *names, size_t count, char *text,
                          size_t size)
{
    size_t used = 0;
    text[0] = '\0';
    for (uint32_t bit = 0; bit < 32; bit++) {
        if ((bits >> bit & 1) == 0 || used >= size)
            continue;
        const char *name = NULL;
        for (size_t i = 0; i < count; i++)
            if (names[i].bit == bit)
                name = names[i].name;
        if (name)
            used += fmt_snprintf(text + used, size - used, " %s", name);
        else
            used += fmt_snprintf(text + used, size - used, " bit %u", bit);
    }
}

static enum err refuse(struct ext4 *fs, enum err e, const char *why)
{
    ext4_report(&fs->io, "not mounted: %s", why);
    return e;
}

static enum err features_check(struct ext4 *fs, const struct ext4_super *super)
{
    char text[96];
    uint32_t unknown = super->incompat & ~(uint32_t)INCOMPAT_KNOWN;
    if (unknown != 0) {
        name_features(unknown, incompat_names, ARRAY_LENGTH(incompat_names), text, sizeof(text));
        ext4_report(&fs->io, "not mounted: features that Ouro lacks:%s", text);
        return E_NOTSUP;
    }
    if ((super->incompat & EXT4_EXTENTS) == 0 || super->revision != 1)
        return refuse(fs, E_NOTSUP, "it is ext2 or ext3 (no feature extent)");
    if (super->ro_compat & 0x200)
        return refuse(fs, E_NOTSUP, "features that Ouro lacks: bigalloc");
    unknown = super->ro_compat & ~(uint32_t)RO_COMPAT_KNOWN;
    if (unknown != 0 && !fs->readonly) {
        name_features(unknown, ro_names, ARRAY_LENGTH(ro_names), text, sizeof(text));
        ext4_report(&fs->io, "mounted read-only: features that Ouro lacks:%s", text);
        fs->readonly = true;
    }
    if ((super->compat & EXT4_HAS_JOURNAL) == 0 && !fs->readonly) {
        ext4_report(&fs->io, "mounted read-only: it has no journal");
        fs->readonly = true;
    }
    return E_OK;
}

static bool power_of_two(uint32_t number)
{
    return number != 0 && (number & (number - 1)) == 0;
}

static const char *sizes_check(const struct ext4_super *super, uint64_t blocks, uint64_t device)
{
    if (super->log_block_size > 2)
        return "its blocks are larger than 4 KiB";
    uint32_t bits = 10 + super->log_block_size, bytes = 1u << bits;
    if (super->first_data_block != (bytes == 1024 ? 1 : 0) || blocks <= super->first_data_block)
        return "the superblock's block numbers are wrong";
    if (blocks > device >> bits)
        return "it is larger than its device";
    if (super->log_cluster_size != super->log_block_size ||
        super->clusters_per_group != super->blocks_per_group)
        return "the superblock's sizes of clusters are wrong";
    if (super->blocks_per_group == 0 || super->blocks_per_group > bytes * 8 ||
        super->blocks_per_group % 8 != 0)
        return "the superblock's number of blocks in a group is wrong";
    if (!power_of_two(super->inode_size) || super->inode_size < EXT4_GOOD_OLD_INODE ||
        super->inode_size > bytes)
        return "the superblock's size of inodes is wrong";
    if (super->inodes_per_group == 0 || super->inodes_per_group > bytes * 8 ||
        super->inodes_per_group % 8 != 0 ||
        super->inodes_per_group % (bytes / super->inode_size) != 0)
        return "the superblock's number of inodes in a group is wrong";
    if ((super->incompat & EXT4_64BIT) && super->descriptor_size != 64)
        return "the superblock's size of descriptors is wrong";
    uint64_t groups =
        (blocks - super->first_data_block + super->blocks_per_group - 1) / super->blocks_per_group;
    if (groups > UINT32_MAX / 64 || groups * super->inodes_per_group != super->inodes_count)
        return "the superblock's numbers of inodes and groups are wrong";
    if (super->first_inode < 11 || super->first_inode > super->inodes_count)
        return "the superblock's first inode is wrong";
    if (super->log_groups_per_flex > 31)
        return "the superblock's size of flexible groups is wrong";
    return NULL;
}

static void numbers_take(struct ext4 *fs, const struct ext4_super *super, uint64_t blocks)
{
    fs->block_bits = 10 + super->log_block_size;
    fs->block_size = 1u << fs->block_bits;
    fs->blocks = blocks;
    fs->first_block = super->first_data_block;
    fs->blocks_per_group = super->blocks_per_group;
    fs->groups =
        (uint32_t)((blocks - fs->first_block + fs->blocks_per_group - 1) / fs->blocks_per_group);
    fs->inodes = super->inodes_count;
    fs->inodes_per_group = super->inodes_per_group;
    fs->inode_size = super->inode_size;
    fs->inodes_per_block = fs->block_size / fs->inode_size;
    fs->first_inode = super->first_inode;
    fs->descriptor_size = super->incompat & EXT4_64BIT ? 64 : 32;
    fs->flex_groups = super->incompat & EXT4_FLEX_BG ? 1u << super->log_groups_per_flex : 1;
    fs->compat = super->compat;
    fs->incompat = super->incompat;
    fs->ro_compat = super->ro_compat;
    fs->seed = super->incompat & EXT4_CHECKSUM_SEED ? super->checksum_seed
                                                    : ext4_crc(UINT32_MAX, super->uuid, 16);
}

enum err ext4_super_read(struct ext4 *fs)
{
    struct ext4_super *super = heap_alloc(EXT4_SUPER_SIZE);
    if (!super)
        return E_NOMEM;
    void *piece = super;
    enum err e = E_INVAL;
    if (fs->io.bytes >= EXT4_SUPER_OFFSET + EXT4_SUPER_SIZE)
        e = fs->io.read(fs->io.context, EXT4_SUPER_OFFSET, EXT4_SUPER_SIZE, &piece, 1);
    if (e == E_OK && super->magic != EXT4_MAGIC)
        e = E_INVAL;
    if (e != E_OK)
        goto out;
    e = features_check(fs, super);
    if (e != E_OK)
        goto out;
    bool csum = (super->ro_compat & EXT4_METADATA_CSUM) != 0;
    uint64_t blocks = super->blocks_count_lo;
    if (super->incompat & EXT4_64BIT)
        blocks |= (uint64_t)super->blocks_count_hi << 32;
    const char *wrong = sizes_check(super, blocks, fs->io.bytes);
    if (csum &&
        (super->checksum_type != 1 ||
         super->checksum != ext4_crc(UINT32_MAX, super, offsetof(struct ext4_super, checksum))))
        wrong = "the superblock's checksum is wrong";
    if (wrong) {
        e = refuse(fs, E_INVAL, wrong);
        goto out;
    }
    numbers_take(fs, super, blocks);
    uint64_t at = EXT4_SUPER_OFFSET >> fs->block_bits;
    e = ext4_get(fs, at, EXT4_SUPER, 0, &fs->super_block);
    if (e == E_OK)
        fs->super = (struct ext4_super *)(fs->super_block->data + EXT4_SUPER_OFFSET -
                                          (at << fs->block_bits));
out:
    heap_free(super);
    return e;
}

enum err ext4_super_write(struct ext4 *fs)
{
    ext4_super_seal(
        (struct ext4_super *)(fs->super_stable + ((uint8_t *)fs->super - fs->super_block->data)));
    return ext4_io_one(fs, true, fs->super_block->block, fs->super_stable);
}

bool ext4_readonly(const struct ext4 *fs)
{
    return fs->readonly;
}

uint32_t ext4_block_size(const struct ext4 *fs)
{
    return fs->block_size;
}

void ext4_statfs(const struct ext4 *fs, struct ext4_statfs *out)
{
    uint64_t meta = 0,
             reserved =
                 fs->super->reserved_blocks_lo |
                 (fs->incompat & EXT4_64BIT ? (uint64_t)fs->super->reserved_blocks_hi << 32 : 0);
    for (uint32_t i = 0; i < fs->zone_count; i++)
        meta += fs->zones[i].end - fs->zones[i].start;
    reserved += fs->reserved_blocks;
    *out = (struct ext4_statfs){
        .blocks = fs->blocks - meta,
        .free_blocks = fs->free_blocks,
        .available_blocks = fs->free_blocks > reserved ? fs->free_blocks - reserved : 0,
        .inodes = fs->inodes,
        .free_inodes = fs->free_inodes,
    };
    memcpy(out->uuid, fs->super->uuid, sizeof(out->uuid));
}
