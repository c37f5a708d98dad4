/* SPDX-License-Identifier: MIT */
/* What lwIP calls of the kernel. */
#pragma once

#include "net/stack/secret.h"

#include <stdbool.h>

struct ip_addr;
struct pbuf;
struct tcp_hdr;
struct tcp_pcb;

/* What lwIP does not count. */
extern struct net_counts {
    uint32_t cookies_sent, cookies_good, cookies_bad; /* net/stack/cookie.c */
    uint32_t overflows; /* SYNs for which the listener's queue had no room */
} net_counts;

/* net/stack/icmp_rate.c: counts an error message; false: there have been too many. */
bool net_icmp_may_send(void);
/* net/stack/card.c: 0, or the segment is dropped: buffers are getting scarce, and its connection has bytes that the program
 * has not read. */
int8_t net_segment_comes(struct tcp_pcb *pcb, const struct tcp_hdr *header, const struct pbuf *p);
/* net/stack/tap.c: so many packets are received at once, from the card and from the machine itself; one since the first filter or tap,
 * each of which may take 300,000 instructions a packet. */
extern int net_poll_most;
void net_poll_less(void);
/* A packet that the machine sends to itself. */
void net_tap_loop(const struct pbuf *p);
/* net/inet/tcp_urgent.c: a segment of an open connection has an urgent pointer; all in the CPU's order. */
void net_urgent_comes(struct tcp_pcb *pcb, uint32_t sequence, uint32_t size, uint16_t pointer);
/* net/stack/name_servers.c: a name server's address from DHCP (IPv4) or from a router (IPv6); NULL: the router's is gone. */
void dns_setserver(uint8_t index, const struct ip_addr *address);
/* The one of a router's that was set. */
const struct ip_addr *dns_getserver(uint8_t index);
