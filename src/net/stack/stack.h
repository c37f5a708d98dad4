/* SPDX-License-Identifier: MIT */
/*
 * The network stack: lwIP under net_lock, the card below it, sockets (net/inet/) above.
 *
 * Nothing of it runs before net_start(), which the program's first AF_INET or AF_INET6 socket calls. Then frames and time
 * are served by deferred work (kern/deferred.h): at most 64 frames at once, then others have their turn.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "kern/net_options.h"
#include "net/stack/lock.h"

#include <stdbool.h>
#include <stdint.h>

/* The kernel word ip=, before net_start(). Boot. */
void net_configure(const struct net_options *options);

/* Starts lwIP, the loopback interface and the card, the first time; the card's address may come later. E_NOMEM.
 * Callers: threads, without net_lock. */
MUST_CHECK enum err net_start(void);

/* Sleeps while an address of the card is being asked for (`ip=dhcp`, stateless IPv6), at most 5 s from net_start().
 * E_INTR; E_OK also if none came: the caller's operation then fails as it does without one. Callers: threads,
 * without net_lock. */
MUST_CHECK enum err net_await_address(bool wait);

/* After each call of lwIP that may send, connect, listen or join: the card gets the last of it, what it sent to itself is
 * served, and the clocks run that it needs. O(1). */
void net_kick(void) REQUIRES(net_lock);
