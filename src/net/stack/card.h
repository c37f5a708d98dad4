/* SPDX-License-Identifier: MIT */
/*
 * The network card as lwIP's interface: Linux's eth0. A frame comes in the buffers that the card wrote, which lwIP, the
 * socket and the program's read() hold until they are done; a frame that goes out is copied into the card's ring.
 */
#pragma once

#include "kern/net_options.h"
#include "kern/netdev.h"
#include "net/stack/lock.h"

#include <stdbool.h>

struct netif;

/* Opens the card and gives it its address, or asks for one. False: it has failed. `wake` is called when the card wants to
 * be polled; in interrupts. */
bool net_card_start(struct netdev *netdev, const struct net_options *options, void (*wake)(void))
    REQUIRES(net_lock);
/* NULL: there is none. */
struct netif *net_card_netif(void) REQUIRES(net_lock);
/* Takes what has come, at most net_poll_most frames (net/stack/hooks.h), if the card has asked for it. True if there may be more. The card is
 * told of what is sent meanwhile, and after it, by net_card_flush(), which must follow. O(frames). */
bool net_card_poll(void) REQUIRES(net_lock);
/* Hands over what waits for more segments of its connection: when nothing more is sent for now. O(1). */
void net_card_flush(void) REQUIRES(net_lock);
/* True while an address is asked for and none has come. */
bool net_card_asks(void) REQUIRES(net_lock);
