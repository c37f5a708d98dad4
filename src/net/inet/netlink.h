/* SPDX-License-Identifier: MIT */
/*
 * AF_NETLINK (netlink(7), rtnetlink(7)): of the protocol NETLINK_ROUTE the requests that read links, addresses and routes, as
 * getifaddrs(3), if_nameindex(3) and `ip addr` make them, changes are answered with EPERM or EOPNOTSUPP; NETLINK_GENERIC, which
 * knows no family but the one that tells of families; NETLINK_KOBJECT_UEVENT, by which programs that use libudev tell each
 * other of devices. The kernel sends no notices to groups. Sending is O(sockets of the family).
 */
#pragma once

/* Registers the family. Boot. */
void netlink_init(void);
