/* SPDX-License-Identifier: MIT */
/*
 * The lock checks of debug builds (OURO_DEBUG_LOCKS), such as ouro-test.elf. The kernel panics if
 *
 *   a lock is taken while it, or another one of its class, is held;
 *   two classes are taken in both orders, directly or by way of others (cpu/lock_order.h);
 *   a spin lock is taken or dropped with interrupts on, or dropped without being held;
 *   kernel_lock is taken in an interrupt or by its holder, or is not held where it is required;
 *   net_lock is taken in an interrupt, by its holder or without kernel_lock, or is not held where it is required;
 *   kernel_lock is shared where it is needed alone, or dropped with a short lock held;
 *   a thread sleeps or returns to the program with a spin lock or net_lock held.
 *
 * Spin locks belong to the CPU, kernel_lock and net_lock to a thread. Of several CPUs the one that has spin locks is the only one that has (cpu/cpus.h), so
 * the list of those held is that CPU's.
 */
#pragma once

#include "base/lock_class.h"

#include <stdbool.h>

struct spin_lock {
    bool held;
};

void lock_check_take(struct spin_lock *lock, const struct lock_class *class);
void lock_check_drop(struct spin_lock *lock, const struct lock_class *class);
void lock_check_kernel_take(void);
void lock_check_kernel_drop(void);
void lock_check_kernel_held(void);
void lock_check_kernel_alone(void);
void lock_check_short_take(struct lock_class *class);
void lock_check_short_drop(struct lock_class *class);
void lock_check_net_take(void);
void lock_check_net_drop(void);
void lock_check_net_held(void);
/* At the start and end of an interrupt handler. */
void lock_check_interrupt_begin(void);
void lock_check_interrupt_end(void);
/* Suspend all checks during a report, which may interrupt code that holds locks; pairs nest. */
void lock_check_pause(void);
void lock_check_resume(void);

/* True if a lock of class `inner` has been taken while one of class `outer` was held. The arguments
 * are class indices. */
bool lock_check_seen(unsigned outer, unsigned inner);
const struct lock_class *lock_check_class(unsigned index);

struct lock_trace;
/* Panics with this message (diag/lock_report.c); `other` is where the conflicting lock was taken,
 * NULL if unknown. */
NORETURN void lock_check_failed(const char *sentence, const struct lock_trace *other);
