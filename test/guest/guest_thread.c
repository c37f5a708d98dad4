/* SPDX-License-Identifier: MIT */
/* Threads, wait queues, timers, clocks. Times are lower bounds and hang detectors, never targets. */
#include "guest.h"

#include "cpu/irq.h"
#include "kern/deferred.h"
#include "kern/wait.h"
#include "kern/thread.h"
#include "kern/time.h"

#define MS UINT64_C(1000000)

static struct wait_queue queue;
static volatile unsigned started, finished;
static volatile bool gate;

static void count_and_wait(void *argument) REQUIRES(kernel_lock)
{
    unsigned rounds = *(const unsigned *)argument;
    started++;
    for (unsigned i = 0; i < rounds; i++)
        thread_yield();
    CHECK_EQUAL(WAIT_EVENT(&queue, gate, NO_DEADLINE), E_OK);
    finished++;
}

static struct thread *start(const char *name, void (*function)(void *), void *argument)
    REQUIRES(kernel_lock)
{
    struct thread *thread = NULL;
    CHECK_EQUAL(thread_create(name, function, argument, &thread), E_OK);
    return thread;
}

/* Waits until all threads have ended. The last one is freed by the thread that runs after it. */
static void let_all_end(unsigned threads) REQUIRES(kernel_lock)
{
    CHECK(GUEST_WAIT(finished == threads, 20000));
    thread_yield();
    thread_yield();
}

GUEST_TEST(test_fifty_threads)
{
    enum {
        THREADS = 50
    };
    static unsigned rounds[THREADS];
    wait_queue_init(&queue);
    gate = false;
    started = finished = 0;
    for (unsigned i = 0; i < THREADS; i++) {
        rounds[i] = i % 10;
        start("counter", count_and_wait, &rounds[i]);
    }
    CHECK_EQUAL(started, 0); /* a new thread does not run at once */
    CHECK(GUEST_WAIT(started == THREADS, 20000));
    for (unsigned i = 0; i < 20; i++)
        thread_yield();
    CHECK_EQUAL(finished, 0);
    gate = true;
    wait_queue_wake(&queue);
    let_all_end(THREADS);
}

/* Runnable threads run in turn, in the order in which they became runnable. */
static volatile char order[16];
static volatile unsigned order_length;

static void write_letter(void *argument) REQUIRES(kernel_lock)
{
    for (unsigned i = 0; i < 4; i++) {
        order[order_length++] = *(const char *)argument;
        thread_yield();
    }
    finished++;
}

GUEST_TEST(test_threads_take_turns_in_order)
{
    static char letters[] = {'a', 'b', 'c'};
    static const char expected[] = "abcabcabcabc";
    finished = order_length = 0;
    for (unsigned i = 0; i < 3; i++)
        start("letters", write_letter, &letters[i]);
    let_all_end(3);
    CHECK_EQUAL(order_length, 12);
    for (unsigned i = 0; i < 12; i++)
        CHECK_EQUAL(order[i], expected[i]);
}

/* Kernel code is not preempted, even after the end of its slice. */
GUEST_TEST(test_preempt_kernel_thread)
{
    static unsigned no_rounds;
    wait_queue_init(&queue);
    gate = true;
    started = finished = 0;
    start("other", count_and_wait, &no_rounds);
    /* On a busy computer QEMU delivers the timer's interrupt late. */
    uint64_t start_ns = time_now_ns(), passed;
    do
        passed = time_now_ns() - start_ns;
    while (passed < 30 * MS || (passed < 10000 * MS && !thread_slice_over()));
    CHECK(thread_slice_over());
    CHECK_EQUAL(started, 0);
    thread_preempt();
    CHECK_EQUAL(started, 1);
    let_all_end(1);
}

static enum err sleep_until(uint64_t deadline) REQUIRES(kernel_lock)
{
    uint64_t flags = sched_lock();
    enum err e = wait_queue_sleep(&queue, deadline, false);
    sched_unlock(flags);
    return e;
}

GUEST_TEST(test_sleep_ends_at_its_deadline)
{
    wait_queue_init(&queue);
    for (uint64_t ms = 1; ms <= 20; ms *= 3) {
        uint64_t deadline = time_now_ns() + ms * MS;
        CHECK_EQUAL(sleep_until(deadline), E_TIMEDOUT);
        CHECK(time_now_ns() >= deadline);
        CHECK(time_now_ns() < deadline + 5000 * MS);
    }
    CHECK_EQUAL(sleep_until(0), E_TIMEDOUT);
    CHECK_EQUAL(sleep_until(time_now_ns()), E_TIMEDOUT);
    CHECK_EQUAL(WAIT_EVENT(&queue, true, 0), E_OK);
    CHECK_EQUAL(WAIT_EVENT(&queue, false, 1), E_TIMEDOUT);
}

static void wake_soon(void *argument) REQUIRES(kernel_lock)
{
    (void)argument;
    uint64_t end = time_now_ns() + 3 * MS;
    while (time_now_ns() < end)
        thread_yield();
    gate = true;
    wait_queue_wake(&queue);
    finished++;
}

