/* SPDX-License-Identifier: MIT */
/*
 * A virtio device, whatever bus it is on (VIRTIO 1.1, chapters 2 and 3). A bus fills in `ops`; a driver calls the
 * functions below, in this order:
 *
 *   virtio_start()        reset, ACKNOWLEDGE, DRIVER, features, FEATURES_OK
 *   virtio_set_queue()    for each queue, with a ring that virtio_ring_init() made
 *   virtio_go()           DRIVER_OK: the device works from here on
 *
 * Pure, but for `ops`. No number from the device is used as an index, a size or the bound of a loop before it is
 * checked. Only modern devices (VIRTIO_F_VERSION_1): little-endian, no legacy layout.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "dev/virtio/ring.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VIRTIO_F_INDIRECT_DESC (UINT64_C(1) << 28)
#define VIRTIO_F_EVENT_IDX     (UINT64_C(1) << 29)
#define VIRTIO_F_VERSION_1     (UINT64_C(1) << 32)

enum virtio_device_id {
    VIRTIO_NET = 1,
    VIRTIO_BLOCK = 2,
    VIRTIO_CONSOLE = 3,
    VIRTIO_RNG = 4,
    VIRTIO_9P = 9,
};

enum { /* of virtio_ops.interrupt() */
    VIRTIO_INTERRUPT_QUEUE = 1,
    VIRTIO_INTERRUPT_CONFIG = 2,
};

struct virtio_device;

/* Where a queue is. */
struct virtio_place {
    uint16_t size;
    phys_t descriptors, available, used;
};

/* A bus. All O(1). */
struct virtio_ops {
    uint8_t (*status)(struct virtio_device *device);
    void (*set_status)(struct virtio_device *device, uint8_t status);
    uint64_t (*features)(struct virtio_device *device);
    void (*accept)(struct virtio_device *device, uint64_t features);
    /* The largest size of the queue; 0: there is no such queue. */
    uint32_t (*queue_most)(struct virtio_device *device, uint16_t queue);
    /* Enables it; false if the device says that it is in use already. */
    bool (*queue_set)(struct virtio_device *device, uint16_t queue,
                      const struct virtio_place *place);
    void (*notify)(struct virtio_device *device, uint16_t queue);
    /* What the interrupt is for, which is acknowledged with that. Callers: interrupt handlers. */
    uint32_t (*interrupt)(struct virtio_device *device);
    uint32_t (*generation)(struct virtio_device *device);
    uint8_t (*config)(struct virtio_device *device, uint32_t offset);
};

struct virtio_device {
    const struct virtio_ops *ops;
    uint32_t config_bytes; /* of the configuration space that the bus shows */
    uint64_t features;     /* accepted */
    /* What a store needs besides MFENCE so that the device has it before a load that follows; NULL: nothing. */
    void (*fence)(void);
};

/* Resets the device and accepts VIRTIO_F_VERSION_1 and those of `wanted` that the device offers. E_NOTSUP: it is a
 * legacy device or does not take them; E_IO: it does not come out of the reset. */
MUST_CHECK enum err virtio_start(struct virtio_device *device, uint64_t wanted);

/* Options of a ring for this queue: at most `wanted` descriptors, what the device offers, and tables of
 * `indirect` descriptors if it has them. E_NODEV: there is no such queue. */
MUST_CHECK enum err virtio_queue_options(struct virtio_device *device, uint16_t queue,
                                         uint16_t wanted, uint16_t indirect,
                                         struct virtio_ring_options *out);
/* E_BUSY: the device says that the queue is in use. */
MUST_CHECK enum err virtio_set_queue(struct virtio_device *device, uint16_t queue,
                                     const struct virtio_ring *ring);

/* E_IO: the device has failed (DEVICE_NEEDS_RESET). */
MUST_CHECK enum err virtio_go(struct virtio_device *device);
/* Stops the device: it touches no memory any more. Tells it so by FAILED if the driver gives up. */
void virtio_stop(struct virtio_device *device, bool failed);

/* Reads [offset, offset + size) of the configuration space as it was at one moment. E_RANGE: not all of it is there;
 * E_IO: the device changes it without end. */
MUST_CHECK enum err virtio_read_config(struct virtio_device *device, uint32_t offset, void *out,
                                       size_t size);
