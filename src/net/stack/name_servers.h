/* SPDX-License-Identifier: MIT */
/*
 * The name servers of /etc/resolv.conf: those of ip=...,dns= or DHCP, then those that routers announce (RFC 8106).
 * Under net_lock.
 */
#pragma once

#include "net/stack/lock.h"

#include <stddef.h>
#include <stdint.h>

#define NET_SERVER_TEXT 48 /* bytes of an address as text, with its NUL */

/* Those of the kernel word. */
void net_name_servers_set(const uint8_t (*addresses)[4], unsigned count) REQUIRES(net_lock);
/* The i-th as text; the length, 0 if there are not so many. */
size_t net_name_server(unsigned i, char text[NET_SERVER_TEXT]) REQUIRES(net_lock);
