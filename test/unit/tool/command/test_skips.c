/* SPDX-License-Identifier: MIT */
#include "command/skips.h"

#include "unit.h"

#include <stdlib.h>
#include <string.h>

/* What the tool prints after logs of ctest. */
static char *printed(const char *const *logs, size_t count)
{
    struct skips all = {0};
    char *text = NULL;
    size_t size = 0;
    for (size_t i = 0; i < count; i++) {
        FILE *log = fmemopen((void *)(uintptr_t)logs[i], strlen(logs[i]), "r");
        assert_non_null(log);
        skips_read(log, &all);
        fclose(log);
    }
    FILE *out = open_memstream(&text, &size);
    skips_print(out, &all);
    fclose(out);
    skips_free(&all);
    assert_int_equal(all.count, 0);
    return text;
}

/* As ctest 3.25 and 3.31 write it. */
#define TEST(name, output, result)                                                                 \
    "12/345 Testing: " name "\n12/345 Test: " name "\nCommand: \"/a/b\" \"77\"\nDirectory: /a\n"   \
    "\"" name "\" start time: Nov 30 10:00 UTC\nOutput:\n"                                         \
    "----------------------------------------------------------\n" output                          \
    "<end of output>\nTest time =   0.07 sec\n"                                                    \
    "----------------------------------------------------------\n" result "\n\"" name              \
    "\" end time: Nov 30 10:00 UTC\n\"" name "\" time elapsed: 00:00:00\n"                         \
    "----------------------------------------------------------\n\n"

static void test_reasons_are_grouped_over_logs(void **state)
{
    (void)state;
    const char *const logs[] = {
        TEST("programs.cases.a", "skip: no mounts here\n", "Test Skipped.")
            TEST("lint.abi", "skip: said, and passed\n", "Test Passed.")
                TEST("boot.tsc", "nothing\n", "Test Skipped.")
                    TEST("programs.cases.b", "line\nskip: no mounts here\nmore\n", "Test Skipped.")
                        TEST("unit.x", "skip: said, and failed\n", "Test Failed.")
                            TEST("programs.cases.c", "skip: another\nskip: no mounts here\n",
                                 "Test Skipped."),
        TEST("programs.cases.d", "skip: no mounts here\n", "Test Skipped.")
            TEST("programs.cases.e", "skip: no mounts here\n", "Test Skipped."),
    };
    char *text = printed(logs, 2);
    assert_string_equal(text,
                        "ouro: skipped: 5, no mounts here: programs.cases.a, programs.cases.b, "
                        "programs.cases.c, programs.cases.d, …\n"
                        "ouro: skipped: 1, it does not say why: boot.tsc\n");
    free(text);
}

static void test_each_of_many_reasons_has_its_line(void **state)
{
    (void)state;
    char *log = NULL;
    size_t size = 0, lines = 0;
    FILE *out = open_memstream(&log, &size);
    for (int i = 0; i < 100; i++)
        fprintf(out, "%d/100 Testing: t%d\nskip: reason %0*d\nTest Skipped.\n", i, i, 20 * i + 1,
                i);
    fclose(out);
    char *text = printed((const char *const *)&log, 1);
    for (const char *at = text; (at = strchr(at, '\n')) != NULL; at++)
        lines++;
    assert_int_equal(lines, 100);
    assert_non_null(strstr(text, "99: t99\n"));
    free(text);
    free(log);
}

static void test_odd_logs(void **state)
{
    (void)state;
    const char *const logs[] = {"Test Skipped.\n", "1/2 Testing: \nTest Skipped.\n",
                                "1/ Testing: x\nskip: \nTest Skipped."};
    char *text = printed(logs, 3);
    assert_string_equal(text,
                        "ouro: skipped: 2, it does not say why: ?, \nouro: skipped: 1, : ?\n");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reasons_are_grouped_over_logs),
        cmocka_unit_test(test_each_of_many_reasons_has_its_line),
        cmocka_unit_test(test_odd_logs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
