/* SPDX-License-Identifier: MIT */
/*
 * Blocks of glibc's own heap in this process, which ASan's malloc() leaves alone; a group of musl's by hand; damaged heaps.
 */
#include "parse/malloc_heap.h"

#include "unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void *__libc_malloc(size_t size);
void __libc_free(void *block);

static int self;

static bool read_self(void *context, uint64_t at, void *to, size_t size)
{
    (void)context;
    return pread(self, to, size, (off_t)at) == (ssize_t)size;
}

static const struct byte_reader memory = {read_self, NULL};

/* The area of brk(). */
static struct virt_range heap(void)
{
    char line[300];
    unsigned long start = 0, end = 0;
    FILE *maps = fopen("/proc/self/maps", "r");
    while (fgets(line, sizeof line, maps) != NULL)
        if (strstr(line, "[heap]") != NULL)
            sscanf(line, "%lx-%lx", &start, &end);
    fclose(maps);
    return virt_range(start, end);
}

#define BLOCKS 40

static struct malloc_block found[BLOCKS];
static struct malloc_damage damage;

static void look(void *const *block, unsigned count, unsigned offset)
{
    uint64_t address[BLOCKS];
    for (unsigned i = 0; i < count; i++)
        address[i] = (uintptr_t)block[i] + offset;
    memset(found, 0, sizeof found);
    struct malloc_search search = {address, found, count, {0}};
    malloc_heap_find(&memory, heap(), &search);
    damage = search.damage;
}

/* Blocks in use, in the tcache (the first seven), in a fastbin or in a bin (the others). */
static void test_glibc(void **state)
{
    static const size_t sizes[] = {24, 120, 200, 1000, 3000};
    (void)state;
    for (unsigned s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        void *block[BLOCKS];
        for (unsigned i = 0; i < BLOCKS; i++)
            block[i] = memset(__libc_malloc(sizes[s]), 0, sizes[s]);
        for (unsigned i = 0; i < BLOCKS; i += 2)
            __libc_free(block[i]);
        for (unsigned offset = 0; offset < sizes[s]; offset += sizes[s] / 3 * 2 + 1) {
            look(block, BLOCKS, offset);
            assert_false(damage.found);
            for (unsigned i = 0; i < BLOCKS; i++) {
                assert_true(found[i].found);
                assert_int_equal(found[i].freed, i % 2 == 0);
                if (i % 2 == 1 || sizes[s] < 1000) /* large free ones are merged */
                    assert_int_equal(found[i].start, (uintptr_t)block[i]);
                assert_true(found[i].size >= sizes[s]);
            }
        }
        for (unsigned i = 1; i < BLOCKS; i += 2)
            __libc_free(block[i]);
    }
}

/* A pointer that was read from the second word of a freed block is the key. */
static void test_glibc_key(void **state)
{
    (void)state;
    uint64_t *block = __libc_malloc(40), *other = __libc_malloc(40);
    block[1] = other[1] = 0;
    __libc_free(block);
    __asm__("" : "+r"(block));
    void *key = (void *)(uintptr_t)block[1];
    assert_true((uintptr_t)key > UINT32_MAX);
    look(&key, 1, 0);
    assert_true(found[0].found && found[0].freed);
    assert_true((uintptr_t)key - found[0].start >= found[0].size);
    block[0] = 1; /* no link: the key may be a number of the program's */
    look(&key, 1, 0);
    assert_true(found[0].start != (uintptr_t)block);
    __libc_free(other);
}

static void test_glibc_overrun(void **state)
{
    (void)state;
    void *block[2] = {__libc_malloc(40000), __libc_malloc(40000)};
    uint64_t *size = (uint64_t *)block[1] - 1, right = *size;
    __asm__("" : "+r"(size));
    memcpy(size, "AAAAAAAA", 8);
    look(block, 2, 8);
    memcpy(size, &right, 8);
    assert_true(damage.found);
    assert_int_equal(damage.at, (uintptr_t)size);
    assert_int_equal(damage.value, UINT64_C(0x4141414141414141));
    assert_int_equal(damage.before, (uintptr_t)block[0]);
    assert_true(damage.before_size >= 40000 && damage.before_size < 40100);
    assert_true(found[0].found && !found[0].freed);
    assert_false(found[1].found);
    look(block, 2, 8);
    assert_false(damage.found);
    assert_true(found[1].found);
    __libc_free(block[0]);
    __libc_free(block[1]);
}

/* --- a memory by hand --- */

static uint64_t words[1024];

static bool read_words(void *context, uint64_t at, void *to, size_t size)
{
    (void)context;
    if (at < 0x10000 || at - 0x10000 > sizeof words - size)
        return false;
    memcpy(to, (const char *)words + (at - 0x10000), size);
    return true;
}

static const struct byte_reader by_hand = {read_words, NULL};

static struct malloc_block one(uint64_t address)
{
    struct malloc_block block = {0};
    struct malloc_search search = {&address, &block, 1, {0}};
    malloc_heap_find(&by_hand, virt_range(0x10000, 0x10000 + sizeof words), &search);
    damage = search.damage;
    return block;
}

/* A group of 10 slots of 48 bytes at 0x10800, its struct meta at 0x10100. */
static void test_musl(void **state)
{
    (void)state;
    memset(words, 0, sizeof words);
    words[0x100] = 0x10100;
    words[0x20 + 2] = 0x10800;
    words[0x20 + 3] = UINT64_C(4) << 32 | 8; /* slot 2 was freed, slot 3 is available */
    words[0x20 + 4] = 9 | 2 << 6;
    for (unsigned slot = 0; slot < 10; slot++) {
        uint64_t start = 0x10810 + 48 * slot;
        for (unsigned offset = 0; offset < 44; offset += 11) {
            struct malloc_block b = one(start + offset);
            assert_true(b.found);
            assert_int_equal(b.start, start);
            assert_int_equal(b.size, 44);
            assert_int_equal(b.freed, slot == 2 || slot == 3);
        }
    }
    assert_false(one(0x10810 + 480).found); /* behind the last slot */
    assert_false(one(0x10700).found);
    words[0x20 + 2] = 0x10810; /* the meta belongs to another group */
    assert_false(one(0x10820).found);
    words[0x20 + 2] = 0x10800;
    words[0x20 + 4] = 9 | 60 << 6; /* no such class */
    assert_false(one(0x10820).found);
    words[0x20 + 4] = 1 << 12 | 63 << 6; /* one slot of a page */
    assert_int_equal(one(0x10820).size, 4096 - 16 - 4);
}

static void test_no_heap(void **state)
{
    (void)state;
    memset(words, 0xff, sizeof words);
    assert_false(one(0x10820).found);
    memset(words, 0, sizeof words);
    assert_false(one(0x10820).found);
    assert_false(damage.found);
    for (unsigned i = 1; i < 1024; i += 2)
        words[i] = 33; /* chunks of 32 bytes at both halves: the ends agree */
    assert_true(one(0x10820).found);
    assert_false(one(0x30820).found);
}

int main(void)
{
    self = open("/proc/self/mem", O_RDONLY);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_glibc),         cmocka_unit_test(test_glibc_key),
        cmocka_unit_test(test_glibc_overrun), cmocka_unit_test(test_musl),
        cmocka_unit_test(test_no_heap),
    };
    return RUN_TESTS(tests);
}
