/* SPDX-License-Identifier: MIT */
/*
 * A virtio device that carries messages of 9P2000.L to a folder of the host (Linux: net/9p/trans_virtio.c; QEMU:
 * hw/9pfs/virtio-9p-device.c). Pure, but for the device's registers; dev/virtio/p9_machine.h has the devices of the machine.
 *
 *     a message    | the request's parts | the reply's parts |    a chain of the one queue
 *
 * What the device says of the number of bytes is checked by the ring, what is in the bytes by the client (fs/p9/). A device that
 * breaks a rule of the ring has failed for good.
 */
#pragma once

#include "dev/virtio/virtio.h"

#define VIRTIO_P9_RING   128 /* descriptors, and so parts of all messages under way */
#define VIRTIO_P9_LEAST  8   /* of a device that can be used */
#define VIRTIO_P9_TAG    63  /* bytes of a mount tag at most */
#define VIRTIO_P9_MEMORY 4096

struct virtio_p9 {
    struct virtio_device *device;
    struct virtio_ring ring;
    struct virtio_slot slots[VIRTIO_P9_RING];
    char tag[VIRTIO_P9_TAG + 1]; /* by which the folder is mounted */
};

/* Reads the tag and starts the device. `memory`: VIRTIO_P9_MEMORY bytes, aligned to as many. E_NOTSUP: its queue is too small, or it
 * has no tag that can be one (printable, 1 to VIRTIO_P9_TAG bytes). The device is stopped if there is an error. Boot. */
MUST_CHECK enum err virtio_p9_open(struct virtio_p9 *p9, struct virtio_device *device, void *memory,
                                   phys_t at);
/* Sends a message. E_AGAIN: no room; it has some when messages have come back. E_IO: the ring is broken. O(parts). */
MUST_CHECK enum err virtio_p9_send(struct virtio_p9 *p9, const struct virtio_buffer *parts,
                                   unsigned readable, unsigned writable, void *token);
/* Takes a reply, and asks for an interrupt for the next if there is none. O(parts). */
MUST_CHECK bool virtio_p9_take(struct virtio_p9 *p9, struct virtio_done *out);
/* Why the device has failed; NULL: it has not. Reads its status: for after an interrupt that brought nothing. O(1). */
const char *virtio_p9_failure(struct virtio_p9 *p9);
