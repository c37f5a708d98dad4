/* SPDX-License-Identifier: MIT */
#include "dev/virtio/virtio.h"

#include "base/checked.h"

enum {
    STATUS_ACKNOWLEDGE = 1,
    STATUS_DRIVER = 2,
    STATUS_DRIVER_OK = 4,
    STATUS_FEATURES_OK = 8,
    STATUS_NEEDS_RESET = 64,
    STATUS_FAILED = 128,
    RESET_POLLS = 100000, /* reads of the status; a device in software needs one */
    CONFIG_TRIES = 16,    /* reads of the configuration, until it did not change meanwhile */
};

static bool virtio_reset(struct virtio_device *d)
{
    d->ops->set_status(d, 0);
    for (unsigned i = 0; i < RESET_POLLS; i++)
        if (d->ops->status(d) == 0)
            return true;
    return false;
}

enum err virtio_start(struct virtio_device *d, uint64_t wanted)
{
    if (!virtio_reset(d))
        return E_IO;
    d->ops->set_status(d, STATUS_ACKNOWLEDGE);
    d->ops->set_status(d, STATUS_ACKNOWLEDGE | STATUS_DRIVER);
    uint64_t offered = d->ops->features(d);
    d->features = offered & (wanted | VIRTIO_F_VERSION_1);
    if (offered & VIRTIO_F_VERSION_1) {
        d->ops->accept(d, d->features);
        d->ops->set_status(d, STATUS_ACKNOWLEDGE | STATUS_DRIVER | STATUS_FEATURES_OK);
        if (d->ops->status(d) & STATUS_FEATURES_OK)
            return E_OK;
    }
    virtio_stop(d, true);
    return E_NOTSUP;
}

enum err virtio_queue_options(struct virtio_device *d, uint16_t queue, uint16_t wanted,
                              uint16_t indirect, struct virtio_ring_options *out)
{
    uint16_t size = virtio_ring_size(d->ops->queue_most(d, queue), wanted);
    if (size == 0)
        return E_NODEV;
    *out = (struct virtio_ring_options){
        .size = size,
        .indirect = d->features & VIRTIO_F_INDIRECT_DESC ? indirect : 0,
        .event_index = d->features & VIRTIO_F_EVENT_IDX,
        .fence = d->fence,
    };
    return E_OK;
}

enum err virtio_set_queue(struct virtio_device *d, uint16_t queue, const struct virtio_ring *ring)
{
    struct virtio_ring_layout layout;
    virtio_ring_layout(&ring->options, &layout);
    const struct virtio_place place = {ring->options.size, ring->at,
                                       phys(ring->at.v + layout.available),
                                       phys(ring->at.v + layout.used)};
    return d->ops->queue_set(d, queue, &place) ? E_OK : E_BUSY;
}

enum err virtio_go(struct virtio_device *d)
{
    d->ops->set_status(d,
                       STATUS_ACKNOWLEDGE | STATUS_DRIVER | STATUS_FEATURES_OK | STATUS_DRIVER_OK);
    return d->ops->status(d) & STATUS_NEEDS_RESET ? E_IO : E_OK;
}

void virtio_stop(struct virtio_device *d, bool failed)
{
    (void)virtio_reset(d);
    if (failed)
        d->ops->set_status(d, STATUS_FAILED);
}

enum err virtio_read_config(struct virtio_device *d, uint32_t offset, void *out, size_t size)
{
    uint8_t *bytes = out;
    if (!checked_span(offset, size, d->config_bytes))
        return E_RANGE;
    for (unsigned i = 0; i < CONFIG_TRIES; i++) {
        uint32_t before = d->ops->generation(d);
        for (uint32_t at = 0; at < size; at++)
            bytes[at] = d->ops->config(d, offset + at);
        if (d->ops->generation(d) == before)
            return E_OK;
    }
    return E_IO;
}
