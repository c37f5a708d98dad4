/* SPDX-License-Identifier: MIT */
/*
 * Options of sockets (ip(7), ipv6(7), tcp(7), udp(7)). Those that are a number are rows of tables: where the number lies, and
 * which ones are allowed. What takes effect elsewhere reads it there.
 */
#pragma once

#include "net/inet/inet.h"

enum {
    IP_TOS = 1,
    IP_TTL = 2,
    IP_HDRINCL = 3,
    IP_OPTIONS = 4,
    IP_PKTINFO = 8,
    IP_MTU_DISCOVER = 10,
    IP_RECVERR = 11,
    IP_RECVTTL = 12,
    IP_RECVTOS = 13,
    IP_MTU = 14,
    IP_FREEBIND = 15,
    IP_RECVORIGDSTADDR = 20,
    IP_BIND_ADDRESS_NO_PORT = 24,
    IP_MULTICAST_IF = 32,
    IP_MULTICAST_TTL = 33,
    IP_MULTICAST_LOOP = 34,
    IP_ADD_MEMBERSHIP = 35,
    IP_DROP_MEMBERSHIP = 36,
};

enum {
    IPV6_2292PKTINFO = 2,
    IPV6_2292HOPLIMIT = 8,
    IPV6_UNICAST_HOPS = 16,
    IPV6_MULTICAST_IF = 17,
    IPV6_MULTICAST_HOPS = 18,
    IPV6_MULTICAST_LOOP = 19,
    IPV6_JOIN_GROUP = 20,
    IPV6_LEAVE_GROUP = 21,
    IPV6_MTU_DISCOVER = 23,
    IPV6_MTU = 24,
    IPV6_RECVERR = 25,
    IPV6_V6ONLY = 26,
    IPV6_RECVPKTINFO = 49,
    IPV6_PKTINFO = 50,
    IPV6_RECVHOPLIMIT = 51,
    IPV6_HOPLIMIT = 52,
    IPV6_RECVTCLASS = 66,
    IPV6_TCLASS = 67,
    IPV6_FREEBIND = 78,
};

enum inet_option_kind {
    OPTION_BYTE,  /* a uint8_t or bool at `offset` */
    OPTION_BOOL,  /* a bool at `offset`: any number but 0 is true */
    OPTION_WORD,  /* an int32_t at `offset` */
    OPTION_WANTS, /* a bit of inet_socket.wants: `offset` */
    OPTION_FIXED, /* is `offset`, and may be set to anything in the range, without an effect */
};

struct inet_option {
    uint8_t level, name, kind;
    uint16_t offset;
    int32_t least, most;
};

/* Sets or reads an option by a table. E_NOPROTOOPT: it is not in it. E_INVAL. */
MUST_CHECK enum err inet_option_set(const struct inet_option *rows, size_t count, void *base,
                                    const struct socket_option *option);
MUST_CHECK enum err inet_option_get(const struct inet_option *rows, size_t count, const void *base,
                                    struct socket_option *option);
