/* SPDX-License-Identifier: MIT */
/* A simulation of scheduling: entities run in slices, and their CPU time is summed up. */
#include "kern/run_queue.h"

#include "base/compiler.h"
#include "unit.h"

#define ENTITIES 8

static struct run_queue queue;
static struct run_entity entities[ENTITIES];
static uint64_t got[ENTITIES];

static int setup(void **state)
{
    (void)state;
    run_queue_init(&queue);
    for (int i = 0; i < ENTITIES; i++) {
        run_entity_init(&entities[i], &queue);
        got[i] = 0;
    }
    return 0;
}

static struct run_entity *take(void)
{
    struct run_entity *first = run_queue_first(&queue);
    if (first != NULL)
        run_queue_remove(&queue, first);
    return first;
}

static void run_slices(unsigned count, uint64_t slice)
{
    while (count-- > 0) {
        struct run_entity *e = take();
        assert_non_null(e);
        run_queue_charge(&queue, e, slice);
        got[e - entities] += slice;
        run_queue_add(&queue, e, RUN_PREEMPTED);
    }
}

static void test_equal_shares(void **state)
{
    (void)state;
    for (int i = 0; i < ENTITIES; i++)
        run_queue_add(&queue, &entities[i], RUN_PREEMPTED);
    run_slices(1000 * ENTITIES, RUN_SLICE_NS);
    for (int i = 0; i < ENTITIES; i++)
        assert_int_equal(got[i], 1000 * RUN_SLICE_NS);
}

static void test_shares_by_weight(void **state)
{
    (void)state;
    entities[1].weight = run_weight_of_nice(5);
    run_queue_add(&queue, &entities[0], RUN_PREEMPTED);
    run_queue_add(&queue, &entities[1], RUN_PREEMPTED);
    run_slices(100000, RUN_SLICE_NS);
    uint64_t ratio = got[0] * 100 / got[1]; /* 1.25^5 = 3.05 */
    assert_in_range(ratio, 295, 315);
    assert_int_equal(run_weight_of_nice(0), 1024);
    assert_in_range(run_weight_of_nice(19), 10, 16);
    assert_in_range(run_weight_of_nice(-20), 80000, 90000);
}

/* Each new thread makes another before it ends: one that is there already gets the CPU all the same. */
static void test_new_threads_starve_nobody(void **state)
{
    (void)state;
    struct run_entity *old = &entities[0];
    run_queue_add(&queue, &entities[1], RUN_PREEMPTED);
    run_queue_charge(&queue, old, RUN_SLICE_NS);
    run_queue_add(&queue, old, RUN_PREEMPTED);
    for (int i = 2; take() != old; i++) {
        struct run_entity *running = &entities[1 + i % 2], *new = &entities[1 + (i + 1) % 2];
        assert_in_range(i, 2, 100);
        run_entity_init(new, &queue);
        run_queue_add(&queue, new, RUN_PREEMPTED);
        run_queue_charge(&queue, running, RUN_SLICE_NS / 10);
    }
}

/* A woken thread runs next, but only for a short time, however long it slept. */
static void test_sleeper_starves_nobody(void **state)
{
    (void)state;
    struct run_entity *hog = &entities[0], *sleeper = &entities[1];
    for (int i = 0; i < 1000; i++)
        run_queue_charge(&queue, hog, RUN_SLICE_NS);
    run_queue_add(&queue, sleeper, RUN_WOKEN);
    assert_true(run_queue_preempts(sleeper, hog));
    run_queue_add(&queue, hog, RUN_PREEMPTED);
    assert_ptr_equal(run_queue_first(&queue), sleeper);
    uint64_t alone = 0;
    while (run_queue_first(&queue) == sleeper) {
        assert_ptr_equal(take(), sleeper);
        run_queue_charge(&queue, sleeper, RUN_GRANULARITY_NS / 4);
        alone += RUN_GRANULARITY_NS / 4;
        run_queue_add(&queue, sleeper, RUN_PREEMPTED);
    }
    assert_in_range(alone, 1, 2 * RUN_CREDIT_NS);
}

/* A thread that wakes often for a moment, among CPU hogs, runs at each wake-up. */
static void test_sleeper_is_not_starved(void **state)
{
    (void)state;
    struct run_entity *sleeper = &entities[0];
    for (int i = 1; i < ENTITIES; i++)
        run_queue_add(&queue, &entities[i], RUN_PREEMPTED);
    for (int round = 0; round < 500; round++) {
        run_slices(20, RUN_SLICE_NS);
        run_queue_add(&queue, sleeper, RUN_WOKEN);
        assert_ptr_equal(take(), sleeper);
        run_queue_charge(&queue, sleeper, 10000);
    }
}

/* One that is always runnable, and one that wakes in each of its turns for a short time and at last
 * keeps running: the sleep has given it no more than RUN_CREDIT_NS. */
