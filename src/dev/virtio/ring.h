/* SPDX-License-Identifier: MIT */
/*
 * The split virtqueue (VIRTIO 1.1, 2.6): how requests travel to a device and come back. Pure: it touches the
 * memory that it was given and nothing else.
 *
 *   descriptors   [ address, size, flags, next ] * size       written by us
 *   available     flags, index, head of a chain * size, event  written by us, read by the device
 *   used          flags, index, { head, bytes } * size, event  written by the device
 *   indirect      tables of descriptors, one for each descriptor; written by us
 *
 * A request is a chain of buffers: first those that the device reads, then those that it writes. With
 * indirect descriptors a chain of several buffers takes one descriptor. The device returns requests in any order.
 *
 * The device is not trusted. All that it can write is the used ring; what the ring says is checked against
 * `slots`, which the device cannot reach, and descriptors are never read back:
 *   1. No more requests come back than are with the device.
 *   2. A head names a request that is with the device.
 *   3. The bytes written are not more than the request has room for.
 * A broken rule breaks the queue for good: `broken` says what was wrong, and nothing is added or taken any
 * more. The two event indices and the flags only decide who is notified: a false one delays the device's own
 * work.
 *
 * Locks: the caller's. Memory order: x86's, and fences where a store is followed by a load.
 */
#pragma once

#include "base/addr.h"
#include "base/compiler.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VIRTIO_RING_MAX 32768 /* descriptors; the size of a queue is a power of two */

struct virtio_descriptor {
    uint64_t at;
    uint32_t size;
    uint16_t flags, next;
};

struct virtio_used_element {
    uint32_t head, written;
};

/* What the device has of a request; indexed by the head of its chain. */
struct virtio_slot {
    void *token;       /* the caller's name for the request */
    uint32_t writable; /* bytes that the device may write */
    uint16_t count;    /* descriptors of the chain; 0: no request starts here */
    uint16_t next;     /* of the chain, or of the free descriptors */
};

struct virtio_buffer {
    phys_t at;
    uint32_t size; /* not 0 */
};

struct virtio_done {
    void *token;
    uint32_t written; /* bytes that the device wrote, at most those of the writable buffers */
};

struct virtio_ring_options {
    uint16_t size; /* descriptors: a power of two */
    uint16_t
        indirect; /* descriptors of an indirect table; 0: the device has no indirect descriptors */
    bool event_index;    /* VIRTIO_F_EVENT_IDX was accepted */
    void (*fence)(void); /* virtio_device.fence */
};

struct virtio_ring {
    struct virtio_ring_options options;
    volatile struct virtio_descriptor *descriptors;
    volatile uint16_t *available, *used; /* words 0: flags, 1: index */
    volatile struct virtio_used_element *used_elements;
    volatile struct virtio_descriptor *tables; /* options.indirect for each descriptor */
    phys_t at;                                 /* of the descriptors */
    struct virtio_slot *slots;
    uint16_t free_head, free_count;
    uint16_t pending;                  /* requests that are with the device */
    uint16_t added, notified, removed; /* indices: added, added at the last notification, taken */
    const char *broken;                /* what the device did wrong; NULL: nothing */
};

/* Offsets of the parts; all are aligned as the device wants it if the start is aligned to 16. */
struct virtio_ring_layout {
    size_t available, used, tables, total;
};
void virtio_ring_layout(const struct virtio_ring_options *options, struct virtio_ring_layout *out);

/* The largest size that is a power of two, not above `most` (from the device) and not above `wanted`; 0 if
 * the device offers none. */
uint16_t virtio_ring_size(uint32_t most, uint16_t wanted);

/* An empty ring in `memory`, which has layout.total bytes, aligned to 16, at the physical address `at` in one
 * piece; `slots` has options.size elements. Clears both. O(size). */
void virtio_ring_init(struct virtio_ring *ring, const struct virtio_ring_options *options,
                      void *memory, phys_t at, struct virtio_slot *slots);

/* Hands a request to the device: `readable` buffers, then `writable` ones, at least one together and at most
 * options.size or options.indirect. E_AGAIN: not enough free descriptors; E_IO: the ring is broken. The token and
 * the buffers come back by virtio_ring_take(). O(buffers). */
MUST_CHECK enum err virtio_ring_add(struct virtio_ring *ring, const struct virtio_buffer *buffers,
                                    unsigned readable, unsigned writable, void *token);

/* The same for one buffer. O(1). */
MUST_CHECK enum err virtio_ring_add_one(struct virtio_ring *ring,
                                        const struct virtio_buffer *buffer, bool writable,
                                        void *token);

/* True if the device has to be notified of what was added since the last call. O(1). */
MUST_CHECK bool virtio_ring_notifies(struct virtio_ring *ring);

/* Takes back a request that the device has finished; false if there is none or the ring is broken. O(1) with
 * indirect descriptors, else O(buffers). */
MUST_CHECK bool virtio_ring_take(struct virtio_ring *ring, struct virtio_done *out);

/* Asks for an interrupt when the next request is finished. False if one is finished already: no interrupt
 * need come for it. O(1). */
MUST_CHECK bool virtio_ring_listen(struct virtio_ring *ring);
/* Asks for no interrupts; some may come all the same. O(1). */
void virtio_ring_ignore(struct virtio_ring *ring);

/* True if the device says that it has finished all requests. Only reads. O(1). */
static inline bool virtio_ring_idle(const struct virtio_ring *ring)
{
    return ring->used[1] == ring->added;
}
