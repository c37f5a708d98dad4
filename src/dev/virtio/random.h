/* SPDX-License-Identifier: MIT */
/*
 * A virtio source of random bytes (VIRTIO 1.1, 5.4). It is asked once. Pure, but for the device's registers;
 * dev/virtio/random_machine.h has its interrupt.
 */
#pragma once

#include "dev/virtio/virtio.h"

#define VIRTIO_RANDOM_BYTES 64
#define VIRTIO_RANDOM_PAGE                                                                         \
    4096 /* bytes of memory, aligned to as many: the ring, and what the device writes */

struct virtio_random {
    struct virtio_device *device;
    struct virtio_ring ring;
    struct virtio_slot slots[1];
    uint8_t *bytes;
};

/* Starts the device and asks it for bytes; an interrupt comes with them. Errors of virtio_start() and the like. */
MUST_CHECK enum err virtio_random_ask(struct virtio_random *random, struct virtio_device *device,
                                      void *page, phys_t at);
/* Copies what came, and clears it there. E_AGAIN: nothing came; E_IO: the device broke a rule. */
MUST_CHECK enum err virtio_random_take(struct virtio_random *random,
                                       uint8_t out[VIRTIO_RANDOM_BYTES], size_t *size);
