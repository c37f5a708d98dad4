/* SPDX-License-Identifier: MIT */
/* Locks, and the checks of debug builds (cpu/lock_check.h), which are compiled into this kernel. */
#include "guest.h"

#include "kern/sched_lock.h"
#include "kern/thread.h"
#include "kern/time.h"
#include "kern/wait.h"
#include "net/stack/lock.h"

/* Locks of two classes that the kernel never nests. */
static struct spin_lock one_spin, two_spin;

static NOINLINE void take_uart_under_ps2(void)
{
    uint64_t flags = spin_lock_irq(&one_spin, &class_ps2);
    spin_lock(&two_spin, &class_uart);
    spin_unlock(&two_spin, &class_uart);
    spin_unlock_irq(&one_spin, &class_ps2, flags);
}

static NOINLINE void take_ps2_under_uart(void)
{
    uint64_t flags = spin_lock_irq(&two_spin, &class_uart);
    spin_lock(&one_spin, &class_ps2);
    spin_unlock(&one_spin, &class_ps2);
    spin_unlock_irq(&two_spin, &class_uart, flags);
}

GUEST_FATAL(lock_inversion)
{
    take_uart_under_ps2();
    take_uart_under_ps2();
    take_ps2_under_uart();
}

GUEST_FATAL(lock_twice) NO_LOCK_ANALYSIS
{
    spin_lock_irq(&one_spin, &class_ps2);
    spin_lock(&one_spin, &class_ps2);
}

GUEST_FATAL(lock_two_of_a_class) NO_LOCK_ANALYSIS
{
    spin_lock_irq(&one_spin, &class_ps2);
    spin_lock(&two_spin, &class_ps2);
}

GUEST_FATAL(lock_with_interrupts_on) NO_LOCK_ANALYSIS
{
    spin_lock(&one_spin, &class_ps2);
}

GUEST_FATAL(unlock_with_interrupts_on) NO_LOCK_ANALYSIS
{
    spin_lock_irq(&one_spin, &class_ps2);
    __asm__ volatile("sti");
    spin_unlock(&one_spin, &class_ps2);
}

GUEST_FATAL(unlock_what_is_not_held) NO_LOCK_ANALYSIS
{
    uint64_t flags = irq_save();
    spin_unlock_irq(&one_spin, &class_ps2, flags);
}

GUEST_FATAL(sleep_with_a_lock) NO_LOCK_ANALYSIS
{
    static struct wait_queue queue = WAIT_QUEUE_INIT(queue);
    spin_lock_irq(&one_spin, &class_ps2);
    (void)!WAIT_EVENT(&queue, false, NO_DEADLINE);
}

GUEST_FATAL(kernel_lock_twice) NO_LOCK_ANALYSIS
{
    kernel_lock_take();
}

/* Calls a function that requires kernel_lock without it. */
GUEST_FATAL(kernel_lock_missing) NO_LOCK_ANALYSIS
{
    static struct wait_queue queue = WAIT_QUEUE_INIT(queue);
    kernel_lock_drop();
    (void)!WAIT_EVENT(&queue, true, NO_DEADLINE);
}

GUEST_FATAL(net_lock_twice) NO_LOCK_ANALYSIS
{
    net_lock_take();
    net_lock_take();
}

GUEST_FATAL(net_lock_alone) NO_LOCK_ANALYSIS
{
    kernel_lock_drop();
    net_lock_take();
}

GUEST_FATAL(net_lock_under_spin) NO_LOCK_ANALYSIS
{
    net_lock_take();
    spin_unlock_irq(&one_spin, &class_ps2, spin_lock_irq(&one_spin, &class_ps2));
    net_lock_drop();
    spin_lock_irq(&one_spin, &class_ps2);
    net_lock_take();
}

GUEST_FATAL(sleep_with_net_lock) NO_LOCK_ANALYSIS
{
    static struct wait_queue queue = WAIT_QUEUE_INIT(queue);
    net_lock_take();
    (void)!WAIT_EVENT(&queue, false, NO_DEADLINE);
}

static volatile bool fired;

static void take_net_in_interrupt(struct timer *timer) NO_LOCK_ANALYSIS
{
    (void)timer;
    net_lock_take();
}

static void take_in_interrupt(struct timer *timer) NO_LOCK_ANALYSIS
{
    (void)timer;
    kernel_lock_take();
}

static void need_in_interrupt(struct timer *timer)
{
    (void)timer;
    kernel_lock_assert();
}

static void keep_in_interrupt(struct timer *timer) NO_LOCK_ANALYSIS
{
    (void)timer;
    spin_lock(&one_spin, &class_ps2);
}

static void wait_for_interrupt(void (*handler)(struct timer *timer)) REQUIRES(kernel_lock)
{
    static struct timer timer;
    timer_init(&timer, handler);
    timer_start(&timer, time_now_ns() + 1000000);
    CHECK(GUEST_WAIT(fired, 20000));
}

GUEST_FATAL(kernel_lock_in_interrupt)
{
    wait_for_interrupt(take_in_interrupt);
}

GUEST_FATAL(kernel_lock_needed_in_interrupt)
{
    wait_for_interrupt(need_in_interrupt);
}

GUEST_FATAL(net_lock_in_interrupt)
{
    wait_for_interrupt(take_net_in_interrupt);
}

GUEST_FATAL(interrupt_keeps_lock)
{
    wait_for_interrupt(keep_in_interrupt);
}

static bool order_was_seen(const struct lock_class *outer, const struct lock_class *inner)
{
    return lock_check_seen(outer->index, inner->index);
}

static void note_interrupt(struct timer *timer)
{
    (void)timer;
    fired = true;
}

/* Each class was taken only under classes before it in base/lock_class.h; the tests so far nested some. */
GUEST_SEALED(test_locks_follow_their_order)
{
    fired = false;
    wait_for_interrupt(note_interrupt);
    for (unsigned outer = 0; outer < LOCK_CLASS_COUNT; outer++) {
        for (unsigned inner = 0; inner <= outer; inner++) {
            if (lock_check_seen(outer, inner))
                guest_test_fail(__FILE__, __LINE__, "%s was taken under %s",
                                lock_check_class(inner)->name, lock_check_class(outer)->name);
        }
    }
    CHECK(order_was_seen(&kernel_lock, &class_sched));
    CHECK(order_was_seen(&kernel_lock, &class_log));
    CHECK(order_was_seen(&class_sched, &class_timer));
}
