/* SPDX-License-Identifier: MIT */
#include "machine/suggest.h"

#include "unit.h"

#include <string.h>

static void test_distance_counts_letters(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        unsigned distance;
    } rows[] = {
        {"", "", 0},       {"run", "run", 0},  {"rum", "run", 1},       {"rn", "run", 1},
        {"urn", "run", 1}, {"runn", "run", 1}, {"memroy", "memory", 1}, {"outptu", "output", 1},
        {"abc", "xyz", 3}, {"a", "", 1},       {"ca", "abc", 3},        {"env", "event", 3},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        unsigned both[] = {suggest_distance(rows[i].a, rows[i].b, 5),
                           suggest_distance(rows[i].b, rows[i].a, 5)};
        assert_int_equal(both[0], rows[i].distance);
        assert_int_equal(both[1], rows[i].distance);
    }
}

static void test_distance_ends_at_the_most(void **state)
{
    (void)state;
    char word[100];
    memset(word, 'a', sizeof word - 1);
    word[sizeof word - 1] = '\0';
    assert_int_equal(suggest_distance("abc", "xyz", 2), 3);
    assert_int_equal(suggest_distance("abcdef", "uvwxyz", 2), 3);
    assert_int_equal(suggest_distance(word, word, 2), 3); /* too long to be compared */
    word[40] = '\0';
    assert_int_equal(suggest_distance(word, word, 2), 0);
    assert_int_equal(suggest_distance(word, "", 2), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_distance_counts_letters),
        cmocka_unit_test(test_distance_ends_at_the_most),
    };
    return RUN_TESTS(tests);
}
