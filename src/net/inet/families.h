/* SPDX-License-Identifier: MIT */
#pragma once

/* Registers AF_INET, AF_INET6 and AF_NETLINK. Boot. */
void inet_sockets_init(void);
