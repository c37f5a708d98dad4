/* SPDX-License-Identifier: MIT */
#include "boot/guest_test.h"

#include "base/fmt.h"
#include "base/sections.h"
#include "base/str.h"
#include "diag/panic.h"
#include "kern/console.h"
#include "kern/machine.h"
#include "kern/thread.h"
#include "kern/time_init.h"
#include "mm/heap/heap.h"
#include "mm/init/memory.h"
#include "mm/phys/frames.h"
#include "mm/pt/paging.h"

#define LL(x) ((unsigned long long)(x))

static char wanted_name[64]; /* a copy: the command line is boot memory */
static char failure[200];    /* of the running test; "": none so far */

static const struct guest_test *const *first_test(void)
{
    return (const struct guest_test *const *)(const void *)guest_tests_start;
}

static size_t test_count(void)
{
    return (virt_of(guest_tests_end).v - virt_of(guest_tests_start).v) / sizeof(void *);
}

static PRINTF_LIKE(1, 2) void test_print(const char *format, ...)
{
    char line[320];
    va_list args;
    va_start(args, format);
    size_t length = fmt_vsnprintf(line, sizeof line, format, args);
    va_end(args);
    console_write(CONSOLE_STDOUT, line, length < sizeof line ? length : sizeof line - 1);
}

void guest_test_fail(const char *file, int line, const char *format, ...)
{
    if (failure[0] != '\0')
        return;
    const char *base = strrchr(file, '/');
    va_list args;
    va_start(args, format);
    size_t length = fmt_vsnprintf(failure, sizeof failure, format, args);
    va_end(args);
    if (length < sizeof failure)
        fmt_snprintf(failure + length, sizeof failure - length, ", %s:%d",
                     base != NULL ? base + 1 : file, line);
}

bool guest_test_passed(void)
{
    return failure[0] == '\0';
}

static bool is_wanted(const struct guest_test *test)
{
    if (test->kind == GUEST_TEST_SETUP)
        return false;
    if (strcmp(wanted_name, "all") == 0)
        return test->kind != GUEST_TEST_FATAL;
    return strcmp(wanted_name, test->name) == 0;
}

static uint64_t free_frames(void)
{
    struct memory_totals memory;
    memory_totals(&memory);
    return (memory.free + memory.overhead) >> PAGE_SHIFT;
}

/* Runs a test; false if it failed. */
static bool guest_test_run(const struct guest_test *test)
{
    kernel_lock_assert();
    failure[0] = '\0';
    thread_trim();
    heap_trim();
    paging_trim(running_space);
    uint64_t frames = free_frames(), heap = heap_used();
    test->run();
    thread_trim();
    if (heap_used() != heap)
        guest_test_fail(__FILE__, __LINE__, "heap in use: %llu bytes before, %llu after", LL(heap),
                        LL(heap_used()));
    heap_trim();
    paging_trim(running_space);
    if (free_frames() != frames)
        guest_test_fail(__FILE__, __LINE__, "free frames: %llu before, %llu after", LL(frames),
                        LL(free_frames()));
    frames_check(&machine_frames);
    if (test->kind == GUEST_TEST_FATAL)
        guest_test_fail(__FILE__, __LINE__, "the machine went on");
    if (failure[0] == '\0')
        test_print("ok %s\n", test->name);
    else
        test_print("FAIL %s: %s\n", test->name, failure);
    return failure[0] == '\0';
}

static size_t run_kind(enum guest_test_kind kind, bool *passed)
{
    size_t ran = 0;
    for (size_t i = 0; i < test_count(); i++) {
        const struct guest_test *test = first_test()[i];
        if (test->kind != kind || !is_wanted(test))
            continue;
        *passed = guest_test_run(test) && *passed;
        ran++;
    }
    return ran;
}

static bool any_wanted(enum guest_test_kind kind)
{
    for (size_t i = 0; i < test_count(); i++)
        if (first_test()[i]->kind == kind && is_wanted(first_test()[i]))
            return true;
    return false;
}

NORETURN static void guest_test_list(void)
{
    for (size_t i = 0; i < test_count(); i++)
        if (first_test()[i]->kind != GUEST_TEST_SETUP)
            test_print("%s\n", first_test()[i]->name);
    machine_exit(0);
}

NORETURN void guest_tests_run(const char *wanted)
{
    bool passed = true;
    if (test_count() == 0)
        boot_stop("test=%s: this kernel has no tests in it; boot ouro-test.elf", wanted);
    str_copy(wanted_name, wanted, sizeof wanted_name);
    if (strcmp(wanted_name, "list") == 0)
        guest_test_list();
    time_refine();
    for (size_t i = 0; i < test_count(); i++)
        if (first_test()[i]->kind == GUEST_TEST_SETUP)
            first_test()[i]->run();
    size_t ran = run_kind(GUEST_TEST_PLAIN, &passed) + run_kind(GUEST_TEST_FATAL, &passed);
    if (any_wanted(GUEST_TEST_SEALED)) {
        memory_end_boot();
        ran += run_kind(GUEST_TEST_SEALED, &passed);
    }
    if (ran == 0)
        boot_stop("test=%s: there is no such test; test=list names those there are", wanted_name);
    machine_exit(passed ? 0 : 1);
}
