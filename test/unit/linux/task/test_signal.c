/* SPDX-License-Identifier: MIT */
/* Sending and delivery of signals, in a simulated process of two threads. */
#include "linux/task/signal.h"

#include "cpu/percpu.h"
#include "kern/thread.h"
#include "linux/task/process.h"
#include "mm/vm/usercopy.h"
#include "native.h"
#include "unit.h"

#include <asm/prctl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define HANDLER UINT64_C(0x401000)

int native_irq_depth;

static struct process process;
static struct thread thread, other_thread; /* `thread` is the group leader and the first caller */
static struct linux_thread state_of_thread, state_of_other;
static unsigned wakes, other_wakes;

/* Linux programs do not use GS: thread_current() works as in the kernel. */
static void become(struct thread *caller)
{
    static struct percpu cpu;
    cpu.current = caller;
    assert_int_equal(syscall(SYS_arch_prctl, ARCH_SET_GS, &cpu), 0);
}

void process_continue(struct process *p)
{
    p->stopped = 0;
}

void thread_wake_for_signal(struct thread *t)
{
    assert_true(t == &thread || t == &other_thread);
    *(t == &thread ? &wakes : &other_wakes) += 1;
}

void wait_queue_wake(struct wait_queue *queue)
{
    (void)queue;
}

enum err copy_in(void *to, virt_t from, size_t size)
{
    memcpy(to, ptr_of(from), size);
    return E_OK;
}

static int setup(void **state)
{
    (void)state;
    memset(&process, 0, sizeof process);
    signal_pending_init(&process.pending);
    list_init(&process.threads);
    process.leader = &state_of_thread;
    process.rlimits[RLIMIT_SIGPENDING].soft = 5;
    struct linux_thread *all[] = {&state_of_thread, &state_of_other};
    struct thread *threads[] = {&thread, &other_thread};
    for (int i = 0; i < 2; i++) {
        memset(all[i], 0, sizeof *all[i]);
        *threads[i] = (struct thread){.linux_thread = all[i], .state = THREAD_RUNNABLE};
        all[i]->thread = threads[i];
        all[i]->process = &process;
        signal_pending_init(&all[i]->pending);
    }
    list_add_tail(&process.threads, &state_of_thread.link);
    become(&thread);
    wakes = other_wakes = 0;
    return 0;
}

/* Adds the second thread: most tests have a process with one thread. */
static void start_other(void)
{
    list_add_head(&process.threads, &state_of_other.link);
}

static int teardown(void **state)
{
    (void)state;
    struct siginfo info;
    become(&thread);
    while (signal_take(UINT64_MAX, &info))
        ;
    assert_int_equal(native_irq_depth, 0);
    assert_int_equal(native_heap_live(), 0);
    return 0;
}

static void set_state(struct thread *t, enum thread_state to) NO_LOCK_ANALYSIS
{
    t->state = to;
}

static void handle(int signal)
{
    const struct signal_action action = {.handler = HANDLER};
    signal_set_action(signal, &action);
}

static enum err send_to(struct linux_thread *lt, int signal, int value)
{
    struct siginfo info = {.signal = signal, .code = SI_QUEUE};
    struct signal_target to = {.process = &process, .thread = lt};
    info.user.value = (uint64_t)value;
    return signal_send(&to, &info);
}

static enum err send(int signal, int value)
{
    return send_to(NULL, signal, value);
}

static void expect(int signal, int value)
{
    struct siginfo info;
    assert_true(signal_take(~signal_blocked(), &info));
    assert_int_equal(info.signal, signal);
    assert_int_equal(info.user.value, value);
}

static void expect_nothing(void)
{
    struct siginfo info;
    assert_false(signal_take(~signal_blocked(), &info));
    assert_false(thread_current()->signal_pending);
}

static void test_standard_signals_do_not_queue(void **state)
{
    (void)state;
    handle(SIGNAL_USR1);
    assert_int_equal(send(SIGNAL_USR1, 1), E_OK);
    assert_int_equal(send(SIGNAL_USR1, 2), E_OK);
    assert_true(thread.signal_pending);
    assert_int_equal(wakes, 1);
    expect(SIGNAL_USR1, 1);
    expect_nothing();
}

