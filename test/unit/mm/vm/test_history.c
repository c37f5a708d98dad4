/* SPDX-License-Identifier: MIT */
#include "mm/vm/history.h"

#include "unit.h"

static void add(uint64_t start, uint64_t end, enum history_kind kind, uint64_t time)
{
    struct history_event e = {
        .range = virt_range(start, end), .kind = (uint8_t)kind, .time_ns = time};
    *history_next() = e;
}

static void test_newest_first(void **state)
{
    (void)state;
    history_clear();
    assert_null(history_find(virt(0x1000), NULL));
    add(0x1000, 0x3000, HISTORY_MAP, 1);
    add(0x2000, 0x3000, HISTORY_PROTECT, 2);
    add(0x5000, 0x6000, HISTORY_MAP, 3);
    add(0x1000, 0x3000, HISTORY_UNMAP, 4);
    const struct history_event *e = history_find(virt(0x2fff), NULL);
    assert_int_equal(e->kind, HISTORY_UNMAP);
    e = history_find(virt(0x2fff), e);
    assert_int_equal(e->kind, HISTORY_PROTECT);
    e = history_find(virt(0x2fff), e);
    assert_int_equal(e->time_ns, 1);
    assert_null(history_find(virt(0x2fff), e));
    assert_null(history_find(virt(0x3000), NULL));
    assert_int_equal(history_find(virt(0x1000), NULL)->time_ns, 4);
    history_clear();
    assert_null(history_find(virt(0x1000), NULL));
}

static void test_oldest_events_are_overwritten(void **state)
{
    (void)state;
    history_clear();
    for (uint64_t i = 0; i < 3 * HISTORY_SIZE + 5; i++)
        add(0x1000 * i, 0x1000 * i + 0x1000, HISTORY_MAP, i);
    uint64_t newest = 3 * HISTORY_SIZE + 4;
    assert_int_equal(history_find(virt(0x1000 * newest), NULL)->time_ns, newest);
    uint64_t oldest = newest - HISTORY_SIZE + 1;
    assert_int_equal(history_find(virt(0x1000 * oldest), NULL)->time_ns, oldest);
    assert_null(history_find(virt(0x1000 * (oldest - 1)), NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_newest_first),
        cmocka_unit_test(test_oldest_events_are_overwritten),
    };
    return RUN_TESTS(tests);
}
