/* SPDX-License-Identifier: MIT */
#include "mm/heap/hash_table.h"

#include "mm/heap/heap.h"

#define GROWTH 4 /* times as many buckets */
#define FULL   2 /* entries for each bucket */

uint32_t hash_bytes(const void *bytes, size_t length)
{
    return hash_bytes_inline(bytes, length);
}

static void hash_push(struct hash_link **bucket, struct hash_link *link)
{
    link->next = *bucket;
    *bucket = link;
}

static void free_buckets(struct hash_table *table)
{
    if (table->buckets != &table->single)
        heap_free(table->buckets);
}

static void grow_buckets(struct hash_table *table)
{
    uint32_t count = (table->mask + 1) * GROWTH;
    struct hash_link **buckets = heap_alloc_zero(count * sizeof(struct hash_link *));
    if (!buckets)
        return;
    for (uint32_t i = 0; i <= table->mask; i++) {
        struct hash_link *next;
        for (struct hash_link *link = table->buckets[i]; link; link = next) {
            next = link->next;
            hash_push(&buckets[link->hash & (count - 1)], link);
        }
    }
    free_buckets(table);
    table->buckets = buckets;
    table->mask = count - 1;
}

void hash_table_add(struct hash_table *table, struct hash_link *link, uint32_t hash)
{
    if (table->count >= (table->mask + 1) * FULL)
        grow_buckets(table);
    link->hash = hash;
    hash_push(&table->buckets[hash & table->mask], link);
    table->count++;
}

void hash_table_remove(struct hash_table *table, struct hash_link *link)
{
    struct hash_link **at = &table->buckets[link->hash & table->mask];
    while (*at != link)
        at = &(*at)->next;
    *at = link->next;
    if (--table->count > 0)
        return;
    free_buckets(table);
    hash_table_init(table);
}