static void test_realtime_signals_queue_in_order(void **state)
{
    (void)state;
    handle(40);
    handle(35);
    for (int i = 0; i < 3; i++)
        assert_int_equal(send(40, i), E_OK);
    assert_int_equal(send(35, 7), E_OK);
    assert_int_equal(send(36, 8), E_OK); /* default action: queued, too */
    expect(35, 7);
    expect(36, 8);
    for (int i = 0; i < 3; i++)
        expect(40, i);
    expect_nothing();
}

static void test_queue_is_limited(void **state)
{
    (void)state;
    handle(40);
    for (int i = 0; i < 5; i++)
        assert_int_equal(send(40, i), E_OK);
    assert_int_equal(send(40, 5), E_AGAIN);
    assert_int_equal(send(SIGNAL_TERM, 0), E_OK);
    expect(SIGNAL_TERM, 0);
    expect(40, 0);
    assert_int_equal(send(40, 6), E_OK);
}

static void test_no_memory_refuses_queued_signals(void **state)
{
    (void)state;
    native_heap_fail_after(0);
    assert_int_equal(send(40, 0), E_AGAIN);
    assert_int_equal(send(SIGNAL_USR2, 3), E_OK);
    native_heap_fail_after(-1);
    expect(SIGNAL_USR2, 3);
}

static void test_own_faults_come_first(void **state)
{
    (void)state;
    assert_int_equal(send(SIGNAL_HUP, 1), E_OK);
    assert_int_equal(send(SIGNAL_SEGV, 2), E_OK);
    expect(SIGNAL_SEGV, 2);
    expect(SIGNAL_HUP, 1);
}

static void test_ignored_is_dropped_unless_blocked(void **state)
{
    (void)state;
    const struct signal_action ignore = {.handler = SIG_IGN};
    signal_set_action(SIGNAL_TERM, &ignore);
    assert_int_equal(send(SIGNAL_TERM, 0), E_OK);
    assert_int_equal(send(SIGNAL_CHLD, 0), E_OK);
    expect_nothing();
    signal_set_blocked(SIGNAL_SET(SIGNAL_TERM) | SIGNAL_SET(SIGNAL_CHLD));
    assert_int_equal(send(SIGNAL_TERM, 0), E_OK);
    assert_int_equal(send(SIGNAL_CHLD, 0), E_OK);
    assert_int_equal(signal_pending_set(), SIGNAL_SET(SIGNAL_TERM) | SIGNAL_SET(SIGNAL_CHLD));
    expect_nothing();
    /* Ignoring a signal drops it if it is pending. */
    signal_set_action(SIGNAL_TERM, &ignore);
    signal_set_action(SIGNAL_CHLD, &(struct signal_action){0});
    assert_int_equal(signal_pending_set(), 0);
}

static void test_dropping_frees_the_queue(void **state)
{
    (void)state;
    handle(40);
    signal_set_blocked(signal_bit(40));
    assert_int_equal(send(40, 1), E_OK);
    assert_int_equal(send(40, 2), E_OK);
    signal_set_action(40, &(struct signal_action){.handler = SIG_IGN});
    assert_int_equal(native_heap_live(), 0);
    assert_int_equal(process.pending.queued, 0);
}

static void test_blocked_signals_wait(void **state)
{
    (void)state;
    handle(SIGNAL_USR1);
    signal_set_blocked(UINT64_MAX);
    assert_int_equal(signal_blocked(), ~SIGNAL_SET_UNMASKED);
    assert_int_equal(send(SIGNAL_USR1, 4), E_OK);
    assert_false(thread.signal_pending);
    assert_int_equal(wakes, 0);
    signal_set_blocked(0);
    assert_true(thread.signal_pending);
    expect(SIGNAL_USR1, 4);
}

static void test_stop_and_continue_undo_each_other(void **state)
{
    (void)state;
    handle(SIGNAL_CONT);
    handle(SIGNAL_TSTP);
    assert_int_equal(send(SIGNAL_TSTP, 1), E_OK);
    assert_int_equal(send(SIGNAL_CONT, 2), E_OK);
    expect(SIGNAL_CONT, 2);
    expect_nothing();
    assert_int_equal(send(SIGNAL_CONT, 1), E_OK);
    assert_int_equal(send(SIGNAL_STOP, 2), E_OK);
    expect(SIGNAL_STOP, 2);
    expect_nothing();
}

