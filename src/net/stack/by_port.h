/* SPDX-License-Identifier: MIT */
/*
 * What has a local port: connections of TCP, listeners and sockets of UDP, by a hash of port and kind.
 *
 * Callers: lwIP (cmake/lwip-edits/pcbs.cmake, udp.cmake), under net_lock. All functions are O(1) but net_port_next(), which
 * is O(links of the bucket).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum net_port_kind {
    NET_PORT_TCP, /* connections, in TIME-WAIT too, and bound sockets */
    NET_PORT_LISTENER,
    NET_PORT_UDP,
};

/* In the owner. */
struct net_port_link {
    struct net_port_link *next, **before;
    uint32_t key;
};

void net_port_init(struct net_port_link **buckets, uint32_t mask);
void net_port_add(struct net_port_link *link, enum net_port_kind kind, uint16_t port);
void net_port_remove(struct net_port_link *link);
/* The newest link of the port, and the one before it; NULL: there is none. */
struct net_port_link *net_port_first(enum net_port_kind kind, uint16_t port);
struct net_port_link *net_port_next(const struct net_port_link *link);
