/* SPDX-License-Identifier: MIT */
/*
 * A network card, between its driver (dev/nic/) and the stack (net/stack/).
 *
 *     card --interrupt--> driver --wake()--> stack     "look": the driver has silenced its interrupts
 *     stack --poll(64)--> driver --receive()--> stack  frames, each in the buffer that the card wrote
 *     stack --listen()--> driver                       interrupts again, or false: more is there already
 *     stack --frame(), send()--> driver                a frame out
 *     stack --frame(), extend() ..., send()--> driver  one that the card cuts into segments of TCP
 *
 * The card is quiet, and costs nothing, until open(). All functions but wake() are called by threads or deferred work
 * under net_lock; they do not sleep.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "kern/net_buffer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NETDEV_ADDRESS   6    /* bytes of a MAC address */
#define NETDEV_FRAME_MAX 1514 /* of a frame to send: no FCS, no VLAN tag */
#define NETDEV_PIECES    32   /* of a frame that the card cuts: frame() and extend() */

enum { /* of netdev.features: what the card does */
    NETDEV_CHECKSUM_OUT = 1,
    NETDEV_CHECKSUM_IN = 2, /* of TCP and UDP: net_buffer.checked says for which frames */
    NETDEV_SEGMENT4 = 4,    /* cuts a frame of TCP over IPv4 into segments (TSO) */
    NETDEV_SEGMENT6 = 8,    /* and over IPv6 */
};

/* A frame that goes out. */
struct netdev_send {
    uint32_t size; /* of all its pieces, at most 65,549 */
    /* 0, or where the bytes begin whose checksum the card puts at checksum_from + checksum_at (NETDEV_CHECKSUM_OUT); the sum
     * of the pseudo header is there. */
    uint16_t checksum_from, checksum_at;
    /* 0, or the bytes of TCP in each segment into which the card cuts the frame, and of the headers before them. */
    uint16_t segment, headers;
    bool v6, more; /* more: another frame follows at once, so that the card need not be told yet */
};

struct netdev;

struct netdev_ops {
    /* Starts the card, once; address, features, mtu and link are valid from then on. False: it has failed. */
    bool (*open)(struct netdev *netdev);
    /* Room for a frame of `size` bytes, at most NETDEV_FRAME_MAX; NULL: the ring is full of frames that the card has not
     * sent yet, and wake() says when it is not, or the card has failed. The caller fills it and calls send(), with no other call between. O(1). */
    void *(*frame)(struct netdev *netdev, size_t size);
    /* Room for `size` more bytes of it, at most NETDEV_FRAME_MAX, for at most NETDEV_PIECES in all; NULL: there is none.
     * Of cards that cut. O(1). */
    void *(*extend)(struct netdev *netdev, size_t size);
    /* Hands the frame to the card. O(pieces). */
    void (*send)(struct netdev *netdev, const struct netdev_send *how);
    /* Calls netdev->receive() with at most `most` frames, and gives the card new buffers. Returns the number of frames,
     * with those that were dropped; fewer than `most`: there are no more. O(frames). */
    unsigned (*poll)(struct netdev *netdev, unsigned most);
    /* Interrupts on again. False: a frame has come already, poll() again. O(1). */
    bool (*listen)(struct netdev *netdev);
};

struct netdev_counters {
    uint64_t packets, bytes, errors, dropped;
};

struct netdev {
    const struct netdev_ops *ops;
    const char *driver; /* as in `ethtool -i`: "virtio_net", "e1000", "e1000e" */
    uint8_t address[NETDEV_ADDRESS];
    uint32_t features;
    uint32_t mtu;       /* 1500 unless the card says less */
    bool link;          /* as at the last poll(); a change wakes */
    const char *failed; /* why the card is used no more; NULL: it works */
    struct netdev_counters in, out;
    /* Set by the stack before open(). receive() takes over the buffers: a frame is a chain of them. wake() is
     * called in interrupts. */
    void (*receive)(struct netdev *netdev, struct net_buffer *frame);
    void (*wake)(struct netdev *netdev);
};

/* The card of this machine, from the driver that found one at boot; the first counts. Boot. */
void netdev_register(struct netdev *netdev);
/* NULL: there is none. */
struct netdev *netdev_first(void);
