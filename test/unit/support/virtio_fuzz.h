/* SPDX-License-Identifier: MIT */
/*
 * A virtio device that says anything at any time, for fuzzers. The file that includes it has byte() and word(), which read the
 * input, RING, the size of a queue of a device that is not fickle, and fuzz_config().
 */
#pragma once

#include "dev/virtio/virtio.h"

static uint8_t status;
static bool fickle; /* even what decides about the start varies */

static uint8_t fuzz_status(struct virtio_device *d)
{
    (void)d;
    return fickle && byte() > 200 ? byte() : status;
}

static void fuzz_set_status(struct virtio_device *d, uint8_t value)
{
    (void)d;
    status = value;
}

static uint64_t fuzz_features(struct virtio_device *d)
{
    (void)d;
    return VIRTIO_F_VERSION_1 | (uint64_t)word() << 16 | word();
}

static void fuzz_accept(struct virtio_device *d, uint64_t features)
{
    (void)d;
    (void)features;
}

static uint32_t fuzz_most(struct virtio_device *d, uint16_t queue)
{
    (void)d;
    (void)queue;
    return fickle ? word() : RING;
}

static bool fuzz_set(struct virtio_device *d, uint16_t queue, const struct virtio_place *place)
{
    (void)d;
    (void)queue;
    (void)place;
    return !fickle || byte() < 250;
}

static void fuzz_notify(struct virtio_device *d, uint16_t queue)
{
    (void)d;
    (void)queue;
}

static uint32_t fuzz_interrupt(struct virtio_device *d)
{
    (void)d;
    return byte();
}

static uint32_t fuzz_generation(struct virtio_device *d)
{
    (void)d;
    return fickle ? byte() : 0;
}

static uint8_t fuzz_config(struct virtio_device *d, uint32_t offset);

static const struct virtio_ops fuzz_ops = {
    fuzz_status, fuzz_set_status, fuzz_features,  fuzz_accept,     fuzz_most,
    fuzz_set,    fuzz_notify,     fuzz_interrupt, fuzz_generation, fuzz_config};
