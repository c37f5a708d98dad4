/* SPDX-License-Identifier: MIT */
/*
 * A virtio network card (VIRTIO 1.1, 5.1) as a struct netdev. Pure, but for the device's registers;
 * dev/nic/nic_machine.c has the device and its interrupts.
 *
 *     queue 0   buffers that the card fills: a struct net_buffer each, with a header before the frame
 *     queue 1   frames to send: a struct net_buffer each, header and frame in one piece
 *
 * A frame that came takes its buffers away, and the card gets others for them at once. If there are none, the frame is
 * dropped, and the card gets its buffers again: the queue of empty buffers is always full.
 *
 * What the device writes is used only after a check. A device that breaks a rule has failed for good; buffers that are
 * with it stay its own.
 */
#pragma once

#include "dev/virtio/virtio.h"
#include "kern/netdev.h"

enum virtio_net_queue {
    VIRTIO_NET_IN,
    VIRTIO_NET_OUT,
    VIRTIO_NET_QUEUES,
};

/* Descriptors of a queue: a ring of them, without indirect ones, fits a page. */
#define VIRTIO_NET_RING_MAX 128

struct virtio_net {
    struct netdev netdev; /* its address: for a device that has none */
    struct virtio_device *device;
    void (*leave)(struct virtio_net *net); /* stops the device for good */
    uint16_t ring_size;                    /* wanted: a power of two, at most VIRTIO_NET_RING_MAX */

    /* The driver's own. */
    bool open;
    volatile bool changed;        /* the configuration, since it was read */
    volatile uint32_t interrupts; /* since the last poll() */
    struct virtio_ring ring[VIRTIO_NET_QUEUES];
    struct virtio_slot *slots;                 /* of both: a page */
    struct net_buffer *spares;                 /* of frames to send */
    struct net_buffer *sending, *sending_last; /* given out by frame() and extend() */
};

extern const struct netdev_ops virtio_net_ops;

/* An interrupt of the card, which is for the configuration, too, if `changed`. Callers: interrupt handlers. O(1). */
void virtio_net_interrupt(struct virtio_net *net, bool changed);
