/* SPDX-License-Identifier: MIT */
/* The clients of `ouro bench net`, on this computer. */
#pragma once

#include <stdint.h>

/* What a client of memcached does, with `connections` connections that each have one request under way, for `seconds`:
 * gets of a value of 100 bytes, one in ten a set. Requests a second; 0: an answer was wrong. */
double traffic_memcached(uint16_t port, unsigned connections, double seconds);
/* Bytes a second from the machine, or to it. 0: the connection failed. */
double traffic_read(uint16_t port, double seconds);
double traffic_write(uint16_t port, double seconds);
/* What bench/net.c says: nanoseconds of the machine's clock without those in which it was idle. Below 0: nothing. */
double traffic_busy_ns(uint16_t port);