GUEST_TEST(test_wake_before_timeout)
{
    wait_queue_init(&queue);
    gate = false;
    finished = 0;
    uint64_t deadline = time_now_ns() + 60000 * MS;
    start("waker", wake_soon, NULL);
    CHECK_EQUAL(WAIT_EVENT(&queue, gate, deadline), E_OK);
    CHECK(time_now_ns() < deadline);
    CHECK(!thread_current()->sleep_timer.armed);
    let_all_end(1);
}

static void interrupt_main(void *argument)
{
    thread_wake_for_signal(argument);
    finished++;
}

GUEST_TEST(test_signal_ends_sleep)
{
    wait_queue_init(&queue);
    finished = 0;
    start("signaller", interrupt_main, thread_current());
    CHECK_EQUAL(sleep_until(NO_DEADLINE), E_INTR);
    CHECK(list_empty(&queue.all));
    let_all_end(1);
    thread_current()->signal_pending = true;
    CHECK_EQUAL(sleep_until(NO_DEADLINE), E_INTR);
    thread_current()->signal_pending = false;
    thread_wake_for_signal(thread_current()); /* no effect on a running thread */
    CHECK_EQUAL(sleep_until(time_now_ns() + MS), E_TIMEDOUT);
}

/* A signal and the event both come before the thread runs: the event is reported. */
static void event_and_signal(void *argument) REQUIRES(kernel_lock)
{
    struct thread *sleeper = argument;
    sleeper->signal_pending = true;
    thread_wake_for_signal(sleeper);
    gate = true;
    wait_queue_wake(&queue);
    finished++;
}

GUEST_TEST(test_event_beats_signal_and_time)
{
    wait_queue_init(&queue);
    gate = false;
    finished = 0;
    start("both", event_and_signal, thread_current());
    CHECK_EQUAL(WAIT_EVENT(&queue, gate, NO_DEADLINE), E_OK);
    thread_current()->signal_pending = false;
    let_all_end(1);
    thread_current()->signal_pending = true;
    CHECK_EQUAL(WAIT_EVENT(&queue, gate, 0), E_OK);
    gate = false;
    CHECK_EQUAL(WAIT_EVENT(&queue, gate, NO_DEADLINE), E_INTR);
    thread_current()->signal_pending = false;
    CHECK_EQUAL(WAIT_EVENT(&queue, gate, 1), E_TIMEDOUT);
}

/* Threads that wait for something that serves one. */
static volatile unsigned pieces;

static void take_piece(void *argument) REQUIRES(kernel_lock)
{
    (void)argument;
    started++;
    CHECK_EQUAL(WAIT_EVENT_IN(&queue, pieces > 0, NO_DEADLINE, true), E_OK);
    pieces--;
    finished++;
}

GUEST_TEST(test_wake_wakes_one_of_those_who_share)
{
    enum {
        TAKERS = 8
    };
    wait_queue_init(&queue);
    started = finished = pieces = 0;
    for (unsigned i = 0; i < TAKERS; i++)
        start("taker", take_piece, NULL);
    CHECK(GUEST_WAIT(started == TAKERS, 20000));
    for (unsigned i = 0; i < TAKERS; i++) {
        pieces++;
        uint64_t switches = thread_switch_count();
        wait_queue_wake(&queue);
        CHECK(GUEST_WAIT(finished == i + 1, 20000));
        CHECK(thread_switch_count() - switches < TAKERS); /* the others slept on */
    }
    let_all_end(TAKERS);
}

/* ---- timers ---- */

#define TIMERS 8

static struct timer timers[TIMERS];
static volatile unsigned fired[TIMERS * 2], fired_count;

static void on_timer(struct timer *timer)
{
    uint64_t flags = irq_save();
    CHECK(!(flags & RFLAGS_IF));
    CHECK(time_now_ns() >= timer->deadline_ns);
    CHECK(!timer->armed);
    if (fired_count < ARRAY_LENGTH(fired))
        fired[fired_count++] = (unsigned)(timer - timers);
}

static void init_timers(void)
{
    fired_count = 0;
    for (unsigned i = 0; i < TIMERS; i++)
        timer_init(&timers[i], on_timer);
}

GUEST_TEST(test_timers_in_order)
{
    static const uint8_t delays[TIMERS] = {9, 3, 7, 1, 12, 5, 3, 10};
    static const uint8_t expected[TIMERS] = {3, 1, 6, 5, 2, 0, 7, 4};
    init_timers();
    uint64_t flags = irq_save(); /* on a slow host one must not fire before the next is armed */
    uint64_t now = time_now_ns();
    for (unsigned i = 0; i < TIMERS; i++)
        timer_start(&timers[i], now + delays[i] * MS);
    irq_restore(flags);
    CHECK(GUEST_WAIT(fired_count == TIMERS, 20000));
    for (unsigned i = 0; i < TIMERS; i++)
        CHECK_EQUAL(fired[i], expected[i]);
}

