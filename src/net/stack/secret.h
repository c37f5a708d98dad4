/* SPDX-License-Identifier: MIT */
/* Numbers of the network that nobody outside may guess. Callers: under net_lock. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct ip_addr;

/* Draws the keys. */
void net_secret_init(void);
/* From the kernel's random source, which is asked for 32 numbers at once. */
uint32_t net_random(void);
/* The identification of a packet that may be fragmented. */
uint16_t net_packet_id(void);

/* SipHash-2-4 of `count` words under the machine's key. O(count). */
uint64_t net_keyed_hash(const uint64_t *words, size_t count);

/* The ends of a connection; ports in the CPU's order. */
struct net_ends {
    const struct ip_addr *local, *remote;
    uint16_t local_port, remote_port;
};

enum {
    NET_ENDS_WORDS = 5
};
/* All of it in words, for a hash. */
void net_ends_words(const struct net_ends *ends, uint64_t out[NET_ENDS_WORDS]);
/* RFC 6528: rises with time for the same ends, and tells nothing about others. */
uint32_t net_initial_sequence(const struct ip_addr *local, uint16_t local_port,
                              const struct ip_addr *remote, uint16_t remote_port);
