/* SPDX-License-Identifier: MIT */
/*
 * lwIP's clocks. Each protocol has a function that wants to be called at an interval, but only while it has something to
 * wait for: a connection that is open, a datagram that is not complete. A clock runs while that is so, and no
 * interrupt comes while none runs.
 */
#pragma once

#include "net/stack/lock.h"

#include <stdbool.h>
#include <stdint.h>

#define NET_NEVER UINT64_MAX

/* Calls the functions that are due at `now`, a time of time_now_ns(). True: more connections are due than have their turn
 * at once, call it again. */
bool net_timers_run(uint64_t now) REQUIRES(net_lock);
/* Starts the clocks that are needed and do not run. Returns when the first is due; NET_NEVER: none runs. O(1), but for
 * O(groups) while a multicast group's clock runs. */
uint64_t net_timers_next(uint64_t now) REQUIRES(net_lock);
