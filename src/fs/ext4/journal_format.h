/* SPDX-License-Identifier: MIT */
/* The journal on the disk (JBD2; Linux: Documentation/filesystems/ext4/journal.rst). All numbers are big-endian. */
#pragma once

#include <stdint.h>

#define JBD2_MAGIC 0xc03b3998u

static inline uint32_t jbd2_32(uint32_t number)
{
    return __builtin_bswap32(number);
}
static inline uint16_t jbd2_16(uint16_t number)
{
    return __builtin_bswap16(number);
}

enum { /* types of blocks */
    JBD2_DESCRIPTOR = 1,
    JBD2_COMMIT = 2,
    JBD2_SUPER_1 = 3,
    JBD2_SUPER_2 = 4,
    JBD2_REVOKE = 5,
};

enum { /* incompatible features */
    JBD2_HAS_REVOKE = 1,
    JBD2_64BIT = 2,
    JBD2_CSUM_2 = 8,
    JBD2_CSUM_3 = 16,
};

enum { /* tag flags */
    JBD2_ESCAPED = 1,
    JBD2_SAME_UUID = 2,
    JBD2_DELETED = 4,
    JBD2_LAST = 8,
};

struct jbd2_head {
    uint32_t magic, type, sequence;
};

struct jbd2_super {
    struct jbd2_head head;
    uint32_t block_size, blocks, first;
    uint32_t sequence, start; /* of the oldest transaction; start 0: the log is empty */
    uint32_t error;
    uint32_t compat, incompat, ro_compat;
    uint8_t uuid[16];
    uint32_t users, dynamic_super, max_transaction, max_data;
    uint8_t checksum_type, padding2[3];
    uint32_t fast_commit_blocks, log_head;
    uint32_t padding[40];
    uint32_t checksum;
    uint8_t user[16 * 48];
};
_Static_assert(sizeof(struct jbd2_super) == 1024, "journal superblock");
_Static_assert(__builtin_offsetof(struct jbd2_super, checksum) == 0xfc, "journal superblock");

struct jbd2_tag { /* without checksums or with those of version 2; block_hi only with 64BIT */
    uint32_t block;
    uint16_t checksum, flags;
    uint32_t block_hi;
};

struct jbd2_tag3 { /* with checksums of version 3 */
    uint32_t block, flags, block_hi, checksum;
};

struct jbd2_revoke_head {
    struct jbd2_head head;
    uint32_t bytes; /* used, with this head */
};

struct jbd2_commit {
    struct jbd2_head head;
    uint8_t checksum_type, checksum_size, padding[2];
    uint32_t checksum[8];
    uint32_t seconds_hi, seconds_lo, nanoseconds;
};

/* The checksum of the journal's superblock, in the first 1,024 bytes of its block. */
void jbd2_super_seal(uint8_t *block, uint32_t features);
