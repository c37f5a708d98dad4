/* SPDX-License-Identifier: MIT */
/* The checksums of metadata: CRC-32C over what the kind of a block says. They are made when a transaction commits. */
#include "fs/ext4/core.h"

#include "base/str.h"
#include "mm/heap/heap.h"

#define POLYNOMIAL 0x82f63b78u

/* 8 of them: of the remainders of a byte that 0 to 7 bytes follow. Heap. */
static uint32_t (*table)[256];

enum err ext4_crc_start(void)
{
    if (table)
        return E_OK;
    table = heap_alloc(8 * sizeof(*table));
    if (!table)
        return E_NOMEM;
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t crc = byte;
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (POLYNOMIAL & (0u - (crc & 1)));
        table[0][byte] = crc;
    }
    for (uint32_t byte = 0; byte < 256; byte++)
        for (int i = 1; i < 8; i++)
            table[i][byte] = table[i - 1][byte] >> 8 ^ table[0][table[i - 1][byte] & 255];
    return E_OK;
}

void ext4_crc_end(void)
{
    heap_free(table);
    table = NULL;
}

uint32_t ext4_crc(uint32_t crc, const void *bytes, size_t size)
{
    const uint8_t *at = bytes;
    for (; size >= 8; size -= 8, at += 8) {
        uint64_t word;
        memcpy(&word, at, sizeof(word));
        word ^= crc;
        crc = table[7][word & 255] ^ table[6][word >> 8 & 255] ^ table[5][word >> 16 & 255] ^
              table[4][word >> 24 & 255] ^ table[3][word >> 32 & 255] ^ table[2][word >> 40 & 255] ^
              table[1][word >> 48 & 255] ^ table[0][word >> 56];
    }
    for (; size > 0; size--)
        crc = crc >> 8 ^ table[0][(crc ^ *at++) & 255];
    return crc;
}

static const uint32_t zero;

/* CRC-16 (the polynomial 0x8005, reflected) of descriptors without metadata_csum. */
static uint32_t crc16(uint32_t crc, const void *bytes, size_t size)
{
    const uint8_t *at = bytes;
    for (; size > 0; size--) {
        crc ^= *at++;
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (0xa001u & (0u - (crc & 1)));
    }
    return crc;
}

static uint32_t descriptor_sum_old(const struct ext4 *fs, uint32_t group,
                                   const struct ext4_group_desc *desc)
{
    size_t before = offsetof(struct ext4_group_desc, checksum), behind = before + 2;
    uint32_t crc = crc16(0xffff, fs->super->uuid, sizeof(fs->super->uuid));
    crc = crc16(crc, &group, 4);
    crc = crc16(crc, desc, before);
    return crc16(crc, (const uint8_t *)desc + behind, fs->descriptor_size - behind);
}

static uint32_t descriptor_sum(const struct ext4 *fs, uint32_t group,
                               const struct ext4_group_desc *desc)
{
    size_t before = offsetof(struct ext4_group_desc, checksum), behind = before + 2;
    if (!ext4_has_csum(fs))
        return descriptor_sum_old(fs, group, desc);
    uint32_t crc = ext4_crc(fs->seed, &group, 4);
    crc = ext4_crc(crc, desc, before);
    crc = ext4_crc(crc, &zero, 2);
    crc = ext4_crc(crc, (const uint8_t *)desc + behind, fs->descriptor_size - behind);
    return crc & 0xffff;
}

static uint32_t inode_sum(const struct ext4 *fs, uint32_t ino, const struct ext4_raw *raw)
{
    const uint8_t *bytes = (const uint8_t *)raw;
    size_t low = offsetof(struct ext4_raw, checksum_lo), at = low + 2;
    uint32_t crc = ext4_crc(fs->seed, &ino, 4);
    crc = ext4_crc(crc, &raw->generation, 4);
    crc = ext4_crc(crc, bytes, low);
    crc = ext4_crc(crc, &zero, 2);
    if (EXT4_HAS(fs, raw, checksum_hi)) {
        size_t high = offsetof(struct ext4_raw, checksum_hi);
        crc = ext4_crc(crc, bytes + at, high - at);
        crc = ext4_crc(crc, &zero, 2);
        at = high + 2;
    }
    return ext4_crc(crc, bytes + at, fs->inode_size - at);
}

