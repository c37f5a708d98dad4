/* SPDX-License-Identifier: MIT */
/* The pairing heap against a model: an array that is searched for the least element. */
#include "base/pqueue.h"
#include "unit.h"

#include <stdlib.h>

#define NODES 64

static struct pqueue queue;
static struct pqueue_node nodes[NODES];
static bool queued[NODES];

static int least(void)
{
    int best = -1;
    for (int i = 0; i < NODES; i++) {
        if (!queued[i])
            continue;
        if (best < 0 || nodes[i].key < nodes[best].key ||
            (nodes[i].key == nodes[best].key && nodes[i].order < nodes[best].order))
            best = i;
    }
    return best;
}

static void check_first(void)
{
    int best = least();
    assert_ptr_equal(pqueue_first(&queue), best < 0 ? NULL : &nodes[best]);
    assert_int_equal(pqueue_empty(&queue), best < 0);
}

static void test_least_is_first_at_random(void **state)
{
    (void)state;
    srand(1);
    for (int step = 0; step < 200000; step++) {
        int i = rand() % NODES;
        if (queued[i])
            pqueue_remove(&queue, &nodes[i]);
        else
            pqueue_insert(&queue, &nodes[i], (uint64_t)(rand() % (step % 2 ? 10 : 1000)));
        queued[i] = !queued[i];
        check_first();
    }
    int first;
    while ((first = least()) >= 0) { /* all remaining ones, in order */
        check_first();
        pqueue_remove(&queue, &nodes[first]);
        queued[first] = false;
    }
    check_first();
}

static void test_equal_keys_leave_as_they_came(void **state)
{
    (void)state;
    for (int i = 0; i < NODES; i++)
        pqueue_insert(&queue, &nodes[i], 7);
    for (int i = 0; i < NODES; i++) {
        assert_ptr_equal(pqueue_first(&queue), &nodes[i]);
        pqueue_remove(&queue, &nodes[i]);
    }
    assert_true(pqueue_empty(&queue));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_least_is_first_at_random),
        cmocka_unit_test(test_equal_keys_leave_as_they_came),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
