/* SPDX-License-Identifier: MIT */
/* Control messages of datagrams (IP_PKTINFO and its like), and the ioctl() commands about interfaces. */
#pragma once

#include "net/inet/inet.h"

struct datagram;

struct inet_sending { /* how one packet is to be sent */
    ip_addr_t source; /* the wildcard: chosen by the route */
    uint8_t interface, ttl, traffic_class;
};

/* From the socket's options and the message's control messages (NULL: none). E_INVAL, E_NODEV. */
MUST_CHECK enum err inet_sending_of(const struct inet_socket *inet,
                                    const struct socket_controls *controls,
                                    struct inet_sending *out);
/* Adds what the socket's options ask for. */
void inet_controls_of(const struct inet_socket *inet, const struct datagram *datagram,
                      struct socket_controls *out);
/* Adds the time at which a packet came, if the socket has SO_TIMESTAMP or SO_TIMESTAMPNS. */
void inet_stamp_of(const struct socket *socket, uint64_t came_ns, struct socket_controls *out);
/* Adds a control message; NULL: there are too many. `size` <= SOCKET_CONTROL_MAX. */
uint8_t *inet_control_add(struct socket_controls *controls, uint32_t level, uint32_t type,
                          const void *bytes, uint32_t size);

/* ioctl() of a socket: SIOCGIF* (netdevice(7)), SIOCGSTAMP. interface.c */
enum err inet_control(struct socket *socket, uint32_t command, uint64_t argument);
