/* SPDX-License-Identifier: MIT */
/*
 * The blocks of malloc() around addresses, by what the allocator keeps in memory beside them. Pure; the memory is not trusted.
 *
 * glibc (2.32 and later): chunks lie one behind the other from the start of a heap to its end.
 *
 *     chunk +0   the last word of the block before
 *           +8   size of the chunk, a multiple of 16; bit 0: the chunk before is in use
 *           +16  the block. After free(): a link, XORed with the block's page number if the chunk is in a tcache or fastbin;
 *                in a tcache the second word is the process's key, a random number
 *
 * A chunk in a tcache or fastbin counts as used in the next one's bit 0: the link tells.
 *
 * musl (mallocng): groups of equal slots. A group starts with a pointer to its struct meta, which points back.
 *
 *     group +0   struct meta: +16 group, +24 two masks of free slots, +32 number of slots - 1, size class, pages
 *           +16  slot 0, slot 1 ...; the last four bytes of a slot belong to the allocator
 */
#pragma once

#include "base/addr.h"
#include "base/byte_reader.h"

struct malloc_block {
    bool found, freed;
    uint64_t start, size; /* what malloc() returned, and the usable bytes there */
};

struct malloc_damage { /* a chunk of glibc whose size cannot be */
    bool found;
    uint64_t at, value;           /* the word with the size */
    uint64_t before, before_size; /* the block before it; size 0: none */
};

struct malloc_search {
    const uint64_t *address;     /* what is looked for */
    struct malloc_block *blocks; /* what is found of each */
    unsigned count;
    struct malloc_damage damage;
};

/* Sets blocks[i] to the block that contains address[i], for all that lie in `heap` and are in one; or, if address[i] is the key,
 * to a block with it; leaves the others. `heap` is an area of memory that an allocator may have filled from its start.
 * O(chunks * count) for glibc, at most MALLOC_CHUNKS_MAX chunks; for musl O(distance to the group's start), at most
 * MALLOC_GROUP_MAX bytes for each address. */
#define MALLOC_CHUNKS_MAX 100000
#define MALLOC_GROUP_MAX  (UINT64_C(1) << 16)
void malloc_heap_find(const struct byte_reader *memory, struct virt_range heap,
                      struct malloc_search *search);
