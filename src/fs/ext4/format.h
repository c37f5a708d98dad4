/* SPDX-License-Identifier: MIT */
/*
 * ext4 on the disk (Linux: Documentation/filesystems/ext4). All numbers are little-endian, as the CPU's; those of
 * the journal are big-endian (journal_format.h).
 */
#pragma once

#include <stdint.h>

#define EXT4_SUPER_OFFSET 1024
#define EXT4_SUPER_SIZE   1024
#define EXT4_MAGIC        0xef53

#define EXT4_STATE_CLEAN  1u
#define EXT4_STATE_ERROR  2u

struct ext4_super {
    uint32_t inodes_count, blocks_count_lo, reserved_blocks_lo, free_blocks_lo;
    uint32_t free_inodes, first_data_block, log_block_size, log_cluster_size;
    uint32_t blocks_per_group, clusters_per_group, inodes_per_group;
    uint32_t mount_time, write_time;
    uint16_t mount_count, max_mount_count, magic, state, errors, minor_revision;
    uint32_t last_check, check_interval, creator_os, revision;
    uint16_t reserved_uid, reserved_gid;
    uint32_t first_inode;
    uint16_t inode_size, block_group;
    uint32_t compat, incompat, ro_compat;
    uint8_t uuid[16], volume_name[16], last_mounted[64];
    uint32_t algorithm_bitmap;
    uint8_t prealloc_blocks, prealloc_directory_blocks;
    uint16_t reserved_gdt_blocks;
    uint8_t journal_uuid[16];
    uint32_t journal_inode, journal_device, last_orphan;
    uint32_t hash_seed[4];
    uint8_t hash_version, journal_backup_type;
    uint16_t descriptor_size;
    uint32_t default_mount_options, first_meta_group, mkfs_time, journal_blocks[17];
    uint32_t blocks_count_hi, reserved_blocks_hi, free_blocks_hi;
    uint16_t min_extra_isize, want_extra_isize;
    uint32_t flags;
    uint16_t raid_stride, mmp_interval;
    uint64_t mmp_block;
    uint32_t raid_stripe_width;
    uint8_t log_groups_per_flex, checksum_type, encryption_level, reserved_pad;
    uint64_t kilobytes_written;
    uint32_t snapshot_inode, snapshot_id;
    uint64_t snapshot_reserved;
    uint32_t snapshot_list, error_count;
    uint32_t first_error_time, first_error_inode;
    uint64_t first_error_block;
    uint8_t first_error_function[32];
    uint32_t first_error_line, last_error_time, last_error_inode, last_error_line;
    uint64_t last_error_block;
    uint8_t last_error_function[32];
    uint8_t mount_options[64];
    uint32_t user_quota_inode, group_quota_inode, overhead_blocks, backup_groups[2];
    uint8_t encrypt_algorithms[4], encrypt_salt[16];
    uint32_t lost_found_inode, project_quota_inode, checksum_seed;
    uint8_t times_hi[8];
    uint16_t encoding, encoding_flags;
    uint32_t orphan_file_inode;
    uint32_t reserved[94];
    uint32_t checksum;
};
_Static_assert(sizeof(struct ext4_super) == EXT4_SUPER_SIZE, "superblock");
_Static_assert(__builtin_offsetof(struct ext4_super, hash_seed) == 0xec, "superblock");
_Static_assert(__builtin_offsetof(struct ext4_super, blocks_count_hi) == 0x150, "superblock");
_Static_assert(__builtin_offsetof(struct ext4_super, error_count) == 0x194, "superblock");
_Static_assert(__builtin_offsetof(struct ext4_super, checksum_seed) == 0x270, "superblock");
_Static_assert(__builtin_offsetof(struct ext4_super, orphan_file_inode) == 0x280, "superblock");

enum { /* ext4_super.flags */
    EXT4_HASH_SIGNED = 1,
    EXT4_HASH_UNSIGNED = 2,
};

enum { /* ext4_super.compat */
    EXT4_HAS_JOURNAL = 0x4,
    EXT4_DIR_INDEX = 0x20,
    EXT4_SPARSE_SUPER2 = 0x200,
    EXT4_ORPHAN_FILE = 0x1000,
};

enum { /* ext4_super.incompat */
    EXT4_FILETYPE = 0x2,
    EXT4_RECOVER = 0x4,
    EXT4_META_BG = 0x10,
    EXT4_EXTENTS = 0x40,
    EXT4_64BIT = 0x80,
    EXT4_FLEX_BG = 0x200,
    EXT4_CHECKSUM_SEED = 0x2000,
};

enum { /* ext4_super.ro_compat */
    EXT4_SPARSE_SUPER = 0x1,
    EXT4_LARGE_FILE = 0x2,
    EXT4_HUGE_FILE = 0x8,
    EXT4_UNINIT_BG = 0x10, /* checksums of descriptors alone, as ext4 had them first */
    EXT4_DIR_NLINK = 0x20,
    EXT4_EXTRA_ISIZE = 0x40,
    EXT4_METADATA_CSUM = 0x400,
    EXT4_READONLY = 0x1000,
    EXT4_ORPHAN_PRESENT = 0x10000,
};

