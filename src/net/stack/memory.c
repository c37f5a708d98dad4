/* SPDX-License-Identifier: MIT */
#include "net/stack/memory.h"

#include "base/checked.h"
#include "base/str.h"
#include "mm/heap/heap.h"

/* Before each block; the heap's blocks are aligned to 16 bytes, and so are these. */
struct memory_record {
    uint64_t size, unused;
};

static uint64_t memory_used, memory_most;

void net_memory_init(uint64_t most)
{
    memory_most = most;
}

uint64_t net_memory_used(void)
{
    return memory_used;
}

bool net_memory_is_scarce(void)
{
    return memory_used > memory_most / 2;
}

void *net_memory_alloc(size_t size)
{
    size_t all;
    if (!checked_add(size, sizeof(struct memory_record), &all) || all > memory_most - memory_used)
        return NULL;
    struct memory_record *record = heap_alloc(all);
    if (record == NULL)
        return NULL;
    record->size = all;
    memory_used += all;
    return record + 1;
}

void *net_memory_calloc(size_t count, size_t size)
{
    size_t all;
    if (!checked_mul(count, size, &all))
        return NULL;
    void *block = net_memory_alloc(all);
    if (block != NULL)
        memset(block, 0, all);
    return block;
}

void net_memory_free(void *block)
{
    if (block == NULL)
        return;
    struct memory_record *record = (struct memory_record *)block - 1;
    memory_used -= record->size;
    heap_free(record);
}
