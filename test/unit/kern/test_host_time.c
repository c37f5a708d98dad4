/* SPDX-License-Identifier: MIT */
#include "kern/host_time.h"

#include "kern/console.h"
#include "kern/time.h"
#include "unit.h"

#include <string.h>

static uint64_t now, corrected;
static unsigned asked;

uint64_t time_now_ns(void)
{
    return now;
}

void time_correct_realtime_ns(uint64_t to)
{
    corrected = to;
}

void console_tell_host(const char *line)
{
    assert_string_equal(line, "time?");
    asked++;
}

/* The bytes after FRAME_TIME; returns how many of them were taken. */
static size_t answer(const char *text)
{
    size_t taken = 0;
    host_time_begin();
    while (host_time_take((uint8_t)text[taken++]))
        ;
    return taken;
}

static uint64_t ask_and_answer(uint64_t after_ns, const char *text)
{
    corrected = 0;
    now = 5000000;
    host_time_ask();
    now += after_ns;
    assert_int_equal(answer(text), strlen(text));
    return corrected;
}

static void test_middle_between_question_and_answer(void **state)
{
    (void)state;
    assert_int_equal(ask_and_answer(0, "1795957701927910414\n"), 1795957701927910414);
    assert_int_equal(ask_and_answer(3000, "1795957701927910414\n"), 1795957701927911914);
    assert_int_equal(asked, 2);
}

static void test_answers_that_are_none(void **state)
{
    (void)state;
    assert_int_equal(ask_and_answer(1, "\n"), 0);
    assert_int_equal(ask_and_answer(1, "12x"), 0);
    assert_int_equal(ask_and_answer(1, "-"), 0);
    assert_int_equal(ask_and_answer(1, "17959577019279104140"), 0);  /* too many digits */
    assert_int_equal(ask_and_answer(1, "9223372036854775808\n"), 0); /* 2^63 */
    assert_int_equal(ask_and_answer(1, "9223372036854775807\n"), 9223372036854775807);
    assert_int_equal(ask_and_answer(2000000000, "1795957701927910414\n"), 0); /* too late */
}

static void test_answer_that_was_not_asked_for(void **state)
{
    (void)state;
    assert_int_equal(ask_and_answer(1, "1000\n"), 1000);
    corrected = 0;
    answer("2000\n");
    assert_int_equal(corrected, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_middle_between_question_and_answer),
        cmocka_unit_test(test_answers_that_are_none),
        cmocka_unit_test(test_answer_that_was_not_asked_for),
    };
    return RUN_TESTS(tests);
}
