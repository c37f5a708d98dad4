/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include "mm/pt/dump.h"

#include <string.h>

#define RX (PTE_P)
#define RW (PTE_P | PTE_W | PTE_NX)

static struct ptdump_run runs[16];

static struct ptdump fresh(size_t capacity, ptdump_region_end region_end)
{
    return (struct ptdump){.runs = runs, .capacity = capacity, .region_end = region_end};
}

static void leaves(struct ptdump *d, uint64_t at, int level, unsigned count, uint64_t bits)
{
    for (unsigned i = 0; i < count; i++)
        ptdump_leaf(d, virt(at + i * pt_span(level)), level, (pte_t){bits | (uint64_t)i << 12});
}

static void check_line(const struct ptdump_run *run, const char *expected)
{
    char line[PTDUMP_LINE_MAX];
    ptdump_line(run, line, sizeof line);
    assert_string_equal(line, expected);
}

static void test_leaves_join_into_lines(void **state)
{
    (void)state;
    struct ptdump d = fresh(16, NULL);
    leaves(&d, 0x401000, 1, 100, RX | PTE_A);
    leaves(&d, 0x465000, 1, 27, RX);
    leaves(&d, 0x480000, 1, 3, RW | PTE_A | PTE_D);
    leaves(&d, 0x483000, 1, 1, PTE_P | PTE_NX | PTE_COW | PTE_A);
    leaves(&d, 0x600000, 2, 3, RW);
    leaves(&d, 0xc00000, 1, 512, RW);
    leaves(&d, 0x40000000, 3, 2, PTE_P | PTE_U | PTE_G | PTE_W | PTE_PWT);
    leaves(&d, 0xfffff90000000000, 1, 1, RW | PTE_PCD | PTE_PWT | PTE_A | PTE_D);
    leaves(&d, 0xfffffffffffff000, 1, 1, RW | PTE_PCD);
    assert_int_equal(d.count, 8);
    assert_string_equal(ptdump_heading(),
                        "start            end                  size leaf cpu flags       accessed"
                        "        dirty  what");
    check_line(&runs[0], "0000000000401000-0000000000480000     508K   4K r-x ---          100/127"
                         "        0/127  ");
    check_line(&runs[1], "0000000000480000-0000000000483000      12K   4K rw- ---              3/3"
                         "          3/3  ");
    check_line(&runs[2], "0000000000483000-0000000000484000       4K   4K r-- c--              1/1"
                         "          0/1  ");
    check_line(&runs[3], "0000000000600000-0000000000c00000       6M   2M rw- ---              0/3"
                         "          0/3  ");
    check_line(&runs[4], "0000000000c00000-0000000000e00000       2M   4K rw- ---            0/512"
                         "        0/512  ");
    check_line(&runs[5], "0000000040000000-00000000c0000000       2G   1G rwx -ug WC           0/2"
                         "          0/2  ");
    check_line(&runs[6], "fffff90000000000-fffff90000001000       4K   4K rw- --- UC           1/1"
                         "          1/1  ");
    check_line(&runs[7], "fffffffffffff000-0000000000000000       4K   4K rw- --- UC-          0/1"
                         "          0/1  ");
}

static virt_t every_two_pages(virt_t v)
{
    return virt((v.v | 0x1fff) + 1);
}

/* A run ends at a border of regions and at a hole. */
static void test_regions_end_a_run(void **state)
{
    (void)state;
    struct ptdump d = fresh(16, every_two_pages);
    leaves(&d, 0x11000, 1, 4, RW);
    leaves(&d, 0x16000, 1, 1, RW);
    assert_int_equal(d.count, 4);
    static const uint64_t starts[] = {0x11000, 0x12000, 0x14000, 0x16000};
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(runs[i].range.start.v, starts[i]);
    assert_int_equal(runs[1].leaves, 2);
}

/* With a full buffer further runs are only counted. */
static void test_counting_writes_nothing(void **state)
{
    (void)state;
    memset(runs, 0x55, sizeof runs);
    struct ptdump_run untouched = runs[2];
    struct ptdump d = fresh(2, NULL);
    for (unsigned i = 0; i < 10; i++)
        leaves(&d, 0x10000 + i * 0x10000, 1, 2, RW);
    assert_int_equal(d.count, 10);
    assert_int_equal(runs[1].range.start.v, 0x20000);
    assert_int_equal(runs[1].leaves, 2);
    assert_memory_equal(&runs[2], &untouched, sizeof untouched);

    struct ptdump none = {0};
    leaves(&none, 0x10000, 1, 2, RW);
    leaves(&none, 0x12000, 1, 2, RX);
    assert_int_equal(none.count, 2);
}

static void test_short_buffer_cuts_the_line(void **state)
{
    (void)state;
    struct ptdump d = fresh(1, NULL);
    char text[20];
    leaves(&d, 0x1000, 1, 1, RW);
    memset(text, 'x', sizeof text);
    ptdump_line(&runs[0], text, 10);
    assert_string_equal(text, "000000000");
    assert_int_equal(text[10], 'x');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_leaves_join_into_lines),
        cmocka_unit_test(test_regions_end_a_run),
        cmocka_unit_test(test_counting_writes_nothing),
        cmocka_unit_test(test_short_buffer_cuts_the_line),
    };
    return RUN_TESTS(tests);
}
