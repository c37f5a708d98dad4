/* SPDX-License-Identifier: MIT */
/*
 * lwIP's tables of connections and of UDP's sockets, in place of its lists alone: a packet finds its owner by a hash. lwIP's
 * lists stay, doubly linked.
 *
 *     by ends   a connection that is open or in TIME-WAIT
 *     by port   all that have a local port: by_port.h
 *
 * The number of connections in TIME-WAIT is limited; the oldest makes room for the next. A connection to elsewhere may use
 * a local port that others use for other ends, and that of one in TIME-WAIT for the same ends.
 *
 * Callers: lwIP (cmake/lwip-edits/pcbs.cmake, udp.cmake), under net_lock. The addresses of IPv4-mapped sockets are IPv4's.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "net/stack/by_port.h"
#include "net/stack/due.h"

#include <stdbool.h>
#include <stdint.h>

struct ip_addr;
struct tcp_pcb;
struct tcp_pcb_listen;
struct udp_pcb;
struct net_ends;

/* Linux's net.ipv4.ip_local_port_range. */
#define NET_PORT_FIRST 32768
#define NET_PORT_LAST  60999

/* Tables for a machine of so many bytes of memory. E_NOMEM. */
MUST_CHECK enum err net_pcbs_init(uint64_t memory);
/* Adds it to one of lwIP's lists, and takes it off. O(1). */
void net_pcb_add(struct tcp_pcb **list, struct tcp_pcb *pcb);
void net_pcb_remove(struct tcp_pcb **list, struct tcp_pcb *pcb);
/* The connection of the segment that lwIP looks at; ports in the CPU's order. NULL: none. O(1). */
struct tcp_pcb *net_pcb_find(uint16_t local_port, uint16_t remote_port, bool time_wait);
/* The connection of these ends that is open; NULL: none. O(1). */
struct tcp_pcb *net_pcb_of_ends(const struct net_ends *ends);
/* The first that has this local port, and the next, in any state; listeners come last. O(1). */
struct tcp_pcb *net_pcb_of_port(uint16_t port);
struct tcp_pcb *net_pcb_next_of_port(const struct tcp_pcb *pcb);
/* The listener of the port after that one; NULL: the first. O(1). */
struct tcp_pcb_listen *net_pcb_listener(uint16_t port, const struct tcp_pcb_listen *after);
/* Ends what has been in TIME-WAIT for long enough, some of it each time. O(ended). */
void net_pcbs_end_time_wait(void);
/* A local port that nothing uses; 0: there is none. */
uint16_t net_pcb_new_port(void);
/* A local port for a connection to the ends that `pcb` has; 0: there is none. */
uint16_t net_pcb_connect_port(const struct tcp_pcb *pcb);
/* How many are in TIME-WAIT, and how many may be. */
uint32_t net_pcbs_time_wait(void);
uint32_t net_pcbs_time_wait_most(void);

/* UDP's sockets in the same way. */
void net_udp_add(struct udp_pcb *pcb);
void net_udp_remove(struct udp_pcb *pcb);
struct udp_pcb *net_udp_of_port(uint16_t port, const struct udp_pcb *after);
