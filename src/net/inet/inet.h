/* SPDX-License-Identifier: MIT */
/*
 * Sockets of the families AF_INET and AF_INET6 (ip(7), ipv6(7), tcp(7), udp(7), raw(7)): what their kinds share.
 *
 *   struct socket --> struct inet_socket --> struct tcp_socket       tcp.c, tcp_data.c --> lwIP's tcp_pcb
 *                            |           --> struct datagram_socket  datagram.c        --> lwIP's udp_pcb, raw_pcb
 *                            +--> struct inet_port                   port.c
 *
 * An address is lwIP's ip_addr_t. A socket of AF_INET6 that is not IPV6_V6ONLY has IPv4 addresses too; the program sees them
 * as ::ffff:a.b.c.d (inet_address_out()). Its wildcard has IPADDR_TYPE_ANY.
 *
 * All fields are guarded by kernel_lock, which threads and lwIP's callbacks hold; lwIP's own structures by net_lock.
 */
#pragma once

#include "base/list.h"
#include "fs/socket/socket.h"
#include "net/stack/lock.h"

#include <lwip/err.h>
#include <lwip/ip_addr.h>

#define AF_INET6        10u

#define IPPROTO_IP      0u
#define IPPROTO_ICMP    1u
#define IPPROTO_TCP     6u
#define IPPROTO_UDP     17u
#define IPPROTO_IPV6    41u
#define IPPROTO_ICMPV6  58u
#define IPPROTO_RAW     255u

#define EPHEMERAL_FIRST 32768u /* net.ipv4.ip_local_port_range */
#define EPHEMERAL_LAST  60999u
extern uint64_t privileged_ports_end; /* net.ipv4.ip_unprivileged_port_start */

/* In so_options of lwIP's pcbs: the socket had SO_REUSEADDR. (lwIP's own SOF_REUSEADDR is always set.) */
#define INET_PCB_REUSE 0x40u

struct inet_port;

struct inet_place {
    ip_addr_t ip;
    uint16_t port; /* in host order */
};

enum { /* of inet_socket.wants: control messages that the program asked for */
    INET_PKTINFO = 1,
    INET_TTL = 2,
    INET_TOS = 4,
    INET_RECVERR = 8,
    INET6_PKTINFO = 16,
    INET6_HOPLIMIT = 32,
    INET6_TCLASS = 64,
    INET6_RECVERR = 128,
    INET6_PKTINFO_OLD = 256, /* of RFC 2292, as busybox has it */
    INET6_HOPLIMIT_OLD = 512,
    INET_ORIGDSTADDR = 1024,
};

struct inet_socket {
    struct socket socket;
    struct inet_place local, remote; /* port 0: none */
    struct inet_port *port;          /* NULL: no port is taken */
    struct list port_link;           /* in port->sockets */
    bool bound;                      /* by bind(), to an address */
    bool v6only, free_bind, bind_late, header_included;
    bool listening;    /* does not share its port */
    uint8_t shut;      /* SHUT_* */
    uint8_t interface; /* SO_BINDTODEVICE: its index; 0: any */
    uint8_t tos, ttl, multicast_ttl, multicast_interface, hops, multicast_hops, traffic_class;
    uint8_t mtu_probe; /* IP_PMTUDISC_* */
    bool multicast_loop;
    uint32_t wants;
    uint32_t uid; /* of the creator: SO_REUSEPORT */
};

static inline struct inet_socket *inet_of(struct socket *socket)
{
    return (struct inet_socket *)(uintptr_t)socket;
}

static inline bool inet_is_v6(const struct inet_socket *inet)
{
    return inet->socket.family == AF_INET6;
}

/* address.c */

enum err inet_error(err_t error);
/* The address of bind(), connect() or sendto(). E_INVAL: too short, or a scope that is none; E_AFNOSUPPORT. */
MUST_CHECK enum err inet_address_in(const struct inet_socket *inet,
                                    const struct socket_address *address, struct inet_place *out);
void inet_address_out(const struct inet_socket *inet, const struct inet_place *place,
                      struct socket_address *out);
/* Makes the wildcard as a destination the loopback address, as Linux. */
void inet_address_to(struct inet_place *place);
/* The wildcard of the socket's family. */
void inet_address_any(const struct inet_socket *inet, ip_addr_t *out);
/* True if a packet to one of the addresses may be one to the other. */
bool inet_addresses_meet(const struct inet_socket *a, const struct inet_socket *b);
/* True if the machine has the address. O(interfaces). */
bool inet_is_local(const ip_addr_t *ip) REQUIRES(net_lock);
/* A destination for which the socket needs SO_BROADCAST. O(interfaces). */
bool inet_is_broadcast(const ip_addr_t *ip) REQUIRES(net_lock);

/* port.c: the ports of TCP and of UDP. */

/* Takes the port for a socket of that protocol; 0: a free one. E_ADDRINUSE, E_NOMEM. O(sockets with that port). */
MUST_CHECK enum err inet_port_take(struct inet_socket *inet, uint16_t port);
/* Adds a connection to a port of TCP that lwIP has chosen for it, which others may have. E_NOMEM. O(1). */
MUST_CHECK enum err inet_port_adopt(struct inet_socket *inet, uint16_t port);
/* Adds a socket to the port that the other one has: a connection to its listener's. */
void inet_port_share(struct inet_socket *inet, const struct inet_socket *other);
void inet_port_drop(struct inet_socket *inet); /* O(1) */
/* The sockets of the port: struct inet_socket.port_link. */
struct list *inet_port_sockets(const struct inet_socket *inet);

/* All sockets with a port, of TCP or of UDP, in no order. */
typedef void (*inet_visitor)(struct inet_socket *inet, void *context);
void inet_ports_visit(bool tcp, inet_visitor visit, void *context);

/* inet.c */

void inet_init(struct inet_socket *inet, const struct socket_ops *ops, uint32_t family,
               uint32_t type, uint32_t protocol);
/* bind() of all kinds: checks the address and takes the port. */
MUST_CHECK enum err inet_bind(struct inet_socket *inet, const struct socket_address *address);
/* Takes a free port, unless the socket has one. */
MUST_CHECK enum err inet_autobind(struct inet_socket *inet);
enum err inet_name(struct socket *socket, bool peer, struct socket_address *out);
/* Options of the levels that belong to no single protocol, and SO_BINDTODEVICE. option.c */
enum err inet_set_option(struct socket *socket, const struct socket_option *option);
enum err inet_get_option(struct socket *socket, struct socket_option *option);

/* Begins to listen to what ICMP says of packets that were sent. icmp_error.c */
void icmp_error_start(void) REQUIRES(net_lock);

/* The kinds of sockets. */
MUST_CHECK enum err tcp_socket_new(uint32_t family, struct socket **out);
MUST_CHECK enum err datagram_socket_new(uint32_t family, uint32_t type, uint32_t protocol,
                                        struct socket **out);
