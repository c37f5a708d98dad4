/* SPDX-License-Identifier: MIT */
/*
 * Locks (docs/locks.md). They are in cpu/, not kern/, because mm/ and the drivers stand below kern/ and the
 * trap entry takes kernel_lock.
 *
 * A spin lock guards what interrupt handlers touch. It is held with interrupts off, briefly, and nothing
 * sleeps under it. kernel_lock guards everything else: a thread holds it for as long as it runs kernel
 * code, from its entry until it sleeps, gives way or goes back to the program. Interrupt handlers never
 * take it.
 *
 * On one CPU interrupts off is all that a spin lock is, and kernel_lock is nothing: kernel code is not
 * preempted. The compiler checks both by the classes (base/lock_class.h). With OURO_DEBUG_LOCKS they are
 * state that is checked at run time (cpu/lock_check.h).
 */
#pragma once

#include "base/lock_class.h"
#include "cpu/irq.h"

#ifdef OURO_DEBUG_LOCKS
#include "cpu/lock_check.h"
#else
#include "cpu/lock_unchecked.h"
#endif

/* Interrupts are off, and stay so. */
static ALWAYS_INLINE void spin_lock(struct spin_lock *lock, struct lock_class *class)
    ACQUIRE(class) NO_LOCK_ANALYSIS
{
    lock_check_take(lock, class);
}

static ALWAYS_INLINE void spin_unlock(struct spin_lock *lock, struct lock_class *class)
    RELEASE(class) NO_LOCK_ANALYSIS
{
    lock_check_drop(lock, class);
}

/* Turns interrupts off; the value to hand to spin_unlock_irq(). */
static ALWAYS_INLINE uint64_t spin_lock_irq(struct spin_lock *lock, struct lock_class *class)
    ACQUIRE(class) NO_LOCK_ANALYSIS
{
    uint64_t flags = irq_save();
    lock_check_take(lock, class);
    return flags;
}

static ALWAYS_INLINE void spin_unlock_irq(struct spin_lock *lock, struct lock_class *class,
                                          uint64_t flags) RELEASE(class) NO_LOCK_ANALYSIS
{
    lock_check_drop(lock, class);
    irq_restore(flags);
}

/* For the calling thread; boot is a thread, too. */
static ALWAYS_INLINE void kernel_lock_take(void) ACQUIRE(kernel_lock) NO_LOCK_ANALYSIS
{
    lock_check_kernel_take();
}

/* No spin lock is held but, in the scheduler, class_sched. */
static ALWAYS_INLINE void kernel_lock_drop(void) RELEASE(kernel_lock) NO_LOCK_ANALYSIS
{
    lock_check_kernel_drop();
}

/* The calling thread holds it. For functions that are reached through pointers, where the compiler cannot
 * see what the caller holds. */
static ALWAYS_INLINE void kernel_lock_assert(void) ASSERTS_HELD(kernel_lock)
{
    lock_check_kernel_held();
}
