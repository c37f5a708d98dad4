/* SPDX-License-Identifier: MIT */
/*
 * net_lock: guards lwIP, the card's driver and the protocol part of sockets. Taken under kernel_lock, by threads and by
 * deferred work; held for a short time, and never over a sleep, a preemption point or a copy from or to the program.
 * On one CPU it costs nothing: who has it is not preempted, and interrupt handlers do not take it.
 */
#pragma once

#include "cpu/lock.h"

static ALWAYS_INLINE void net_lock_take(void) ACQUIRE(net_lock) NO_LOCK_ANALYSIS
{
    lock_check_net_take();
}

static ALWAYS_INLINE void net_lock_drop(void) RELEASE(net_lock) NO_LOCK_ANALYSIS
{
    lock_check_net_drop();
}

/* Asserts that the caller holds it: for functions that lwIP calls. */
static ALWAYS_INLINE void net_lock_assert(void) ASSERTS_HELD(net_lock)
{
    lock_check_net_held();
}