/* The places of the checksum in a block of a hashed tree. False: its numbers are wrong. */
static bool index_sum(const struct ext4 *fs, const struct ext4_buffer *buffer, uint32_t *crc,
                      struct ext4_index_tail **tail)
{
    uint32_t at = buffer->kind == EXT4_DIR_ROOT ? EXT4_INDEX_ROOT_AT : EXT4_INDEX_NODE_AT;
    struct ext4_index_entry *first = (struct ext4_index_entry *)(buffer->data + at);
    uint32_t end = at + first->limit * 8u;
    if (end > fs->block_size - 8 || first->count > first->limit)
        return false;
    *tail = (struct ext4_index_tail *)(buffer->data + end);
    *crc = ext4_crc(buffer->seed, buffer->data, at + first->count * 8u);
    *crc = ext4_crc(*crc, *tail, 4);
    *crc = ext4_crc(*crc, &zero, 4);
    return true;
}

static uint32_t xattr_sum(const struct ext4 *fs, const struct ext4_buffer *buffer)
{
    size_t at = offsetof(struct ext4_xattr_head, checksum);
    uint32_t crc = ext4_crc(fs->seed, &buffer->block, 8);
    crc = ext4_crc(crc, buffer->data, at);
    crc = ext4_crc(crc, &zero, 4);
    return ext4_crc(crc, buffer->data + at + 4, fs->block_size - at - 4);
}

static uint32_t orphans_sum(const struct ext4 *fs, const struct ext4_buffer *buffer)
{
    uint32_t crc = ext4_crc(buffer->seed, &buffer->block, 8);
    return ext4_crc(crc, buffer->data, fs->block_size - sizeof(struct ext4_orphan_tail));
}

static uint32_t bitmap_sum(const struct ext4 *fs, const struct ext4_buffer *buffer)
{
    uint32_t bits = buffer->kind == EXT4_BLOCK_BITMAP ? fs->blocks_per_group : fs->inodes_per_group;
    return ext4_crc(fs->seed, buffer->data, bits / 8);
}

static bool bitmap_right(struct ext4 *fs, const struct ext4_buffer *buffer)
{
    struct ext4_buffer *at;
    struct ext4_group_desc *desc;
    if (ext4_descriptor(fs, buffer->seed, &at, &desc) != E_OK)
        return false;
    bool whole = fs->descriptor_size >= 64, blocks = buffer->kind == EXT4_BLOCK_BITMAP;
    uint32_t low = blocks ? desc->block_bitmap_csum_lo : desc->inode_bitmap_csum_lo;
    uint32_t high = !whole ? 0 : blocks ? desc->block_bitmap_csum_hi : desc->inode_bitmap_csum_hi;
    uint32_t sum = bitmap_sum(fs, buffer);
    return whole ? sum == (high << 16 | low) : (sum & 0xffff) == low;
}

static void bitmap_seal(struct ext4 *fs, const struct ext4_buffer *buffer)
{
    struct ext4_buffer *at;
    struct ext4_group_desc *desc;
    if (ext4_descriptor(fs, buffer->seed, &at, &desc) != E_OK)
        return; /* it is in memory: the transaction changed it */
    uint32_t sum = bitmap_sum(fs, buffer);
    bool blocks = buffer->kind == EXT4_BLOCK_BITMAP;
    *(blocks ? &desc->block_bitmap_csum_lo : &desc->inode_bitmap_csum_lo) = (uint16_t)sum;
    if (fs->descriptor_size >= 64)
        *(blocks ? &desc->block_bitmap_csum_hi : &desc->inode_bitmap_csum_hi) =
            (uint16_t)(sum >> 16);
}

/* Checks the descriptors of a block, or makes their checksums. */
static bool descriptors_sum(struct ext4 *fs, const struct ext4_buffer *buffer, bool make)
{
    uint32_t each = fs->block_size / fs->descriptor_size;
    for (uint32_t i = 0; i < each && buffer->seed + i < fs->groups; i++) {
        struct ext4_group_desc *desc =
            (struct ext4_group_desc *)(buffer->data + i * fs->descriptor_size);
        uint32_t sum = descriptor_sum(fs, buffer->seed + i, desc);
        if (make)
            desc->checksum = (uint16_t)sum;
        else if (desc->checksum != sum)
            return false;
    }
    return true;
}

static void inodes_seal(struct ext4 *fs, struct ext4_buffer *buffer)
{
    for (uint32_t i = 0; i < fs->inodes_per_block; i++) {
        if ((buffer->changed >> i & 1) == 0)
            continue;
        struct ext4_raw *raw = (struct ext4_raw *)(buffer->data + i * fs->inode_size);
        uint32_t sum = inode_sum(fs, buffer->seed + i, raw);
        raw->checksum_lo = (uint16_t)sum;
        if (EXT4_HAS(fs, raw, checksum_hi))
            raw->checksum_hi = (uint16_t)(sum >> 16);
    }
    buffer->changed = 0;
}

