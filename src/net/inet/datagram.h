/* SPDX-License-Identifier: MIT */
/*
 * Datagram and raw sockets (udp(7), raw(7), icmp(7)): datagram.c has addresses, datagram_data.c the packets, group.c
 * multicast groups, icmp_error.c what ICMP says of packets that were sent.
 *
 * A socket has a pcb in lwIP from the moment when it has a port (raw: from the first). A received packet stays in the card's
 * buffers; the queue is limited by SO_RCVBUF, and by one where the card's buffers are scarce; what comes then is dropped and counted.
 */
#pragma once

#include "net/inet/inet.h"

#include <lwip/raw.h>
#include <lwip/udp.h>

struct datagram {
    struct list link;
    struct pbuf *p;
    struct inet_place from;
    ip_addr_t to;
    uint64_t came_ns; /* time_realtime_ns() */
    uint32_t charge;
    uint8_t interface, ttl, traffic_class;
};

struct datagram_error { /* IP_RECVERR */
    struct list link;
    struct inet_place to;
    ip_addr_t offender;
    enum err error;
    uint8_t origin, type, code;
    uint32_t info;
};

struct multicast_group {
    struct list link;
    ip_addr_t ip;
    uint8_t interface;
};

struct datagram_socket {
    struct inet_socket inet;
    struct udp_pcb *udp;
    struct raw_pcb *raw;
    struct list packets; /* struct datagram */
    uint32_t used;       /* their charge */
    uint32_t drops;      /* packets for which there was no room */
    struct list errors;  /* struct datagram_error */
    uint32_t error_count;
    struct list groups; /* struct multicast_group */
    bool connected;
    int32_t cork;              /* UDP_CORK */
    struct pbuf *corked;       /* the pieces of a datagram under MSG_MORE or UDP_CORK */
    struct inet_place cork_to; /* its destination */
    uint32_t filter[8];        /* ICMP_FILTER: types that are not received; ICMP6_FILTER */
    int32_t checksum;          /* IPV6_CHECKSUM: its offset; -1: none */
};

static inline struct datagram_socket *datagram_of(struct socket *socket)
{
    return (struct datagram_socket *)(uintptr_t)socket;
}

static inline bool is_raw(const struct datagram_socket *d)
{
    return d->inet.socket.type == SOCK_RAW;
}

/* datagram.c */
/* Takes a port, and makes the pcb, unless the socket has them. */
MUST_CHECK enum err datagram_open(struct datagram_socket *d);
void datagram_apply_options(struct datagram_socket *d) REQUIRES(net_lock);
void datagram_changed(struct socket *socket);

/* datagram_data.c */
enum err datagram_send(struct socket *socket, struct socket_message *message);
enum err datagram_receive(struct socket *socket, struct socket_message *message);
/* Sends the pieces that UDP_CORK held back. */
MUST_CHECK enum err datagram_flush(struct datagram_socket *d);
uint32_t datagram_poll(struct socket *socket);
enum err datagram_queued(struct socket *socket, bool out, uint32_t *bytes);
void datagram_purge(struct datagram_socket *d) REQUIRES(net_lock);
/* lwIP's callbacks. */
void datagram_came(void *argument, struct udp_pcb *pcb, struct pbuf *p, const ip_addr_t *from,
                   u16_t port);
u8_t raw_came(void *argument, struct raw_pcb *pcb, struct pbuf *p, const ip_addr_t *from);

/* group.c: memberships. E_ADDRINUSE: joined already; E_ADDRNOTAVAIL: not joined; E_NODEV. O(groups of the socket). */
MUST_CHECK enum err group_change(struct datagram_socket *d, const ip_addr_t *ip, uint32_t interface,
                                 bool join);
void group_leave_all(struct datagram_socket *d) REQUIRES(net_lock);

/* icmp_error.c */
/* recvmsg() with MSG_ERRQUEUE. */
MUST_CHECK enum err datagram_receive_error(struct datagram_socket *d,
                                           struct socket_message *message);
void datagram_forget_errors(struct datagram_socket *d);

/* datagram_option.c */
enum err datagram_set_option(struct socket *socket, const struct socket_option *option);
enum err datagram_get_option(struct socket *socket, struct socket_option *option);
