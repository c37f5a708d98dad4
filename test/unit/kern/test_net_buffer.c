/* SPDX-License-Identifier: MIT */
/* Buffers of frames: their limit, their pages, and what is given back when memory is short. */
#include "unit.h"

#include "kern/net_buffer.h"
#include "mm/heap/heap.h"
#include "mm/phys/frames.h"
#include "mm/phys/shrinker.h"
#include "native.h"

#include <stdlib.h>
#include <string.h>

#define MOST 256

struct frames machine_frames = {.total_frames = MOST * 8 * NET_BUFFER_SIZE / PAGE_SIZE};

static struct net_buffer *taken[MOST];

static void test_the_limit(void **state)
{
    (void)state;
    assert_int_equal(net_buffers_most(), MOST);
    for (unsigned i = 0; i < MOST; i++) {
        taken[i] = net_buffer_alloc();
        assert_non_null(taken[i]);
        assert_int_equal(net_buffers_used(), i + 1);
        memset(taken[i]->data, (int)i, NET_BUFFER_DATA);
        memset(taken[i]->owner, (int)i, NET_BUFFER_OWNER);
        assert_int_equal(taken[i]->at.v, kpage_phys(taken[i]->data).v);
    }
    assert_null(net_buffer_alloc());
    for (unsigned i = 0; i < MOST; i++) {
        assert_int_equal(taken[i]->data[0], (uint8_t)i);
        assert_int_equal(taken[i]->data[NET_BUFFER_DATA - 1], (uint8_t)i);
        net_buffer_free(taken[i]);
    }
    assert_int_equal(net_buffers_used(), 0);
    assert_true(native_heap_live() <= MOST / 8); /* most pages are free again */
}

static void test_memory_is_short(void **state)
{
    (void)state;
    while (shrinkers_run())
        ;
    assert_int_equal(native_heap_live(), 0);
    native_heap_fail_after(1);
    taken[0] = net_buffer_alloc();
    taken[1] = net_buffer_alloc();
    assert_non_null(taken[0]);
    assert_non_null(taken[1]);
    assert_null(net_buffer_alloc());
    native_heap_fail_after(-1);
    net_buffer_free(taken[0]);
    assert_false(shrinkers_run()); /* the other half is in use */
    taken[0] = net_buffer_alloc();
    assert_non_null(taken[0]);
    net_buffer_free(taken[1]);
    net_buffer_free(taken[0]);
    assert_true(shrinkers_run());
    assert_int_equal(native_heap_live(), 0);
}

static void test_random_order(void **state)
{
    (void)state;
    srandom(3);
    unsigned count = 0;
    for (unsigned i = 0; i < 20000; i++) {
        bool grows = random() % 512 < (i / 1000 % 2 == 0 ? 300 : 200);
        if (grows && count < MOST) {
            taken[count] = net_buffer_alloc();
            assert_non_null(taken[count++]);
        } else if (!grows && count > 0) {
            unsigned which = (unsigned)random() % count;
            net_buffer_free(taken[which]);
            taken[which] = taken[--count];
        }
        if (random() % 1000 == 0)
            (void)shrinkers_run();
        assert_int_equal(net_buffers_used(), count);
        assert_true(native_heap_live() * 2 >= count);
    }
    while (count > 0)
        net_buffer_free(taken[--count]);
    (void)shrinkers_run();
    assert_int_equal(native_heap_live(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_limit),
        cmocka_unit_test(test_memory_is_short),
        cmocka_unit_test(test_random_order),
    };
    return RUN_TESTS(tests);
}
