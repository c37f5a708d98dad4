/* SPDX-License-Identifier: MIT */
/* The kernel around net/stack/ in a native test: a clock that the test moves, deferred work that it runs. */
#pragma once

#include "base/compiler.h"

#include <stdbool.h>
#include <stdint.h>

struct netdev;
/* What netdev_first() finds; NULL: there is no card. */
extern struct netdev *net_native_card;

/* net_start(), with all else as after boot. */
void net_native_start(void);
/* Runs deferred work until there is none, at most `most` times. False: there is more. */
bool net_native_work(unsigned most);
/* Lets time pass; timers fire in it, and deferred work runs. */
void net_native_pass(uint64_t ms);
/* Lets time pass until the timer fires; of the deferred work `most` turns run. */
void net_native_pass_to_timer(unsigned most);
/* The timer is armed: for what time; UINT64_MAX: it is not. */
uint64_t net_native_timer(void);
/* The last urgent pointer that came. */
extern unsigned net_native_urgent;
/* Bytes of lwIP's memory. */
uint64_t net_native_memory(void);
