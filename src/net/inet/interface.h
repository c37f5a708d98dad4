/* SPDX-License-Identifier: MIT */
/* The interfaces as Linux shows them: lo has the index 1, the card is eth0. All under net_lock; O(interfaces), at most two. */
#pragma once

#include "net/inet/inet.h"

struct netif;

#define INTERFACE_NAME 16 /* IFNAMSIZ */

enum { /* IFF_* */
    IFF_UP = 1,
    IFF_BROADCAST = 2,
    IFF_LOOPBACK = 8,
    IFF_RUNNING = 0x40,
    IFF_MULTICAST = 0x1000,
    IFF_LOWER_UP = 0x10000,
};

/* The index of a name, of an address; 0 and UINT32_MAX: there is none. */
uint32_t interface_by_name(const char *name) REQUIRES(net_lock);
uint32_t interface_by_ip4(uint32_t ip) REQUIRES(net_lock);
bool interface_exists(uint32_t index) REQUIRES(net_lock);
/* The address, in network order; 0: none. */
uint32_t interface_ip4(uint32_t index) REQUIRES(net_lock);
/* Of the way to the address. */
uint32_t interface_mtu_to(const ip_addr_t *to) REQUIRES(net_lock);
void interface_name(uint32_t index, char name[INTERFACE_NAME]) REQUIRES(net_lock);

uint32_t netif_index(const struct netif *netif) REQUIRES(net_lock);
bool netif_is_loopback(const struct netif *netif) REQUIRES(net_lock);
uint32_t netif_mtu(const struct netif *netif) REQUIRES(net_lock);
uint32_t netif_iff(const struct netif *netif) REQUIRES(net_lock);
/* Bits that are set in the mask. */
uint8_t netif_prefix(const struct netif *netif) REQUIRES(net_lock);
