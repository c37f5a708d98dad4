/* SPDX-License-Identifier: MIT */
#include "cpu/lock_order.h"

#include "unit.h"

#include <stdlib.h>
#include <string.h>

static const struct lock_trace no_trace;

static bool add_edge(struct lock_order *order, unsigned outer, unsigned inner)
{
    struct lock_way against;
    return lock_order_add(order, outer, inner, &no_trace, &against);
}

static void test_seen_order_is_accepted_again(void **state)
{
    struct lock_order order = {0};
    (void)state;
    assert_false(lock_order_has(&order, 3, 5));
    assert_true(add_edge(&order, 3, 5));
    assert_true(lock_order_has(&order, 3, 5));
    assert_false(lock_order_has(&order, 5, 3));
    assert_true(add_edge(&order, 3, 5));
}

/* The trace of an edge is that of its first acquisition, not of a later one. */
static void test_first_trace_is_kept(void **state)
{
    struct lock_order order = {0};
    struct lock_trace first = {1, {0x1111}}, second = {1, {0x2222}};
    struct lock_way against;
    (void)state;
    assert_true(lock_order_add(&order, 0, 1, &first, &against));
    assert_true(lock_order_add(&order, 0, 1, &second, &against));
    assert_int_equal(order.trace[0][1].depth, 1);
    assert_int_equal(order.trace[0][1].rip[0], 0x1111);
}

static void test_inversion_of_two_is_refused(void **state)
{
    struct lock_order order = {0}, before;
    struct lock_way against;
    (void)state;
    assert_true(add_edge(&order, 2, 7));
    before = order;
    assert_false(lock_order_add(&order, 7, 2, &no_trace, &against));
    assert_int_equal(against.length, 2);
    assert_int_equal(against.way[0], 2);
    assert_int_equal(against.way[1], 7);
    assert_memory_equal(&order, &before, sizeof order);
}

static void test_same_class_twice_is_refused(void **state)
{
    struct lock_order order = {0};
    struct lock_way against;
    (void)state;
    assert_false(lock_order_add(&order, 4, 4, &no_trace, &against));
    assert_int_equal(against.length, 1);
    assert_int_equal(against.way[0], 4);
}

static void test_circle_through_others_is_refused(void **state)
{
    static const uint8_t expected[] = {0, 15, 1, 9};
    struct lock_order order = {0};
    struct lock_way against;
    (void)state;
    assert_true(add_edge(&order, 0, 15));
    assert_true(add_edge(&order, 15, 1));
    assert_true(add_edge(&order, 1, 9));
    assert_true(add_edge(&order, 0, 8)); /* closes no cycle */
    assert_false(lock_order_add(&order, 9, 0, &no_trace, &against));
    assert_int_equal(against.length, 4);
    assert_memory_equal(against.way, expected, sizeof expected);
}

static void test_shortest_way_is_reported(void **state)
{
    struct lock_order order = {0};
    struct lock_way against;
    (void)state;
    assert_true(add_edge(&order, 0, 1));
    assert_true(add_edge(&order, 1, 2));
    assert_true(add_edge(&order, 2, 3));
    assert_true(add_edge(&order, 0, 6));
    assert_true(add_edge(&order, 6, 3));
    assert_false(lock_order_add(&order, 3, 0, &no_trace, &against));
    assert_int_equal(against.length, 3);
    assert_int_equal(against.way[1], 6);
}

/* Random edges: one is refused if and only if the transitive closure (Warshall) has its reverse; the
 * reported path consists of edges. */
static void test_random_edges_against_closure(void **state)
{
    enum {
        N = LOCK_ORDER_CLASSES
    };
    unsigned refused = 0;
    (void)state;
    srand(1);
    for (unsigned round = 0; round < 200; round++) {
        static struct lock_order order;
        bool reach[N][N] = {{false}};
        memset(&order, 0, sizeof order);
        for (unsigned i = 0; i < N; i++)
            reach[i][i] = true;
        for (unsigned step = 0; step < 60; step++) {
            unsigned a = (unsigned)rand() % N, b = (unsigned)rand() % N;
            struct lock_way against;
            bool added = lock_order_add(&order, a, b, &no_trace, &against);
            assert_int_equal(added, !reach[b][a]);
            if (!added) {
                refused++;
                assert_int_equal(against.way[0], b);
                assert_int_equal(against.way[against.length - 1], a);
                for (unsigned i = 1; i < against.length; i++)
                    assert_true(lock_order_has(&order, against.way[i - 1], against.way[i]));
                continue;
            }
            for (unsigned i = 0; i < N; i++)
                for (unsigned j = 0; j < N; j++)
                    reach[i][j] |= reach[i][a] && reach[b][j];
        }
    }
    assert_true(refused > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_seen_order_is_accepted_again),
        cmocka_unit_test(test_first_trace_is_kept),
        cmocka_unit_test(test_inversion_of_two_is_refused),
        cmocka_unit_test(test_same_class_twice_is_refused),
        cmocka_unit_test(test_circle_through_others_is_refused),
        cmocka_unit_test(test_shortest_way_is_reported),
        cmocka_unit_test(test_random_edges_against_closure),
    };
    return RUN_TESTS(tests);
}