static void test_wait_mask(void **state)
{
    (void)state;
    uint64_t open = 0;
    handle(SIGNAL_USR1);
    signal_set_blocked(SIGNAL_SET(SIGNAL_USR1));
    assert_int_equal(send(SIGNAL_USR1, 1), E_OK);
    assert_int_equal(signal_wait_mask_begin(virt_of(&open), 4), E_INVAL);
    assert_int_equal(signal_wait_mask_begin(virt_of(&open), 8), E_OK);
    assert_true(thread.signal_pending);
    signal_wait_mask_end(false);
    assert_false(thread.signal_pending);
    assert_int_equal(signal_blocked(), SIGNAL_SET(SIGNAL_USR1));
    /* On an interruption the old mask is kept for the handler's frame. */
    assert_int_equal(signal_wait_mask_begin(virt_of(&open), 8), E_OK);
    signal_wait_mask_end(true);
    assert_true(state_of_thread.mask_saved && thread.signal_pending);
    assert_int_equal(state_of_thread.saved_mask, SIGNAL_SET(SIGNAL_USR1));
    expect(SIGNAL_USR1, 1);
}

static unsigned taken_count;

static void taken(struct signal_entry *entry)
{
    entry->info.timer.overrun = 3;
    taken_count++;
}

/* A timer's entry is pending at most once, is not freed by delivery, and can be withdrawn. */
static void test_entries_of_timers(void **state)
{
    (void)state;
    struct signal_entry entry = {.info = {.signal = SIGNAL_ALRM, .code = SI_TIMER}, .taken = taken};
    struct siginfo info;
    struct signal_target to_process = {.process = &process};
    struct signal_target to_thread = {.process = &process, .thread = &state_of_thread};
    list_init(&entry.link);
    handle(SIGNAL_ALRM);
    assert_true(signal_send_entry(&to_process, &entry));
    assert_false(signal_send_entry(&to_process, &entry));
    assert_int_equal(process.pending.queued, 0);
    assert_true(signal_take(UINT64_MAX, &info));
    assert_int_equal(info.timer.overrun, 3);
    assert_int_equal(taken_count, 1);
    expect_nothing();
    assert_true(signal_send_entry(&to_thread, &entry));
    signal_entry_cancel(&entry);
    assert_int_equal(signal_pending_set(), 0);
    assert_true(list_empty(&entry.link));
}

static void test_exec_keeps_what_is_ignored(void **state)
{
    (void)state;
    uint64_t ignored, caught;
    handle(SIGNAL_USR1);
    signal_set_action(SIGNAL_INT, &(struct signal_action){.handler = SIG_IGN});
    signal_exec();
    signal_dispositions(process_current(), &ignored, &caught);
    assert_int_equal(ignored, SIGNAL_SET(SIGNAL_INT));
    assert_int_equal(caught, 0);
}

/* A signal to the process goes to the leader, unless it blocks the signal, else to another thread. */
static void test_choice_of_the_thread(void **state)
{
    (void)state;
    start_other();
    handle(SIGNAL_USR1);
    assert_int_equal(send(SIGNAL_USR1, 1), E_OK);
    assert_int_equal(wakes, 1);
    assert_int_equal(other_wakes, 0);
    expect(SIGNAL_USR1, 1);
    signal_set_blocked(SIGNAL_SET(SIGNAL_USR1));
    assert_int_equal(send(SIGNAL_USR1, 2), E_OK);
    assert_int_equal(wakes, 1);
    assert_int_equal(other_wakes, 1);
    assert_true(other_thread.signal_pending && !thread.signal_pending);
    become(&other_thread);
    expect(SIGNAL_USR1, 2);
    become(&thread);
    expect_nothing();
}

static void send_running_first(int signal)
{
    const struct siginfo info = {.signal = signal, .code = SI_KERNEL};
    const struct signal_target to = {.process = &process, .running_first = true};
    uint64_t irq = signal_lock();
    signal_send_standard(&to, &info);
    signal_unlock(irq);
}

