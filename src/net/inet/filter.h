/* SPDX-License-Identifier: MIT */
/* Socket filters (SO_ATTACH_FILTER) of packets. Callers: those that queue them, under kernel_lock. */
#pragma once

#include "fs/socket/socket.h"
#include "net/stack/lock.h"

struct pbuf;

/* True if the socket gets the packet, which is cut to what the filter says, but not within the first `header` bytes. O(filter + packet). */
bool filter_pbuf(const struct socket *socket, struct pbuf *p, uint32_t header) REQUIRES(net_lock);
/* The same of bytes: how many of them. `about`: all but size, copy and bytes are set. */
uint32_t filter_bytes(const struct socket *socket, struct bpf_packet *about, const void *bytes,
                      uint32_t size);
