/* SPDX-License-Identifier: MIT */
/* kern/time.c with a simulated clock, against a model: an array of deadlines. */
#include "kern/time.h"

#include "cpu/apic.h"
#include "cpu/tsc.h"
#include "kern/time_init.h"
#include "../shadow/linux/cpu/irq.h"
#include "unit.h"

#include <stdlib.h>

int native_irq_depth;

static uint64_t now;      /* the TSC, in ns */
static uint64_t armed_at; /* time of the hardware's next interrupt; UINT64_MAX: never */
static trap_handler interrupt;

uint64_t tsc_to_ns(uint64_t cycles)
{
    (void)cycles;
    return now;
}

uint64_t tsc_hz(void)
{
    return NS_PER_SECOND;
}

void tsc_refine(void)
{
}

static unsigned realtime_changes;

void time_realtime_changed(void)
{
    realtime_changes++;
}

void apic_timer_arm(uint64_t ns)
{
    armed_at = now + ns;
}

void apic_timer_disarm(void)
{
    armed_at = UINT64_MAX;
}

void apic_eoi(void)
{
}

bool trap_from_program(const struct trap_frame *frame)
{
    return frame == NULL;
}

trap_handler trap_set_handler(unsigned vector, trap_handler handler)
{
    assert_int_equal(vector, VECTOR_TIMER);
    interrupt = handler;
    return NULL;
}

#define TIMERS 24

static struct timer timers[TIMERS];
static uint64_t deadline[TIMERS]; /* the model; UINT64_MAX: not armed */
static unsigned fired;
static uint64_t last_deadline;

static void on_fire(struct timer *timer)
{
    size_t i = (size_t)(timer - timers);
    assert_int_equal(timer->deadline_ns, deadline[i]);
    assert_true(deadline[i] <= now);
    assert_true(deadline[i] >= last_deadline); /* in order */
    assert_false(timer->armed);
    last_deadline = deadline[i];
    deadline[i] = UINT64_MAX;
    fired++;
    if (rand() % 6 == 0) { /* a handler may arm its own timer or another */
        size_t next = rand() % 2 ? i : (size_t)rand() % TIMERS;
        deadline[next] = now + 1 + (uint64_t)(rand() % 50);
        timer_start(&timers[next], deadline[next]);
    }
}

static uint64_t first_deadline(void)
{
    uint64_t first = UINT64_MAX;
    for (size_t i = 0; i < TIMERS; i++)
        if (deadline[i] < first)
            first = deadline[i];
    return first;
}

/* Advances the clock to `until`, with every interrupt that was armed. */
static void pass(uint64_t until)
{
    while (armed_at <= until) {
        now = armed_at > now ? armed_at : now;
        armed_at = UINT64_MAX; /* one-shot */
        last_deadline = 0;
        interrupt(NULL);
    }
    now = until;
}

static void check(void)
{
    assert_int_equal(native_irq_depth, 0);
    for (size_t i = 0; i < TIMERS; i++)
        assert_int_equal(timers[i].armed, deadline[i] != UINT64_MAX);
    uint64_t first = first_deadline();
    if (first == UINT64_MAX)
        assert_true(armed_at == UINT64_MAX || fired > 0);
    else
        assert_true(armed_at <= (first > now ? first : now));
}

static void test_random_timers_fire_on_time(void **state)
{
    (void)state;
    srand(9);
    now = 1000;
    armed_at = UINT64_MAX;
    time_init(0, 5 * NS_PER_SECOND);
    for (size_t i = 0; i < TIMERS; i++) {
        timer_init(&timers[i], on_fire);
        deadline[i] = UINT64_MAX;
    }
    for (int step = 0; step < 100000; step++) {
        size_t i = (size_t)rand() % TIMERS;
        switch (rand() % 3) {
        case 0:
            deadline[i] = now + (uint64_t)(rand() % 300);
            if (rand() % 10 == 0) /* in the past */
                deadline[i] = now - (uint64_t)(rand() % 100);
            timer_start(&timers[i], deadline[i]);
            break;
        case 1:
            deadline[i] = UINT64_MAX;
            timer_cancel(&timers[i]);
            break;
        default:
            pass(now + (uint64_t)(rand() % 60));
            assert_true(first_deadline() > now);
        }
        check();
    }
    assert_true(fired > 10000);
}

static void test_realtime_follows_the_clock(void **state)
{
    (void)state;
    now = 1000;
    time_init(0, 5 * NS_PER_SECOND);
    assert_int_equal(time_realtime_ns(), 5 * NS_PER_SECOND);
    now += 17;
    assert_int_equal(time_now_ns(), 1017);
    assert_int_equal(time_realtime_ns(), 5 * NS_PER_SECOND + 17);
    time_correct_realtime_ns(6 * NS_PER_SECOND);
    assert_int_equal(time_realtime_ns(), 6 * NS_PER_SECOND);
    assert_int_equal(realtime_changes, 1);
    time_set_realtime_ns(3);
    assert_int_equal(time_realtime_ns(), 3);
    assert_int_equal(realtime_changes, 2);
    time_correct_realtime_ns(7 * NS_PER_SECOND); /* what the program has set stays */
    assert_int_equal(time_realtime_ns(), 3);
    assert_int_equal(time_now_ns(), 1017);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_realtime_follows_the_clock),
        cmocka_unit_test(test_random_timers_fire_on_time),
    };
    return RUN_TESTS(tests);
}
