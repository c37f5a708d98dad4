/* SPDX-License-Identifier: MIT */
/*
 * Tests that run inside the booted kernel (test/guest/). They are linked into ouro-test.elf only;
 * the kernel word test=NAME runs one of them, test=all runs all but the fatal ones, test=list names
 * them. One line a test goes to the console's stdout:
 *
 *     ok NAME
 *     FAIL NAME: what, file:line
 *
 * A test must give back every frame that it took.
 */
#pragma once

#include "cpu/lock.h"

enum guest_test_kind {
    GUEST_TEST_PLAIN,
    GUEST_TEST_SEALED, /* runs after memory_end_boot(), and so after all plain ones */
    GUEST_TEST_FATAL,  /* must end the machine by itself: never part of "all" */
    GUEST_TEST_SETUP,  /* no test: called once before the first, and may keep what it allocates */
};

struct guest_test {
    const char *name;
    void (*run)(void);
    enum guest_test_kind kind;
};

/* The section holds pointers, which no compiler pads. */
#define GUEST_TEST_OF_KIND(test, test_kind)                                                        \
    static void test(void) REQUIRES(kernel_lock);                                                  \
    static const struct guest_test guest_##test = {#test, test, test_kind};                        \
    __attribute__((                                                                                \
        used,                                                                                      \
        section(".guest_tests"))) static const struct guest_test *const guest_pointer_##test =     \
        &guest_##test;                                                                             \
    static void test(void)

#define GUEST_TEST(test)   GUEST_TEST_OF_KIND(test, GUEST_TEST_PLAIN)
#define GUEST_SEALED(test) GUEST_TEST_OF_KIND(test, GUEST_TEST_SEALED)
#define GUEST_FATAL(test)  GUEST_TEST_OF_KIND(test, GUEST_TEST_FATAL)
#define GUEST_SETUP(setup) GUEST_TEST_OF_KIND(setup, GUEST_TEST_SETUP)

/* The running test has failed; it goes on, and its first failure is the one that is printed.
 * Callers: tests, any thread. */
void guest_test_fail(const char *file, int line, const char *format, ...) PRINTF_LIKE(3, 4);

/* Runs what test= asked for and ends the machine: 0 when all passed, 1 when one failed, 125 when
 * there is no such test. Callers: the first thread, before memory_end_boot() and before anything
 * else has started. */
NORETURN void guest_tests_run(const char *wanted);
