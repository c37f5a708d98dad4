/* SPDX-License-Identifier: MIT */
#include "parse/symbol_table.h"

#include "unit.h"

#include <string.h>

/* "a" at 0, "abb" at 300, and of the data "b" at 5. Codes 1 and 2 are letters. */
/* Pairs: 64 "ab", 65 "b" and the end, 66 both. */
#define TEXT "\0\1\0\xac\2\102"
#define DATA "\5\2\0"

struct built {
    struct symbol_table table;
    uint8_t streams[sizeof TEXT + sizeof DATA - 2];
};

static struct built build(void)
{
    struct built b = {.table = {.text_size = sizeof TEXT - 1,
                                .data_size = sizeof DATA - 1,
                                .pairs = {{1, 2}, {2, 0}, {64, 65}}}};
    memcpy(b.streams, TEXT DATA, sizeof b.streams);
    return b;
}

static void expect_symbol(const struct built *b, bool data, uint64_t offset, uint64_t at,
                          const char *text)
{
    char name[SYMBOL_NAME_SIZE];
    uint64_t start;
    assert_true(symbol_table_find(&b->table, data, offset, &start, name));
    assert_int_equal(start, at);
    assert_string_equal(name, text);
}

static void test_names_of_letters_and_pairs(void **state)
{
    (void)state;
    struct built b = build();
    expect_symbol(&b, false, 0, 0, "a");
    expect_symbol(&b, false, 299, 0, "a");
    expect_symbol(&b, false, 300, 300, "abb");
    expect_symbol(&b, true, UINT64_MAX, 5, "b");
}

static void test_nothing_before_the_first_symbol(void **state)
{
    (void)state;
    struct built b = build();
    char name[SYMBOL_NAME_SIZE];
    uint64_t start;
    assert_false(symbol_table_find(&b.table, true, 4, &start, name));
}

/* A pair of itself or of a larger code is the end of the name: no endless loop, no read past the table. */
static void test_a_damaged_pair_ends_the_name(void **state)
{
    (void)state;
    struct built b = build();
    b.table.pairs[2][0] = b.table.pairs[2][1] = 66;
    expect_symbol(&b, false, 300, 300, "");
    b.table.pairs[2][0] = 255;
    expect_symbol(&b, false, 300, 300, "");
}

static void test_a_name_without_an_end_stops_with_the_stream(void **state)
{
    (void)state;
    struct built b = build();
    b.table.pairs[2][1] = 1;
    expect_symbol(&b, false, 300, 300, "aba");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_of_letters_and_pairs),
        cmocka_unit_test(test_nothing_before_the_first_symbol),
        cmocka_unit_test(test_a_damaged_pair_ends_the_name),
        cmocka_unit_test(test_a_name_without_an_end_stops_with_the_stream),
    };
    return RUN_TESTS(tests);
}
