/* SPDX-License-Identifier: MIT */
/*
 * Frames as they come and go, for packet sockets (packet(7)). Without a tap nothing is copied: a load and a branch a frame. With
 * taps each frame is copied once, into one piece. What the machine sends to itself, by whatever address, goes over lo: it
 * has no header of Ethernet there, and gets one of zeros.
 */
#pragma once

#include "base/compiler.h"
#include "base/list.h"
#include "net/stack/lock.h"

#include <stdbool.h>
#include <stdint.h>

struct netif;
struct pbuf;

#define TAP_HEADER   14u /* of Ethernet: addresses, and the protocol at TAP_PROTOCOL */
#define TAP_SOURCE   6u
#define TAP_PROTOCOL 12u

enum tap_type { /* PACKET_* of linux/if_packet.h */
    TAP_HOST,
    TAP_BROADCAST,
    TAP_MULTICAST,
    TAP_OTHER_HOST,
    TAP_OUTGOING,
};

struct tap_frame {
    const uint8_t *bytes;
    uint32_t size;
    uint8_t interface; /* its index */
    uint8_t type;      /* enum tap_type */
    uint16_t protocol; /* in the CPU's order */
};

struct net_tap {
    struct list link;
    void (*frame)(struct net_tap *tap, const struct tap_frame *frame);
};

extern struct list net_taps GUARDED_BY(net_lock);

/* A frame of the card. O(bytes + taps). */
void net_tap_card(struct netif *netif, const struct pbuf *p, bool out) REQUIRES(net_lock);
static inline bool net_is_tapped(void) REQUIRES(net_lock)
{
    return net_taps.next != &net_taps;
}
