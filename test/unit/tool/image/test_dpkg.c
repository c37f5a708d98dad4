/* SPDX-License-Identifier: MIT */
#include "image/dpkg.h"

#include "unit.h"

#include <stdlib.h>
#include <string.h>

static const char status[] =
    "Package: app\nStatus: install ok installed\nDepends: libone (>= 1.2), tool | other-tool, debconf | debconf-2.0,\n"
    "\nPackage: libone\nStatus: install ok installed\nPre-Depends: base:any\nArchitecture: amd64\n"
    "\nPackage: tool\nStatus: deinstall ok config-files\nDepends: never\n"
    "\nPackage: third\nStatus: install ok installed\nProvides: mail-agent, other-tool (= 3)\nDepends: app, libone\n"
    "\nPackage: base\nStatus: install ok installed\nDescription: a base\n Depends: not-a-field\n"
    "\nPackage: debconf\nStatus: install ok installed\nDepends: base\n"
    "\nPackage: never\nStatus: install ok installed\n";

static char *closure(const char *text, const char *name)
{
    struct args found = {0};
    struct text all = {0};
    text_string(&all, "");
    if (!package_closure(text, name, &found))
        text_string(&all, "none");
    for (size_t i = 0; i < found.count; i++)
        text_format(&all, "%s%s", i ? " " : "", found.item[i]);
    args_free(&found);
    return all.bytes;
}

static void check(const char *text, const char *name, const char *wanted)
{
    char *is = closure(text, name);
    assert_string_equal(is, wanted);
    free(is);
}

static void test_dependencies(void **state)
{
    (void)state;
    check(status, "app",
          "app libone third base"); /* the alternative that is installed; no package of scripts */
    check(status, "libone", "libone base");
    check(status, "third", "third app libone base"); /* a ring */
    check(status, "mail-agent", "third app libone base");
    check(status, "base", "base");
}

static void test_what_is_not_there(void **state)
{
    (void)state;
    check(status, "tool", "none"); /* removed */
    check(status, "lib", "none");
    check(status, "not-a-field", "none");
    check(status, "", "none");
    check("", "app", "none");
    check("\n\n\n", "app", "none");
    check("Package: app", "app", "none");
    check("Package: app\nStatus: ", "app", "none");
    check("Status: \nPackage: app\n", "app", "none");
    check("Status: install ok installed\n", "app", "none");
}

/* Every beginning of the text is a text. */
static void test_cut_anywhere(void **state)
{
    (void)state;
    for (size_t size = 0; size < sizeof status; size++) {
        char *text = malloc(size + 1);
        memcpy(text, status, size);
        text[size] = '\0';
        free(closure(text, "app"));
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dependencies),
        cmocka_unit_test(test_what_is_not_there),
        cmocka_unit_test(test_cut_anywhere),
    };
    return RUN_TESTS(tests);
}
