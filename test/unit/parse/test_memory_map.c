/* SPDX-License-Identifier: MIT */
#include "parse/memory_map.h"

#include "parse_check.h"

#include "unit.h"

#include <stdlib.h>

enum {
    RAM = 1,
    RESERVED = 2,
    ACPI = 3,
    NVS = 4,
    BAD = 5,
    UNKNOWN = 77
};

static struct boot_info info;

static void start(void)
{
    memset(&info, 0, sizeof info);
    info.loader = BOOT_LOADER_PVH;
    info.info = phys_range(0, 1);
}

static void add(uint64_t base, uint64_t end, uint32_t type)
{
    assert_int_equal(memory_map_add(&info, base, end - base, type), E_OK);
    check_boot_info(&info);
}

static void expect(size_t at, uint64_t base, uint64_t end, enum boot_memory_kind kind)
{
    assert_true(at < info.memory_count);
    assert_true(info.memory[at].range.start.v == base);
    assert_true(info.memory[at].range.end.v == end);
    assert_int_equal(info.memory[at].kind, kind);
}

/* Entries beyond the CPU's physical addresses are none. */
static void test_cut_at_the_width(void **state)
{
    (void)state;
    start();
    add(0, 100, RAM);
    add(200, 300, RESERVED);
    assert_int_equal(memory_map_cut(&info, 1000), 100);
    add(500, 2000, RAM);
    add(2000, 3000, RESERVED);
    add(4000, 5000, RAM);
    assert_int_equal(memory_map_cut(&info, 6000), 5000);
    assert_int_equal(info.memory_count, 5);
    assert_int_equal(memory_map_cut(&info, 1000), 1000);
    assert_int_equal(info.memory_count, 3);
    expect(2, 500, 1000, BOOT_MEMORY_RAM);
    assert_int_equal(memory_map_cut(&info, 500), 100);
    assert_int_equal(memory_map_cut(&info, 0), 0);
    assert_int_equal(info.memory_count, 0);
}

static void test_each_kind_of_memory(void **state)
{
    (void)state;
    start();
    add(0, 10, RAM);
    add(10, 20, RESERVED);
    add(20, 30, ACPI);
    add(30, 40, NVS);
    add(40, 50, BAD);
    add(60, 70, UNKNOWN);
    add(70, 80, 0);
    assert_int_equal(info.memory_count, 6);
    expect(0, 0, 10, BOOT_MEMORY_RAM);
    expect(1, 10, 20, BOOT_MEMORY_RESERVED);
    expect(2, 20, 30, BOOT_MEMORY_ACPI);
    expect(3, 30, 40, BOOT_MEMORY_NVS);
    expect(4, 40, 50, BOOT_MEMORY_BAD);
    expect(5, 60, 80, BOOT_MEMORY_RESERVED);
}

static void test_any_order_merges(void **state)
{
    (void)state;
    start();
    add(200, 300, RAM);
    add(0, 100, RAM);
    add(100, 200, RAM);
    assert_int_equal(info.memory_count, 1);
    expect(0, 0, 300, BOOT_MEMORY_RAM);
}

static void test_stricter_cuts_a_hole(void **state)
{
    (void)state;
    start();
    add(0, 1000, RAM);
    add(400, 600, RESERVED);
    assert_int_equal(info.memory_count, 3);
    expect(0, 0, 400, BOOT_MEMORY_RAM);
    expect(1, 400, 600, BOOT_MEMORY_RESERVED);
    expect(2, 600, 1000, BOOT_MEMORY_RAM);
}

static void test_laxer_fills_the_gaps(void **state)
{
    (void)state;
    start();
    add(400, 600, RESERVED);
    add(800, 900, ACPI);
    add(0, 1000, RAM);
    assert_int_equal(info.memory_count, 5);
    expect(1, 400, 600, BOOT_MEMORY_RESERVED);
    expect(2, 600, 800, BOOT_MEMORY_RAM);
    expect(3, 800, 900, BOOT_MEMORY_ACPI);
    expect(4, 900, 1000, BOOT_MEMORY_RAM);
}

static void test_one_swallows_many(void **state)
{
    (void)state;
    start();
    for (uint64_t i = 0; i < 100; i++)
        add(i * 20, i * 20 + 10, i % 2 ? RAM : ACPI);
    add(5, 1995, BAD);
    assert_int_equal(info.memory_count, 2);
    expect(0, 0, 5, BOOT_MEMORY_ACPI);
    expect(1, 5, 1995, BOOT_MEMORY_BAD);
}

static void test_empty_and_wrapping(void **state)
{
    (void)state;
    start();
    add(5, 5, RAM);
    assert_int_equal(info.memory_count, 0);
    assert_int_equal(memory_map_add(&info, UINT64_C(0xfffffffffffff000), 0x1000, RAM), E_OK);
    assert_int_equal(memory_map_add(&info, UINT64_C(1) << 52, 0x1000, RAM), E_OK);
    assert_int_equal(info.memory_count, 0);
    assert_int_equal(memory_map_add(&info, 0x1000, UINT64_MAX, RAM), E_OK);
    expect(0, 0x1000, UINT64_C(1) << 52, BOOT_MEMORY_RESERVED);
}

