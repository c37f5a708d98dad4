/* SPDX-License-Identifier: MIT */
/*
 * Tests that run inside the booted kernel (test/guest/). They are linked into ouro-test.elf only.
 * test=NAME on the kernel command line runs one of them, test=all all but the fatal ones; test=list
 * prints their names. Each test prints one line on the console's stdout:
 *
 *     ok NAME
 *     FAIL NAME: what, file:line
 *
 * A test must free every frame that it allocates.
 */
#pragma once

#include "cpu/lock.h"

#include <stdbool.h>

enum guest_test_kind {
    GUEST_TEST_PLAIN,
    GUEST_TEST_SEALED, /* runs after memory_end_boot() and all plain tests */
    GUEST_TEST_FATAL,  /* must end the machine by itself: not part of "all" */
    GUEST_TEST_SETUP,  /* no test: called before the first one; may keep what it allocates */
};

struct guest_test {
    const char *name;
    void (*run)(void);
    enum guest_test_kind kind;
};

/* The section holds pointers: no padding between them. */
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

/* Marks the running test as failed; the test continues, and its first failure is printed. Callers:
 * tests, any thread. */
void guest_test_fail(const char *file, int line, const char *format, ...) PRINTF_LIKE(3, 4);

/* True if the running test has not failed so far. */
bool guest_test_passed(void);

/* Runs the tests that test= selects and ends the machine with status 0 if all passed, 1 if one
 * failed, 125 if there is no such test. Callers: the first thread, before memory_end_boot() and
 * before anything else has started. */
NORETURN void guest_tests_run(const char *wanted);
