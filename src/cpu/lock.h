/* SPDX-License-Identifier: MIT */
/*
 * Locks (docs/locks.md). They are in cpu/, not kern/, because mm/ and the drivers are below kern/
 * and the trap entry takes kernel_lock.
 *
 * A spin lock guards data that interrupt handlers use. It is held briefly, with interrupts off, and
 * never across a sleep. kernel_lock guards everything else: a thread holds it while it runs kernel
 * code, from its entry until it sleeps, yields or returns to the program. Interrupt handlers never
 * take it.
 *
 * On one CPU a spin lock is interrupts off, kernel_lock is empty, for kernel code is not preempted, and so are short locks. In the kernel for
 * several CPUs (cpu/cpus.h) they are ticket locks, and threads may share kernel_lock:
 *
 *   alone    what is written for one CPU: no other thread is in the kernel, but for calls that need no lock
 *   shared   beside others that share it. What they read is changed by none; what they change has a short lock
 * The compiler checks both by their classes (base/lock_class.h). With OURO_DEBUG_LOCKS they have
 * state, which is checked at run time (cpu/lock_check.h).
 */
#pragma once

#include "base/lock_class.h"
#include "cpu/cpus.h"
#include "cpu/irq.h"

#ifdef OURO_DEBUG_LOCKS
#include "cpu/lock_check.h"
#else
#include "cpu/lock_unchecked.h"
#endif

/* Around an interrupt handler. */
static ALWAYS_INLINE void lock_interrupt_begin(void)
{
    if (SEVERAL_CPUS)
        cpu_spin_take();
    lock_check_interrupt_begin();
}

static ALWAYS_INLINE void lock_interrupt_end(void)
{
    lock_check_interrupt_end();
    if (SEVERAL_CPUS)
        cpu_spin_drop();
}

/* For code with interrupts off, which must stay off. */
static ALWAYS_INLINE void spin_lock(struct spin_lock *lock, struct lock_class *class)
    ACQUIRE(class) NO_LOCK_ANALYSIS
{
    if (SEVERAL_CPUS)
        cpu_spin_take();
    lock_check_take(lock, class);
}

static ALWAYS_INLINE void spin_unlock(struct spin_lock *lock, struct lock_class *class)
    RELEASE(class) NO_LOCK_ANALYSIS
{
    lock_check_drop(lock, class);
    if (SEVERAL_CPUS)
        cpu_spin_drop();
}

/* Turns interrupts off; returns the flags for spin_unlock_irq(). */
static ALWAYS_INLINE uint64_t spin_lock_irq(struct spin_lock *lock, struct lock_class *class)
    ACQUIRE(class) NO_LOCK_ANALYSIS
{
    uint64_t flags = irq_save();
    spin_lock(lock, class);
    return flags;
}

static ALWAYS_INLINE void spin_unlock_irq(struct spin_lock *lock, struct lock_class *class,
                                          uint64_t flags) RELEASE(class) NO_LOCK_ANALYSIS
{
    spin_unlock(lock, class);
    irq_restore(flags);
}

/* For the calling thread, or boot. */
static ALWAYS_INLINE void kernel_lock_take(void) ACQUIRE(kernel_lock) NO_LOCK_ANALYSIS
{
    if (SEVERAL_CPUS && unlikely(!cpu_kernel_take_lone()))
        cpu_kernel_wait(false);
    lock_check_kernel_take();
}

/* True if the calling thread has kernel_lock with others. */
static ALWAYS_INLINE bool kernel_lock_is_shared(void)
{
    return SEVERAL_CPUS && cpu_kernel_is(KERNEL_SHARED);
}

/* As kernel_lock_take(), for what several threads may do beside each other, but beside no thread that has kernel_lock alone: while several CPUs run threads
 * it is shared then. What such a thread changes has a short lock. */
static ALWAYS_INLINE void kernel_lock_take_shared(void) ACQUIRE(kernel_lock) NO_LOCK_ANALYSIS
{
    if (SEVERAL_CPUS && !cpu_kernel_take_lone())
        cpu_kernel_wait(true);
    else
        lock_check_kernel_take();
}

/* The caller holds no spin lock except, in the scheduler, class_sched. */
static ALWAYS_INLINE void kernel_lock_drop(void) RELEASE(kernel_lock) NO_LOCK_ANALYSIS
{
    lock_check_kernel_drop();
    if (SEVERAL_CPUS)
        cpu_kernel_drop();
}

/* A thread that shares kernel_lock has it alone afterwards. Others may have had it in between: what was read is read again. */
static ALWAYS_INLINE void kernel_lock_alone(void) NO_LOCK_ANALYSIS
{
    if (likely(!kernel_lock_is_shared()))
        return;
    kernel_lock_drop();
    kernel_lock_take();
}

/* Drops a reference. True: it was the last, and a kernel_lock that was shared is alone now. */
static ALWAYS_INLINE bool kernel_lock_put(uint32_t *references)
{
    if (kernel_lock_is_shared()) {
        if (likely(cpus_put_not_last(references)))
            return false;
        kernel_lock_alone();
    }
    return --*references == 0;
}

/* As it was before it was dropped: after a sleep. */
static ALWAYS_INLINE void kernel_lock_take_as(bool shared) ACQUIRE(kernel_lock) NO_LOCK_ANALYSIS
{
    if (SEVERAL_CPUS && shared)
        kernel_lock_take_shared();
    else
        kernel_lock_take();
}

/* Asserts that the calling thread holds kernel_lock alone: for functions that are called through
 * pointers, where the compiler cannot see it. */
static ALWAYS_INLINE void kernel_lock_assert(void) ASSERTS_HELD(kernel_lock)
{
    lock_check_kernel_alone();
}

/* The same, alone or shared. */
static ALWAYS_INLINE void kernel_lock_assert_any(void) ASSERTS_HELD(kernel_lock)
{
    lock_check_kernel_held();
}

/* A short lock is for threads, with kernel_lock. A thread that has kernel_lock alone takes none. Nothing sleeps under it, or gives
 * kernel_lock away. Interrupts may be on. SHORT_LOCK(&space->lock, class_space). */
static ALWAYS_INLINE void short_lock(struct short_lock *lock, struct lock_class *class,
                                     unsigned index) ACQUIRE(class) NO_LOCK_ANALYSIS
{
    lock_check_short_take(class);
    if (kernel_lock_is_shared())
        cpu_short_take(lock, index);
}

static ALWAYS_INLINE void short_unlock(struct short_lock *lock, struct lock_class *class)
    RELEASE(class) NO_LOCK_ANALYSIS
{
    if (kernel_lock_is_shared())
        cpu_short_drop(lock);
    lock_check_short_drop(class);
}
#define SHORT_LOCK(lock, class)   short_lock(lock, &class, LOCK_INDEX_##class)
#define SHORT_UNLOCK(lock, class) short_unlock(lock, &class)