GUEST_TEST(test_no_cancelled_timer_fires)
{
    init_timers();
    uint64_t flags = irq_save();
    uint64_t now = time_now_ns();
    timer_start(&timers[0], now + 2 * MS);
    timer_start(&timers[1], now + 4 * MS);
    timer_start(&timers[2], now + 6 * MS);
    timer_cancel(&timers[0]);
    timer_cancel(&timers[1]);
    timer_cancel(&timers[1]);
    timer_cancel(&timers[5]); /* never started */
    irq_restore(flags);
    CHECK(GUEST_WAIT(fired_count > 0, 20000));
    CHECK_EQUAL(fired_count, 1);
    CHECK_EQUAL(fired[0], 2);
}

GUEST_TEST(test_restarted_timer_fires_at_its_new_time)
{
    init_timers();
    uint64_t flags = irq_save();
    uint64_t now = time_now_ns();
    timer_start(&timers[0], now + 60000 * MS);
    timer_start(&timers[1], now + 5 * MS);
    timer_start(&timers[0], now + 2 * MS);
    irq_restore(flags);
    CHECK(GUEST_WAIT(fired_count == 2, 20000));
    CHECK_EQUAL(fired[0], 0);
    CHECK_EQUAL(fired[1], 1);
    timer_start(&timers[3], 0); /* long past */
    CHECK(GUEST_WAIT(fired_count == 3, 20000));
    CHECK_EQUAL(fired[2], 3);
}

GUEST_TEST(test_no_clock_goes_back)
{
    uint64_t last = time_now_ns(), first = last, backwards = 0;
    for (unsigned i = 0; i < 50000; i++) {
        uint64_t now = time_now_ns();
        backwards += now < last;
        last = now;
    }
    CHECK_EQUAL(backwards, 0);
    CHECK(last > first);
    uint64_t realtime = time_realtime_ns();
    CHECK(realtime > UINT64_C(1700000000) * NS_PER_SECOND); /* 2023: the RTC was read */
    time_set_realtime_ns(1000 * NS_PER_SECOND);
    CHECK(time_realtime_ns() >= 1000 * NS_PER_SECOND && time_realtime_ns() < 1010 * NS_PER_SECOND);
    time_set_realtime_ns(realtime);
}

/* CPU time counts work and not sleep, even if no other thread is runnable. */
GUEST_TEST(test_cpu_time_counts_work_not_sleep)
{
    uint64_t before = thread_cpu_ns(thread_current());
    uint64_t end = time_now_ns() + 5 * MS;
    while (time_now_ns() < end)
        ;
    uint64_t busy = thread_cpu_ns(thread_current());
    CHECK(busy >= before + 5 * MS);
    wait_queue_init(&queue);
    CHECK_EQUAL(sleep_until(time_now_ns() + 300 * MS), E_TIMEDOUT);
    uint64_t slept = thread_cpu_ns(thread_current());
    CHECK(slept >= busy);
    CHECK(slept < busy + 200 * MS);
}

/* A thread's CPU time does not advance while others run. */
static void work(void *argument)
{
    (void)argument;
    uint64_t end = time_now_ns() + 300 * MS;
    while (time_now_ns() < end)
        ;
    CHECK(thread_cpu_ns(thread_current()) >= 300 * MS);
    finished++;
}

GUEST_TEST(test_cpu_time_of_others)
{
    finished = 0;
    uint64_t before = thread_cpu_ns(thread_current());
    start("worker", work, NULL);
    let_all_end(1);
    CHECK(thread_cpu_ns(thread_current()) < before + 200 * MS);
}

static struct deferred raised_work;
static struct timer work_timer;
static volatile unsigned work_runs;
static volatile bool work_interrupts;

static void work_run(struct deferred *d)
{
    work_runs++;
    uint64_t flags = irq_save();
    irq_restore(flags);
    work_interrupts = (flags & RFLAGS_IF) != 0;
    if (work_runs == 2)
        deferred_raise(d); /* runs again, not now */
    gate = true;
    wait_queue_wake_all(&queue);
}

static void work_wanted(struct timer *timer)
{
    (void)timer;
    deferred_raise(&raised_work);
    deferred_raise(&raised_work);
}

/* An interrupt raises work: an idle CPU does it at once, a busy one at a preemption point; twice raised is done once. */
GUEST_TEST(test_deferred_work)
{
    wait_queue_init(&queue);
    deferred_init(&raised_work, work_run);
    timer_init(&work_timer, work_wanted);
    work_runs = 0;
    gate = false;
    timer_start(&work_timer, time_now_ns() + MS);
    CHECK_EQUAL(WAIT_EVENT(&queue, gate, NO_DEADLINE), E_OK);
    CHECK_EQUAL(work_runs, 1);
    CHECK(work_interrupts);

    timer_start(&work_timer, time_now_ns());
    CHECK(GUEST_WAIT(thread_slice_over(), 20000));
    CHECK_EQUAL(work_runs, 1);
    thread_give_way();
    CHECK_EQUAL(work_runs, 2);
    thread_give_way();
    CHECK_EQUAL(work_runs, 3);
    CHECK(!thread_slice_over());
}
