/* SPDX-License-Identifier: MIT */
/*
 * The checks of debug builds (OURO_DEBUG_LOCKS), which ouro-test.elf has. The kernel panics when
 *
 *   a lock is taken that is held, or one of the same class as another that is held;
 *   two classes are taken in both orders, if by way of others (cpu/lock_order.h);
 *   a spin lock is taken or dropped with interrupts on, or dropped that is not held;
 *   kernel_lock is taken in an interrupt or by a thread that has it, or is missing where it is needed;
 *   a thread sleeps or goes back to the program with a spin lock held.
 *
 * There is one CPU: spin locks that are held are the CPU's, kernel_lock is a thread's.
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
/* Around the handler of an interrupt. */
void lock_check_interrupt_begin(void);
void lock_check_interrupt_end(void);
/* Nothing is checked or kept in between; pairs nest. A report may have come in the middle of anything. */
void lock_check_pause(void);
void lock_check_resume(void);

/* Has a lock of `inner` been taken while one of `outer` was held? Indices of classes. */
bool lock_check_seen(unsigned outer, unsigned inner);
const struct lock_class *lock_check_class(unsigned index);

struct lock_trace;
/* diag/lock_report.c: panics with this sentence, `other` being where the other one was taken (NULL:
 * nothing is known). */
NORETURN void lock_check_failed(const char *sentence, const struct lock_trace *other);
