/* SPDX-License-Identifier: MIT */
/* A medium of any contents: partitions lie within it, have different numbers, and reading them ends. With the lowest bit of
 * byte 0 the checksums of the GPT are right. */
#include "parse/gpt.h"
#include "parse/mbr.h"

#include "base/panic.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    BLOCKS = 24,
};

static uint8_t *medium_bytes;
static unsigned reads;

static enum err read_block(void *context, uint64_t block, void *to)
{
    const struct partition_medium *m = context;
    assert(block < m->blocks);
    assert(++reads <= 3 * 4096);
    memcpy(to, medium_bytes + block * m->block, m->block);
    return E_OK;
}

static void set32(uint8_t *at, uint32_t value)
{
    memcpy(at, &value, 4);
}

static void seal(const struct partition_medium *m, uint64_t header)
{
    uint8_t *h = medium_bytes + header * m->block;
    uint64_t entries = h[72] % m->blocks;
    uint32_t count = h[80], entry = 128u << h[84] % 3;
    memcpy(h, "EFI PART\0\0\1\0\134\0\0\0", 16);
    h[24] = (uint8_t)header;
    memset(h + 25, 0, 7);
    memset(h + 73, 0, 7);
    h[72] = (uint8_t)entries;
    set32(h + 80, count);
    set32(h + 84, entry);
    uint64_t have = (m->blocks - entries) * m->block;
    set32(h + 88, gpt_crc32(0, medium_bytes + entries * m->block,
                            (uint64_t)count * entry < have ? count * entry : have));
    set32(h + 16, 0);
    set32(h + 16, gpt_crc32(0, h, 92));
}

static void check_list(const struct partition_medium *m, const struct partition_list *list)
{
    uint64_t sectors = m->blocks * (m->block / 512);
    assert(list->count <= PARTITIONS_MAX);
    for (unsigned i = 0; i < list->count; i++) {
        const struct partition *p = &list->entry[i];
        assert(p->number >= 1 && p->number <= PARTITIONS_MAX && p->sectors > 0);
        assert(p->first < sectors && p->sectors <= sectors - p->first);
        assert(i == 0 || p->number > list->entry[i - 1].number);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t buffer[4096], first[4096];
    struct partition_list list;
    if (size < 2)
        return 0;
    struct partition_medium m = {.read = read_block,
                                 .context = &m,
                                 .buffer = buffer,
                                 .blocks = 1 + data[1] % BLOCKS,
                                 .block = data[0] & 2 ? 4096 : 512};
    size_t bytes = m.blocks * m.block;
    medium_bytes = calloc(1, bytes);
    memcpy(medium_bytes, data + 2, size - 2 < bytes ? size - 2 : bytes);
    reads = 0;
    if (data[0] & 1 && m.blocks > 2) {
        seal(&m, 1);
        seal(&m, m.blocks - 1);
    }
    if (gpt_read(&m, &list) == E_OK)
        check_list(&m, &list);
    memcpy(first, medium_bytes, m.block);
    if (data[0] & 4)
        first[510] = 0x55, first[511] = 0xaa;
    if (mbr_is_table(first)) {
        enum err e = mbr_read(&m, first, &list);
        assert(e == E_OK);
        check_list(&m, &list);
    }
    free(medium_bytes);
    return 0;
}
