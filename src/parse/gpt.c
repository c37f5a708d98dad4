/* SPDX-License-Identifier: MIT */
#include "parse/gpt.h"

#include "base/str.h"
#include "parse/load.h"

enum {
    HEADER_REVISION = 8,
    HEADER_SIZE = 12,
    HEADER_CRC = 16,
    HEADER_BLOCK = 24, /* its own */
    HEADER_ENTRIES = 72,
    HEADER_COUNT = 80,
    HEADER_ENTRY = 84,
    HEADER_ENTRIES_CRC = 88,
    HEADER_BYTES = 92,
    REVISION = 0x10000,

    ENTRY_TYPE_BYTES = 16, /* all 0: unused */
    ENTRY_FIRST = 32,
    ENTRY_LAST = 40, /* the last block, not the one after it */
    ENTRY_BYTES = 128,
    ENTRIES_MAX = 4096,
};

struct gpt_header {
    uint64_t entries; /* block */
    uint32_t count, size, crc;
};

uint32_t gpt_crc32(uint32_t crc, const void *bytes, size_t size)
{
    static const uint32_t table[16] = {
        0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4,
        0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
        0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
    };
    const uint8_t *at = bytes;
    crc = ~crc;
    while (size-- > 0) {
        crc ^= *at++;
        crc = crc >> 4 ^ table[crc & 15];
        crc = crc >> 4 ^ table[crc & 15];
    }
    return ~crc;
}

static enum err gpt_read_header(const struct partition_medium *m, uint64_t at, uint8_t *block,
                                struct gpt_header *out)
{
    static const uint8_t zero[4];
    if (at == 0 || at >= m->blocks)
        return E_INVAL;
    enum err e = m->read(m->context, at, block);
    if (e != E_OK)
        return e;
    uint32_t size = load32(block + HEADER_SIZE);
    if (memcmp(block, "EFI PART", 8) != 0 || load32(block + HEADER_REVISION) < REVISION ||
        size < HEADER_BYTES || size > m->block || load64(block + HEADER_BLOCK) != at)
        return E_INVAL;
    uint32_t crc = gpt_crc32(0, block, HEADER_CRC);
    crc = gpt_crc32(crc, zero, sizeof zero);
    crc = gpt_crc32(crc, block + HEADER_CRC + sizeof zero, size - HEADER_CRC - sizeof zero);
    if (crc != load32(block + HEADER_CRC))
        return E_INVAL;
    *out = (struct gpt_header){load64(block + HEADER_ENTRIES), load32(block + HEADER_COUNT),
                               load32(block + HEADER_ENTRY), load32(block + HEADER_ENTRIES_CRC)};
    /* An entry does not lie across blocks. */
    return out->size < ENTRY_BYTES || out->size > m->block || (out->size & (out->size - 1)) != 0 ||
                   out->count == 0 || out->count > ENTRIES_MAX
               ? E_INVAL
               : E_OK;
}

static void add_entry(const struct partition_medium *m, const uint8_t *entry, unsigned number,
                      struct partition_list *out)
{
    static const uint8_t unused[ENTRY_TYPE_BYTES];
    uint64_t first = load64(entry + ENTRY_FIRST), last = load64(entry + ENTRY_LAST);
    if (memcmp(entry, unused, sizeof unused) != 0 && first > 0 && first <= last && last < m->blocks)
        partition_add(out, m, number, first, last - first + 1);
}

static enum err read_table(const struct partition_medium *m, uint64_t at,
                           struct partition_list *out)
{
    uint8_t *block = m->buffer;
    struct gpt_header header = {0};
    uint32_t crc = 0, number = 0;
    enum err e = gpt_read_header(m, at, block, &header);
    *out = (struct partition_list){.kind = "gpt"};
    for (uint64_t n = 0; e == E_OK && number < header.count; n++) {
        if (header.entries >= m->blocks || n >= m->blocks - header.entries)
            return E_INVAL;
        e = m->read(m->context, header.entries + n, block);
        for (uint32_t i = 0; e == E_OK && number < header.count && i < m->block; i += header.size) {
            crc = gpt_crc32(crc, block + i, header.size);
            add_entry(m, block + i, ++number, out);
        }
    }
    return e == E_OK && crc != header.crc ? E_INVAL : e;
}

enum err gpt_read(const struct partition_medium *m, struct partition_list *out)
{
    enum err e = read_table(m, 1, out);
    if (e != E_OK && read_table(m, m->blocks - 1, out) == E_OK)
        e = E_OK;
    if (e != E_OK)
        out->count = 0;
    return e;
}
