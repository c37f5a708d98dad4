/* SPDX-License-Identifier: MIT */
/*
 * An interface without a link layer for tests of lwIP: the test makes packets, and sees what is sent. This machine is
 * 10.0.0.2/24 and fe80::2, the other one 10.0.0.1 and fe80::1.
 */
#pragma once

#include <lwip/netif.h>
#include <lwip/tcp.h>
#include <stdbool.h>
#include <stdint.h>

extern struct netif wire;
/* What was sent last, and how many packets have been. */
extern uint8_t wire_last[2048];
extern unsigned wire_last_size, wire_sent;

/* After net_native_start(). */
void wire_add(void);
/* A packet of IPv4 or IPv6 comes in, in a buffer of just its size. */
void wire_packet(const void *packet, unsigned size);

/* TCP by IPv4. */
struct wire_segment {
    uint32_t from; /* address; 0: 10.0.0.1 */
    uint16_t source, destination;
    uint32_t sequence, acknowledges;
    uint8_t flags;
    uint16_t window; /* 0: 65535 */
    const void *options;
    unsigned options_size;
    const void *data;
    unsigned size;
};
void wire_tcp(const struct wire_segment *segment);
/* The last packet that was sent, if it is TCP by IPv4. */
struct wire_segment wire_answer(void);
enum {
    WIRE_PROTOCOL = 200
};
/* A fragment of IPv6, of a packet of this protocol, with this hop limit: 64 unless the test sets another. */
extern uint8_t wire_hops;
void wire_fragment(unsigned offset, bool more, uint32_t id, const void *data, unsigned size);
