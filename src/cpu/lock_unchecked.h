/* SPDX-License-Identifier: MIT */
/* The counterpart of cpu/lock_check.h in builds without OURO_DEBUG_LOCKS: no state, no code. */
#pragma once

#include "base/lock_class.h"

struct spin_lock {
};

static ALWAYS_INLINE void lock_check_take(struct spin_lock *lock, const struct lock_class *class)
{
    (void)lock;
    (void)class;
}

static ALWAYS_INLINE void lock_check_drop(struct spin_lock *lock, const struct lock_class *class)
{
    (void)lock;
    (void)class;
}

static ALWAYS_INLINE void lock_check_kernel_take(void)
{
}

static ALWAYS_INLINE void lock_check_kernel_drop(void)
{
}

static ALWAYS_INLINE void lock_check_kernel_held(void)
{
}

static ALWAYS_INLINE void lock_check_kernel_alone(void)
{
}

static ALWAYS_INLINE void lock_check_short_take(const struct lock_class *class)
{
    (void)class;
}

static ALWAYS_INLINE void lock_check_short_drop(const struct lock_class *class)
{
    (void)class;
}

static ALWAYS_INLINE void lock_check_net_take(void)
{
}

static ALWAYS_INLINE void lock_check_net_drop(void)
{
}

static ALWAYS_INLINE void lock_check_net_held(void)
{
}

static ALWAYS_INLINE void lock_check_interrupt_begin(void)
{
}

static ALWAYS_INLINE void lock_check_interrupt_end(void)
{
}

static ALWAYS_INLINE void lock_check_pause(void)
{
}

static ALWAYS_INLINE void lock_check_resume(void)
{
}
