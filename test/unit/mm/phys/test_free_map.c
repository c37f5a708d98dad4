/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include "base/str.h"
#include "mm/phys/free_map.h"

static struct boot_info boot;
static struct free_map map;

static void add(uint64_t start, uint64_t end, enum boot_memory_kind kind)
{
    boot.memory[boot.memory_count++] = (struct boot_memory){phys_range(start, end), kind};
}

static int start(void **state)
{
    (void)state;
    memset(&boot, 0, sizeof boot);
    return 0;
}

static void expect(size_t i, uint64_t start, uint64_t end)
{
    assert_true(i < map.count);
    assert_int_equal(map.free[i].start.v, start);
    assert_int_equal(map.free[i].end.v, end);
}

static void test_plain_pc(void **state)
{
    (void)state;
    add(0, 0x9fc00, BOOT_MEMORY_RAM);
    add(0x9fc00, 0xa0000, BOOT_MEMORY_RESERVED);
    add(0x100000, 0xffe0000, BOOT_MEMORY_RAM);
    add(0xfd00000000, 0x10000000000, BOOT_MEMORY_RESERVED);
    struct phys_range taken[] = {
        {phys(0), phys(0x10000)},
        {phys(0x100000), phys(0x150123)},
        {phys(0x200800), phys(0x200900)},
    };
    free_map_build(&boot, taken, 3, &map);
    assert_int_equal(map.count, 3);
    expect(0, 0x10000, 0x9f000);
    expect(1, 0x151000, 0x200000);
    expect(2, 0x201000, 0xffe0000);
    assert_int_equal(map.ram_end, 0xffe0000);
    assert_int_equal(map.ram_bytes, 0x9f000 + 0xffe0000 - 0x100000);
}

/* RAM so far away that the metadata of the hole costs more than it is worth. */
static void test_far_memory_is_left_out(void **state)
{
    (void)state;
    const uint64_t gib = UINT64_C(1) << 30;
    add(0x100000, 2 * gib, BOOT_MEMORY_RAM);
    add(1024 * gib, 1025 * gib, BOOT_MEMORY_RAM);
    add(8192 * gib, 8193 * gib, BOOT_MEMORY_RAM);
    free_map_build(&boot, NULL, 0, &map);
    assert_int_equal(map.count, 2);
    expect(1, 1024 * gib, 1025 * gib);
    assert_int_equal(map.ram_end, 1025 * gib);
    assert_int_equal(map.ram_bytes, 3 * gib - 0x100000);
    boot.memory[2].range.end.v = 8200 * gib;
    free_map_build(&boot, NULL, 0, &map);
    assert_int_equal(map.ram_end, 8200 * gib);
}

/* Firmware maps are unsorted and have ranges that overlap, touch or wrap around. */
static void test_maps_out_of_order_overlap_and_wrap(void **state)
{
    (void)state;
    add(0x500000, 0x700000, BOOT_MEMORY_RAM);
    add(0x100000, 0x300000, BOOT_MEMORY_RAM);
    add(0x300000, 0x400000, BOOT_MEMORY_RAM);
    add(0x600000, 0x800000, BOOT_MEMORY_RAM);
    add(0x650000, 0x650001, BOOT_MEMORY_NVS);
    add(0x900100, 0x900f00, BOOT_MEMORY_RAM);
    add(UINT64_MAX - 0x1000, UINT64_MAX, BOOT_MEMORY_RAM);
    free_map_build(&boot, NULL, 0, &map);
    assert_int_equal(map.count, 3);
    expect(0, 0x100000, 0x400000);
    expect(1, 0x500000, 0x650000);
    expect(2, 0x651000, 0x800000);
}

static void test_empty_map_is_empty(void **state)
{
    (void)state;
    free_map_build(&boot, NULL, 0, &map);
    assert_int_equal(map.count, 0);
    assert_int_equal(map.ram_end, 0);
}

/* More holes than table entries: memory may be lost, but no range is added. */
static void test_full_table_invents_no_memory(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < BOOT_MEMORY_MAX; i++)
        add(i * 0x3000, i * 0x3000 + 0x2000, BOOT_MEMORY_RAM);
    struct phys_range taken[64];
    for (uint64_t i = 0; i < 64; i++)
        taken[i] = phys_range(i * 0x3000 + 0x800, i * 0x3000 + 0x900);
    free_map_build(&boot, taken, 64, &map);
    assert_true(map.count <= FREE_MAP_MAX);
    for (size_t i = 0; i < map.count; i++) {
        assert_true(map.free[i].start.v < map.free[i].end.v);
        assert_true(i == 0 || map.free[i - 1].end.v < map.free[i].start.v);
        uint64_t block = map.free[i].start.v / 0x3000;
        assert_true(map.free[i].end.v <= block * 0x3000 + 0x2000);
        if (block < 64)
            assert_true(map.free[i].start.v == block * 0x3000 + 0x1000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_plain_pc, start),
        cmocka_unit_test_setup(test_far_memory_is_left_out, start),
        cmocka_unit_test_setup(test_maps_out_of_order_overlap_and_wrap, start),
        cmocka_unit_test_setup(test_empty_map_is_empty, start),
        cmocka_unit_test_setup(test_full_table_invents_no_memory, start),
    };
    return RUN_TESTS(tests);
}
