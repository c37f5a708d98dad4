/* SPDX-License-Identifier: MIT */
/*
 * Virtio devices with registers in memory (VIRTIO 1.1, 4.2), version 2. There is nothing to search: the
 * host names each device by a kernel word, as Linux has it:
 *
 *   virtio_mmio.device=512@0xfeb00e00:12     bytes @ physical address : interrupt line
 *
 * An id of 0 means that the place has no device.
 */
#pragma once

#include "dev/virtio/virtio.h"

#define VIRTIO_MMIO_BYTES 0x100 /* of registers, before the configuration space */

struct virtio_mmio_word {
    struct phys_range range;
    unsigned line;
};

struct virtio_mmio {
    struct virtio_device device;
    volatile void *registers;
};

/* The value of the kernel word. False if it is not one, or its range is not one that registers can have. */
MUST_CHECK bool virtio_mmio_parse(const char *value, struct virtio_mmio_word *out);

/* Finds what is at `registers`, of `bytes` bytes, mapped uncached. E_NODEV: no device; E_NOTSUP: a legacy device
 * or no virtio at all. */
MUST_CHECK enum err virtio_mmio_open(struct virtio_mmio *mmio, volatile void *registers,
                                     uint64_t bytes, enum virtio_device_id *out);
