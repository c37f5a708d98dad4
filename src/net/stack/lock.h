/* SPDX-License-Identifier: MIT */
/*
 * net_lock: guards lwIP, the card's driver and the protocol part of sockets. Taken under kernel_lock, by threads and by
 * deferred work; held for a short time, and never over a sleep, a preemption point or a copy from or to the program.
 * On one CPU it costs nothing: who has it is not preempted, and interrupt handlers do not take it.
 */
#pragma once

#include "cpu/lock.h"

void net_lock_take(void) ACQUIRE(net_lock);
void net_lock_drop(void) RELEASE(net_lock);
