/* SPDX-License-Identifier: MIT */
/* Partition tables of both kinds, good ones and bad ones, with blocks of 512 and of 4,096 bytes. */
#include "unit.h"

#include "parse/gpt.h"
#include "parse/mbr.h"

#include <stdlib.h>
#include <string.h>

enum {
    BLOCKS = 4000,
    ENTRIES = 128,
};

static uint8_t disk[BLOCKS * 4096UL], buffer[4096];
static uint64_t unreadable = UINT64_MAX;
static unsigned reads;

static enum err read_block(void *context, uint64_t block, void *to)
{
    const struct partition_medium *m = context;
    assert_true(block < m->blocks);
    reads++;
    if (block == unreadable)
        return E_IO;
    memcpy(to, disk + block * m->block, m->block);
    return E_OK;
}

static struct partition_medium medium = {.read = read_block, .context = &medium, .buffer = buffer};

static void fresh_disk(uint32_t block)
{
    memset(disk, 0, sizeof disk);
    medium.block = block;
    medium.blocks = BLOCKS;
    unreadable = UINT64_MAX;
    reads = 0;
}

static void put(uint64_t at, uint64_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        disk[at + i] = (uint8_t)(value >> 8 * i);
}

/* --- dos --- */

static void put_mbr(uint64_t block, unsigned entry, uint8_t type, uint32_t first, uint32_t count)
{
    uint64_t at = block * medium.block;
    put(at + 510, 0xaa55, 2);
    put(at + 446 + 16 * entry + 4, type, 1);
    put(at + 446 + 16 * entry + 8, first, 4);
    put(at + 446 + 16 * entry + 12, count, 4);
}

static void check_list(const struct partition_list *list, const uint64_t (*expected)[3],
                       unsigned count)
{
    uint64_t scale = medium.block / 512;
    assert_int_equal(list->count, count);
    for (unsigned i = 0; i < count; i++) {
        assert_int_equal(list->entry[i].number, expected[i][0]);
        assert_int_equal(list->entry[i].first, expected[i][1] * scale);
        assert_int_equal(list->entry[i].sectors, expected[i][2] * scale);
    }
}

static void test_dos(void **state)
{
    (void)state;
    struct partition_list list;
    static const uint64_t expected[][3] = {
        {1, 100, 50}, {2, 200, 2}, {4, 3900, 100}, {5, 210, 20}, {6, 320, 30}};
    for (uint32_t block = 512; block <= 4096; block *= 8) {
        fresh_disk(block);
        put_mbr(0, 0, 0x83, 100, 50);
        put_mbr(0, 1, 0x05, 200, 1000);
        put_mbr(0, 2, 0x83, BLOCKS, 50);   /* beyond the end */
        put_mbr(0, 3, 0x83, 3900, 500000); /* cut */
        put_mbr(200, 0, 0x83, 10, 20);
        put_mbr(200, 1, 0x05, 100, 100); /* relative to the extended partition */
        put_mbr(300, 0, 0x83, 20, 30);
        put(446, 0x80, 1);
        assert_true(mbr_is_table(disk));
        assert_false(mbr_protects_gpt(disk));
        assert_int_equal(mbr_read(&medium, disk, &list), E_OK);
        check_list(&list, expected, 5);
        assert_string_equal(list.kind, "dos");
    }
}

static void test_dos_chains_end(void **state)
{
    (void)state;
    struct partition_list list;
    fresh_disk(512);
    put_mbr(0, 0, 0x0f, 200, 1000);
    put_mbr(200, 0, 0x83, 10, 20);
    put_mbr(200, 1, 0x05, 0, 100); /* itself */
    assert_int_equal(mbr_read(&medium, disk, &list), E_OK);
    assert_int_equal(list.count, 2);
    fresh_disk(512);
    put_mbr(0, 0, 0x0f, 100, 3000);
    for (uint32_t i = 0; i < 1000; i++) { /* links without a partition */
        put_mbr(100 + i, 1, 0x05, i + 1, 1);
    }
    assert_int_equal(mbr_read(&medium, disk, &list), E_OK);
    assert_int_equal(list.count, 1);
    assert_true(reads <= 100);
    for (uint32_t i = 0; i < 1000; i++)
        put_mbr(100 + i, 0, 0x83, 1, 1);
    assert_int_equal(mbr_read(&medium, disk, &list), E_OK);
    assert_int_equal(list.count, 12); /* 1, 5 to 15 */
    unreadable = 102;
    assert_int_equal(mbr_read(&medium, disk, &list), E_IO);
    assert_int_equal(list.count, 3);
}

static void test_what_is_no_dos_table(void **state)
{
    (void)state;
    fresh_disk(512);
    assert_false(mbr_is_table(disk));
    put_mbr(0, 0, 0x83, 1, 1);
    assert_true(mbr_is_table(disk));
    put(446 + 32, 0x41, 1); /* code, or a FAT's text */
    assert_false(mbr_is_table(disk));
    fresh_disk(512);
    put_mbr(0, 0, 0xee, 1, UINT32_MAX);
    assert_true(mbr_protects_gpt(disk));
}

/* --- gpt --- */

static uint32_t crc_by_bits(const uint8_t *bytes, size_t size)
{
    uint32_t crc = ~0u;
    for (size_t i = 0; i < size; i++) {
        crc ^= bytes[i];
        for (unsigned bit = 0; bit < 8; bit++)
            crc = crc & 1 ? crc >> 1 ^ 0xedb88320 : crc >> 1;
    }
    return ~crc;
}

