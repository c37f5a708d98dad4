/* SPDX-License-Identifier: MIT */
/* A device that writes anything to the shared memory at any time: each request comes back at most once, with no more
 * bytes than it has room for, and no descriptor is lost or counted twice. */
#include "dev/virtio/ring.h"

#include "base/panic.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    SIZE_MAX_LOG = 4,
    REQUESTS = 1 << SIZE_MAX_LOG,
    CHAIN_MAX = 4,
};

struct request {
    bool out; /* with the device */
    uint32_t room;
};

struct input {
    const uint8_t *at, *end;
};

static uint8_t byte(struct input *in)
{
    return in->at < in->end ? *in->at++ : 0;
}

static void add(struct virtio_ring *ring, struct request *requests, struct input *in)
{
    struct virtio_buffer buffers[CHAIN_MAX];
    unsigned most = ring->options.size < CHAIN_MAX ? ring->options.size : CHAIN_MAX;
    unsigned count = 1 + byte(in) % most, readable = byte(in) % (count + 1), place = 0;
    while (place < REQUESTS && requests[place].out)
        place++;
    if (place == REQUESTS)
        return;
    struct request *r = &requests[place];
    r->room = 0;
    for (unsigned i = 0; i < count; i++) {
        buffers[i] = (struct virtio_buffer){phys(4096 * (i + 1)), 1u + byte(in) * 100u};
        r->room += i >= readable ? buffers[i].size : 0;
    }
    enum err e = count == 1 ? virtio_ring_add_one(ring, buffers, readable == 0, r)
                            : virtio_ring_add(ring, buffers, readable, count - readable, r);
    assert((e == E_IO) == (ring->broken != NULL));
    r->out = e == E_OK;
}

static void take(struct virtio_ring *ring)
{
    struct virtio_done done;
    if (!virtio_ring_take(ring, &done))
        return;
    struct request *r = done.token;
    assert(r->out && done.written <= r->room);
    r->out = false;
}

static void check(const struct virtio_ring *ring, const struct request *requests)
{
    unsigned out = 0, descriptors = 0;
    uint16_t at = ring->free_head;
    for (unsigned i = 0; i < REQUESTS; i++)
        out += requests[i].out;
    for (unsigned i = 0; i < ring->options.size; i++)
        descriptors += ring->slots[i].count;
    for (unsigned i = 0; i < ring->free_count; i++, at = ring->slots[at].next)
        assert(at < ring->options.size && ring->slots[at].count == 0);
    assert(out == ring->pending && descriptors + ring->free_count == ring->options.size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, data + size};
    uint8_t kind = byte(&in);
    const struct virtio_ring_options options = {(uint16_t)(1u << kind % (SIZE_MAX_LOG + 1)),
                                                kind & 0x20 ? CHAIN_MAX : 0, kind & 0x40, NULL};
    struct virtio_ring_layout layout;
    struct virtio_ring ring;
    struct request requests[REQUESTS] = {{false, 0}};
    virtio_ring_layout(&options, &layout);
    /* Of the exact sizes, for ASan. */
    uint8_t *memory = malloc(layout.total);
    struct virtio_slot *slots = malloc(sizeof(*slots) * options.size);
    virtio_ring_init(&ring, &options, memory, phys(0x10000), slots);
    while (in.at < in.end) {
        uint8_t what = byte(&in);
        switch (what % 8) {
        case 0:
        case 1:
            add(&ring, requests, &in);
            break;
        case 2:
            take(&ring);
            break;
        case 3:
            (void)!virtio_ring_notifies(&ring);
            break;
        case 4:
            if (!virtio_ring_listen(&ring))
                take(&ring);
            break;
        case 5: /* an element and the index: what a device does */
            memory[layout.used + 4 + 8 * (ring.removed % options.size)] = byte(&in);
            memory[layout.used + 2] = (uint8_t)(ring.removed + 1);
            memory[layout.used + 3] = (uint8_t)((ring.removed + 1) >> 8);
            break;
        case 6: /* any byte of the used ring */
            memory[layout.used + byte(&in) % (layout.tables - layout.used)] = byte(&in);
            break;
        default: /* any byte at all */
            memory[(byte(&in) | (size_t)byte(&in) << 8) % layout.total] = byte(&in);
        }
        check(&ring, requests);
    }
    free(slots);
    free(memory);
    return 0;
}
