/* SPDX-License-Identifier: MIT */
/* The network's part of the boot: its options, and the files by which programs find names. */
#pragma once

/* Hands ip= to net/stack/. With a card: makes /etc/resolv.conf if the archive has none, a link to /proc/net/pnp where the
 * name servers are asked for; and adds the host to /etc/hosts. After proc_start(). */
void network_configure(void);