static void test_full_map_is_refused(void **state)
{
    (void)state;
    start();
    for (uint64_t i = 0; i < BOOT_MEMORY_MAX; i++)
        add(i * 20, i * 20 + 10, RAM);
    assert_int_equal(memory_map_add(&info, 1000000, 10, RAM), E_2BIG);
    assert_int_equal(memory_map_add(&info, 2, 3, RESERVED), E_2BIG); /* would split one */
    assert_int_equal(info.memory_count, BOOT_MEMORY_MAX);
    start();
    for (uint64_t i = 0; i < BOOT_MEMORY_MAX; i++)
        add(i * 20, i * 20 + 10, RAM);
    assert_int_equal(memory_map_add(&info, 0, 5, RESERVED), E_2BIG);
    start();
    for (uint64_t i = 0; i < BOOT_MEMORY_MAX; i++)
        add(i * 20, i * 20 + 10, RAM);
    add(0, 10, RAM); /* a range that merges still fits */
    add(10, 20, RAM);
    assert_int_equal(info.memory_count, BOOT_MEMORY_MAX - 1);
}

/* Against a model with one kind for each byte, the strictest that was added there. */
static void test_against_a_byte_map(void **state)
{
    static const int strictness[] = {[0] = -1,
                                     [BOOT_MEMORY_RAM] = 0,
                                     [BOOT_MEMORY_ACPI] = 1,
                                     [BOOT_MEMORY_NVS] = 2,
                                     [BOOT_MEMORY_RESERVED] = 3,
                                     [BOOT_MEMORY_BAD] = 4};
    static const enum boot_memory_kind kinds[] = {[RAM] = BOOT_MEMORY_RAM,
                                                  [RESERVED] = BOOT_MEMORY_RESERVED,
                                                  [ACPI] = BOOT_MEMORY_ACPI,
                                                  [NVS] = BOOT_MEMORY_NVS,
                                                  [BAD] = BOOT_MEMORY_BAD};
    (void)state;
    srand(1);
    for (int round = 0; round < 3000; round++) {
        unsigned char model[64] = {0}, ours[64] = {0};
        start();
        for (int n = rand() % 12; n >= 0; n--) {
            unsigned base = (unsigned)rand() % 64, end = base + (unsigned)rand() % (65 - base);
            uint32_t type = 1 + (uint32_t)rand() % 5;
            add(base, end, type);
            for (unsigned i = base; i < end; i++)
                if (strictness[kinds[type]] > strictness[model[i]])
                    model[i] = (unsigned char)kinds[type];
        }
        for (size_t m = 0; m < info.memory_count; m++)
            for (uint64_t i = info.memory[m].range.start.v; i < info.memory[m].range.end.v; i++)
                ours[i] = (unsigned char)info.memory[m].kind;
        assert_memory_equal(model, ours, sizeof model);
    }
}

/* QEMU lays the root archive up to the end of memory, over what SeaBIOS 1.16.3 keeps there on a microvm. */
static void test_module_over_the_firmwares_pages(void **state)
{
    (void)state;
    start();
    add(0, 1000, RAM);
    add(1000, 1200, RESERVED);
    add(1200, 1300, BAD);
    assert_true(memory_map_claim(&info, phys_range(900, 1100)));
    check_boot_info(&info);
    expect(0, 0, 1100, BOOT_MEMORY_RAM);
    expect(1, 1100, 1200, BOOT_MEMORY_RESERVED);
    /* Past what is kept; in RAM alone; from another entry on. */
    assert_false(memory_map_claim(&info, phys_range(900, 1201)));
    assert_false(memory_map_claim(&info, phys_range(900, 1100)));
    assert_false(memory_map_claim(&info, phys_range(1250, 1400)));
    expect(1, 1100, 1200, BOOT_MEMORY_RESERVED);
    assert_true(memory_map_claim(&info, phys_range(900, 1200)));
    check_boot_info(&info);
    expect(1, 1200, 1300, BOOT_MEMORY_BAD);
    assert_false(memory_map_claim(&info, phys_range(900, 1300))); /* BAD memory holds nothing */
    start();
    add(0, 1000, RAM);
    add(1000, 1200, ACPI);
    add(1200, 1300, RAM);
    assert_true(memory_map_claim(&info, phys_range(0, 1200)));
    check_boot_info(&info);
    assert_int_equal(info.memory_count, 1);
    expect(0, 0, 1300, BOOT_MEMORY_RAM);
    /* All of it in what is kept: the pages before and behind it stay the firmware's. */
    start();
    add(0, 0x10000, RAM);
    add(0x10000, 0x20000, RESERVED);
    assert_true(memory_map_claim(&info, phys_range(0x12010, 0x12200)));
    check_boot_info(&info);
    expect(0, 0, 0x10000, BOOT_MEMORY_RAM);
    expect(1, 0x10000, 0x12000, BOOT_MEMORY_RESERVED);
    expect(2, 0x12000, 0x12200, BOOT_MEMORY_RAM);
    expect(3, 0x12200, 0x20000, BOOT_MEMORY_RESERVED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cut_at_the_width),
        cmocka_unit_test(test_each_kind_of_memory),
        cmocka_unit_test(test_any_order_merges),
        cmocka_unit_test(test_stricter_cuts_a_hole),
        cmocka_unit_test(test_laxer_fills_the_gaps),
        cmocka_unit_test(test_one_swallows_many),
        cmocka_unit_test(test_empty_and_wrapping),
        cmocka_unit_test(test_full_map_is_refused),
        cmocka_unit_test(test_against_a_byte_map),
        cmocka_unit_test(test_module_over_the_firmwares_pages),
    };
    return RUN_TESTS(tests);
}
