/* SPDX-License-Identifier: MIT */
#include "dev/virtio/random.h"

#include "base/str.h"

enum {
    BYTES_AT = VIRTIO_RANDOM_PAGE / 2,
};

enum err virtio_random_ask(struct virtio_random *r, struct virtio_device *device, void *page,
                           phys_t at)
{
    struct virtio_ring_options options;
    const struct virtio_buffer room = {phys(at.v + BYTES_AT), VIRTIO_RANDOM_BYTES};
    *r = (struct virtio_random){.device = device, .bytes = (uint8_t *)page + BYTES_AT};
    enum err e = virtio_start(device, 0);
    if (e == E_OK)
        e = virtio_queue_options(device, 0, 1, 0, &options);
    if (e != E_OK)
        return e;
    virtio_ring_init(&r->ring, &options, page, at, r->slots);
    e = virtio_set_queue(device, 0, &r->ring);
    if (e == E_OK)
        e = virtio_go(device);
    if (e == E_OK)
        e = virtio_ring_add_one(&r->ring, &room, true, NULL);
    if (e == E_OK && virtio_ring_notifies(&r->ring))
        device->ops->notify(device, 0);
    return e;
}

enum err virtio_random_take(struct virtio_random *r, uint8_t out[VIRTIO_RANDOM_BYTES], size_t *size)
{
    struct virtio_done done;
    if (!virtio_ring_take(&r->ring, &done))
        return r->ring.broken != NULL ? E_IO : E_AGAIN;
    if (done.written == 0)
        return E_IO;
    memcpy(out, r->bytes, done.written); /* at most what there is room for: the ring's check */
    memset(r->bytes, 0, VIRTIO_RANDOM_BYTES);
    *size = done.written;
    return E_OK;
}
