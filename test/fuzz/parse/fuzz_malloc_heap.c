/* SPDX-License-Identifier: MIT */
/* A heap of any bytes: the search ends, and a block contains its address. */
#include "parse/malloc_heap.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define BASE      UINT64_C(0x10000)
#define READS_MAX 200000
#define ADDRESSES 4

struct memory {
    const uint8_t *bytes;
    size_t size;
    unsigned reads;
};

static bool read_memory(void *context, uint64_t at, void *to, size_t size)
{
    struct memory *m = context;
    if (++m->reads > READS_MAX)
        abort();
    if (at < BASE || at - BASE > m->size || size > m->size - (at - BASE))
        return false;
    memcpy(to, m->bytes + (at - BASE), size);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint16_t offset[ADDRESSES];
    uint64_t address[ADDRESSES];
    struct malloc_block block[ADDRESSES] = {0};
    struct malloc_search search = {address, block, ADDRESSES, {0}};
    if (size < sizeof offset)
        return 0;
    memcpy(offset, data, sizeof offset);
    struct memory m = {data + sizeof offset, size - sizeof offset, 0};
    const struct byte_reader reader = {read_memory, &m};
    for (unsigned i = 0; i < ADDRESSES; i++)
        address[i] = BASE + offset[i];
    malloc_heap_find(&reader, virt_range(BASE, BASE + m.size), &search);
    for (unsigned i = 0; i < ADDRESSES; i++) {
        uint64_t key;
        if (block[i].found && address[i] - block[i].start >= block[i].size &&
            (!read_memory(&m, block[i].start + 8, &key, 8) || key != address[i]))
            abort();
    }
    return 0;
}
