/* SPDX-License-Identifier: MIT */
#include "parse/symbol_table.h"

#include "symbol_bits.h"
#include "unit.h"

#include <string.h>

struct built {
    struct symbol_table table;
    uint8_t streams[100];
    struct symbol_bits text, data;
};

/* "alpha_a" at 0, "alpha_abb" at 300, and of the data "b" at 5. Pairs: 64 "ab", 65 "b" and the end, 66 both. */
static void build(struct built *b)
{
    *b = (struct built){.text = {b->streams, 0}};
    put_symbol_pair(&b->table, 64, 1, 2);
    put_symbol_pair(&b->table, 65, 2, 0);
    put_symbol_pair(&b->table, 66, 64, 65);
    put_symbol_start(&b->text, 0, 0);
    put_symbol_name(&b->text, "alpha_a");
    put_symbol_start(&b->text, 300, 6);
    put_symbol_code(&b->text, 66);
    b->table.text_size = symbol_bytes(&b->text);
    b->data.bytes = b->streams + b->table.text_size;
    put_symbol_start(&b->data, 5, 0);
    put_symbol_name(&b->data, "b");
    b->table.data_size = symbol_bytes(&b->data);
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
    struct built b;
    build(&b);
    expect_symbol(&b, false, 0, 0, "alpha_a");
    expect_symbol(&b, false, 299, 0, "alpha_a");
    expect_symbol(&b, false, 300, 300, "alpha_abb");
    expect_symbol(&b, true, UINT64_MAX, 5, "b");
}

static void test_nothing_before_the_first_symbol(void **state)
{
    (void)state;
    struct built b;
    build(&b);
    char name[SYMBOL_NAME_SIZE];
    uint64_t start;
    assert_false(symbol_table_find(&b.table, true, 4, &start, name));
}

static void damage_pair(struct built *b, unsigned first, unsigned second)
{
    memset(b->table.pairs, 0, sizeof b->table.pairs);
    put_symbol_pair(&b->table, 64, 1, 2);
    put_symbol_pair(&b->table, 66, first, second);
}

/* A pair of itself or of a larger code is the end of the name: no endless loop, no read past the table. */
static void test_a_damaged_pair_ends_the_name(void **state)
{
    (void)state;
    struct built b;
    build(&b);
    damage_pair(&b, 66, 66);
    expect_symbol(&b, false, 300, 300, "alpha_");
    damage_pair(&b, 1023, 1);
    expect_symbol(&b, false, 300, 300, "alpha_");
}

static void test_a_name_without_an_end_stops_with_the_stream(void **state)
{
    (void)state;
    struct built b;
    build(&b);
    damage_pair(&b, 64, 1);
    expect_symbol(&b, false, 300, 300, "alpha_aba");
}

/* More letters in common than the name before has, more letters than there is room for, a distance without an end. */
static void test_damaged_streams_end(void **state)
{
    (void)state;
    struct built b;
    build(&b);
    memset(b.streams, 0, sizeof b.streams);
    b.text.at = 0;
    put_symbol_start(&b.text, 0, 31);
    put_symbol_name(&b.text, "a");
    put_symbol_start(&b.text, 1, 31);
    put_symbol_name(&b.text, "b");
    b.table.text_size = symbol_bytes(&b.text);
    expect_symbol(&b, false, 1, 1, "ab");
    memset(b.streams, 255, sizeof b.streams);
    char name[SYMBOL_NAME_SIZE];
    uint64_t start;
    b.table.text_size = sizeof b.streams - SYMBOL_PADDING;
    assert_false(symbol_table_find(&b.table, false, UINT64_MAX, &start, name));
    put_symbol_pair(&b.table, 65, 2, 2);
    memset(b.streams, 0, sizeof b.streams);
    b.text.at = 0;
    put_symbol_start(&b.text, 0, 0);
    for (int i = 0; i < 70; i++)
        put_symbol_code(&b.text, 1);
    b.table.text_size = symbol_bytes(&b.text);
    assert_true(symbol_table_find(&b.table, false, 0, &start, name));
    assert_int_equal(strlen(name), SYMBOL_NAME_SIZE - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_of_letters_and_pairs),
        cmocka_unit_test(test_nothing_before_the_first_symbol),
        cmocka_unit_test(test_a_damaged_pair_ends_the_name),
        cmocka_unit_test(test_a_name_without_an_end_stops_with_the_stream),
        cmocka_unit_test(test_damaged_streams_end),
    };
    return RUN_TESTS(tests);
}
