/* SPDX-License-Identifier: MIT */
/*
 * Hash tables of structures that contain a struct hash_link. The number of buckets grows with that of
 * the entries: to add, to find and to remove an entry costs O(1) on average. An empty table has no
 * memory of its own.
 *
 *     for (link = hash_table_first(table, hash); link; link = hash_link_next(link))
 *         ...                               the entries with that very hash, which may differ in key
 *
 * Callers: any thread, not interrupt handlers.
 */
#pragma once

#include "base/compiler.h"

#include <stddef.h>
#include <stdint.h>

struct hash_link {
    struct hash_link *next; /* in the bucket */
    uint32_t hash;
};

struct hash_table {
    struct hash_link **buckets; /* heap, or &single */
    struct hash_link *single;
    uint32_t mask;  /* number of buckets, a power of two, minus 1 */
    uint32_t count; /* entries */
};

#define HASH_TABLE_INIT(table)                                                                     \
    {                                                                                              \
        .buckets = &(table).single                                                                 \
    }

static inline void hash_table_init(struct hash_table *table)
{
    *table = (struct hash_table)HASH_TABLE_INIT(*table);
}

/* FNV-1a; the inline form is for the path walk. A number that is given out in ascending order is its
 * own hash. */
static inline uint32_t hash_bytes_inline(const void *bytes, size_t length)
{
    const uint8_t *at = bytes;
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ at[i]) * 16777619u;
    return hash;
}
uint32_t hash_bytes(const void *bytes, size_t length);
/* Without memory for more buckets the chains get longer. */
void hash_table_add(struct hash_table *table, struct hash_link *link, uint32_t hash);
/* The link must be in the table. */
void hash_table_remove(struct hash_table *table, struct hash_link *link);

/* The next link with the same hash, or NULL. */
static inline struct hash_link *hash_link_next(const struct hash_link *link)
{
    struct hash_link *next = link->next;
    while (next && next->hash != link->hash)
        next = next->next;
    return next;
}

/* The first link with that hash, or NULL. */
static inline struct hash_link *hash_table_first(const struct hash_table *table, uint32_t hash)
{
    struct hash_link *link = table->buckets[hash & table->mask];
    while (link && link->hash != hash)
        link = link->next;
    return link;
}
