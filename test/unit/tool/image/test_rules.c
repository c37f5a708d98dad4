/* SPDX-License-Identifier: MIT */
#include "image/rules.h"

#include "unit.h"

#include <stdlib.h>
#include <string.h>

static void check(const char *text, bool recipes, const char *wanted)
{
    struct args found = {0};
    struct text all = {0};
    text_string(&all, "");
    rules_commands(text, recipes, &found);
    for (size_t i = 0; i < found.count; i++)
        text_format(&all, "%s%s", i ? " " : "", found.item[i]);
    assert_string_equal(all.bytes, wanted);
    text_free(&all);
    args_free(&found);
}

static void check_calls(const char *text, const char *wanted)
{
    struct args found = {0};
    struct text all = {0};
    text_string(&all, "");
    rules_calls(text, &found);
    for (size_t i = 0; i < found.count; i++)
        text_format(&all, "%s%s", i ? " " : "", found.item[i]);
    assert_string_equal(all.bytes, wanted);
    text_free(&all);
    args_free(&found);
}

static void test_calls(void **state)
{
    (void)state;
    check_calls("for e in run('git', 'config', '--list'):\n", "git");
    check_calls("subprocess.check_output([\n    \"/bin/ls\", x])\nos.system('wc -l')\n",
                "/bin/ls wc");
    check_calls("system \"tar xf $a\";\nsystem('tar');\n", "tar");
    check_calls("run(name)\nrun(f'{x}')\nsystem(\"$x\")\nrunner('sed')\nrun = 'awk'\nrun'x'\n", "");
    check_calls("system(", "");
    check_calls("system('", "");
    check_calls("system('ls", "ls");
    check_calls("", "");
}

static void test_commands(void **state)
{
    (void)state;
    check("grep -q x y | sort; cut -f1 && wc -l\n", false, "grep sort cut wc");
    check("A=$(sed s/a/b/ <f) B=`tr a b` awk '{print}'\n", false, "sed tr awk");
    check("# grep\n\techo hi # sort\n", false, "");
    check("if test -f x; then rm x; elif ! mkdir y; then :; fi\n", false, "if then rm elif mkdir");
    check("find . -name '*.c' -exec gzip -9 {} +\n", false, "find gzip");
    check("ls | xargs -0 -n 1 file\nexec /usr/bin/perl -w \"$0\"\n", false,
          "ls xargs file exec /usr/bin/perl");
    check("tar xf a \\\n  b c\ncat\n", false, "tar cat");
    check("case $x in\n  a) gunzip;;\nesac\n", false, "gunzip");
    check("exec echo a; if echo; then ls | xargs printf\n", false,
          "exec echo if then ls xargs printf");
    check(": ${AWK=awk} \"${SED:-/bin/sed}\"\nGREP=grep TAR=gtar X= =y ${Z:=} ${Z\n", false,
          "awk /bin/sed grep");
    check("", false, "");
    check("((((\n`$(", false, "");
}

static void test_recipes(void **state)
{
    (void)state;
    check("all: x\n\t@gcc -c x.c\n\t-rm y\nV := $(shell uname -r)\nsort: tsort\n", true,
          "gcc rm uname");
}

static void check_path(const char *path, const char *wanted)
{
    struct args environment = {0};
    args_add(&environment, "TERM=xterm");
    args_add(&environment, "LANG=de_DE.UTF-8");
    args_add(&environment, "TZ=../../etc/shadow");
    args_add(&environment, "BAD=*");
    args_add(&environment, "LONG=/etc");
    char *is = rules_expand(path, &environment);
    if (wanted)
        assert_string_equal(is, wanted);
    else
        assert_null(is);
    free(is);
    args_free(&environment);
}

static void test_variables(void **state)
{
    (void)state;
    check_path("/t/{TERM:0}/{TERM}", "/t/x/xterm");
    check_path("/l/{LANG:.}/{LANG}", "/l/de/de_DE.UTF-8");
    check_path("/a{LANG:?}", "/a");
    check_path("/a{NONE:?}", NULL);
    check_path("/z/{TZ}", NULL);
    check_path("/z/{BAD}", NULL);
    check_path("/z/{LONG}", NULL);
    check_path("/z/{TERM", "/z/xterm");
}

/* Each target is a path or leaves something out, and no row has an empty word. */
static void test_table(void **state)
{
    (void)state;
#define RULE(condition, words, reason, targets) {#condition, words, reason, targets},
    static const struct {
        const char *condition, *words, *reason, *targets;
    } rows[] = {
#include "image/rules.inc"
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        assert_true(*rows[i].words && *rows[i].reason && *rows[i].targets);
        assert_null(strstr(rows[i].words, "  "));
        char *list = string_copy(rows[i].targets), *rest = list;
        for (char *word; (word = strsep(&rest, " ")) != NULL;)
            assert_true(word[0] == '/' || (word[0] == '!' && word[1]));
        free(list);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_commands), cmocka_unit_test(test_calls),
        cmocka_unit_test(test_recipes),  cmocka_unit_test(test_variables),
        cmocka_unit_test(test_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
