/* SPDX-License-Identifier: MIT */
/*
 * The ring of frames that a packet socket shares with the program (PACKET_RX_RING, TPACKET_V2): blocks of whole pages with whole frames,
 * each of which belongs to the kernel while its first word, the status, is 0. Under kernel_lock.
 */
#pragma once

#include "kern/kernel_pages.h"

struct link_address {          /* struct sockaddr_ll */
    uint16_t family, protocol; /* the protocol: in network order */
    int32_t interface;
    uint16_t hardware;
    uint8_t type, size, address[8];
};

enum {               /* of a frame's status */
    PACKET_USER = 1, /* it is the program's */
    PACKET_LOSING = 4,
};

struct packet_ring_request { /* struct tpacket_req */
    uint32_t block_size, blocks, frame_size, frames;
};

struct packet_ring {
    struct kernel_pages *pages; /* NULL: none */
    struct packet_ring_request shape;
    uint32_t next;    /* frame */
    uint32_t reserve; /* bytes that are left free before each frame's bytes */
};

/* Makes the ring, or with no blocks drops it. Linux's checks: E_INVAL: not whole frames in whole pages, each with room for a header; E_BUSY: there is
 * one, or it is mapped; E_NOMEM. O(bytes), gives way. */
MUST_CHECK enum err packet_ring_set(struct packet_ring *ring, const struct packet_ring_request *to);
void packet_ring_drop(struct packet_ring *ring);

struct packet_sizes {
    uint32_t whole; /* of the frame before a filter cut it */
    uint32_t has;   /* bytes that are there */
    uint32_t
        header;    /* of the link's header, with which it begins; 0: it begins with the network's */
    uint32_t lost; /* not 0: some were lost before it */
};
/* False: the program has not given the frame back. O(size). */
bool packet_ring_put(struct packet_ring *ring, const struct link_address *from, uint64_t came_ns,
                     const uint8_t *bytes, const struct packet_sizes *sizes);
/* True if the program has frames. */
bool packet_ring_has(const struct packet_ring *ring);
