/* SPDX-License-Identifier: MIT */
/* The start stack, read as by a C library. */
#include "linux/exec/stack.h"

#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOP UINT64_C(0x7ffffffff000)

static unsigned given_way;

void stack_give_way(void)
{
    given_way++;
}

struct built {
    struct stack_plan plan;
    struct stack_layout layout;
    uint8_t *image;
    uint64_t size;
};

static struct stack_plan plan_of(const char *execfn, const char *const *argv,
                                 const char *const *envp, uint64_t gap)
{
    struct stack_plan plan = {.top = TOP, .execfn = execfn, .argv = argv, .envp = envp, .gap = gap};
    static const uint64_t types[] = {AT_HWCAP, AT_PAGESZ, AT_RANDOM, AT_EXECFN, AT_PLATFORM};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        plan.auxv[plan.auxv_count++] = (struct auxv_entry){types[i], 1000 + i};
    for (size_t i = 0; i < sizeof plan.random; i++)
        plan.random[i] = (uint8_t)(0xa0 + i);
    return plan;
}

static struct built build(struct stack_plan plan)
{
    struct built b = {.plan = plan};
    assert_int_equal(stack_measure(&b.plan, UINT64_MAX / 2), E_OK);
    b.size = stack_size(&b.plan);
    b.image = malloc(b.size);
    assert_non_null(b.image);
    memset(b.image, 0xcc, b.size);
    stack_build(&b.plan, b.image, &b.layout);
    assert_int_equal(b.layout.rsp, TOP - b.size);
    return b;
}

static uint64_t word(const struct built *b, uint64_t address)
{
    uint64_t v;
    assert_true(address >= b->layout.rsp && address + sizeof v <= TOP);
    memcpy(&v, b->image + (address - b->layout.rsp), sizeof v);
    return v;
}

static const char *string(const struct built *b, uint64_t address)
{
    assert_true(address >= b->layout.rsp && address < TOP);
    const char *s = (const char *)b->image + (address - b->layout.rsp);
    assert_non_null(memchr(s, '\0', TOP - address));
    return s;
}

/* Reads a list of strings as crt1 does; `at` ends behind its NULL. */
static void check_list(const struct built *b, const char *const *list, uint64_t *at,
                       struct virt_range strings)
{
    uint64_t expected = strings.start.v;
    for (; *list != NULL; list++, *at += 8) {
        assert_int_equal(word(b, *at), expected);
        assert_string_equal(string(b, expected), *list);
        expected += strlen(*list) + 1;
    }
    assert_int_equal(expected, strings.end.v);
    assert_int_equal(word(b, *at), 0);
    *at += 8;
}

static void check(const struct built *b)
{
    uint64_t at = b->layout.rsp, argc = 0;
    while (b->plan.argv[argc] != NULL)
        argc++;
    assert_int_equal(at % 16, 0);
    assert_int_equal(word(b, at), argc);
    at += 8;
    check_list(b, b->plan.argv, &at, b->layout.arguments);
    check_list(b, b->plan.envp, &at, b->layout.environment);
    assert_int_equal(b->layout.auxv, at);
    for (size_t i = 0; i < b->plan.auxv_count; i++, at += 16) {
        uint64_t type = word(b, at), value = word(b, at + 8);
        assert_int_equal(type, b->plan.auxv[i].type);
        if (type == AT_RANDOM)
            assert_memory_equal(string(b, value), b->plan.random, 16);
        else if (type == AT_EXECFN)
            assert_string_equal(string(b, value), b->plan.execfn);
        else if (type == AT_PLATFORM)
            assert_string_equal(string(b, value), "x86_64");
        else
            assert_int_equal(value, 1000 + i);
    }
    assert_int_equal(word(b, at), AT_NULL);
    assert_int_equal(word(b, at + 8), 0);
    /* Linux's order in memory: arguments, environment, name of the file, eight zeros. */
    assert_int_equal(b->layout.arguments.end.v, b->layout.environment.start.v);
    assert_int_equal(b->layout.environment.end.v + strlen(b->plan.execfn) + 1, TOP - 8);
    assert_int_equal(word(b, TOP - 8), 0);
}

static void test_stack_of_a_typical_program(void **state)
{
    (void)state;
    static const char *const argv[] = {"/bin/prog", "-x", "", "two words", NULL};
    static const char *const envp[] = {"HOME=/", "LANG=C", NULL};
    struct built b = build(plan_of("/bin/prog", argv, envp, 0));
    check(&b);
    free(b.image);
}

static void test_no_arguments_no_environment(void **state)
{
    (void)state;
    static const char *const none[] = {NULL};
    struct built b = build(plan_of("", none, none, 0));
    check(&b);
    free(b.image);
}

/* rsp is aligned for all lengths and counts. */
static void test_every_alignment(void **state)
{
    (void)state;
    char text[64];
    for (size_t length = 0; length < 40; length++) {
        memset(text, 'a', length);
        text[length] = '\0';
        for (size_t n = 0; n < 4; n++) {
            const char *argv[5] = {text, text, text, text, NULL};
            const char *envp[] = {"A=1", NULL};
            argv[n] = NULL;
            struct built b = build(plan_of(text, argv, envp, (length * 16) % 8192));
            check(&b);
            free(b.image);
        }
    }
}

static void test_gap_moves_pointers_not_strings(void **state)
{
    (void)state;
    static const char *const argv[] = {"prog", NULL}, *const envp[] = {NULL};
    struct built a = build(plan_of("prog", argv, envp, 0));
    struct built b = build(plan_of("prog", argv, envp, 4096));
    check(&a);
    check(&b);
    assert_int_equal(a.layout.arguments.start.v, b.layout.arguments.start.v);
    assert_int_equal(a.layout.rsp - b.layout.rsp, 4096);
    free(a.image);
    free(b.image);
}

static void test_too_long_string(void **state)
{
    (void)state;
    char *text = malloc(STACK_STRING_MAX + 1);
    assert_non_null(text);
    memset(text, 'x', STACK_STRING_MAX);
    text[STACK_STRING_MAX] = '\0';
    const char *argv[] = {text, NULL}, *const envp[] = {NULL};
    struct stack_plan plan = plan_of("p", argv, envp, 0);
    assert_int_equal(stack_measure(&plan, UINT64_MAX / 2), E_2BIG);
    text[STACK_STRING_MAX - 1] = '\0'; /* 131071 bytes and the NUL are allowed */
    assert_int_equal(stack_measure(&plan, UINT64_MAX / 2), E_OK);
    free(text);
}

static void test_pointers_count_against_the_limit(void **state)
{
    (void)state;
    const char *argv[1025], *const envp[] = {NULL};
    for (size_t i = 0; i < 1024; i++)
        argv[i] = "";
    argv[1024] = NULL;
    struct stack_plan plan = plan_of("p", argv, envp, 0);
    given_way = 0;
    uint64_t bytes = 8 + 2 + 1024 + 1024 * 8;
    assert_int_equal(stack_measure(&plan, bytes), E_OK);
    assert_int_equal(stack_measure(&plan, bytes - 1), E_2BIG);
    assert_in_range(given_way, 2048, 2060); /* at each string */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stack_of_a_typical_program),
        cmocka_unit_test(test_no_arguments_no_environment),
        cmocka_unit_test(test_every_alignment),
        cmocka_unit_test(test_gap_moves_pointers_not_strings),
        cmocka_unit_test(test_too_long_string),
        cmocka_unit_test(test_pointers_count_against_the_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
