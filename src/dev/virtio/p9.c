/* SPDX-License-Identifier: MIT */
#include "dev/virtio/p9.h"

#include "parse/load.h"

#define F_MOUNT_TAG (UINT64_C(1) << 0)

enum {
    CONFIG_LENGTH = 0, /* 2 bytes */
    CONFIG_TAG = 2,
    DEVICE_NEEDS_RESET = 64, /* of its status (VIRTIO 1.1, 2.1) */
};

static enum err read_tag(struct virtio_p9 *p9)
{
    uint8_t length[2];
    if (!(p9->device->features & F_MOUNT_TAG))
        return E_NOTSUP;
    enum err e = virtio_read_config(p9->device, CONFIG_LENGTH, length, sizeof length);
    unsigned size = load16(length);
    if (e == E_OK && (size == 0 || size > VIRTIO_P9_TAG))
        return E_NOTSUP;
    if (e == E_OK)
        e = virtio_read_config(p9->device, CONFIG_TAG, p9->tag, size);
    for (unsigned i = 0; e == E_OK && i < size; i++)
        e = p9->tag[i] > ' ' && p9->tag[i] < 127 ? E_OK : E_NOTSUP;
    return e;
}

static enum err make_ring(struct virtio_p9 *p9, void *memory, phys_t at)
{
    struct virtio_ring_options options;
    enum err e = virtio_queue_options(p9->device, 0, VIRTIO_P9_RING, 0, &options);
    if (e == E_OK && options.size < VIRTIO_P9_LEAST)
        e = E_NOTSUP;
    if (e != E_OK)
        return e;
    virtio_ring_init(&p9->ring, &options, memory, at, p9->slots);
    return virtio_set_queue(p9->device, 0, &p9->ring);
}

enum err virtio_p9_open(struct virtio_p9 *p9, struct virtio_device *device, void *memory, phys_t at)
{
    *p9 = (struct virtio_p9){.device = device};
    enum err e = virtio_start(device, F_MOUNT_TAG);
    if (e != E_OK)
        return e;
    e = read_tag(p9);
    if (e == E_OK)
        e = make_ring(p9, memory, at);
    if (e == E_OK)
        e = virtio_go(device);
    if (e != E_OK)
        virtio_stop(device, true);
    return e;
}

enum err virtio_p9_send(struct virtio_p9 *p9, const struct virtio_buffer *parts, unsigned readable,
                        unsigned writable, void *token)
{
    enum err e = virtio_ring_add(&p9->ring, parts, readable, writable, token);
    if (e == E_OK && virtio_ring_notifies(&p9->ring))
        p9->device->ops->notify(p9->device, 0);
    return e;
}

bool virtio_p9_take(struct virtio_p9 *p9, struct virtio_done *out)
{
    bool taken;
    while (!(taken = virtio_ring_take(&p9->ring, out)) && !virtio_ring_listen(&p9->ring))
        ;
    return taken;
}

const char *virtio_p9_failure(struct virtio_p9 *p9)
{
    if (p9->ring.broken == NULL && p9->device->ops->status(p9->device) & DEVICE_NEEDS_RESET)
        return "it asks for a reset";
    return p9->ring.broken;
}