/* A timer's signal goes to the running thread, if that takes it. */
static void test_running_first(void **state)
{
    (void)state;
    start_other();
    handle(SIGNAL_USR1);
    handle(SIGNAL_USR2);
    become(&other_thread);
    send_running_first(SIGNAL_USR1);
    assert_int_equal(other_wakes, 1);
    assert_int_equal(wakes, 0);
    signal_set_blocked(SIGNAL_SET(SIGNAL_USR2));
    send_running_first(SIGNAL_USR2);
    assert_int_equal(wakes, 1);
    become(&thread);
    expect(SIGNAL_USR1, 0);
    expect(SIGNAL_USR2, 0);
    expect_nothing();
}

/* An idle CPU's last thread is not running: the leader is chosen. */
static void test_running_first_while_idle(void **state)
{
    (void)state;
    start_other();
    handle(SIGNAL_USR1);
    become(&other_thread);
    set_state(&other_thread, THREAD_ASLEEP);
    send_running_first(SIGNAL_USR1);
    assert_int_equal(wakes, 1);
    assert_int_equal(other_wakes, 0);
    become(&thread);
    expect(SIGNAL_USR1, 0);
}

/* A leader that has not yet taken a signal, perhaps because it is starved, is not given another. */
static void test_a_thread_with_a_signal_gets_no_second(void **state)
{
    (void)state;
    start_other();
    handle(SIGNAL_USR1);
    handle(SIGNAL_USR2);
    become(&other_thread);
    assert_int_equal(send(SIGNAL_USR1, 1), E_OK);
    assert_int_equal(send(SIGNAL_USR2, 2), E_OK);
    assert_int_equal(wakes, 1);
    assert_int_equal(other_wakes, 1);
    expect(SIGNAL_USR1, 1);
    expect(SIGNAL_USR2, 2);
}

/* If the chosen thread blocks the signal or ends before delivery, another thread is woken. */
static void test_signal_is_passed_to_a_thread_that_takes_it(void **state)
{
    (void)state;
    start_other();
    handle(SIGNAL_USR1);
    handle(SIGNAL_USR2);
    assert_int_equal(send(SIGNAL_USR1, 1), E_OK);
    signal_set_blocked(SIGNAL_SET(SIGNAL_USR1));
    assert_int_equal(other_wakes, 1);
    assert_true(other_thread.signal_pending && !thread.signal_pending);
    other_thread.signal_pending = false;
    assert_int_equal(send(SIGNAL_USR2, 2), E_OK); /* goes to the leader */
    list_remove(&state_of_thread.link);
    signal_thread_ended(&state_of_thread);
    assert_int_equal(other_wakes, 2);
    become(&other_thread);
    expect(SIGNAL_USR1, 1);
    expect(SIGNAL_USR2, 2);
    expect_nothing();
}

static void test_to_one_thread_only(void **state)
{
    (void)state;
    start_other();
    handle(40);
    assert_int_equal(send_to(&state_of_other, 40, 1), E_OK);
    assert_int_equal(send_to(&state_of_other, 40, 2), E_OK);
    assert_int_equal(wakes, 0);
    expect_nothing();
    become(&other_thread);
    expect(40, 1);
    become(&thread);
    /* The thread ends while one signal is pending. */
    list_remove(&state_of_other.link);
    signal_thread_ended(&state_of_other);
    assert_int_equal(native_heap_live(), 0);
    state_of_other.thread = NULL; /* signals to an ended leader succeed and are dropped */
    assert_int_equal(send_to(&state_of_other, SIGNAL_TERM, 1), E_OK);
    assert_int_equal(state_of_other.pending.set, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_standard_signals_do_not_queue),
        TEST(test_running_first),
        TEST(test_running_first_while_idle),
        TEST(test_a_thread_with_a_signal_gets_no_second),
        TEST(test_realtime_signals_queue_in_order),
        TEST(test_queue_is_limited),
        TEST(test_no_memory_refuses_queued_signals),
        TEST(test_own_faults_come_first),
        TEST(test_ignored_is_dropped_unless_blocked),
        TEST(test_dropping_frees_the_queue),
        TEST(test_blocked_signals_wait),
        TEST(test_stop_and_continue_undo_each_other),
        TEST(test_wait_mask),
        TEST(test_entries_of_timers),
        TEST(test_exec_keeps_what_is_ignored),
        TEST(test_choice_of_the_thread),
        TEST(test_signal_is_passed_to_a_thread_that_takes_it),
        TEST(test_to_one_thread_only),
    };
    return RUN_TESTS(tests);
}