bool ext4_inode_right(const struct ext4 *fs, uint32_t ino, const struct ext4_raw *raw)
{
    if (!ext4_has_csum(fs))
        return true;
    uint32_t sum = inode_sum(fs, ino, raw);
    if (EXT4_HAS(fs, raw, checksum_hi))
        return sum == ((uint32_t)raw->checksum_hi << 16 | raw->checksum_lo);
    return (sum & 0xffff) == raw->checksum_lo;
}

/* The word with the checksum of a block of the kinds whose sum does not depend on their contents, and its value. */
static uint32_t *sum_place(const struct ext4 *fs, const struct ext4_buffer *buffer, uint32_t *sum)
{
    uint8_t *data = buffer->data;
    if (buffer->kind == EXT4_XATTR_BLOCK) {
        *sum = xattr_sum(fs, buffer);
        return &((struct ext4_xattr_head *)data)->checksum;
    }
    if (buffer->kind == EXT4_ORPHANS) {
        *sum = orphans_sum(fs, buffer);
        return (uint32_t *)(data + fs->block_size - 4);
    }
    uint32_t end = fs->block_size - (uint32_t)sizeof(struct ext4_dir_tail);
    uint32_t at = end + (uint32_t)offsetof(struct ext4_dir_tail, checksum);
    if (buffer->kind == EXT4_EXTENT_NODE)
        at = end = (fs->block_size - 12) / 12 * 12 + 12;
    *sum = ext4_crc(buffer->seed, data, end);
    return (uint32_t *)(data + at);
}

bool ext4_checksum_right(struct ext4 *fs, const struct ext4_buffer *buffer)
{
    uint32_t sum;
    struct ext4_index_tail *tail;
    if (!ext4_has_csum(fs) && !(buffer->kind == EXT4_DESCRIPTORS && ext4_has_group_csum(fs)))
        return true;
    switch ((enum ext4_kind)buffer->kind) {
    case EXT4_PLAIN:
    case EXT4_SUPER:
    case EXT4_INODES:
        return true; /* the superblock is checked by itself, each inode when it is used */
    case EXT4_DESCRIPTORS:
        return descriptors_sum(fs, buffer, false);
    case EXT4_BLOCK_BITMAP:
    case EXT4_INODE_BITMAP:
        return bitmap_right(fs, buffer);
    case EXT4_DIR_ROOT:
    case EXT4_DIR_NODE:
        return index_sum(fs, buffer, &sum, &tail) && sum == tail->checksum;
    case EXT4_EXTENT_NODE:
        if (((struct ext4_extent_head *)buffer->data)->max != (fs->block_size - 12) / 12)
            return false;
        break;
    case EXT4_DIR_LEAF:
        tail = NULL;
        struct ext4_dir_tail *end =
            (struct ext4_dir_tail *)(buffer->data + fs->block_size - sizeof(*end));
        if (end->ino != 0 || end->length != sizeof(*end) || end->name_length != 0 ||
            end->type != EXT4_TAIL_TYPE)
            return false;
        break;
    case EXT4_XATTR_BLOCK:
    case EXT4_ORPHANS:
        break;
    }
    return *sum_place(fs, buffer, &sum) == sum;
}

void ext4_super_seal(struct ext4_super *super)
{
    if (super->ro_compat & EXT4_METADATA_CSUM)
        super->checksum = ext4_crc(UINT32_MAX, super, offsetof(struct ext4_super, checksum));
}

void ext4_seal(struct ext4 *fs, struct ext4_buffer *buffer)
{
    uint32_t sum, *place;
    struct ext4_index_tail *tail;
    if (!ext4_has_csum(fs) && !(buffer->kind == EXT4_DESCRIPTORS && ext4_has_group_csum(fs))) {
        buffer->changed = 0;
        return;
    }
    switch ((enum ext4_kind)buffer->kind) {
    case EXT4_PLAIN:
        return;
    case EXT4_SUPER:
        ext4_super_seal(fs->super);
        return;
    case EXT4_DESCRIPTORS:
        (void)descriptors_sum(fs, buffer, true);
        return;
    case EXT4_BLOCK_BITMAP:
    case EXT4_INODE_BITMAP:
        bitmap_seal(fs, buffer);
        return;
    case EXT4_INODES:
        inodes_seal(fs, buffer);
        return;
    case EXT4_DIR_ROOT:
    case EXT4_DIR_NODE:
        if (index_sum(fs, buffer, &sum, &tail))
            tail->checksum = sum;
        return;
    case EXT4_EXTENT_NODE:
    case EXT4_DIR_LEAF:
    case EXT4_XATTR_BLOCK:
    case EXT4_ORPHANS:
        place = sum_place(fs, buffer, &sum);
        *place = sum;
        return;
    }
}
