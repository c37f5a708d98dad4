/* SPDX-License-Identifier: MIT */
/* Words that the tool writes to the command line, read by the kernel's parser. */
#include "image/words.h"
#include "host/path.h"
#include "parse/boot_info.h"
#include "parse/cmdline.h"

#include "tool_native.h"
#include "unit.h"

#include <stdlib.h>
#include <string.h>

static void check_list(char *const *items, size_t count)
{
    struct args words = {0};
    struct parse_fault fault;
    char *arguments;
    struct cmdline_word word[4];
    const char *read[16];
    size_t word_count, read_count;
    words_list(&words, "argv", items, count);
    char *line = words_line(&words);
    for (const char *c = line; *c; c++)
        assert_null(strchr(" \"'\\$;{}\n", *c));
    assert_int_equal(cmdline_split(line, word, 4, &word_count, &arguments, &fault), E_OK);
    assert_int_equal(word_count, 1);
    assert_string_equal(word[0].name, "argv");
    assert_int_equal(cmdline_list((char *)(uintptr_t)word[0].value, read, 16, &read_count, &fault),
                     E_OK);
    assert_int_equal(read_count, count);
    for (size_t i = 0; i < count; i++)
        assert_string_equal(read[i], items[i]);
    args_free(&words);
    free(line);
}

static void test_lists_come_back(void **state)
{
    (void)state;
    char every[256];
    for (int i = 1; i < 256; i++)
        every[i - 1] = (char)i;
    every[255] = '\0';
    char *const plain[] = {"/bin/busybox", "ls", "-l"};
    char *const empty[] = {""};
    char *const empties[] = {"", "", ""};
    char *const odd[] = {every, "a b", "%", ",", "%2c", "a=b", "é"};
    check_list(plain, 3);
    check_list(plain, 0);
    check_list(empty, 1);
    check_list(empties, 2);
    check_list(empties, 3);
    check_list(odd, 7);
}

static void test_words_come_back(void **state)
{
    (void)state;
    struct args words = {0};
    struct parse_fault fault;
    struct cmdline_word word[8];
    size_t count;
    char *arguments;
    words_typed(&words, "  loglevel=7 name=\"a  b\" quiet \"\" ");
    args_free(&words);
    words_typed(&words, "  loglevel=7 name=\"a  b\"\tquiet");
    assert_int_equal(words.count, 3);
    assert_string_equal(words.item[1], "name=a  b");
    char *grub = words_grub(&words);
    assert_string_equal(grub, "'loglevel=7' 'name=a  b' 'quiet'");
    free(grub);
    char *line = words_line(&words);
    assert_int_equal(cmdline_split(line, word, 8, &count, &arguments, &fault), E_OK);
    assert_int_equal(count, 3);
    assert_string_equal(word[1].value, "a  b");
    assert_null(word[2].value);
    free(line);
    args_free(&words);
}

static void test_words_that_cannot_be_quoted_are_refused(void **state)
{
    (void)state;
    struct args words = {0};
    assert_true(TOOL_FAILS(words_typed(&words, "a=\"open")));
    assert_true(TOOL_FAILS(words_plain(&words, "it's", "the path")));
    assert_true(TOOL_FAILS(words_plain(&words, "a\\b", "the path")));
    assert_true(TOOL_FAILS(words_plain(&words, "a\nb", "the path")));
    args_free(&words);
}

static void test_line_limit(void **state)
{
    (void)state;
    struct args words = {0};
    char *word = malloc(BOOT_COMMAND_LINE_MAX + 1);
    memset(word, 'x', BOOT_COMMAND_LINE_MAX - 1);
    word[BOOT_COMMAND_LINE_MAX - 1] = '\0';
    args_add(&words, word);
    char *line = words_line(&words);
    assert_int_equal(strlen(line), BOOT_COMMAND_LINE_MAX - 1);
    free(line);
    args_add(&words, "y");
    assert_true(TOOL_FAILS(free(words_line(&words))));
    assert_non_null(strstr(tool_native_sentence, "too long"));
    args_free(&words);
    free(word);
}

static void test_paths_are_made_absolute(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"", "/"},
        {"/", "/"},
        {"./prog", "/prog"},
        {"../../x/prog", "/x/prog"},
        {"/bin//ls/", "/bin/ls"},
        {"a/./b/../c", "/a/c"},
        {"..", "/"},
        {"a/..", "/"},
        {"...", "/..."},
        {"/a/../../b", "/b"},
        {".hidden", "/.hidden"},
        {"a/b/../../..", "/"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *clean = path_normalise(cases[i][0]);
        assert_string_equal(clean, cases[i][1]);
        free(clean);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lists_come_back),
        cmocka_unit_test(test_words_come_back),
        cmocka_unit_test(test_words_that_cannot_be_quoted_are_refused),
        cmocka_unit_test(test_line_limit),
        cmocka_unit_test(test_paths_are_made_absolute),
    };
    return RUN_TESTS(tests);
}
