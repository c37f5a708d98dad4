/* SPDX-License-Identifier: MIT */
/*
 * SYN cookies (RFC 4987, 3.6): under a flood of SYNs a listener keeps nothing of a handshake. All it needs is in the
 * sequence number of its SYN-ACK, which the client's ACK brings back:
 *
 *     | time 5 | mss 3 | 24 bits of the keyed hash of ends, client's sequence number, time, mss |
 *
 * A cookie is good for 64 to 128 s, and is looked for only as long after the last one was sent.
 *
 * Callers: lwIP (cmake/lwip-edits/pcbs_cookies.cmake), under net_lock, for the segment that it looks at. Ports are in the
 * CPU's order.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Answers a SYN with this sequence number. */
void net_cookie_send(uint16_t local_port, uint16_t remote_port, uint32_t sequence, uint16_t mss);
/* True if `cookie` answered the SYN with this sequence number; *mss is what the client takes. */
bool net_cookie_read(uint16_t local_port, uint16_t remote_port, uint32_t sequence, uint32_t cookie,
                     uint16_t *mss);