static void test_frequent_sleeper_gets_no_lead(void **state)
{
    (void)state;
    struct run_entity *busy = &entities[0], *sleeper = &entities[1];
    for (int i = 0; i < 10000; i++) {
        run_queue_advance(&queue, busy); /* it runs, and wakes the other */
        run_queue_add(&queue, sleeper, RUN_WOKEN);
        run_queue_charge(&queue, busy, 100000);
        run_queue_add(&queue, busy, RUN_PREEMPTED);
        assert_ptr_equal(take(), sleeper);
        run_queue_charge(&queue, sleeper, 50000);
        assert_ptr_equal(take(), busy);
    }
    run_queue_add(&queue, busy, RUN_PREEMPTED);
    run_queue_add(&queue, sleeper, RUN_WOKEN);
    for (uint64_t ran = 0; run_queue_first(&queue) == sleeper; ran += RUN_SLICE_NS) {
        assert_true(ran <= RUN_CREDIT_NS + RUN_SLICE_NS);
        run_slices(1, RUN_SLICE_NS);
    }
}

static void test_yield_goes_behind_all(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++)
        run_queue_add(&queue, &entities[i], RUN_PREEMPTED);
    for (int turn = 0; turn < 300; turn++) {
        struct run_entity *e = take();
        assert_ptr_equal(e, &entities[turn % 3]);
        run_queue_charge(&queue, e, (uint64_t)(turn * 7919 % 1000));
        run_queue_add(&queue, e, RUN_YIELDED);
    }
}

/* A thread of low weight that is far ahead in virtual time does not delay a thread that yields. */
static void test_yield_waits_for_the_light(void **state)
{
    (void)state;
    entities[2].weight = run_weight_of_nice(19);
    run_queue_add(&queue, &entities[0], RUN_PREEMPTED);
    run_queue_add(&queue, &entities[1], RUN_PREEMPTED);
    run_queue_charge(&queue, &entities[2], 1000 * RUN_SLICE_NS);
    run_queue_add(&queue, &entities[2], RUN_PREEMPTED);
    assert_ptr_equal(take(), &entities[0]);
    run_queue_add(&queue, &entities[0], RUN_YIELDED);
    run_slices(100, RUN_SLICE_NS);
    assert_in_range(got[0], 30 * RUN_SLICE_NS, 70 * RUN_SLICE_NS);
}

static void test_realtime_first(void **state)
{
    (void)state;
    entities[1].priority = 10;
    entities[2].priority = 99;
    entities[3].priority = 99;
    entities[4].priority = 64;
    for (int i = 0; i < 5; i++)
        run_queue_add(&queue, &entities[i], RUN_WOKEN);
    assert_true(run_queue_preempts(&entities[1], &entities[0]));
    assert_false(run_queue_preempts(&entities[0], &entities[1]));
    assert_false(run_queue_preempts(&entities[2], &entities[3]));
    assert_ptr_equal(take(), &entities[2]);
    run_queue_add(&queue, &entities[2], RUN_PREEMPTED); /* to the front of its priority */
    assert_ptr_equal(take(), &entities[2]);
    run_queue_add(&queue, &entities[2], RUN_YIELDED);
    static const int order[] = {3, 2, 4, 1, 0};
    for (size_t i = 0; i < ARRAY_LENGTH(order); i++)
        assert_ptr_equal(take(), &entities[order[i]]);
    assert_null(take());
    assert_int_equal(queue.count, 0);
}

/* A real-time thread that never sleeps gets 95 %; alone, all of the time. */
static void test_realtime_is_held(void **state)
{
    (void)state;
    uint64_t now = 5 * RUN_PERIOD_NS;
    entities[1].priority = 50;
    run_queue_add(&queue, &entities[1], RUN_WOKEN);
    for (int i = 0; i < 2500; i++) { /* ten seconds; the other one comes after five */
        if (i == 1250)
            run_queue_add(&queue, &entities[0], RUN_WOKEN);
        struct run_entity *e = take();
        now += RUN_SLICE_NS;
        got[e - entities] += RUN_SLICE_NS;
        run_queue_charge(&queue, e, RUN_SLICE_NS);
        run_queue_limit(&queue, now);
        run_queue_add(&queue, e, RUN_PREEMPTED);
    }
    assert_in_range(got[0], 5 * 40000000, 5 * 60000000 + RUN_SLICE_NS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_equal_shares, setup),
        cmocka_unit_test_setup(test_shares_by_weight, setup),
        cmocka_unit_test_setup(test_new_threads_starve_nobody, setup),
        cmocka_unit_test_setup(test_sleeper_starves_nobody, setup),
        cmocka_unit_test_setup(test_sleeper_is_not_starved, setup),
        cmocka_unit_test_setup(test_yield_goes_behind_all, setup),
        cmocka_unit_test_setup(test_yield_waits_for_the_light, setup),
        cmocka_unit_test_setup(test_realtime_first, setup),
        cmocka_unit_test_setup(test_frequent_sleeper_gets_no_lead, setup),
        cmocka_unit_test_setup(test_realtime_is_held, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