enum { /* ext4_group_desc.flags */
    EXT4_INODE_UNINIT = 1,
    EXT4_BLOCK_UNINIT = 2,
};

struct ext4_group_desc { /* the second half only if descriptors have 64 bytes */
    uint32_t block_bitmap_lo, inode_bitmap_lo, inode_table_lo;
    uint16_t free_blocks_lo, free_inodes_lo, used_dirs_lo, flags;
    uint32_t exclude_bitmap_lo;
    uint16_t block_bitmap_csum_lo, inode_bitmap_csum_lo, unused_inodes_lo, checksum;
    uint32_t block_bitmap_hi, inode_bitmap_hi, inode_table_hi;
    uint16_t free_blocks_hi, free_inodes_hi, used_dirs_hi, unused_inodes_hi;
    uint32_t exclude_bitmap_hi;
    uint16_t block_bitmap_csum_hi, inode_bitmap_csum_hi;
    uint32_t reserved;
};
_Static_assert(sizeof(struct ext4_group_desc) == 64, "group descriptor");

enum { /* inode numbers */
    EXT4_ROOT_INO = 2,
    EXT4_JOURNAL_INO = 8,
};

enum { /* ext4_raw.flags */
    EXT4_FL_IMMUTABLE = 0x10,
    EXT4_FL_APPEND = 0x20,
    EXT4_FL_INDEX = 0x1000,
    EXT4_FL_HUGE_FILE = 0x40000,
    EXT4_FL_EXTENTS = 0x80000,
    /* What a new inode has from its directory: SECRM, UNRM, SYNC, NODUMP, NOATIME, NOTAIL, DIRSYNC, PROJINHERIT; the last
     * two only directories, and other files than regular ones NODUMP and NOATIME alone. */
    EXT4_FL_INHERITED = 0x200180cb,
    EXT4_FL_DIRECTORY = 0x20010000,
    EXT4_FL_OTHER = 0xc0,
};

#define EXT4_GOOD_OLD_INODE 128
#define EXT4_LINKS_MAX      65000
#define EXT4_NAME_MAX       255

struct ext4_raw { /* an inode */
    uint16_t mode, uid_lo;
    uint32_t size_lo, atime, ctime, mtime, dtime;
    uint16_t gid_lo, links;
    uint32_t blocks_lo, flags, version_lo;
    union {
        uint32_t block[15];
        char text[60];
    };
    uint32_t generation, xattr_block_lo, size_hi, fragment;
    uint16_t blocks_hi, xattr_block_hi, uid_hi, gid_hi, checksum_lo, reserved;
    /* From here on only in inodes of more than 128 bytes, and only `extra_isize` bytes. */
    uint16_t extra_isize, checksum_hi;
    uint32_t ctime_extra, mtime_extra, atime_extra, crtime, crtime_extra, version_hi, project;
};
_Static_assert(sizeof(struct ext4_raw) == 160, "inode");

#define EXT4_EXTENT_MAGIC 0xf30a
#define EXT4_EXTENT_DEPTH 5 /* at most */
#define EXT4_EXTENT_LENGTH                                                                         \
    32768 /* blocks of an extent; one of greater length is unwritten: minus this */

struct ext4_extent_head {
    uint16_t magic, entries, max, depth;
    uint32_t generation;
};

struct ext4_extent { /* of a leaf */
    uint32_t block;
    uint16_t length, start_hi;
    uint32_t start_lo;
};

struct ext4_extent_index { /* of a node above: where `block` and what follows are described */
    uint32_t block, leaf_lo;
    uint16_t leaf_hi, unused;
};
_Static_assert(sizeof(struct ext4_extent) == 12 && sizeof(struct ext4_extent_index) == 12,
               "extents");

struct ext4_entry { /* of a directory */
    uint32_t ino;
    uint16_t length; /* to the next */
    uint8_t name_length, type;
    char name[];
};

#define EXT4_TAIL_TYPE 0xde

struct ext4_dir_tail { /* looks like an unused entry */
    uint32_t ino;
    uint16_t length;
    uint8_t name_length, type;
    uint32_t checksum;
};

struct
    ext4_index_entry { /* of a hashed tree; the first of a block is {limit, count}, without a hash */
    union {
        uint32_t hash;
        struct {
            uint16_t limit, count;
        };
    };
    uint32_t block;
};

struct ext4_index_info { /* of its root, behind "." and ".." */
    uint32_t reserved;
    uint8_t hash_version, length, levels, flags;
};

struct ext4_index_tail {
    uint32_t reserved, checksum;
};

enum {
    EXT4_INDEX_ROOT_AT = 32, /* the entries of the root; its info is before them */
    EXT4_INDEX_NODE_AT = 8,
};

#define EXT4_XATTR_MAGIC 0xea020000u

struct ext4_xattr_head { /* of a block of attributes; an inode has the magic alone */
    uint32_t magic, references, blocks, hash, checksum, reserved[3];
};

struct ext4_xattr {
    uint8_t name_length, index;
    uint16_t value_at;
    uint32_t value_inode, value_size, hash;
    char name[];
};

#define EXT4_ORPHAN_MAGIC 0x0b10ca04u

struct ext4_orphan_tail { /* of each block of the orphan file, behind inode numbers */
    uint32_t magic, checksum;
};
