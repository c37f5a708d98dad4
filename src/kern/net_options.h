/* SPDX-License-Identifier: MIT */
/*
 * The kernel word ip=: which address the network card gets. Pure.
 *
 *     ip=dhcp                                                    asked for (the default)
 *     ip=off                                                     the card is not used
 *     ip=10.0.2.15/24,gw=10.0.2.2,dns=10.0.2.3,host=10.0.2.2     this one; gw, dns (several times) and host may be absent
 *
 * host= is the computer that the virtual machine runs on, which /etc/hosts calls host.ouro. Addresses of IPv6 come from the
 * network's routers in either case but ip=off.
 */
#pragma once

#include "base/compiler.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NET_DNS_MAX 3 /* MAXNS of resolv.conf(5) */

enum net_way {
    NET_DHCP,
    NET_STATIC,
    NET_OFF
};

struct net_options {
    enum net_way way;
    uint8_t address[4], gateway[4], host[4]; /* 0.0.0.0: none */
    uint8_t dns[NET_DNS_MAX][4];
    uint8_t prefix, dns_count;
};

/* Parses the word's value. False: it is not of this form; *out is undefined then. */
MUST_CHECK bool net_options_parse(const char *value, struct net_options *out);
/* "1.2.3.4" with a NUL, at most 16 bytes; returns its length. */
size_t net_address_text(const uint8_t address[4], char *text, size_t size);
