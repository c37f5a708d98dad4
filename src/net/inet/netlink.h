/* SPDX-License-Identifier: MIT */
/*
 * AF_NETLINK (netlink(7), rtnetlink(7)): of the protocol NETLINK_ROUTE the requests that read links, addresses and routes, as
 * getifaddrs(3), if_nameindex(3) and `ip addr` make them. Changes are answered with EPERM or EOPNOTSUPP, and no notices are
 * sent to groups.
 */
#pragma once

/* Registers the family. Boot. */
void netlink_init(void);
