/* SPDX-License-Identifier: MIT */
/* mm/heap/hash_table.c over malloc(), with and without memory for more buckets. */
#include "mm/heap/hash_table.h"

#include "mm/heap/heap.h"

#include "unit.h"

#include <stdlib.h>

#define ENTRIES 5000

struct entry {
    struct hash_link link;
    uint32_t key;
};

static bool short_of_memory;
static long blocks;

void *heap_alloc_zero(size_t size)
{
    void *block = short_of_memory ? NULL : calloc(1, size);
    blocks += block != NULL;
    return block;
}

void heap_free(void *block)
{
    blocks -= block != NULL;
    free(block);
}

static struct entry *find_entry(const struct hash_table *table, uint32_t hash, uint32_t key)
{
    for (struct hash_link *link = hash_table_first(table, hash); link;
         link = hash_link_next(link)) {
        struct entry *entry = (struct entry *)(void *)link;
        assert_int_equal(link->hash, hash);
        if (entry->key == key)
            return entry;
    }
    return NULL;
}

/* Length of the longest chain. */
static uint32_t longest(const struct hash_table *table)
{
    uint32_t most = 0;
    for (uint32_t i = 0; i <= table->mask; i++) {
        uint32_t length = 0;
        for (const struct hash_link *link = table->buckets[i]; link; link = link->next)
            length++;
        most = length > most ? length : most;
    }
    return most;
}

static struct entry entries[ENTRIES];

static void fill(struct hash_table *table, uint32_t (*hash_of)(uint32_t key))
{
    for (uint32_t i = 0; i < ENTRIES; i++) {
        entries[i] = (struct entry){.key = i};
        assert_null(find_entry(table, hash_of(i), i));
        hash_table_add(table, &entries[i].link, hash_of(i));
    }
    assert_int_equal(table->count, ENTRIES);
    for (uint32_t i = 0; i < ENTRIES; i++)
        assert_ptr_equal(find_entry(table, hash_of(i), i), &entries[i]);
}

static void empty(struct hash_table *table, uint32_t (*hash_of)(uint32_t key))
{
    for (uint32_t step = 0; step < ENTRIES; step++) {
        uint32_t i = step * 7 % ENTRIES;
        hash_table_remove(table, &entries[i].link);
        assert_null(find_entry(table, hash_of(i), i));
    }
    assert_int_equal(table->count, 0);
    assert_int_equal(blocks, 0); /* an empty table has no memory */
}

static uint32_t number(uint32_t key)
{
    return key;
}

static uint32_t of_bytes(uint32_t key)
{
    return hash_bytes(&key, sizeof key);
}

/* Three keys share each hash. */
static uint32_t shared(uint32_t key)
{
    return of_bytes(key / 3);
}

static void test_entries_are_found(void **state)
{
    (void)state;
    static uint32_t (*const ways[])(uint32_t) = {number, of_bytes, shared};
    struct hash_table table = HASH_TABLE_INIT(table);
    for (size_t way = 0; way < sizeof ways / sizeof ways[0]; way++) {
        fill(&table, ways[way]);
        empty(&table, ways[way]);
    }
}

static void test_chains_stay_short(void **state)
{
    (void)state;
    struct hash_table table;
    hash_table_init(&table);
    fill(&table, number);
    assert_in_range(longest(&table), 1, 2);
    empty(&table, number);
    fill(&table, of_bytes);
    assert_in_range(longest(&table), 1, 12);
    empty(&table, of_bytes);
}

static void test_without_memory_chains_are_long(void **state)
{
    (void)state;
    struct hash_table table = HASH_TABLE_INIT(table);
    short_of_memory = true;
    fill(&table, of_bytes);
    assert_int_equal(longest(&table), ENTRIES);
    assert_int_equal(blocks, 0);
    short_of_memory = false;
    hash_table_remove(&table, &entries[0].link);
    hash_table_add(&table, &entries[0].link, of_bytes(0)); /* grows now */
    assert_true(longest(&table) < ENTRIES);
    empty(&table, of_bytes);
}

/* The hash of FNV-1a's specification for "" and "a" (32 bits). */
static void test_hash_of_bytes(void **state)
{
    (void)state;
    assert_int_equal(hash_bytes("", 0), 0x811c9dc5);
    assert_int_equal(hash_bytes("a", 1), 0xe40c292c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_entries_are_found),
        cmocka_unit_test(test_chains_stay_short),
        cmocka_unit_test(test_without_memory_chains_are_long),
        cmocka_unit_test(test_hash_of_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
