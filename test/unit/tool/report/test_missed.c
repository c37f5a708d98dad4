/* SPDX-License-Identifier: MIT */
#include "report/missed.h"

#include "unit.h"

#include <stdlib.h>
#include <string.h>

/* The computer has everything but /usr/none; the tree has what stands here. */
char *tree_host_file(const char *path)
{
    return string_starts(path, "/usr/none") ? NULL : string_copy(path);
}

const struct entry *tree_follow(const struct tree *tree, const char *path)
{
    static const char *const there[] = {"/usr", "/usr/lib", "/usr/lib/app", "/etc", "/etc/there"};
    static const struct entry entry;
    (void)tree;
    for (size_t i = 0; i < sizeof(there) / sizeof(*there); i++)
        if (strcmp(there[i], path) == 0)
            return &entry;
    return NULL;
}

static void test_choose(void **state)
{
    static const char *const asked[] = {"/usr/lib/python3/os.py",
                                        "/usr/lib/python3/re.py",
                                        "/usr/lib/app/x/y",
                                        "/etc/there",
                                        "/etc/app.conf",
                                        "/usr/none/x",
                                        "/tmp/x",
                                        "/proc/self/x",
                                        "/usr/share",
                                        "/devil",
                                        "/usr/lib/app/a.pyc",
                                        "/usr/share/locale/locale.alias",
                                        "/usr/lib/x86_64-linux-gnu/gconv/gconv-modules.cache",
                                        NULL};
    static const char *const wanted[] = {"/usr/lib/python3", "/usr/lib/app/x", "/etc/app.conf",
                                         "/usr/share", "/devil"};
    struct args in = {0}, out = {0};
    struct text json = {0};
    (void)state;
    args_all(&in, asked);
    missed_choose(NULL, &in, &out);
    assert_int_equal(out.count, sizeof(wanted) / sizeof(*wanted));
    for (size_t i = 0; i < out.count; i++)
        assert_string_equal(out.item[i], wanted[i]);
    text_string(&json, "{\"a\":1}\n");
    missed_json(&out, &json);
    assert_string_equal(json.bytes, "{\"a\":1,\"missing\":[\"/usr/lib/python3\",\"/usr/lib/app/x\","
                                    "\"/etc/app.conf\",\"/usr/share\",\"/devil\"]}\n");
    text_free(&json);
    args_free(&in);
    args_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_choose)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
