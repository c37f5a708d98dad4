/* SPDX-License-Identifier: MIT */
/*
 * Buffers that a network card writes received frames into: half a page each, physically in one piece, reached through the
 * kernel's window of physical memory. A frame travels in its buffers from the card to the program's read().
 *
 *     | struct net_buffer | owner's words | data: NET_BUFFER_DATA bytes |
 *
 * They may take an eighth of the machine's memory, so that a program that does not read cannot take all of it. Free ones are
 * kept for a while, and given back when memory is short. Guarded by kernel_lock.
 */
#pragma once

#include "base/addr.h"
#include "base/compiler.h"

#include <stdbool.h>
#include <stdint.h>

#define NET_BUFFER_SIZE  2048
#define NET_BUFFER_OWNER 64 /* bytes for the stack's own record of the buffer */
/* Bytes that a card may write: a frame with its VLAN tag and virtio's header, and some. */
#define NET_BUFFER_DATA 1952

struct net_buffer {
    struct net_buffer *next; /* of the same frame */
    uint16_t start, size;    /* bytes of the frame: data[start, start + size) */
    bool checked; /* the card has checked TCP's or UDP's checksum. Of the first buffer. */
    bool spare;   /* free: net_buffer.c's own */
    phys_t at;    /* of `data` */
    ALIGNED(16) uint8_t owner[NET_BUFFER_OWNER];
    ALIGNED(16) uint8_t data[NET_BUFFER_DATA];
};

/* NULL: the limit is reached, or there is no memory. O(1). */
struct net_buffer *net_buffer_alloc(void);
/* One buffer, not its chain. O(1). */
void net_buffer_free(struct net_buffer *buffer);
/* In use now, and how many there may be. */
uint32_t net_buffers_used(void);
uint32_t net_buffers_most(void);
/* True if less than a quarter of them is left: what waits already should not get more. */
static inline bool net_buffers_are_scarce(void)
{
    return net_buffers_used() > net_buffers_most() - net_buffers_most() / 4;
}
