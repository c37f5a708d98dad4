/* SPDX-License-Identifier: MIT */
#include "parse/cmdline.h"

#include "bytes.h"

#include "unit.h"

#define WORDS_MAX 8

static struct parse_fault fault;

/* Formats the result of cmdline_split(): "[name][name=value] -- rest". */
static const char *split(const char *line)
{
    static char joined[512];
    struct cmdline_word words[WORDS_MAX];
    size_t count;
    char *arguments, *copy = (char *)exact_copy(line, strlen(line) + 1);
    joined[0] = '\0';
    fault.what = NULL;
    if (cmdline_split(copy, words, WORDS_MAX, &count, &arguments, &fault) == E_OK) {
        size_t at = 0;
        for (size_t i = 0; i < count; i++)
            at += (size_t)snprintf(joined + at, sizeof joined - at, "[%s%s%s]", words[i].name,
                                   words[i].value ? "=" : "", words[i].value ? words[i].value : "");
        if (arguments)
            snprintf(joined + at, sizeof joined - at, " -- %s", arguments);
    }
    free(copy);
    return fault.what ? fault.what : joined;
}

static void test_words_end_at_blanks(void **state)
{
    (void)state;
    assert_string_equal(split(""), "");
    assert_string_equal(split("   \t\n "), "");
    assert_string_equal(split("quiet"), "[quiet]");
    assert_string_equal(split("console=ttyS0  loglevel=4\tinit=/bin/ls"),
                        "[console=ttyS0][loglevel=4][init=/bin/ls]");
    assert_string_equal(split("a= b=c=d"), "[a=][b=c=d]");
    assert_string_equal(split("init=/bin/ls -- -l \"two words\" "),
                        "[init=/bin/ls] -- -l \"two words\" ");
    assert_string_equal(split("--"), " -- ");
    assert_string_equal(split("a -- b -- c"), "[a] -- b -- c");
    assert_string_equal(split("---  --x"), "[---][--x]");
}

static void test_quotes_keep_blanks(void **state)
{
    (void)state;
    assert_string_equal(split("name=\"a b\" c"), "[name=a b][c]");
    assert_string_equal(split("\"name=a b\" c"), "[name=a b][c]");
    assert_string_equal(split("na\"m e\"=v\"\"w"), "[nam e=vw]");
    assert_string_equal(split("x=\"\""), "[x=]");
    assert_string_equal(split("x=\"--\" y"), "[x=--][y]");
}

static void test_open_quotes_and_nameless_words_are_refused(void **state)
{
    (void)state;
    assert_string_equal(split("a b=\"c d"), "a quote is not closed");
    assert_int_equal(fault.offset, 2);
    assert_string_equal(split("a =b"), "a word has no name");
    assert_int_equal(fault.offset, 2);
    assert_string_equal(split("\"\""), "a word has no name");
    assert_string_equal(split("1 2 3 4 5 6 7 8"), "[1][2][3][4][5][6][7][8]");
    assert_string_equal(split("1 2 3 4 5 6 7 8 9"), "there are too many words");
    assert_int_equal(fault.offset, 16);
    assert_string_equal(split("1 2 3 4 5 6 7 8 -- 9"), "[1][2][3][4][5][6][7][8] -- 9");
}

static const char *join(const char **items, size_t count)
{
    static char joined[512];
    size_t at = 0;
    joined[0] = '\0';
    for (size_t i = 0; i < count; i++)
        at += (size_t)snprintf(joined + at, sizeof joined - at, "[%s]", items[i]);
    return joined;
}

static const char *arguments(const char *text)
{
    const char *argv[4];
    size_t count;
    char *copy = (char *)exact_copy(text, strlen(text) + 1);
    enum err e = cmdline_arguments(copy, argv, 4, &count, &fault);
    const char *result = e == E_OK ? join(argv, count) : fault.what;
    free(copy);
    return result;
}

static void test_arguments_need_no_name(void **state)
{
    (void)state;
    assert_string_equal(arguments(""), "");
    assert_string_equal(arguments(" -l  \"two words\" x=\"y z\""), "[-l][two words][x=y z]");
    assert_string_equal(arguments("\"\" -- a"), "[][--][a]");
    assert_string_equal(arguments("a b c d"), "[a][b][c][d]");
    assert_string_equal(arguments("a b c d e"), "there are too many arguments");
    assert_string_equal(arguments("a \"b"), "a quote is not closed");
}

static const char *list(const char *text)
{
    const char *items[4];
    size_t count;
    char *copy = (char *)exact_copy(text, strlen(text) + 1);
    enum err e = cmdline_list(copy, items, 4, &count, &fault);
    const char *result = e == E_OK ? join(items, count) : fault.what;
    free(copy);
    return result;
}

static void test_list_decodes_percent_signs(void **state)
{
    (void)state;
    assert_string_equal(list(""), "");
    assert_string_equal(list("%"), "[]");
    assert_string_equal(list(","), "[][]");
    assert_string_equal(list("a"), "[a]");
    assert_string_equal(list("a,,b"), "[a][][b]");
    assert_string_equal(list("a%20b,%2c%2C,%25"), "[a b][,,][%]");
    assert_string_equal(list("%61%4A%0a,%4a"), "[aJ\n][J]");
    assert_string_equal(list("%aA"), "[\xaa]");
    assert_string_equal(list("%fF"), "[\xff]");
    assert_string_equal(list("a,b,c,d"), "[a][b][c][d]");
    assert_string_equal(list("a,b,c,"), "[a][b][c][]");
}

static void test_list_refused(void **state)
{
    static const char *const bad[] = {"a,%", "%%", "%1", "%g0", "%0g", "x%00", "%,", "%2,0"};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_string_equal(list(bad[i]), "a percent sign starts no byte");
    assert_string_equal(list("a,b,c,d,e"), "the list has too many items");
    assert_string_equal(list(",,,,"), "the list has too many items");
}

static void test_number_takes_hex_and_units(void **state)
{
    static const struct {
        const char *text;
        unsigned long value;
    } good[] = {
        {"0", 0},
        {"64", 64},
        {"0x40", 64},
        {"0XfF", 255},
        {"0xaA", 170},
        {"64K", 65536},
        {"1k", 1024},
        {"16M", 1 << 24},
        {"3m", 3 << 20},
        {"2G", 2ul << 30},
        {"0x10g", 16ul << 30},
        {"007", 7},
        {"18446744073709551615", UINT64_MAX},
        {"0xffffffffffffffff", UINT64_MAX},
        {"17179869183G", 17179869183ul << 30},
    };
    static const char *const bad[] = {
        "",
        "x",
        "-1",
        "+1",
        " 1",
        "1 ",
        "0x",
        "K",
        "1KB",
        "1KK",
        "1T",
        "1.5M",
        "0xg",
        "12a",
        "18446744073709551616",
        "0x10000000000000000",
        "17179869184G",
        "99999999999999999999999",
    };
    (void)state;
    unsigned long value;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_true(cmdline_number(good[i].text, &value));
        assert_true(value == good[i].value);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        value = 42;
        assert_false(cmdline_number(bad[i], &value));
        assert_true(value == 42);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words_end_at_blanks),
        cmocka_unit_test(test_quotes_keep_blanks),
        cmocka_unit_test(test_open_quotes_and_nameless_words_are_refused),
        cmocka_unit_test(test_arguments_need_no_name),
        cmocka_unit_test(test_list_decodes_percent_signs),
        cmocka_unit_test(test_list_refused),
        cmocka_unit_test(test_number_takes_hex_and_units),
    };
    return RUN_TESTS(tests);
}
