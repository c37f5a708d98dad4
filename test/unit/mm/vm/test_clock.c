/* SPDX-License-Identifier: MIT */
/* Clock against other policies, by the model; boot.swap-traces compares the kernel's Clock with the model's. */
#include "clock_model.h"
#include "unit.h"

#define ACCESSES 60000
#define PAGES    6000

static const struct model_machine machine = {.total = 3704, .free = 3534};

static uint64_t faults(enum policy policy, enum trace trace)
{
    return model_faults(policy, machine, trace, PAGES, ACCESSES);
}

static void test_clock_is_near_lru(void **state)
{
    (void)state;
    for (enum trace trace = TRACE_HOT; trace < TRACES; trace++) {
        uint64_t lru = faults(POLICY_LRU, trace), two_hands = faults(POLICY_CLOCK, trace);
        assert_true(two_hands < lru + lru / 7);
        assert_true(two_hands < faults(POLICY_FIFO, trace));
        assert_true(two_hands < faults(POLICY_RANDOM, trace));
    }
}

/* A loop over a little more than there is: everything is fetched again, but with a random choice. */
static void test_a_loop_defeats_all_but_chance(void **state)
{
    (void)state;
    assert_int_equal(faults(POLICY_LRU, TRACE_LOOP), ACCESSES);
    assert_int_equal(faults(POLICY_CLOCK, TRACE_LOOP), ACCESSES);
    assert_true(faults(POLICY_RANDOM, TRACE_LOOP) < ACCESSES * 3 / 4);
}

static void test_enough_memory_needs_no_fetch(void **state)
{
    (void)state;
    const struct model_machine large = {.total = 8000, .free = 7000};
    for (enum policy policy = 0; policy < POLICIES; policy++)
        assert_int_equal(model_faults(policy, large, TRACE_HOT, PAGES, ACCESSES), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clock_is_near_lru),
        cmocka_unit_test(test_a_loop_defeats_all_but_chance),
        cmocka_unit_test(test_enough_memory_needs_no_fetch),
    };
    return RUN_TESTS(tests);
}