static void seal_gpt(uint64_t header, uint64_t entries, uint32_t entry)
{
    uint64_t at = header * medium.block;
    put(at + 88, crc_by_bits(disk + entries * medium.block, (size_t)ENTRIES * entry), 4);
    put(at + 16, 0, 4);
    put(at + 16, crc_by_bits(disk + at, 92), 4);
}

static void put_header(uint64_t header, uint64_t entries, uint32_t entry)
{
    uint64_t at = header * medium.block;
    memcpy(disk + at, "EFI PART", 8);
    put(at + 8, 0x10000, 4);
    put(at + 12, 92, 4);
    put(at + 24, header, 8);
    put(at + 32, BLOCKS - header, 8);
    put(at + 72, entries, 8);
    put(at + 80, ENTRIES, 4);
    put(at + 84, entry, 4);
}

static void put_entry(uint64_t entries, uint32_t entry, unsigned i, uint64_t first, uint64_t last)
{
    uint64_t at = entries * medium.block + (uint64_t)i * entry;
    put(at, 0x1234, 8);
    put(at + 32, first, 8);
    put(at + 40, last, 8);
}

#define COPY (BLOCKS - 1 - 128)

static void make_gpt(uint32_t block, uint32_t entry)
{
    fresh_disk(block);
    for (unsigned copy = 0; copy < 2; copy++) {
        uint64_t header = copy ? BLOCKS - 1 : 1, entries = copy ? COPY : 2;
        put_header(header, entries, entry);
        put_entry(entries, entry, 0, 300, 399);
        put_entry(entries, entry, 1, 500, 500);
        put_entry(entries, entry, 4, 1000, 1999);
        put_entry(entries, entry, 5, 100, 99);     /* ends before it begins */
        put_entry(entries, entry, 6, 100, BLOCKS); /* beyond the end */
        put_entry(entries, entry, 7, 0, 10);       /* the table itself */
        put_entry(entries, entry, 14, 600, 601);
        put_entry(entries, entry, 15, 700, 701); /* no number for it */
        put_entry(entries, entry, 127, 800, 801);
        seal_gpt(header, entries, entry);
    }
}

static const uint64_t in_gpt[][3] = {{1, 300, 100}, {2, 500, 1}, {5, 1000, 1000}, {15, 600, 2}};

static void test_gpt(void **state)
{
    (void)state;
    struct partition_list list;
    for (uint32_t block = 512; block <= 4096; block *= 8)
        for (uint32_t entry = 128; entry <= 512; entry *= 2) {
            make_gpt(block, entry);
            assert_int_equal(gpt_read(&medium, &list), E_OK);
            check_list(&list, in_gpt, 4);
            assert_string_equal(list.kind, "gpt");
        }
}

static void test_crc(void **state)
{
    (void)state;
    uint8_t bytes[300];
    assert_int_equal(gpt_crc32(0, "123456789", 9), 0xcbf43926);
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)random();
    for (size_t i = 0; i < sizeof bytes; i++) {
        uint32_t crc = gpt_crc32(gpt_crc32(0, bytes, i), bytes + i, sizeof bytes - i);
        assert_int_equal(crc, crc_by_bits(bytes, sizeof bytes));
    }
}

static void test_the_copy_counts(void **state)
{
    (void)state;
    struct partition_list list;
    static const uint64_t bad[] = {512 + 1,  512 + 12, 512 + 16, 512 + 24,
                                   512 + 50, 512 + 88, 1024 + 5, 1024 + 128 * 127 + 3};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        make_gpt(512, 128);
        disk[bad[i]] ^= 1;
        assert_int_equal(gpt_read(&medium, &list), E_OK);
        check_list(&list, in_gpt, 4);
        disk[(BLOCKS - 1) * 512 + 30] ^= 1;
        assert_int_equal(gpt_read(&medium, &list), E_INVAL);
        assert_int_equal(list.count, 0);
    }
    make_gpt(512, 128);
    unreadable = 1;
    assert_int_equal(gpt_read(&medium, &list), E_OK);
    check_list(&list, in_gpt, 4);
    unreadable = 2;
    assert_int_equal(gpt_read(&medium, &list), E_OK);
    disk[COPY * 512] ^= 1;
    assert_int_equal(gpt_read(&medium, &list), E_IO);
}

static void test_headers_that_say_too_much(void **state)
{
    (void)state;
    struct partition_list list;
    static const struct {
        unsigned at, bytes;
        uint64_t value;
    } bad[] = {{12, 4, 91},     {12, 4, 513},        {12, 4, UINT32_MAX}, {80, 4, 0},
               {80, 4, 4097},   {84, 4, 64},         {84, 4, 192},        {84, 4, 1024},
               {72, 8, BLOCKS}, {72, 8, UINT64_MAX}, {72, 8, BLOCKS - 3}, {8, 4, 0x100}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        make_gpt(512, 128);
        memset(disk + (BLOCKS - 1) * 512UL, 0, 512);
        put(512 + bad[i].at, bad[i].value, bad[i].bytes);
        put(512 + 16, 0, 4);
        put(512 + 16, crc_by_bits(disk + 512, 92), 4);
        assert_int_equal(gpt_read(&medium, &list), E_INVAL);
        assert_int_equal(list.count, 0);
    }
    medium.blocks = 1; /* hardly a medium */
    assert_int_equal(gpt_read(&medium, &list), E_INVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dos),
        cmocka_unit_test(test_dos_chains_end),
        cmocka_unit_test(test_what_is_no_dos_table),
        cmocka_unit_test(test_crc),
        cmocka_unit_test(test_gpt),
        cmocka_unit_test(test_the_copy_counts),
        cmocka_unit_test(test_headers_that_say_too_much),
    };
    return RUN_TESTS(tests);
}
