/* SPDX-License-Identifier: MIT */
#include "parse/malloc_heap.h"

#include "base/compiler.h"

#define HEADER      16
#define MIN_CHUNK   32
#define TCACHE_SIZE 0x290 /* the chunk with which a heap usually begins */
#define LINKED_MAX  0x408 /* blocks of tcaches and fastbins are not larger */
#define START_BYTES 8192  /* of a heap that are searched for its first chunk */
#define CHAIN       4     /* chunks in a row that are no accident */

/* --- glibc --- */

struct glibc_heap {
    const struct byte_reader *memory;
    uint64_t start, end;
};

/* The size field of the chunk at `at`; false: it cannot be one. */
static bool chunk_size(const struct glibc_heap *h, uint64_t at, uint64_t *word)
{
    uint64_t size;
    if (at > h->end - HEADER || !byte_read(h->memory, at + 8, word, sizeof *word)) {
        *word = 0;
        return false;
    }
    size = *word & ~UINT64_C(7);
    return !(*word & 2) && size >= MIN_CHUNK && size % 16 == 0 && size <= h->end - at;
}

/* True if the first chunk may be at `at`. */
static bool begins_heap(const struct glibc_heap *h, uint64_t at)
{
    uint64_t word;
    for (unsigned n = 0; n < CHAIN; n++) {
        if (at == h->end)
            return n > 1;
        if (!chunk_size(h, at, &word) || (n == 0 && !(word & 1)))
            return false;
        if (n == 0 && (word & ~UINT64_C(7)) == TCACHE_SIZE)
            return true;
        at += word & ~UINT64_C(7);
    }
    return true;
}

/* True if the block's first word is a link of a tcache or a fastbin. */
static bool is_linked(const struct glibc_heap *h, uint64_t block)
{
    uint64_t link;
    if (!byte_read(h->memory, block, &link, sizeof link))
        return false;
    link ^= block >> 12;
    return link == 0 || (link >= h->start && link < h->end && link % 16 == 0);
}

static void set_blocks(const struct glibc_heap *h, struct malloc_block block,
                       struct malloc_search *s)
{
    uint64_t key = 0;
    bool small = block.size <= LINKED_MAX;
    if (small)
        (void)byte_read(h->memory, block.start + 8, &key, sizeof key);
    for (unsigned i = 0; i < s->count; i++) {
        bool inside = s->address[i] - block.start < block.size;
        if (!inside && (s->address[i] != key || key <= UINT32_MAX))
            continue;
        bool linked = small && is_linked(h, block.start);
        if (inside || linked)
            s->blocks[i] = block;
        if (linked)
            s->blocks[i].freed = true;
    }
}

/* False: no chunk is where a heap begins. */
static bool glibc_find(const struct glibc_heap *h, struct malloc_search *s)
{
    uint64_t at = h->start, word, before = 0;
    while (!begins_heap(h, at)) {
        at += 16;
        if (at - h->start >= START_BYTES || at >= h->end)
            return false;
    }
    for (unsigned n = 0; n < MALLOC_CHUNKS_MAX && at < h->end; n++) {
        bool whole = chunk_size(h, at, &word);
        uint64_t block = at - before + HEADER, size = before != 0 ? before - 8 : 0;
        if (before != 0)
            set_blocks(h, (struct malloc_block){true, whole && !(word & 1), block, size}, s);
        if (!whole) {
            s->damage = (struct malloc_damage){true, at + 8, word, block, size};
            return true;
        }
        before = word & ~UINT64_C(7);
        at += before;
    }
    return true; /* what is left at the end has never been given out */
}

/* --- musl --- */

struct musl_meta { /* of mallocng, in part */
    uint64_t previous, next, group;
    uint32_t available, freed;
    uint64_t bits; /* 5 bits last index, 1 freeable, 6 size class, 52 pages */
};

/* Bytes between two slots; 0: unknown. */
static uint64_t musl_stride(const struct musl_meta *m)
{
    static const uint16_t units[] = {1,    2,    3,    4,    5,    6,    7,    8,    9,    10,
                                     12,   15,   18,   20,   25,   31,   36,   42,   50,   63,
                                     72,   84,   102,  127,  146,  170,  204,  255,  292,  340,
                                     409,  511,  584,  682,  818,  1023, 1169, 1364, 1637, 2047,
                                     2340, 2730, 3276, 4095, 4680, 5460, 6552, 8191};
    unsigned class = m->bits >> 6 & 63;
    if ((m->bits & 31) == 0 && m->bits >> 12 != 0)
        return (m->bits >> 12) * 4096 - HEADER;
    return class < ARRAY_LENGTH(units) ? UINT64_C(16) * units[class] : 0;
}

/* The slot of the group at `group` that contains the address. */
static bool musl_slot(const struct byte_reader *memory, uint64_t group, uint64_t address,
                      struct malloc_block *block)
{
    struct musl_meta m;
    uint64_t meta;
    if (!byte_read(memory, group, &meta, sizeof meta) || meta % 8 != 0 ||
        !byte_read(memory, meta, &m, sizeof m) || m.group != group)
        return false;
    uint64_t stride = musl_stride(&m), slot = stride ? (address - group - HEADER) / stride : 32;
    if (slot > (m.bits & 31))
        return false;
    *block = (struct malloc_block){true, (m.available | m.freed) >> slot & 1,
                                   group + HEADER + slot * stride, stride - 4};
    return address - block->start < block->size;
}

static void musl_find(const struct byte_reader *memory, struct virt_range heap, uint64_t address,
                      struct malloc_block *block)
{
    uint64_t group = (address & ~UINT64_C(15)) - HEADER;
    uint64_t lowest = address - heap.start.v < MALLOC_GROUP_MAX ? heap.start.v + HEADER
                                                                : address - MALLOC_GROUP_MAX;
    for (; group + HEADER >= lowest; group -= 16)
        if (musl_slot(memory, group, address, block))
            return;
}

void malloc_heap_find(const struct byte_reader *memory, struct virt_range heap,
                      struct malloc_search *s)
{
    const struct glibc_heap h = {memory, (heap.start.v + 15) & ~UINT64_C(15), heap.end.v};
    if (h.end <= h.start || glibc_find(&h, s))
        return;
    for (unsigned i = 0; i < s->count; i++)
        if (virt_range_contains(heap, virt(s->address[i])))
            musl_find(memory, heap, s->address[i], &s->blocks[i]);
}
